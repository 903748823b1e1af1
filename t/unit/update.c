
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_update.c"


#define W  LU_WINDOWS
#define M  LU_MAC
#define L  LU_LINUX


/*
 * The names without a release or a version are what app-builder-lib 26.17.0
 * writes for these channels, platforms and architectures.
 */

static const struct {
    const char  *name;
    unsigned     platform;
    const char  *channel;
    const char  *arch;
    const char  *version;
    const char  *build_id;              /* NULL: no "-build-" */
} names[] = {
    { "latest.yml", W, "latest", NULL, "", NULL },
    { "latest-mac.yml", M, "latest", NULL, "", NULL },
    { "latest-linux.yml", L, "latest", NULL, "", NULL },
    { "latest-linux-arm64.yml", L, "latest", "arm64", "", NULL },
    { "latest-linux-arm.yml", L, "latest", "armv7l", "", NULL },
    { "latest-linux-ia32.yml", L, "latest", "ia32", "", NULL },
    { "beta.yml", W, "beta", NULL, "", NULL },
    { "beta-mac.yml", M, "beta", NULL, "", NULL },
    { "beta-linux-arm64.yml", L, "beta", "arm64", "", NULL },
    { "latest-arm64.yml", W, "latest-arm64", "arm64", "", NULL },
    { "latest-x64.yml", W, "latest-x64", "x64", "", NULL },
    { "latest-arm64-mac.yml", M, "latest-arm64", "arm64", "", NULL },
    { "latest-arm64-linux.yml", L, "latest-arm64", "arm64", "", NULL },
    { "latest-arm64-linux-arm64.yml", L, "latest-arm64", "arm64", "", NULL },
    { "latest-arm64-linux-arm.yml", L, "latest-arm64", "armv7l", "", NULL },
    { "my-mac-app.yml", W, "my-mac-app", NULL, "", NULL },
    { "my-mac-app-mac.yml", M, "my-mac-app", NULL, "", NULL },
    { "my-mac-app-linux-ia32.yml", L, "my-mac-app", "ia32", "", NULL },
    { "stable-linux-x.yml", W, "stable-linux-x", NULL, "", NULL },
    { "stable-linux-x-linux-arm.yml", L, "stable-linux-x", "armv7l", "",
      NULL },
    { "latest-mac.json", M, "latest", NULL, "", NULL },

    { "td-latest.json", W, "td-latest", NULL, "", NULL },
    { "td-latest-mac.json", M, "td-latest", NULL, "", NULL },
    { "td-latest-linux-build-a1.json", L, "td-latest", NULL, "", "a1" },

    { "latest-build-20261121-1.yml", W, "latest", NULL, "", "20261121-1" },
    { "latest-build-x-mac-1.yml", W, "latest", NULL, "", "x-mac-1" },
    { "latest-build-x-linux.yml", W, "latest", NULL, "", "x-linux" },
    { "latest-mac-build-my-build-7.yml", M, "latest", NULL, "", "my-build-7" },
    { "latest-linux-arm64-build-b1.yml", L, "latest", "arm64", "", "b1" },
    { "latest-arm64-mac-build-b1.yml", M, "latest-arm64", "arm64", "", "b1" },
    { "latest-build-.yml", W, "latest", NULL, "", "" },
    { "-build-.json", W, "", NULL, "", "" },

    { "latest-1.1.0.yml", W, "latest", NULL, "1.1.0", NULL },
    { "latest-mac-1.1.0.yml", M, "latest", NULL, "1.1.0", NULL },
    { "latest-linux-arm64-1.1.0.yml", L, "latest", "arm64", "1.1.0", NULL },
    { "td-latest-mac-1.1.0-beta.1.json", M, "td-latest", NULL, "1.1.0-beta.1",
      NULL },
    { "latest-1.1.0+5.yml", W, "latest", NULL, "1.1.0+5", NULL },
    { "latest-1.1.0-rc.1+a-b.yml", W, "latest", NULL, "1.1.0-rc.1+a-b", NULL },
    { "latest-1.1.0-mac.yml", W, "latest", NULL, "1.1.0-mac", NULL },
    { "-1.1.0.yml", W, "", NULL, "1.1.0", NULL },
    { "1.1.0.yml", W, "1.1.0", NULL, "", NULL },
    { "latest-1.1.yml", W, "latest-1.1", NULL, "", NULL },
    { "latest-1.1.0.0.yml", W, "latest-1.1.0.0", NULL, "", NULL },
    { "latest-1.1.0x.yml", W, "latest-1.1.0x", NULL, "", NULL },
    { "latest1.1.0.yml", W, "latest1.1.0", NULL, "", NULL },

    { "linux.yml", W, "linux", NULL, "", NULL },
    { "-mac.yml", M, "", NULL, "", NULL },
    { "arm64.yml", W, "arm64", "arm64", "", NULL },
    { "latest-darwin.yml", W, "latest-darwin", NULL, "", NULL },
    { ".yml", W, "", NULL, "", NULL },
    { ".json", W, "", NULL, "", NULL }
};


static void
test_names(void)
{
    size_t       i;
    lu_str_t     name;
    lu_update_t  update;

    static const char *const  others[] = {
        "", "yml", "latest.YML", "latest.yaml", "latest.yml.blockmap",
        "Shop.exe", "latest.yml ", "latest.yml/", NULL
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        name = tap_str(names[i].name);

        if (!ok(lu_update_parse(&name, &update)
                && update.platform == names[i].platform
                && lu_str_is(&update.channel, names[i].channel)
                && lu_str_is(&update.version, names[i].version)
                && update.has_build == (names[i].build_id != NULL)
                && lu_str_is(&update.build_id, names[i].build_id
                                               ? names[i].build_id : "")
                && (update.arch == names[i].arch
                    || (update.arch && names[i].arch
                        && strcmp(update.arch, names[i].arch) == 0)),
                "%s", names[i].name))
        {
            printf("# %u \"%.*s\" %s \"%.*s\" \"%.*s\"\n", update.platform,
                   (int) update.channel.len, update.channel.data,
                   update.arch ? update.arch : "no arch",
                   (int) update.version.len, update.version.data,
                   (int) update.build_id.len, update.build_id.data);
        }
    }

    for (i = 0; others[i]; i++) {
        name = tap_str(others[i]);
        ok(!lu_update_parse(&name, &update), "no manifest: \"%s\"", others[i]);
    }

    name = tap_str("td-latest-mac.json");
    ok(lu_update_is_td(&name), "a list");

    name = tap_str("td-latest-mac.yml");
    ok(!lu_update_is_td(&name), "no list");

    name = tap_str("td-latest");
    ok(!lu_update_is_td(&name), "nor without an extension");

    tap_free();
}


static void
test_prerelease(void)
{
    size_t    i;
    lu_rc_e   rc;
    lu_str_t  name, version, own;

    static const struct {
        const char  *name;
        const char  *version;
        const char  *own;
    } all[] = {
        { "latest.yml", "2.0.0-beta.1", "beta.yml" },
        { "latest-mac.yml", "2.0.0-beta.1", "beta-mac.yml" },
        { "latest-linux-arm64.yml", "2.0.0-beta", "beta-linux-arm64.yml" },
        { "latest-arm64-mac.yml", "2.0.0-rc.1+5", "rc-arm64-mac.yml" },
        { "latest.yml", "2.0.0-1", "1.yml" },
        { "latest.yml", "2.0.0-a-b.1", "a-b.yml" },
        { "beta.yml", "2.0.0-alpha.1", "alpha.yml" },
        { "alpha.yml", "2.0.0-rc.1", "rc.yml" },
        { "beta.yml", "2.0.0-beta.1", NULL },
        { "alpha.yml", "2.0.0-beta.1", NULL },
        { "nightly.yml", "2.0.0-beta.1", NULL },
        { "nightly.yml", "2.0.0-rc.1", NULL },
        { "latest.yml", "2.0.0-latest.1", NULL },
        { "latest.yml", "2.0.0", NULL },
        { "latest.yml", "2.0.0+beta-1", NULL },
        { "latest.yml", "2.0.0-", NULL },
        { "latest.yml", "", NULL },
        { "Shop.exe", "2.0.0-beta.1", NULL }
    };

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        name = tap_str(all[i].name);
        version = tap_str(all[i].version);

        rc = lu_update_prerelease(&tap_arena, &name, &version, &own);

        ok(all[i].own ? rc == LU_OK && lu_str_is(&own, all[i].own)
                      : rc == LU_NOT_FOUND,
           "%s of %s", all[i].name, all[i].version);
    }

    tap_free();
}


int
main(void)
{
    test_names();
    test_prerelease();

    return tap_done();
}
