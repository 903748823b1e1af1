
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Of two lists that are accepted, all ids can be parts of a file's name, what
 * is chosen is one of them, a rollout that is raised keeps who is in, and the
 * shares of all builds are what there is to share.  The rules that are kept say
 * the same and can be read again.
 */


#include <stdio.h>

#include "fuzz.h"
#include "lu_builds.h"
#include "lu_desktop.h"
#include "lu_name.h"
#include "lu_share.h"


static const lu_str_t  no_name = lu_string("");


static void
check_lists(const lu_desktop_t *desktop)
{
    size_t            i, k;
    const lu_rule_t  *rule;

    for (i = 0; i < desktop->nbuilds; i++) {
        require(lu_name_release_valid(&desktop->builds[i].id));
        require(lu_desktop_build_of_id(desktop,
                                       &desktop->builds[i].id) != NULL);

        if (desktop->builds[i].is_released
            && desktop->builds[i].version.len)
        {
            require(lu_desktop_build_of_version(desktop,
                                                &desktop->builds[i].version)
                    != NULL);
        }
    }

    for (i = 0; i < desktop->nrules; i++) {
        rule = &desktop->rules[i];

        require(lu_name_release_valid(&rule->build_id));
        require(rule->platforms <= 7);
        require(rule->rule == LU_RULE_PLATFORM
                || rule->rule == LU_RULE_ROLLOUT
                || rule->platforms == 0);
        require(rule->rule != LU_RULE_PLATFORM || rule->platforms);
        require(rule->rule == LU_RULE_IP || rule->nnetworks == 0);
        require(!rule->rollout.everyone || rule->rollout.threshold == 0);

        for (k = 0; k < rule->nnetworks; k++) {
            require(rule->networks[k].bits <= 8 * rule->networks[k].len);
        }
    }
}


/* The last rule of its kind that a client is in must still be the one. */

static void
check_raise(lu_desktop_t *desktop, const lu_client_t *client,
    unsigned platform)
{
    size_t           i;
    lu_rollout_t    *rollout;
    const lu_str_t  *before, *after;

    for (i = 0; i < desktop->nrules; i++) {

        if (desktop->rules[i].rule != LU_RULE_ROLLOUT) {
            continue;
        }

        before = lu_desktop_choose(desktop, client, &no_name, platform, 0);
        rollout = &desktop->rules[i].rollout;
        rollout->threshold += (UINT64_MAX - rollout->threshold) / 2;
        after = lu_desktop_choose(desktop, client, &no_name, platform, 0);

        require(after == before || after == &desktop->rules[i].build_id);
    }
}


static void
check_choose(lu_desktop_t *desktop)
{
    int              has_build;
    size_t           i;
    unsigned         platform;
    lu_str_t         address;
    lu_client_t      client;
    const lu_str_t  *chosen;

    static const char *const  addresses[] = { "192.0.2.1", "2001:db8::1" };

    has_build = 0;

    for (i = 0; i < desktop->nrules; i++) {
        has_build |= desktop->rules[i].rule == LU_RULE_BUILD;
    }

    for (platform = 0; platform < 8; platform++) {
        memset(&client, 0, sizeof(lu_client_t));

        if (platform & 1) {
            address.data = (unsigned char *) addresses[platform >> 2];
            address.len = strlen(addresses[platform >> 2]);

            require(lu_network_parse(&address, &client.address));
        }

        if (platform & 2) {
            client.staging_id.data = (unsigned char *) "0b3c";
            client.staging_id.len = 4;
        }

        chosen = lu_desktop_choose(desktop, &client, &no_name, platform, 0);

        require(chosen == lu_desktop_choose(desktop, &client, &no_name,
                                            platform, 0));
        require(chosen || !has_build);

        for (i = 0; i < desktop->nrules; i++) {
            if (chosen == &desktop->rules[i].build_id) {
                break;
            }
        }

        require(chosen == NULL || i < desktop->nrules);

        check_raise(desktop, &client, platform);
    }
}


static void
check_shares(const lu_desktop_t *desktop)
{
    cJSON        *shares, *release;
    size_t        i, k;
    double        share, sum[3];
    const cJSON  *item;

    static const char *const  platforms[] = { "windows", "mac", "linux" };

    if (desktop->nrules > LU_SHARE_RULES) {
        return;
    }

    memset(sum, 0, sizeof(sum));

    for (i = 0; i < desktop->nrules; i++) {

        for (k = 0; k < i; k++) {
            if (lu_str_eq(&desktop->rules[k].build_id,
                          &desktop->rules[i].build_id))
            {
                break;
            }
        }

        if (k < i) {
            continue;
        }

        shares = cJSON_CreateArray();
        release = cJSON_CreateObject();

        require(cJSON_AddStringToObject(release, "id",
                            (char *) desktop->rules[i].build_id.data) != NULL);
        require(lu_share_list(shares, NULL, desktop, release, 0) == LU_OK);

        cJSON_ArrayForEach(item, shares) {
            require(lu_json_number(item, "share", &share) == LU_OK);
            require(share > 0 && share <= 1 + 1e-9);

            for (k = 0; k < 3; k++) {
                if (strcmp(cJSON_GetObjectItem(item, "platform")->valuestring,
                           platforms[k])
                    == 0)
                {
                    sum[k] += share;
                }
            }
        }

        cJSON_Delete(shares);
        cJSON_Delete(release);
    }

    for (k = 0; k < 3; k++) {
        require(sum[k] <= 1 + 1e-9);
    }

    /* what no rule has chosen is for the first "build" */

    for (i = 0; i < desktop->nrules; i++) {
        if (desktop->rules[i].rule == LU_RULE_BUILD) {
            require(sum[0] >= 1 - 1e-9 && sum[1] >= 1 - 1e-9
                    && sum[2] >= 1 - 1e-9);
        }
    }
}


static void
check_copy(const lu_arena_t *arena, const cJSON *releases,
    const lu_desktop_t *desktop)
{
    char          *printed;
    size_t         i;
    cJSON         *copy, *again;
    lu_str_t       text;
    lu_error_t     err;
    lu_desktop_t   kept;

    copy = lu_builds_rules(releases);
    require(copy != NULL);

    printed = cJSON_Print(copy);
    require(printed != NULL);

    text = lu_str(printed);

    require(lu_json_parse(&again, &text, &err) == LU_OK);
    require(lu_desktop_parse(arena, NULL, again, &kept, &err) == LU_OK);
    require(kept.nrules == desktop->nrules);

    for (i = 0; i < kept.nrules; i++) {
        require(kept.rules[i].rule == desktop->rules[i].rule);
        require(lu_str_eq(&kept.rules[i].build_id,
                          &desktop->rules[i].build_id));
        require(kept.rules[i].platforms == desktop->rules[i].platforms);
        require(kept.rules[i].nnetworks == desktop->rules[i].nnetworks);
    }

    cJSON_free(printed);
    cJSON_Delete(again);
    cJSON_Delete(copy);
}


static void
check_text(const lu_arena_t *arena, const lu_str_t *text)
{
    cJSON        *json;
    lu_rc_e       rc;
    lu_error_t    err;
    const cJSON  *builds, *releases;
    lu_desktop_t  desktop;

    if (lu_json_parse(&json, text, &err) != LU_OK) {
        return;
    }

    builds = cJSON_GetObjectItemCaseSensitive(json, "builds");
    releases = cJSON_GetObjectItemCaseSensitive(json, "releases");

    err.text = NULL;

    rc = lu_desktop_parse(arena, builds, releases, &desktop, &err);

    if (rc == LU_OK) {
        check_copy(arena, releases, &desktop);
    }

    cJSON_Delete(json);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
        return;
    }

    require(err.text == NULL);

    check_lists(&desktop);
    check_shares(&desktop);
    check_choose(&desktop);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_str_t       text;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    text = fuzz_copy(data, size);

    check_text(&arena, &text);

    free(text.data);
    fuzz_free(blocks);

    return 0;
}
