
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_desktop.h"
#include "lu_name.h"


static lu_rc_e lu_desktop_builds(const lu_arena_t *arena, const cJSON *builds,
    lu_desktop_t *desktop, lu_error_t *err);
static lu_rc_e lu_desktop_build(const lu_arena_t *arena, const cJSON *item,
    lu_build_t *build, lu_error_t *err);
static lu_rc_e lu_desktop_rules(const lu_arena_t *arena, const cJSON *releases,
    lu_desktop_t *desktop, lu_error_t *err);
static lu_rc_e lu_desktop_latest(const lu_arena_t *arena,
    const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err);

static lu_rc_e lu_desktop_rule(const lu_arena_t *arena, const cJSON *item,
    lu_rule_t *rule, lu_error_t *err);
static lu_rc_e lu_desktop_rule_build_id(const lu_arena_t *arena,
    const cJSON *item, lu_rule_t *rule, lu_error_t *err);
static lu_rc_e lu_desktop_rule_networks(const lu_arena_t *arena,
    const cJSON *item, lu_rule_t *rule, lu_error_t *err);
static lu_rc_e lu_desktop_rule_platforms(const cJSON *item, lu_rule_t *rule,
    lu_error_t *err);
static lu_rc_e lu_desktop_rule_percentage(const cJSON *item, lu_rule_t *rule,
    lu_error_t *err);
static int lu_desktop_rule_applies(const lu_rule_t *rule,
    const lu_client_t *client, const lu_network_t *address, unsigned platform);


static const struct {
    const char  *name;
    lu_rule_e    rule;
} lu_desktop_rule_names[] = {
    { "build", LU_RULE_BUILD },
    { "buildByIp", LU_RULE_IP },
    { "buildByPlatform", LU_RULE_PLATFORM },
    { "buildByRollout", LU_RULE_ROLLOUT },
    { NULL, LU_RULE_BUILD }
};


lu_rc_e
lu_desktop_parse(const lu_arena_t *arena, const cJSON *builds,
    const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err)
{
    lu_rc_e  rc;

    memset(desktop, 0, sizeof(lu_desktop_t));

    rc = lu_desktop_builds(arena, builds, desktop, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_desktop_rules(arena, releases, desktop, err);
    if (rc != LU_OK) {
        return rc;
    }

    return lu_desktop_latest(arena, releases, desktop, err);
}


static lu_rc_e
lu_desktop_builds(const lu_arena_t *arena, const cJSON *builds,
    lu_desktop_t *desktop, lu_error_t *err)
{
    size_t        n;
    lu_rc_e       rc;
    const cJSON  *item;

    if (builds == NULL || cJSON_IsNull(builds)) {
        return LU_OK;
    }

    if (!cJSON_IsArray(builds)) {
        return lu_error(err, NULL, "the desktop builds must be an array");
    }

    n = cJSON_GetArraySize(builds);

    desktop->builds = arena->alloc(arena->data, (n + 1) * sizeof(lu_build_t));
    if (desktop->builds == NULL) {
        return LU_NOMEM;
    }

    cJSON_ArrayForEach(item, builds) {
        rc = lu_desktop_build(arena, item, &desktop->builds[desktop->nbuilds],
                              err);
        if (rc != LU_OK) {
            return rc;
        }

        desktop->nbuilds++;
    }

    return LU_OK;
}


static lu_rc_e
lu_desktop_build(const lu_arena_t *arena, const cJSON *item, lu_build_t *build,
    lu_error_t *err)
{
    int       is_released;
    lu_rc_e   rc;
    lu_str_t  value;

    memset(build, 0, sizeof(lu_build_t));

    if (lu_json_string(item, "id", &value) != LU_OK
        || !lu_name_id_valid(&value))
    {
        return lu_error(err, NULL, "a desktop build must have a valid \"id\"");
    }

    build->id = lu_str_dup(arena, value.data, value.len);
    if (build->id.data == NULL) {
        return LU_NOMEM;
    }

    rc = lu_json_string(item, "version", &value);

    if (rc == LU_INVALID) {
        return lu_error(err, &build->id,
                        "has a \"version\" that is not a string");
    }

    if (rc == LU_OK) {
        build->version = lu_str_dup(arena, value.data, value.len);
        if (build->version.data == NULL) {
            return LU_NOMEM;
        }
    }

    is_released = 0;

    if (lu_json_bool(item, "isReleased", &is_released) == LU_INVALID) {
        return lu_error(err, &build->id,
                        "has an \"isReleased\" that is neither true"
                        " nor false");
    }

    build->is_released = (is_released != 0);

    return LU_OK;
}


static lu_rc_e
lu_desktop_rules(const lu_arena_t *arena, const cJSON *releases,
    lu_desktop_t *desktop, lu_error_t *err)
{
    size_t        n;
    lu_rc_e       rc;
    const cJSON  *array, *item;

    if (releases == NULL || cJSON_IsNull(releases)) {
        return LU_OK;
    }

    if (!cJSON_IsObject(releases)) {
        return lu_error(err, NULL, "the desktop releases must be an object");
    }

    array = lu_json_get(releases, "releaseRedirections");

    if (array && !cJSON_IsNull(array) && !cJSON_IsArray(array)) {
        return lu_error(err, NULL, "\"releaseRedirections\" must be an array");
    }

    /* one more for the latest release */

    n = cJSON_GetArraySize(array) + 1;

    desktop->rules = arena->alloc(arena->data, n * sizeof(lu_rule_t));
    if (desktop->rules == NULL) {
        return LU_NOMEM;
    }

    cJSON_ArrayForEach(item, array) {
        rc = lu_desktop_rule(arena, item, &desktop->rules[desktop->nrules],
                             err);

        if (rc == LU_OK) {
            desktop->nrules++;

        } else if (rc != LU_NOT_FOUND) {
            return rc;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_desktop_latest(const lu_arena_t *arena, const cJSON *releases,
    lu_desktop_t *desktop, lu_error_t *err)
{
    lu_rc_e     rc;
    lu_str_t    value;
    lu_rule_t  *rule;

    if (desktop->rules == NULL) {
        return LU_OK;
    }

    rc = lu_json_string(releases, "latestReleaseBuildId", &value);

    if (rc == LU_NOT_FOUND
        || (rc == LU_OK && value.len == 0))
    {
        return LU_OK;
    }

    if (rc != LU_OK || !lu_name_id_valid(&value)) {
        return lu_error(err, NULL, "\"latestReleaseBuildId\" must be"
                                   " a build's id");
    }

    rule = &desktop->rules[desktop->nrules];

    memset(rule, 0, sizeof(lu_rule_t));

    rule->rule = LU_RULE_BUILD;
    rule->build_id = lu_str_dup(arena, value.data, value.len);

    if (rule->build_id.data == NULL) {
        return LU_NOMEM;
    }

    desktop->nrules++;

    return LU_OK;
}


/* LU_NOT_FOUND: a rule to be ignored. */

static lu_rc_e
lu_desktop_rule(const lu_arena_t *arena, const cJSON *item, lu_rule_t *rule,
    lu_error_t *err)
{
    int       i;
    lu_rc_e   rc;
    lu_str_t  name;

    if (lu_json_string(item, "rule", &name) != LU_OK) {
        return lu_error(err, NULL, "each item of \"releaseRedirections\" "
                                   "must be an object with a \"rule\"");
    }

    for (i = 0; lu_desktop_rule_names[i].name; i++) {
        if (lu_str_is(&name, lu_desktop_rule_names[i].name)) {
            break;
        }
    }

    if (lu_desktop_rule_names[i].name == NULL) {
        return LU_NOT_FOUND;
    }

    memset(rule, 0, sizeof(lu_rule_t));

    rule->rule = lu_desktop_rule_names[i].rule;

    rc = lu_desktop_rule_build_id(arena, item, rule, err);
    if (rc != LU_OK) {
        return rc;
    }

    switch (rule->rule) {

    case LU_RULE_IP:
        return lu_desktop_rule_networks(arena, item, rule, err);

    case LU_RULE_PLATFORM:
        return lu_desktop_rule_platforms(item, rule, err);

    case LU_RULE_ROLLOUT:
        rc = lu_desktop_rule_percentage(item, rule, err);
        if (rc != LU_OK) {
            return rc;
        }

        return lu_desktop_rule_platforms(item, rule, err);

    default:
        return LU_OK;
    }
}


static lu_rc_e
lu_desktop_rule_build_id(const lu_arena_t *arena, const cJSON *item,
    lu_rule_t *rule, lu_error_t *err)
{
    lu_str_t  value;

    if (lu_json_string(item, "buildId", &value) != LU_OK
        || !lu_name_id_valid(&value))
    {
        return lu_error(err, NULL,
                        "a rule's \"buildId\" must be a build's id");
    }

    rule->build_id = lu_str_dup(arena, value.data, value.len);

    return rule->build_id.data ? LU_OK : LU_NOMEM;
}


static lu_rc_e
lu_desktop_rule_networks(const lu_arena_t *arena, const cJSON *item,
    lu_rule_t *rule, lu_error_t *err)
{
    size_t        n;
    lu_str_t      value;
    const cJSON  *array, *entry;

    array = lu_json_get(item, "ipList");

    if (!cJSON_IsArray(array)) {
        return lu_error(err, NULL, "\"ipList\" of \"buildByIp\" must"
                                   " be an array");
    }

    n = cJSON_GetArraySize(array);

    rule->networks = arena->alloc(arena->data, (n + 1) * sizeof(lu_network_t));
    if (rule->networks == NULL) {
        return LU_NOMEM;
    }

    cJSON_ArrayForEach(entry, array) {

        if (lu_json_value(entry, &value) != LU_OK) {
            return lu_error(err, NULL, "\"ipList\" must be an array"
                                       " of strings");
        }

        if (!lu_network_parse(&value, &rule->networks[rule->nnetworks])) {
            value = lu_str_dup(arena, value.data, value.len);

            return lu_error(err, &value, "is neither an address nor"
                                         " a CIDR network");
        }

        rule->nnetworks++;
    }

    return LU_OK;
}


/*
 * The list is optional for "buildByRollout".  An empty list matches nothing,
 * while without one all platforms match.
 */

static lu_rc_e
lu_desktop_rule_platforms(const cJSON *item, lu_rule_t *rule, lu_error_t *err)
{
    const cJSON  *array;

    array = lu_json_get(item, "platforms");

    if (rule->rule == LU_RULE_ROLLOUT
        && (array == NULL || cJSON_IsNull(array)))
    {
        return LU_OK;
    }

    if (!cJSON_IsArray(array)) {
        return lu_error(err, NULL, "a rule's \"platforms\" must be an array");
    }

    if (lu_platform_list(array, &rule->platforms) != LU_OK) {
        return lu_error(err, NULL, "a rule's \"platforms\" can be"
                        " \"windows\", \"mac\" and \"linux\"");
    }

    return rule->platforms ? LU_OK : LU_NOT_FOUND;
}


static lu_rc_e
lu_desktop_rule_percentage(const cJSON *item, lu_rule_t *rule, lu_error_t *err)
{
    double  percentage;

    if (lu_json_number(item, "percentage", &percentage) != LU_OK
        || !(percentage >= 0 && percentage <= 100))
    {
        return lu_error(err, NULL, "\"percentage\" of"
                                   " \"buildByRollout\" must be a"
                                   " number from 0 to 100");
    }

    lu_rollout_threshold(&rule->rollout, percentage / 100);

    return LU_OK;
}


const lu_build_t *
lu_desktop_build_of_version(const lu_desktop_t *desktop,
    const lu_str_t *version)
{
    size_t  i;

    for (i = 0; i < desktop->nbuilds; i++) {
        if (desktop->builds[i].is_released
            && lu_str_eq(&desktop->builds[i].version, version))
        {
            return &desktop->builds[i];
        }
    }

    return NULL;
}


const lu_build_t *
lu_desktop_build_of_id(const lu_desktop_t *desktop, const lu_str_t *id)
{
    size_t  i;

    for (i = 0; i < desktop->nbuilds; i++) {
        if (lu_str_eq(&desktop->builds[i].id, id)) {
            return &desktop->builds[i];
        }
    }

    return NULL;
}


const lu_str_t *
lu_desktop_choose(const lu_desktop_t *desktop, const lu_client_t *client,
    unsigned platform)
{
    size_t            i;
    lu_network_t      address;
    const lu_str_t   *chosen;
    const lu_rule_t  *rule;

    chosen = NULL;

    address = client->address;
    lu_network_unmap(&address);

    for (i = 0; i < desktop->nrules; i++) {
        rule = &desktop->rules[i];

        if (rule->rule == LU_RULE_BUILD) {

            if (chosen == NULL) {
                chosen = &rule->build_id;
            }

            continue;
        }

        if (lu_desktop_rule_applies(rule, client, &address, platform)) {
            chosen = &rule->build_id;
        }
    }

    return chosen;
}


static int
lu_desktop_rule_applies(const lu_rule_t *rule, const lu_client_t *client,
    const lu_network_t *address, unsigned platform)
{
    size_t  i;

    if (rule->platforms && (rule->platforms & platform) == 0) {
        return 0;
    }

    switch (rule->rule) {

    case LU_RULE_IP:
        for (i = 0; i < rule->nnetworks; i++) {
            if (lu_network_has(&rule->networks[i], address)) {
                return 1;
            }
        }

        return 0;

    case LU_RULE_PLATFORM:
        return 1;

    case LU_RULE_ROLLOUT:
        return lu_rollout_has(&rule->rollout, &rule->build_id,
                              &client->staging_id);

    case LU_RULE_BUILD:
        break;
    }

    return 0;
}
