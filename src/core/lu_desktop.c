
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <arpa/inet.h>

#include "lu_desktop.h"
#include "lu_latest.h"
#include "lu_name.h"


static liveupdate_rc_e liveupdate_desktop_builds(
    const liveupdate_arena_t *arena, const cJSON *builds,
    liveupdate_desktop_t *desktop, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_desktop_build(
    const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_build_t *build, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_desktop_rules(
    const liveupdate_arena_t *arena, const cJSON *releases,
    liveupdate_desktop_t *desktop, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_desktop_latest(
    const liveupdate_arena_t *arena, const cJSON *releases,
    liveupdate_desktop_t *desktop, liveupdate_error_t *err);

static liveupdate_rc_e liveupdate_rule(const liveupdate_arena_t *arena,
    const cJSON *item, liveupdate_rule_t *rule, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_rule_build_id(
    const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_rule_t *rule, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_rule_networks(
    const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_rule_t *rule, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_rule_platforms(const cJSON *item,
    liveupdate_rule_t *rule, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_rule_percentage(const cJSON *item,
    liveupdate_rule_t *rule, liveupdate_error_t *err);
static int liveupdate_rule_applies(const liveupdate_rule_t *rule,
    const liveupdate_client_t *client, const liveupdate_network_t *address,
    unsigned platform);

static int liveupdate_network_bits(const liveupdate_str_t *text,
    unsigned max, unsigned char *bits);
static void liveupdate_network_unmap(liveupdate_network_t *network);
static int liveupdate_network_has(const liveupdate_network_t *network,
    const liveupdate_network_t *address);


static const struct {
    const char         *name;
    liveupdate_rule_e   rule;
} liveupdate_rules[] = {
    { "build", LIVEUPDATE_RULE_BUILD },
    { "buildByIp", LIVEUPDATE_RULE_IP },
    { "buildByPlatform", LIVEUPDATE_RULE_PLATFORM },
    { "buildByRollout", LIVEUPDATE_RULE_ROLLOUT },
    { NULL, LIVEUPDATE_RULE_BUILD }
};


static const struct {
    const char         *name;
    unsigned            platform;
} liveupdate_platforms[] = {
    { "windows", LIVEUPDATE_WINDOWS },
    { "mac", LIVEUPDATE_MAC },
    { "linux", LIVEUPDATE_LINUX },
    { NULL, 0 }
};


liveupdate_rc_e
liveupdate_desktop_parse(const liveupdate_arena_t *arena, const cJSON *builds,
    const cJSON *releases, liveupdate_desktop_t *desktop,
    liveupdate_error_t *err)
{
    liveupdate_rc_e  rc;

    memset(desktop, 0, sizeof(liveupdate_desktop_t));

    rc = liveupdate_desktop_builds(arena, builds, desktop, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_desktop_rules(arena, releases, desktop, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    return liveupdate_desktop_latest(arena, releases, desktop, err);
}


static liveupdate_rc_e
liveupdate_desktop_builds(const liveupdate_arena_t *arena,
    const cJSON *builds, liveupdate_desktop_t *desktop,
    liveupdate_error_t *err)
{
    size_t            n;
    const cJSON      *item;
    liveupdate_rc_e   rc;

    if (builds == NULL || cJSON_IsNull(builds)) {
        return LIVEUPDATE_OK;
    }

    if (!cJSON_IsArray(builds)) {
        return liveupdate_refuse(err, NULL,
                                 "the desktop builds must be an array");
    }

    n = cJSON_GetArraySize(builds);

    desktop->builds = arena->alloc(arena->data,
                                   (n + 1) * sizeof(liveupdate_build_t));
    if (desktop->builds == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    cJSON_ArrayForEach(item, builds) {
        rc = liveupdate_desktop_build(arena, item,
                                      &desktop->builds[desktop->nbuilds], err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        desktop->nbuilds++;
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_desktop_build(const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_build_t *build, liveupdate_error_t *err)
{
    int               is_released;
    liveupdate_rc_e   rc;
    liveupdate_str_t  value;

    memset(build, 0, sizeof(liveupdate_build_t));

    if (liveupdate_json_string(item, "id", &value) != LIVEUPDATE_OK
        || !liveupdate_id_valid(&value))
    {
        return liveupdate_refuse(err, NULL,
                                 "a desktop build has no valid \"id\"");
    }

    build->id = liveupdate_str_dup(arena, value.data, value.len);
    if (build->id.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    rc = liveupdate_json_string(item, "version", &value);

    if (rc == LIVEUPDATE_INVALID) {
        return liveupdate_refuse(err, &build->id,
                                 "has a \"version\" that is no string");
    }

    if (rc == LIVEUPDATE_OK) {
        build->version = liveupdate_str_dup(arena, value.data, value.len);
        if (build->version.data == NULL) {
            return LIVEUPDATE_NOMEM;
        }
    }

    is_released = 0;

    if (liveupdate_json_bool(item, "isReleased", &is_released)
        == LIVEUPDATE_INVALID)
    {
        return liveupdate_refuse(err, &build->id,
                                 "has an \"isReleased\" that is neither true"
                                 " nor false");
    }

    build->is_released = (is_released != 0);

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_desktop_rules(const liveupdate_arena_t *arena,
    const cJSON *releases, liveupdate_desktop_t *desktop,
    liveupdate_error_t *err)
{
    size_t            n;
    const cJSON      *array, *item;
    liveupdate_rc_e   rc;

    if (releases == NULL || cJSON_IsNull(releases)) {
        return LIVEUPDATE_OK;
    }

    if (!cJSON_IsObject(releases)) {
        return liveupdate_refuse(err, NULL,
                                 "the desktop releases must be an object");
    }

    array = cJSON_GetObjectItemCaseSensitive(releases, "releaseRedirections");

    if (array && !cJSON_IsNull(array) && !cJSON_IsArray(array)) {
        return liveupdate_refuse(err, NULL,
                                 "\"releaseRedirections\" must be an array");
    }

    /* and one for the latest release */

    n = cJSON_GetArraySize(array) + 1;

    desktop->rules = arena->alloc(arena->data, n * sizeof(liveupdate_rule_t));
    if (desktop->rules == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    cJSON_ArrayForEach(item, array) {
        rc = liveupdate_rule(arena, item, &desktop->rules[desktop->nrules],
                             err);

        if (rc == LIVEUPDATE_OK) {
            desktop->nrules++;

        } else if (rc != LIVEUPDATE_NOT_FOUND) {
            return rc;
        }
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_desktop_latest(const liveupdate_arena_t *arena,
    const cJSON *releases, liveupdate_desktop_t *desktop,
    liveupdate_error_t *err)
{
    liveupdate_rc_e     rc;
    liveupdate_str_t    value;
    liveupdate_rule_t  *rule;

    if (desktop->rules == NULL) {
        return LIVEUPDATE_OK;
    }

    rc = liveupdate_json_string(releases, "latestReleaseBuildId", &value);

    if (rc == LIVEUPDATE_NOT_FOUND
        || (rc == LIVEUPDATE_OK && value.len == 0))
    {
        return LIVEUPDATE_OK;
    }

    if (rc != LIVEUPDATE_OK || !liveupdate_id_valid(&value)) {
        return liveupdate_refuse(err, NULL, "\"latestReleaseBuildId\" must be"
                                            " a build's id");
    }

    rule = &desktop->rules[desktop->nrules];

    memset(rule, 0, sizeof(liveupdate_rule_t));

    rule->rule = LIVEUPDATE_RULE_BUILD;
    rule->build_id = liveupdate_str_dup(arena, value.data, value.len);

    if (rule->build_id.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    desktop->nrules++;

    return LIVEUPDATE_OK;
}


/* LIVEUPDATE_NOT_FOUND: a rule that can be passed over. */

static liveupdate_rc_e
liveupdate_rule(const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_rule_t *rule, liveupdate_error_t *err)
{
    int               i;
    liveupdate_rc_e   rc;
    liveupdate_str_t  name;

    if (liveupdate_json_string(item, "rule", &name) != LIVEUPDATE_OK) {
        return liveupdate_refuse(err, NULL, "each of \"releaseRedirections\""
                                            " must be an object with a"
                                            " \"rule\"");
    }

    for (i = 0; liveupdate_rules[i].name; i++) {
        if (liveupdate_str_is(&name, liveupdate_rules[i].name)) {
            break;
        }
    }

    if (liveupdate_rules[i].name == NULL) {
        return LIVEUPDATE_NOT_FOUND;
    }

    memset(rule, 0, sizeof(liveupdate_rule_t));

    rule->rule = liveupdate_rules[i].rule;

    rc = liveupdate_rule_build_id(arena, item, rule, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    switch (rule->rule) {

    case LIVEUPDATE_RULE_IP:
        return liveupdate_rule_networks(arena, item, rule, err);

    case LIVEUPDATE_RULE_PLATFORM:
        return liveupdate_rule_platforms(item, rule, err);

    case LIVEUPDATE_RULE_ROLLOUT:
        rc = liveupdate_rule_percentage(item, rule, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        return liveupdate_rule_platforms(item, rule, err);

    default:
        return LIVEUPDATE_OK;
    }
}


static liveupdate_rc_e
liveupdate_rule_build_id(const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_rule_t *rule, liveupdate_error_t *err)
{
    liveupdate_str_t  value;

    if (liveupdate_json_string(item, "buildId", &value) != LIVEUPDATE_OK
        || !liveupdate_id_valid(&value))
    {
        return liveupdate_refuse(err, NULL,
                                 "a rule's \"buildId\" must be a build's id");
    }

    rule->build_id = liveupdate_str_dup(arena, value.data, value.len);

    return rule->build_id.data ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
}


static liveupdate_rc_e
liveupdate_rule_networks(const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_rule_t *rule, liveupdate_error_t *err)
{
    size_t            n;
    const cJSON      *array, *entry;
    liveupdate_str_t  value;

    array = cJSON_GetObjectItemCaseSensitive(item, "ipList");

    if (!cJSON_IsArray(array)) {
        return liveupdate_refuse(err, NULL, "\"ipList\" of \"buildByIp\" must"
                                            " be an array");
    }

    n = cJSON_GetArraySize(array);

    rule->networks = arena->alloc(arena->data,
                                  (n + 1) * sizeof(liveupdate_network_t));
    if (rule->networks == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    cJSON_ArrayForEach(entry, array) {

        if (liveupdate_json_value(entry, &value) != LIVEUPDATE_OK) {
            return liveupdate_refuse(err, NULL, "\"ipList\" must be an array"
                                                " of strings");
        }

        if (!liveupdate_network_parse(&value,
                                      &rule->networks[rule->nnetworks]))
        {
            value = liveupdate_str_dup(arena, value.data, value.len);

            return liveupdate_refuse(err, &value, "is neither an address nor"
                                                  " a CIDR network");
        }

        rule->nnetworks++;
    }

    return LIVEUPDATE_OK;
}


/*
 * "buildByRollout" may leave them out.  An empty list matches nothing, and is
 * not to be confused with none.
 */

static liveupdate_rc_e
liveupdate_rule_platforms(const cJSON *item, liveupdate_rule_t *rule,
    liveupdate_error_t *err)
{
    int               i;
    const cJSON      *array, *entry;
    liveupdate_str_t  value;

    array = cJSON_GetObjectItemCaseSensitive(item, "platforms");

    if (rule->rule == LIVEUPDATE_RULE_ROLLOUT
        && (array == NULL || cJSON_IsNull(array)))
    {
        return LIVEUPDATE_OK;
    }

    if (!cJSON_IsArray(array)) {
        return liveupdate_refuse(err, NULL, "a rule's \"platforms\" must be"
                                            " an array");
    }

    cJSON_ArrayForEach(entry, array) {

        if (liveupdate_json_value(entry, &value) != LIVEUPDATE_OK) {
            value.len = 0;
        }

        for (i = 0; liveupdate_platforms[i].name; i++) {
            if (liveupdate_str_is(&value, liveupdate_platforms[i].name)) {
                break;
            }
        }

        if (liveupdate_platforms[i].name == NULL) {
            return liveupdate_refuse(err, NULL, "a rule's \"platforms\" can"
                                                " be \"windows\", \"mac\" and"
                                                " \"linux\"");
        }

        rule->platforms |= liveupdate_platforms[i].platform;
    }

    return rule->platforms ? LIVEUPDATE_OK : LIVEUPDATE_NOT_FOUND;
}


static liveupdate_rc_e
liveupdate_rule_percentage(const cJSON *item, liveupdate_rule_t *rule,
    liveupdate_error_t *err)
{
    double  percentage;

    if (liveupdate_json_number(item, "percentage", &percentage)
        != LIVEUPDATE_OK
        || !(percentage >= 0 && percentage <= 100))
    {
        return liveupdate_refuse(err, NULL, "\"percentage\" of"
                                            " \"buildByRollout\" must be a"
                                            " number from 0 to 100");
    }

    if (percentage >= 100) {
        rule->everyone = 1;
        return LIVEUPDATE_OK;
    }

    rule->threshold = (uint64_t) (percentage / 100 * 18446744073709551616.0);

    return LIVEUPDATE_OK;
}


const liveupdate_build_t *
liveupdate_build_of_version(const liveupdate_desktop_t *desktop,
    const liveupdate_str_t *version)
{
    size_t  i;

    for (i = 0; i < desktop->nbuilds; i++) {
        if (desktop->builds[i].is_released
            && liveupdate_str_eq(&desktop->builds[i].version, version))
        {
            return &desktop->builds[i];
        }
    }

    return NULL;
}


const liveupdate_build_t *
liveupdate_build_of_id(const liveupdate_desktop_t *desktop,
    const liveupdate_str_t *id)
{
    size_t  i;

    for (i = 0; i < desktop->nbuilds; i++) {
        if (liveupdate_str_eq(&desktop->builds[i].id, id)) {
            return &desktop->builds[i];
        }
    }

    return NULL;
}


const liveupdate_str_t *
liveupdate_desktop_choose(const liveupdate_desktop_t *desktop,
    const liveupdate_client_t *client, unsigned platform)
{
    size_t                    i;
    liveupdate_network_t      address;
    const liveupdate_str_t   *chosen;
    const liveupdate_rule_t  *rule;

    chosen = NULL;

    address = client->address;
    liveupdate_network_unmap(&address);

    for (i = 0; i < desktop->nrules; i++) {
        rule = &desktop->rules[i];

        if (rule->rule == LIVEUPDATE_RULE_BUILD) {

            if (chosen == NULL) {
                chosen = &rule->build_id;
            }

            continue;
        }

        if (liveupdate_rule_applies(rule, client, &address, platform)) {
            chosen = &rule->build_id;
        }
    }

    return chosen;
}


static int
liveupdate_rule_applies(const liveupdate_rule_t *rule,
    const liveupdate_client_t *client, const liveupdate_network_t *address,
    unsigned platform)
{
    size_t  i;

    if (rule->rule == LIVEUPDATE_RULE_IP) {

        for (i = 0; i < rule->nnetworks; i++) {
            if (liveupdate_network_has(&rule->networks[i], address)) {
                return 1;
            }
        }

        return 0;
    }

    if (rule->platforms && (rule->platforms & platform) == 0) {
        return 0;
    }

    if (rule->rule == LIVEUPDATE_RULE_PLATFORM || rule->everyone) {
        return 1;
    }

    /* a client without an id has no place in a partial rollout */

    if (client->staging_id.len == 0) {
        return 0;
    }

    return liveupdate_rollout_bucket(&rule->build_id, &client->staging_id)
           < rule->threshold;
}


int
liveupdate_network_parse(const liveupdate_str_t *text,
    liveupdate_network_t *network)
{
    char              buf[INET6_ADDRSTRLEN];
    unsigned char    *slash;
    liveupdate_str_t  address, bits;

    address = *text;
    slash = address.len ? memchr(address.data, '/', address.len) : NULL;

    if (slash) {
        address.len = slash - address.data;
    }

    if (address.len == 0
        || address.len >= sizeof(buf)
        || memchr(address.data, '\0', address.len))
    {
        return 0;
    }

    memcpy(buf, address.data, address.len);
    buf[address.len] = '\0';

    memset(network, 0, sizeof(liveupdate_network_t));

    if (inet_pton(AF_INET, buf, network->bytes) == 1) {
        network->len = 4;

    } else if (inet_pton(AF_INET6, buf, network->bytes) == 1) {
        network->len = 16;

    } else {
        return 0;
    }

    network->bits = 8 * network->len;

    if (slash) {
        bits.data = slash + 1;
        bits.len = text->data + text->len - bits.data;

        if (!liveupdate_network_bits(&bits, network->bits, &network->bits)) {
            return 0;
        }
    }

    liveupdate_network_unmap(network);

    return 1;
}


static int
liveupdate_network_bits(const liveupdate_str_t *text, unsigned max,
    unsigned char *bits)
{
    size_t    i;
    unsigned  n;

    if (text->len == 0
        || text->len > 3
        || (text->len > 1 && text->data[0] == '0'))
    {
        return 0;
    }

    n = 0;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            return 0;
        }

        n = n * 10 + (text->data[i] - '0');
    }

    if (n > max) {
        return 0;
    }

    *bits = n;

    return 1;
}


/* A socket for both families shows an IPv4 client as ::ffff:192.0.2.1. */

static void
liveupdate_network_unmap(liveupdate_network_t *network)
{
    static const unsigned char  mapped[12] = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
    };

    if (network->len != 16
        || network->bits < 8 * sizeof(mapped)
        || memcmp(network->bytes, mapped, sizeof(mapped)) != 0)
    {
        return;
    }

    memcpy(network->bytes, network->bytes + sizeof(mapped), 4);
    memset(network->bytes + 4, 0, sizeof(mapped));

    network->len = 4;
    network->bits -= 8 * sizeof(mapped);
}


static int
liveupdate_network_has(const liveupdate_network_t *network,
    const liveupdate_network_t *address)
{
    unsigned  whole, rest, mask;

    if (address->len != network->len) {
        return 0;
    }

    whole = network->bits / 8;
    rest = network->bits % 8;

    if (memcmp(network->bytes, address->bytes, whole) != 0) {
        return 0;
    }

    if (rest == 0) {
        return 1;
    }

    mask = 0xff00 >> rest & 0xff;

    return ((network->bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}
