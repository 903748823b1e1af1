
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_cohort.h"
#include "lu_desktop.h"
#include "lu_growth.h"
#include "lu_name.h"
#include "lu_offer.h"


static lu_rc_e lu_desktop_builds(const lu_arena_t *arena, const cJSON *builds,
    lu_desktop_t *desktop, lu_error_t *err);
static lu_rc_e lu_desktop_build(const lu_arena_t *arena, const cJSON *item,
    lu_build_t *build, lu_error_t *err);
static int lu_desktop_id_cmp(const void *one, const void *two);
static int lu_desktop_version_cmp(const void *one, const void *two);
static const lu_build_t *lu_desktop_at(const lu_build_t *const *sorted,
    size_t n, int is_version, const lu_str_t *text);
static size_t lu_desktop_below(const lu_build_t *const *sorted, size_t first,
    size_t last, int is_version, size_t i, unsigned c);
static int lu_desktop_ends(const lu_str_t *text, size_t i, int is_version);
static const lu_str_t *lu_desktop_key(const lu_build_t *build, int is_version);
static lu_rc_e lu_desktop_rules(const lu_arena_t *arena, const cJSON *releases,
    lu_desktop_t *desktop, lu_error_t *err);
static lu_rc_e lu_desktop_latest(const lu_arena_t *arena,
    const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err);

static lu_rc_e lu_desktop_rule(const lu_arena_t *arena, const cJSON *item,
    lu_rule_t *rule, lu_error_t *err);
static lu_rc_e lu_desktop_rule_build_id(const lu_arena_t *arena,
    const cJSON *item, lu_rule_t *rule, lu_error_t *err);
static lu_rc_e lu_desktop_rule_words(const lu_arena_t *arena,
    const cJSON *item, const char *key, lu_str_t **words, size_t *n,
    lu_error_t *err);
static lu_rc_e lu_desktop_rule_networks(const lu_arena_t *arena,
    const cJSON *item, lu_rule_t *rule, lu_error_t *err);
static lu_rc_e lu_desktop_rule_platforms(const cJSON *item, lu_rule_t *rule,
    lu_error_t *err);
static lu_rc_e lu_desktop_rule_percentage(const lu_arena_t *arena,
    const cJSON *item, lu_rule_t *rule, lu_error_t *err);
static int lu_desktop_may_get(const lu_desktop_t *desktop, const lu_str_t *id,
    const lu_offer_t *offer, const lu_str_t *name);
static const lu_str_t *lu_desktop_latest_of(const lu_desktop_t *desktop,
    const lu_offer_t *offer, size_t n);
static int lu_desktop_rule_applies(const lu_rule_t *rule,
    const lu_client_t *client, const lu_network_t *address);
static int lu_desktop_is_word(const lu_str_t *words, size_t n,
    const lu_str_t *word);


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

    rc = lu_desktop_latest(arena, releases, desktop, err);

    if (rc != LU_OK || desktop->nbuilds == 0) {
        return rc;
    }

    return lu_offer_index(arena, builds, releases, desktop, err);
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

    return lu_desktop_index(arena, desktop);
}


lu_rc_e
lu_desktop_index(const lu_arena_t *arena, lu_desktop_t *desktop)
{
    size_t             i, n;
    const lu_build_t  *build;

    n = desktop->nbuilds;

    if (n == 0) {
        return LU_OK;
    }

    desktop->nversions = 0;
    desktop->by_id = arena->alloc(arena->data,
                                  2 * n * sizeof(lu_build_t *));
    if (desktop->by_id == NULL) {
        return LU_NOMEM;
    }

    desktop->by_version = desktop->by_id + n;

    for (i = 0; i < n; i++) {
        build = &desktop->builds[i];

        desktop->by_id[i] = build;

        if (build->version.len) {
            desktop->by_version[desktop->nversions++] = build;
        }
    }

    qsort(desktop->by_id, n, sizeof(lu_build_t *), lu_desktop_id_cmp);
    qsort(desktop->by_version, desktop->nversions, sizeof(lu_build_t *),
          lu_desktop_version_cmp);

    return LU_OK;
}


/* The same ids, and the same versions, stay in the order of the list. */

static int
lu_desktop_id_cmp(const void *one, const void *two)
{
    int                       rc;
    const lu_build_t *const  *a, *const *b;

    a = one;
    b = two;

    rc = lu_str_cmp(&(*a)->id, &(*b)->id);

    return rc ? rc : (*a > *b) - (*a < *b);
}


static int
lu_desktop_version_cmp(const void *one, const void *two)
{
    int                       rc;
    const lu_build_t *const  *a, *const *b;

    a = one;
    b = two;

    rc = lu_str_cmp(&(*a)->version, &(*b)->version);

    return rc ? rc : (*a > *b) - (*a < *b);
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
        || !lu_name_release_valid(&value))
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

    if (lu_json_string(item, "createdAt", &value) != LU_OK
        || lu_time_parse(&value, &build->created) != LU_OK)
    {
        build->created = 0;
    }

    build->tag = lu_cohort_hash(&build->id);
    build->is_released = (is_released != 0);
    build->was_latest = (lu_json_get(item, "wasLatest") != NULL);

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

    if (rc != LU_OK || !lu_name_release_valid(&value)) {
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
    desktop->latest = &rule->build_id;

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

    if (rc == LU_OK) {
        rc = lu_desktop_rule_words(arena, item, "channels", &rule->channels,
                                   &rule->nchannels, err);
    }

    if (rc == LU_OK) {
        rc = lu_desktop_rule_words(arena, item, "archs", &rule->archs,
                                   &rule->narchs, err);
    }

    if (rc != LU_OK) {
        return rc;
    }

    switch (rule->rule) {

    case LU_RULE_IP:
        return lu_desktop_rule_networks(arena, item, rule, err);

    case LU_RULE_PLATFORM:
        return lu_desktop_rule_platforms(item, rule, err);

    case LU_RULE_ROLLOUT:
        rc = lu_desktop_rule_percentage(arena, item, rule, err);
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
        || !lu_name_release_valid(&value))
    {
        return lu_error(err, NULL,
                        "a rule's \"buildId\" must be a build's id");
    }

    rule->build_id = lu_str_dup(arena, value.data, value.len);

    return rule->build_id.data ? LU_OK : LU_NOMEM;
}


/* An empty list matches nothing, while without one all match. */

static lu_rc_e
lu_desktop_rule_words(const lu_arena_t *arena, const cJSON *item,
    const char *key, lu_str_t **words, size_t *n, lu_error_t *err)
{
    size_t        count;
    lu_str_t      value;
    const cJSON  *array, *word;

    array = lu_json_get(item, key);

    if (array == NULL || cJSON_IsNull(array)) {
        return LU_OK;
    }

    count = cJSON_IsArray(array) ? cJSON_GetArraySize(array)
                                 : LU_RULE_WORDS + 1;

    if (count > LU_RULE_WORDS) {
        value = lu_str(key);

        return lu_error(err, &value, "of a rule must be an array of up to "
                                     lu_value(LU_RULE_WORDS) " strings");
    }

    if (count == 0) {
        return LU_NOT_FOUND;
    }

    *words = arena->alloc(arena->data, count * sizeof(lu_str_t));
    if (*words == NULL) {
        return LU_NOMEM;
    }

    cJSON_ArrayForEach(word, array) {

        if (lu_json_value(word, &value) != LU_OK) {
            value = lu_str(key);

            return lu_error(err, &value, "of a rule must have strings only");
        }

        (*words)[*n] = lu_str_dup(arena, value.data, value.len);

        if ((*words)[(*n)++].data == NULL) {
            return LU_NOMEM;
        }
    }

    return LU_OK;
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
lu_desktop_rule_percentage(const lu_arena_t *arena, const cJSON *item,
    lu_rule_t *rule, lu_error_t *err)
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

    rule->is_halted = lu_growth_is_halted(item);

    if (!lu_pace_is_timed(item)) {
        return LU_OK;
    }

    rule->pace = arena->alloc(arena->data, sizeof(lu_pace_t));
    if (rule->pace == NULL) {
        return LU_NOMEM;
    }

    return lu_pace_parse(item, rule->pace, err);
}


time_t
lu_desktop_turn(lu_desktop_t *desktop, const lu_freezes_t *freezes, time_t now)
{
    size_t        i;
    time_t        next;
    lu_rule_t    *rule;
    lu_moment_t   moment;

    next = LU_TIME_MAX;

    for (i = 0; i < desktop->nrules; i++) {
        rule = &desktop->rules[i];

        if (rule->pace == NULL) {
            continue;
        }

        if (rule->next <= now) {
            lu_pace_at(rule->pace, freezes, now, &moment);

            rule->next = moment.next;

            if (rule->pace->nsteps || moment.is_expired) {
                lu_rollout_threshold(&rule->rollout, moment.share);
            }
        }

        if (rule->next < next) {
            next = rule->next;
        }
    }

    return next;
}


const lu_build_t *
lu_desktop_build_of_version(const lu_desktop_t *desktop,
    const lu_str_t *version)
{
    size_t  first, last, i;

    first = 0;
    last = desktop->nversions;

    while (first < last) {
        i = first + (last - first) / 2;

        if (lu_str_cmp(&desktop->by_version[i]->version, version) < 0) {
            first = i + 1;

        } else {
            last = i;
        }
    }

    for (i = first; i < desktop->nversions; i++) {

        if (!lu_str_eq(&desktop->by_version[i]->version, version)) {
            break;
        }

        if (desktop->by_version[i]->is_released) {
            return desktop->by_version[i];
        }
    }

    return NULL;
}


const lu_build_t *
lu_desktop_build_of_id(const lu_desktop_t *desktop, const lu_str_t *id)
{
    size_t  first, last, i;

    first = 0;
    last = desktop->nbuilds;

    while (first < last) {
        i = first + (last - first) / 2;

        if (lu_str_cmp(&desktop->by_id[i]->id, id) < 0) {
            first = i + 1;

        } else {
            last = i;
        }
    }

    if (first == desktop->nbuilds
        || !lu_str_eq(&desktop->by_id[first]->id, id))
    {
        return NULL;
    }

    return desktop->by_id[first];
}


const lu_build_t *
lu_desktop_id_at(const lu_desktop_t *desktop, const lu_str_t *text)
{
    return lu_desktop_at(desktop->by_id, desktop->nbuilds, 0, text);
}


const lu_build_t *
lu_desktop_version_at(const lu_desktop_t *desktop, const lu_str_t *text)
{
    return lu_desktop_at(desktop->by_version, desktop->nversions, 1, text);
}


/*
 * With each byte of the text, fewer builds are left whose key begins so; a
 * key that ends there is the first of them.
 */

static const lu_build_t *
lu_desktop_at(const lu_build_t *const *sorted, size_t n, int is_version,
    const lu_str_t *text)
{
    size_t             i, first, last;
    const lu_build_t  *found;

    found = NULL;
    first = 0;
    last = n;

    for (i = 0; i < text->len && first < last; i++) {

        first = lu_desktop_below(sorted, first, last, is_version, i,
                                 text->data[i]);
        last = lu_desktop_below(sorted, first, last, is_version, i,
                                (unsigned) text->data[i] + 1);

        if (first < last
            && lu_desktop_key(sorted[first], is_version)->len == i + 1
            && lu_desktop_ends(text, i + 1, is_version))
        {
            found = sorted[first];
        }
    }

    return found;
}


/*
 * How many builds come before those whose key has "c" or more as its i-th
 * byte.  The keys have the bytes before it in common; one may end there.
 */

static size_t
lu_desktop_below(const lu_build_t *const *sorted, size_t first, size_t last,
    int is_version, size_t i, unsigned c)
{
    size_t           middle;
    const lu_str_t  *key;

    while (first < last) {
        middle = first + (last - first) / 2;
        key = lu_desktop_key(sorted[middle], is_version);

        if (key->len <= i || key->data[i] < c) {
            first = middle + 1;

        } else {
            last = middle;
        }
    }

    return first;
}


static int
lu_desktop_ends(const lu_str_t *text, size_t i, int is_version)
{
    unsigned char  c;

    if (i == text->len) {
        return 1;
    }

    c = text->data[i];

    if (c == '.') {
        return i + 1 == text->len
               || text->data[i + 1] < '0' || text->data[i + 1] > '9';
    }

    return !lu_str_is_alnum(c) && (is_version || c != '_');
}


static const lu_str_t *
lu_desktop_key(const lu_build_t *build, int is_version)
{
    return is_version ? &build->version : &build->id;
}


const lu_str_t *
lu_desktop_choose(const lu_desktop_t *desktop, const lu_client_t *client,
    const lu_str_t *name, unsigned platform, size_t n)
{
    size_t             i;
    lu_network_t       address;
    const lu_str_t    *build;
    const lu_rule_t   *rule;
    const lu_offer_t  *offer;

    offer = name->len ? lu_offer_find(desktop, name) : NULL;
    build = NULL;

    address = client->address;
    lu_network_unmap(&address);

    for (i = desktop->nrules; i > 0; i--) {
        rule = &desktop->rules[i - 1];

        if (!lu_desktop_rule_is_for(rule, name, platform)) {
            continue;
        }

        if (rule->rule == LU_RULE_BUILD) {
            build = &rule->build_id;
            continue;
        }

        if (lu_desktop_rule_applies(rule, client, &address)
            && lu_desktop_may_get(desktop, &rule->build_id, offer, name)
            && n-- == 0)
        {
            return &rule->build_id;
        }
    }

    /* a "build" stands before the latest release */

    if (build
        && (name->len == 0 || build != desktop->latest)
        && lu_desktop_may_get(desktop, build, offer, name)
        && n-- == 0)
    {
        return build;
    }

    return name->len ? lu_desktop_latest_of(desktop, offer, n) : NULL;
}


lu_rc_e
lu_desktop_trial(const lu_desktop_t *desktop, const lu_client_t *client,
    const lu_str_t *name, unsigned platform, const lu_build_t *build,
    lu_trial_t *trial)
{
    size_t             i;
    lu_network_t       address;
    const lu_rule_t   *rule;
    const lu_offer_t  *offer;

    if (build == NULL || client->passes || client->staging_id.len == 0) {
        return LU_NOT_FOUND;
    }

    offer = lu_offer_find(desktop, name);
    rule = NULL;

    address = client->address;
    lu_network_unmap(&address);

    for (i = desktop->nrules; i > 0; i--) {
        rule = &desktop->rules[i - 1];

        if (rule->rule == LU_RULE_BUILD
            || !lu_desktop_rule_is_for(rule, name, platform)
            || !lu_desktop_may_get(desktop, &rule->build_id, offer, name))
        {
            continue;
        }

        if (rule->rule == LU_RULE_ROLLOUT) {

            if (!rule->is_halted && lu_rollout_share(&rule->rollout) > 0) {
                break;
            }

        } else if (lu_desktop_rule_applies(rule, client, &address)) {
            return LU_NOT_FOUND;
        }
    }

    if (i == 0) {
        return LU_NOT_FOUND;
    }

    trial->build = lu_desktop_build_of_id(desktop, &rule->build_id);
    trial->step = lu_rollout_step(&rule->rollout);
    trial->platform = (platform & LU_LINUX) ? 2 : (platform & LU_MAC) ? 1 : 0;
    trial->is_in = (lu_desktop_rule_applies(rule, client, &address) != 0);

    if (trial->build == NULL
        || trial->build->created == 0
        || trial->is_in != (build == trial->build))
    {
        return LU_NOT_FOUND;
    }

    return LU_OK;
}


static int
lu_desktop_may_get(const lu_desktop_t *desktop, const lu_str_t *id,
    const lu_offer_t *offer, const lu_str_t *name)
{
    const lu_build_t  *build;

    if (name->len == 0) {
        return 1;
    }

    build = lu_desktop_build_of_id(desktop, id);

    return build == NULL || lu_offer_may_have(offer, build);
}


/*
 * The latest releases with a manifest.  Of newer ones it may not be known
 * whether they have it.
 */

static const lu_str_t *
lu_desktop_latest_of(const lu_desktop_t *desktop, const lu_offer_t *offer,
    size_t n)
{
    size_t             i;
    const lu_build_t  *latest;

    latest = (offer && offer->nlatest) ? offer->latest[0] : NULL;

    for (i = 0; i < desktop->nunknown; i++) {

        if ((offer && offer->is_pinned)
            || (latest && desktop->unknown[i] < latest))
        {
            break;
        }

        if (n-- == 0) {
            return &desktop->unknown[i]->id;
        }
    }

    return (offer && n < offer->nlatest) ? &offer->latest[n]->id : NULL;
}


int
lu_desktop_rule_is_for(const lu_rule_t *rule, const lu_str_t *name,
    unsigned platform)
{
    lu_str_t      channel, arch;
    const char   *name_arch;
    lu_update_t   update;

    if (rule->platforms && (rule->platforms & platform) == 0) {
        return 0;
    }

    if (rule->nchannels == 0 && rule->narchs == 0) {
        return 1;
    }

    if (!lu_update_parse(name, &update)) {
        return 0;
    }

    channel = lu_update_channel(&update);

    if (lu_str_is(&update.ext, ".json") && channel.len >= 3) {

        /* "td-" */

        channel.data += 3;
        channel.len -= 3;
    }

    if (rule->nchannels
        && !lu_desktop_is_word(rule->channels, rule->nchannels, &channel))
    {
        return 0;
    }

    if (rule->narchs == 0) {
        return 1;
    }

    name_arch = lu_update_arch(&update);

    if (name_arch == NULL) {
        return 0;
    }

    arch = lu_str(name_arch);

    return lu_desktop_is_word(rule->archs, rule->narchs, &arch);
}


static int
lu_desktop_is_word(const lu_str_t *words, size_t n, const lu_str_t *word)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (lu_str_eq(&words[i], word)) {
            return 1;
        }
    }

    return 0;
}


static int
lu_desktop_rule_applies(const lu_rule_t *rule, const lu_client_t *client,
    const lu_network_t *address)
{
    size_t  i;

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
        return !rule->is_halted
               && ((client->passes && lu_rollout_share(&rule->rollout) > 0)
                   || lu_rollout_has(&rule->rollout, &rule->build_id,
                                     &client->staging_id));

    case LU_RULE_BUILD:
        break;
    }

    return 0;
}
