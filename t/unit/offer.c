
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"

#include "../../src/core/lu_offer.c"


static void offer_names(void);
static void offer_asked(void);
static void offer_lists(void);
static void offer_unknown(void);
static void offer_refused(void);
static void offer_memory(void);


#define BUILD(id, manifests)                                                  \
    "{\"id\":\"" id "\",\"version\":\"1\",\"isReleased\":true,"               \
    "\"wasLatest\":true,\"manifests\":" manifests "}"

#define OLD(id)                                                               \
    "{\"id\":\"" id "\",\"version\":\"1\",\"isReleased\":true,"               \
    "\"wasLatest\":true}"


static lu_desktop_t  desktop;
static lu_error_t    err;


int
main(void)
{
    offer_names();
    offer_asked();
    offer_lists();
    offer_unknown();
    offer_refused();
    offer_memory();

    return tap_done();
}


static lu_rc_e
parse(const char *builds, const char *releases)
{
    cJSON    *one, *two;
    lu_rc_e   rc;

    one = tap_json(builds);
    two = tap_json(releases);

    rc = lu_desktop_parse(&tap_arena, one, two, &desktop, &err);

    cJSON_Delete(one);
    cJSON_Delete(two);

    return rc;
}


/* The builds that a client may get for a name, one behind the other. */

static const char *
chosen(const char *manifest, unsigned platform)
{
    size_t           n;
    lu_str_t         name;
    lu_client_t      client;
    const lu_str_t  *id;

    static char      all[256];

    memset(&client, 0, sizeof(lu_client_t));

    name = tap_str(manifest);
    all[0] = '\0';

    for (n = 0; n < 40; n++) {
        id = lu_desktop_choose(&desktop, &client, &name, platform, n);
        if (id == NULL) {
            break;
        }

        sprintf(all + strlen(all), "%s%.*s", n ? " " : "", (int) id->len,
                (char *) id->data);
    }

    return all;
}


static void
offer_names(void)
{
    char        *text;
    cJSON       *names;
    size_t       i;
    lu_file_t    files[LU_OFFER_MANIFESTS + 1];

    static const char  *some[] = {
        "App Setup 1.0.0.exe", "latest-build-r1.yml",
        "latest-linux-arm64-build-r1.yml", "latest-build-r12.yml",
        "latest.yml", "td-latest-mac-build-r1.json"
    };

    memset(files, 0, sizeof(files));

    for (i = 0; i < 6; i++) {
        files[i].href = tap_str(some[i]);
    }

    names = lu_offer_names(files, 6, "r1");
    text = cJSON_PrintUnformatted(names);

    ok(strcmp(text, "[\"latest.yml\",\"latest-linux-arm64.yml\","
                    "\"td-latest-mac.json\"]") == 0, "the names: %s", text);

    cJSON_free(text);
    cJSON_Delete(names);

    for (i = 0; i <= LU_OFFER_MANIFESTS; i++) {
        files[i].href = tap_str("latest-build-r1.yml");
    }

    names = lu_offer_names(files, LU_OFFER_MANIFESTS, "r1");
    ok(cJSON_GetArraySize(names) == LU_OFFER_MANIFESTS, "as many as are kept");
    cJSON_Delete(names);

    names = lu_offer_names(files, LU_OFFER_MANIFESTS + 1, "r1");
    ok(cJSON_IsNull(names), "one more: null");
    cJSON_Delete(names);

    tap_free();
}


static void
offer_asked(void)
{
    cJSON     *names;
    lu_str_t   list, manifest;

    names = tap_json("[\"latest-mac.yml\",\"td-latest-mac.json\","
                     "\"td-latest.json\"]");

    manifest = tap_str("latest-mac.yml");
    ok(lu_offer_is_asked(names, &manifest), "a manifest");

    list = tap_str("td-latest-mac.json");
    ok(!lu_offer_is_asked(names, &list), "a list beside a manifest");

    list = tap_str("td-latest.json");
    ok(lu_offer_is_asked(names, &list), "a list alone");

    cJSON_Delete(names);
    tap_free();
}


static void
offer_lists(void)
{
    lu_str_t  channel, name;

    ok(parse("[" BUILD("a", "[\"latest.yml\",\"latest-arm64.yml\","
                            "\"td-latest.json\"]") ","
             BUILD("b", "[\"latest.yml\",\"td-latest.json\"]") ","
             BUILD("c", "[\"beta.yml\",\"beta-mac.yml\",\"td-latest.json\"]")
             "," BUILD("d", "[\"td-latest-linux.json\"]") "]",
             "{\"latestReleaseBuildId\":\"d\"}") == LU_OK, "four builds");

    ok(strcmp(chosen("latest.yml", LU_WINDOWS), "b") == 0, "the newest");
    ok(strcmp(chosen("latest-arm64.yml", LU_WINDOWS), "a") == 0,
       "the one that has it");
    ok(strcmp(chosen("beta-mac.yml", LU_MAC), "c") == 0, "another platform");
    ok(chosen("latest-mac.yml", LU_MAC)[0] == '\0', "nobody has it");

    ok(strcmp(chosen("td-latest.json", LU_WINDOWS), "b a") == 0,
       "the list of a channel: a build for each architecture");
    ok(strcmp(chosen("td-beta.json", LU_WINDOWS), "c") == 0,
       "of another channel");
    ok(chosen("td-beta-mac.json", LU_MAC)[0] == '\0',
       "a manifest without a list");
    ok(strcmp(chosen("td-.json", LU_WINDOWS), "c b a") == 0,
       "of all channels");
    ok(strcmp(chosen("td-latest-linux.json", LU_LINUX), "d") == 0,
       "a list without a manifest");

    ok(parse("[" BUILD("a", "[\"td-latest-linux.json\"]") ","
             BUILD("b", "[\"beta.yml\",\"beta-arm64.yml\","
                            "\"td-latest.json\","
                            "\"td-latest-linux.json\"]") "]",
             "{\"latestReleaseBuildId\":\"b\"}") == LU_OK
       && strcmp(chosen("td-beta-linux.json", LU_LINUX), "b") == 0
       && strcmp(chosen("td-latest-linux.json", LU_LINUX), "a") == 0
       && strcmp(chosen("td-beta.json", LU_WINDOWS), "b") == 0,
       "a list without a manifest, of a channel");

    channel = tap_str("beta");
    name = lu_offer_list(&tap_arena, &channel, LU_MAC);
    ok(lu_str_is(&name, "td-beta-mac.json"), "the name of a list");

    name = tap_str("td-latest-linux.json");
    name = lu_offer_any_list(&desktop, &name, LU_LINUX);
    ok(lu_str_is(&name, "td-latest-linux.json"), "there is one of the channel");

    name = tap_str("td-latest-mac.json");
    name = lu_offer_any_list(&desktop, &name, LU_MAC);
    ok(lu_str_is(&name, "td--mac.json"), "there is none of the channel");

    tap_free();
}


static void
offer_unknown(void)
{
    char  text[4096];
    int   i;

    ok(parse("[" BUILD("a", "[\"latest.yml\"]") "," OLD("b") "," OLD("c") ","
             BUILD("d", "[\"beta.yml\"]") "]",
             "{\"latestReleaseBuildId\":\"d\"}") == LU_OK, "older builds");

    ok(strcmp(chosen("latest.yml", LU_WINDOWS), "c b a") == 0,
       "may have it, too");
    ok(strcmp(chosen("beta.yml", LU_WINDOWS), "d") == 0,
       "unless a newer one has it");
    ok(strcmp(chosen("gamma.yml", LU_WINDOWS), "c b") == 0, "or none has");

    ok(parse("[" BUILD("a", "[\"latest.yml\"]") "," OLD("b") "]",
             "{\"latestReleaseBuildId\":\"b\","
             "\"manifests\":{\"latest.yml\":\"a\"}}") == LU_OK
       && strcmp(chosen("latest.yml", LU_WINDOWS), "a") == 0, "a pin");

    ok(parse("[" BUILD("a", "[\"latest.yml\"]") "]",
             "{\"latestReleaseBuildId\":\"a\","
             "\"manifests\":{\"latest.yml\":null,\"x.yml\":\"y\"}}") == LU_OK
       && chosen("latest.yml", LU_WINDOWS)[0] == '\0', "a pin to nothing");

    ok(parse("[" BUILD("a", "[\"latest.yml\"]") ","
             BUILD("b", "[\"beta.yml\"]") "]",
             "{\"latestReleaseBuildId\":\"b\","
             "\"manifests\":{\"latest.yml\":\"b\"}}") == LU_OK
       && chosen("latest.yml", LU_WINDOWS)[0] == '\0',
       "a pin to a build that has it not");

    strcpy(text, "[");

    for (i = 0; i < LU_UNKNOWN + 5; i++) {
        sprintf(text + strlen(text), "%s{\"id\":\"o%d\",\"wasLatest\":true}",
                i ? "," : "", i);
    }

    strcat(text, "]");

    ok(parse(text, "{\"latestReleaseBuildId\":\"o19\"}") == LU_OK
       && desktop.nunknown == LU_UNKNOWN
       && lu_str_is(&desktop.unknown[0]->id, "o19"),
       "no more than some, from the latest on");

    tap_free();
}


static void
offer_refused(void)
{
    ok(parse("[" BUILD("a", "[1]") "]", "{}") == LU_INVALID
       && strstr(err.text, "that are not names"), "a number");
    ok(parse("[" BUILD("a", "[\"a.exe\"]") "]", "{}") == LU_INVALID,
       "the name of no manifest");
    ok(parse("[" BUILD("a", "[]") "]", "{\"manifests\":[]}") == LU_INVALID
       && strstr(err.text, "must be an object"), "pins in an array");
    ok(parse("[" BUILD("a", "null") "]", "{\"manifests\":null}") == LU_OK,
       "null");

    tap_free();
}


static void
offer_memory(void)
{
    long     i;
    lu_rc_e  rc;

    rc = LU_NOMEM;

    for (i = 0; i < 100 && rc == LU_NOMEM; i++) {
        tap_left = i;

        rc = parse("[" BUILD("a", "[\"latest.yml\",\"td-latest.json\"]") ","
                   BUILD("b", "[\"td-latest-mac.json\"]") "]",
                   "{\"latestReleaseBuildId\":\"a\"}");
    }

    tap_left = -1;

    ok(rc == LU_OK && i > 15, "each allocation may fail: %ld", i);

    tap_free();
}
