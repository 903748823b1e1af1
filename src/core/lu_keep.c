
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_app.h"
#include "lu_change_channel.h"
#include "lu_growth.h"
#include "lu_keep.h"
#include "lu_pin.h"
#include "lu_put.h"
#include "lu_time.h"


#define LU_KEEP_DAY      86400
#define LU_KEEP_NUMBER   100000              /* of releases, at most */
#define LU_KEEP_STEPS    100                 /* of a rollback, at most */
#define LU_KEEP_SECONDS  ((time_t) 100 * 365 * LU_KEEP_DAY)


typedef struct {
    const lu_keep_t     *keep;
    const lu_arena_t    *arena;
    const cJSON         *app;
    time_t               now;
    const lu_keep_ask_t *ask;
    lu_keep_fact_t      *facts;
    size_t               n;
} lu_keep_decision_t;


/* A name of a manifest in a build. */

typedef struct {
    const char          *name;
} lu_keep_manifest_t;


static lu_rc_e lu_keep_word(lu_keep_t *keep, const lu_str_t *word,
    unsigned *seen, lu_error_t *err);
static lu_rc_e lu_keep_number(const lu_str_t *text, size_t max,
    size_t *value);
static lu_rc_e lu_keep_time(const lu_str_t *text, int never, time_t *value);
static void lu_keep_mark(lu_keep_decision_t *decision, const cJSON *object,
    const char *key, lu_keep_e why);
static void lu_keep_mark_id(lu_keep_decision_t *decision,
    const lu_str_t *id, lu_keep_e why);
static lu_keep_fact_t *lu_keep_find(lu_keep_decision_t *decision,
    const lu_str_t *id);
static int lu_keep_fact_cmp(const void *one, const void *two);
static void lu_keep_channel(lu_keep_decision_t *decision,
    const cJSON *channel);
static void lu_keep_channel_back(lu_keep_decision_t *decision,
    const cJSON *channel);
static int lu_keep_is_limited(lu_keep_decision_t *decision,
    const cJSON *channel, const cJSON *item);
static int lu_keep_is_first(lu_keep_decision_t *decision, const cJSON *list,
    const cJSON *item);
static int lu_keep_is_recent(lu_keep_decision_t *decision, time_t since);
static lu_rc_e lu_keep_desktop(lu_keep_decision_t *decision);
static lu_rc_e lu_keep_manifests(lu_keep_decision_t *decision,
    const cJSON *builds);
static int lu_keep_manifest_cmp(const void *one, const void *two);
static void lu_keep_manifest(lu_keep_decision_t *decision,
    const cJSON *builds, const char *name);
static void lu_keep_followed(lu_keep_decision_t *decision,
    const cJSON *followed);
static void lu_keep_staging(lu_keep_decision_t *decision,
    lu_keep_fact_t *fact);
static lu_rc_e lu_keep_rest(lu_keep_decision_t *decision);
static int lu_keep_newest_cmp(const void *one, const void *two);
static time_t lu_keep_at(const cJSON *object);
static time_t lu_keep_member(const cJSON *object, const char *key);


static const char  *lu_keep_names[LU_KEEPS] = {
    "unreadable",
    "policy",
    "recent",
    "newest",
    "uploading",
    "waiting",
    "job",
    "blockmap",
    "rollback",
    "listed",
    "rule",
    "live",
    "old",
    "withdrawn",
    "expired",
    "abandoned",
    "failed",
    "rejected"
};


const char *
lu_keep_name(lu_keep_e why)
{
    return lu_keep_names[why];
}


lu_rc_e
lu_keep_parse(const lu_str_t *text, lu_keep_t *keep, lu_error_t *err)
{
    size_t     i, start;
    lu_rc_e    rc;
    lu_str_t   word;
    unsigned   seen;

    memset(keep, 0, sizeof(lu_keep_t));

    if (lu_str_is(text, "off")) {
        return LU_OK;
    }

    keep->time = LU_KEEP_DAY;
    keep->rollback = 5;
    keep->blockmaps = 10;
    keep->uploads = 7 * LU_KEEP_DAY;
    keep->failed = 30 * LU_KEEP_DAY;
    keep->channels = 30 * LU_KEEP_DAY;

    seen = 0;
    i = 0;

    for ( ;; ) {

        while (i < text->len && text->data[i] == ' ') {
            i++;
        }

        if (i == text->len) {
            break;
        }

        start = i;

        while (i < text->len && text->data[i] != ' ') {
            i++;
        }

        word.data = text->data + start;
        word.len = i - start;

        rc = lu_keep_word(keep, &word, &seen, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (seen == 0) {
        return lu_error(err, NULL, "a policy is \"off\" or has words such as "
                                   "\"releases=20\" and \"time=90d\"");
    }

    keep->on = 1;

    return LU_OK;
}


static lu_rc_e
lu_keep_word(lu_keep_t *keep, const lu_str_t *word, unsigned *seen,
    lu_error_t *err)
{
    size_t    i, len;
    lu_rc_e   rc;
    lu_str_t  value;

    static const char  *names[] = {
        "releases=", "time=", "rollback=", "blockmaps=", "uploads=",
        "failed=", "channels="
    };

    len = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        len = strlen(names[i]);

        if (word->len >= len && memcmp(word->data, names[i], len) == 0) {
            break;
        }
    }

    if (i == sizeof(names) / sizeof(names[0])) {
        return lu_error(err, word, "is none of \"releases=\", \"time=\", "
                                   "\"rollback=\", \"blockmaps=\", "
                                   "\"uploads=\", \"failed=\" and "
                                   "\"channels=\"");
    }

    if (*seen & (1u << i)) {
        return lu_error(err, word, "is there twice");
    }

    *seen |= 1u << i;

    value.data = word->data + len;
    value.len = word->len - len;

    switch (i) {

    case 0:
        keep->published = 1;
        rc = lu_keep_number(&value, LU_KEEP_NUMBER, &keep->releases);
        break;

    case 1:
        keep->published = 1;
        rc = lu_keep_time(&value, 0, &keep->time);
        break;

    case 2:
        rc = lu_keep_number(&value, LU_KEEP_STEPS, &keep->rollback);
        break;

    case 3:
        rc = lu_keep_number(&value, LU_KEEP_NUMBER, &keep->blockmaps);
        break;

    case 4:
        rc = lu_keep_time(&value, 1, &keep->uploads);
        break;

    case 5:
        rc = lu_keep_time(&value, 1, &keep->failed);
        break;

    default:
        rc = lu_keep_time(&value, 1, &keep->channels);
        break;
    }

    if (rc == LU_OK) {
        return LU_OK;
    }

    if (i == 0 || i == 3) {
        return lu_error(err, word, "must have a number from 0 to "
                                   lu_value(LU_KEEP_NUMBER));
    }

    if (i == 2) {
        return lu_error(err, word, "must have a number from 0 to "
                                   lu_value(LU_KEEP_STEPS));
    }

    return lu_error(err, word, i == 1
                    ? "must have a time such as \"90d\", of 100 years at most"
                    : "must have a time such as \"90d\", of 100 years at "
                      "most, or \"off\"");
}


static lu_rc_e
lu_keep_number(const lu_str_t *text, size_t max, size_t *value)
{
    size_t  i, number;

    if (text->len == 0) {
        return LU_INVALID;
    }

    number = 0;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') {
            return LU_INVALID;
        }

        number = number * 10 + (text->data[i] - '0');

        if (number > max) {
            return LU_INVALID;
        }
    }

    *value = number;

    return LU_OK;
}


/* As nginx writes times, but of one part. */

static lu_rc_e
lu_keep_time(const lu_str_t *text, int never, time_t *value)
{
    time_t    unit;
    size_t    number;
    lu_str_t  digits;

    if (never && lu_str_is(text, "off")) {
        *value = LU_KEEP_NEVER;
        return LU_OK;
    }

    if (text->len == 0) {
        return LU_INVALID;
    }

    digits = *text;
    digits.len--;

    switch (text->data[digits.len]) {

    case 's':
        unit = 1;
        break;

    case 'm':
        unit = 60;
        break;

    case 'h':
        unit = 60 * 60;
        break;

    case 'd':
        unit = LU_KEEP_DAY;
        break;

    case 'w':
        unit = 7 * LU_KEEP_DAY;
        break;

    case 'M':
        unit = 30 * LU_KEEP_DAY;
        break;

    case 'y':
        unit = 365 * LU_KEEP_DAY;
        break;

    default:
        unit = 1;
        digits.len++;
        break;
    }

    if (lu_keep_number(&digits, (size_t) (LU_KEEP_SECONDS / unit), &number)
        != LU_OK)
    {
        return LU_INVALID;
    }

    *value = (time_t) number * unit;

    return LU_OK;
}


/*
 * All reasons to stay are looked for.  What lies in live/ and has found none
 * goes.
 */

lu_rc_e
lu_keep_decide(const lu_arena_t *arena, const lu_keep_t *keep,
    const cJSON *app, const cJSON *followed, time_t now,
    const lu_keep_ask_t *ask, lu_keep_fact_t *facts, size_t n)
{
    size_t               i;
    lu_rc_e              rc;
    const cJSON         *channel;
    lu_keep_decision_t   decision;

    decision.keep = keep;
    decision.arena = arena;
    decision.app = app;
    decision.now = now;
    decision.ask = ask;
    decision.facts = facts;
    decision.n = n;

    for (i = 0; i < n; i++) {
        facts[i].named = 0;
        facts[i].counted = NULL;

        if (!keep->on) {
            facts[i].why = LU_KEEP_POLICY;

        } else {
            facts[i].why = LU_KEEP_OLD;
        }
    }

    if (!keep->on) {
        return LU_OK;
    }

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        if (!lu_keep_channel_goes(keep, app, channel, now)) {
            lu_keep_channel(&decision, channel);
        }
    }

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        if (lu_keep_channel_goes(keep, app, channel, now)) {
            lu_keep_channel(&decision, channel);
        }
    }

    rc = lu_keep_desktop(&decision);
    if (rc != LU_OK) {
        return rc;
    }

    lu_keep_followed(&decision, followed);

    rc = lu_keep_rest(&decision);
    if (rc != LU_OK) {
        return rc;
    }

    for (i = 0; i < n; i++) {

        if (!facts[i].is_live) {
            lu_keep_staging(&decision, &facts[i]);
        }

        if (facts[i].has_job && lu_keep_goes(facts[i].why)) {
            facts[i].why = LU_KEEP_JOB;
        }
    }

    return LU_OK;
}


/* The strongest reason to stay counts. */

static void
lu_keep_mark(lu_keep_decision_t *decision, const cJSON *object,
    const char *key, lu_keep_e why)
{
    lu_str_t  id;

    if (lu_json_string(object, key, &id) == LU_OK) {
        lu_keep_mark_id(decision, &id, why);
    }
}


static void
lu_keep_mark_id(lu_keep_decision_t *decision, const lu_str_t *id,
    lu_keep_e why)
{
    lu_keep_fact_t  *fact;

    fact = lu_keep_find(decision, id);

    if (fact == NULL) {
        return;
    }

    /* what only channels that go have had */

    if (why == LU_KEEP_EXPIRED) {
        if (!fact->named) {
            fact->why = why;
        }

    } else if (why == LU_KEEP_OLD) {
        if (fact->why == LU_KEEP_EXPIRED) {
            fact->why = why;
        }

    } else if (lu_keep_goes(fact->why) || fact->why < why) {
        fact->why = why;
    }

    fact->named = 1;
}


static lu_keep_fact_t *
lu_keep_find(lu_keep_decision_t *decision, const lu_str_t *id)
{
    lu_keep_fact_t  key;

    key.id = *id;

    return decision->n ? bsearch(&key, decision->facts, decision->n,
                                 sizeof(lu_keep_fact_t), lu_keep_fact_cmp)
                       : NULL;
}


static int
lu_keep_fact_cmp(const void *one, const void *two)
{
    const lu_keep_fact_t  *a = one, *b = two;

    return lu_str_cmp(&a->id, &b->id);
}


/*
 * A device gets one of the deployments down to the first one for everyone,
 * whatever a rollout is going to be.  If that one is for some versions of the
 * app only, others get one of those behind it.
 */

static void
lu_keep_channel(lu_keep_decision_t *decision, const cJSON *channel)
{
    int           ended;
    size_t        i, distinct;
    time_t        at, since;
    const cJSON  *item, *list, *before;

    list = lu_json_get(channel, "deployments");

    if (lu_keep_channel_goes(decision->keep, decision->app, channel,
                             decision->now))
    {
        cJSON_ArrayForEach(item, list) {
            lu_keep_mark(decision, item, "release", LU_KEEP_EXPIRED);
        }

        return;
    }

    ended = 0;
    i = 0;
    distinct = 0;
    since = decision->now;
    before = NULL;

    cJSON_ArrayForEach(item, list) {

        /* nobody gets what is that far behind one for everyone */

        if (i++ > LU_APP_OLDER) {
            before = before ? before->next : list->child;

            if (!lu_growth_is_partial(before)) {
                at = lu_keep_at(before);
                since = at < since ? at : since;
                ended = 1;
            }
        }

        lu_keep_mark(decision, item, "release",
                     ended ? LU_KEEP_OLD : LU_KEEP_LIVE);

        if (distinct < decision->keep->releases
            && lu_keep_is_first(decision, list, item))
        {
            lu_keep_mark(decision, item, "release", LU_KEEP_NEWEST);
            distinct++;
        }

        if (lu_keep_is_recent(decision, since)) {
            lu_keep_mark(decision, item, "release", LU_KEEP_RECENT);
        }

        if (lu_growth_is_partial(item)) {
            continue;
        }

        at = lu_keep_at(item);

        if ((!ended
             || (lu_keep_is_recent(decision, since)
                 && !lu_keep_is_recent(decision, at)))
            && lu_keep_is_limited(decision, channel, item))
        {
            continue;
        }

        /* since then nobody gets those before it */

        since = at;
        ended = 1;
    }

    lu_keep_channel_back(decision, channel);
}


/* Of a bundle that has come meanwhile nobody knows. */

static int
lu_keep_is_limited(lu_keep_decision_t *decision, const cJSON *channel,
    const cJSON *item)
{
    int              older;
    lu_str_t         id;
    lu_keep_fact_t  *fact;

    if (decision->ask == NULL
        || (lu_json_bool(channel, "newestCompatible", &older) == LU_OK
            && !older)
        || lu_json_string(item, "release", &id) != LU_OK)
    {
        return 0;
    }

    fact = lu_keep_find(decision, &id);

    if (fact == NULL) {
        return 1;
    }

    if (!fact->asked) {
        fact->limited = !!decision->ask->limited(decision->ask->data, &id);
        fact->asked = 1;
    }

    return fact->limited;
}


static void
lu_keep_channel_back(lu_keep_decision_t *decision, const cJSON *channel)
{
    unsigned      steps;
    const cJSON  *item;

    for (steps = 1; steps <= decision->keep->rollback; steps++) {

        item = lu_change_channel_before(channel, steps);
        if (item == NULL) {
            break;
        }

        lu_keep_mark(decision, item, "release", LU_KEEP_ROLLBACK);
    }
}


/* A release that was deployed twice counts once. */

static int
lu_keep_is_first(lu_keep_decision_t *decision, const cJSON *list,
    const cJSON *item)
{
    lu_str_t         id;
    lu_keep_fact_t  *fact;

    if (lu_json_string(item, "release", &id) != LU_OK) {
        return 0;
    }

    fact = lu_keep_find(decision, &id);

    /* what is not there is none */

    if (fact == NULL || fact->counted == list) {
        return 0;
    }

    fact->counted = list;

    return 1;
}


/* A time to come, by a clock that was wrong, is recent. */

static int
lu_keep_is_recent(lu_keep_decision_t *decision, time_t since)
{
    return decision->now - since < decision->keep->time;
}


static lu_rc_e
lu_keep_desktop(lu_keep_decision_t *decision)
{
    lu_str_t      id;
    const cJSON  *builds, *rules, *item;

    builds = lu_json_get(decision->app, "desktopBuilds");
    rules = lu_json_get(decision->app, "desktopReleases");

    if (builds == NULL || builds->child == NULL) {
        return LU_OK;
    }

    cJSON_ArrayForEach(item, builds) {
        lu_keep_mark(decision, item, "id", LU_KEEP_OLD);
    }

    lu_keep_mark(decision, rules, "latestReleaseBuildId", LU_KEEP_LIVE);

    cJSON_ArrayForEach(item, lu_json_get(rules, "releaseRedirections")) {
        lu_keep_mark(decision, item, "buildId", LU_KEEP_RULE);
    }

    cJSON_ArrayForEach(item, lu_json_get(rules, "manifests")) {
        if (lu_json_value(item, &id) == LU_OK) {
            lu_keep_mark_id(decision, &id, LU_KEEP_LIVE);
        }
    }

    return lu_keep_manifests(decision, builds);
}


static lu_rc_e
lu_keep_manifests(lu_keep_decision_t *decision, const cJSON *builds)
{
    size_t               i, n;
    const cJSON         *build, *item;
    lu_keep_manifest_t  *names;

    n = 1;

    cJSON_ArrayForEach(build, builds) {
        n += (size_t) cJSON_GetArraySize(lu_json_get(build, "manifests"));
    }

    names = decision->arena->alloc(decision->arena->data,
                                   n * sizeof(lu_keep_manifest_t));
    if (names == NULL) {
        return LU_NOMEM;
    }

    /* builds of which nobody knows what they have are in each line */

    names[0].name = "";
    n = 1;

    cJSON_ArrayForEach(build, builds) {
        cJSON_ArrayForEach(item, lu_json_get(build, "manifests")) {
            if (cJSON_IsString(item)) {
                names[n++].name = item->valuestring;
            }
        }
    }

    qsort(names, n, sizeof(lu_keep_manifest_t), lu_keep_manifest_cmp);

    for (i = 0; i < n; i++) {
        if (i == 0 || strcmp(names[i].name, names[i - 1].name) != 0) {
            lu_keep_manifest(decision, builds, names[i].name);
        }
    }

    return LU_OK;
}


static int
lu_keep_manifest_cmp(const void *one, const void *two)
{
    const lu_keep_manifest_t  *a = one, *b = two;

    return strcmp(a->name, b->name);
}


/*
 * The releases that have a manifest, the newest first.  A rollback comes to
 * those that were for everyone before the present one.  Installations may still
 * have any of them, also one that was for some, and ask for its blockmap.
 */

static void
lu_keep_manifest(lu_keep_decision_t *decision, const cJSON *builds,
    const char *name)
{
    int           was, passed;
    size_t        back, maps, distinct;
    time_t        since;
    const cJSON  *build, *latest;

    latest = lu_pin_release(decision->app, name);

    if (latest) {
        lu_keep_mark(decision, latest, "id", LU_KEEP_LIVE);
    }

    passed = (latest == NULL);
    back = 0;
    maps = 0;
    distinct = 0;
    since = decision->now;

    build = builds->child->prev;

    for ( ;; ) {

        if (lu_pin_has(build, name)) {

            if (distinct < decision->keep->releases) {
                lu_keep_mark(decision, build, "id", LU_KEEP_NEWEST);
                distinct++;
            }

            /* it may have been offered beside its successor for long */

            if (lu_keep_is_recent(decision, since)
                || lu_keep_is_recent(decision, lu_keep_at(build)))
            {
                lu_keep_mark(decision, build, "id", LU_KEEP_RECENT);
            }

            was = cJSON_HasObjectItem(build, "wasLatest");

            if (build != latest && maps < decision->keep->blockmaps) {
                lu_keep_mark(decision, build, "id", LU_KEEP_BLOCKMAP);
                maps += passed;
            }

            if (build != latest && was && passed
                && back < decision->keep->rollback)
            {
                lu_keep_mark(decision, build, "id", LU_KEEP_ROLLBACK);
                back++;
            }

            if (build == latest || was) {
                since = lu_keep_member(build, "createdAt");
            }

            passed |= (build == latest);
        }

        if (build == builds->child) {
            break;
        }

        build = build->prev;
    }
}


/* What somebody has listed in the repository goes when it is taken out. */

static void
lu_keep_followed(lu_keep_decision_t *decision, const cJSON *followed)
{
    int           i;
    lu_str_t      id;
    const cJSON  *part, *rules, *item;

    part = followed;

    for (i = 0; i < 2; i++) {

        cJSON_ArrayForEach(item, lu_json_get(part, "builds")) {
            if (lu_json_value(item, &id) == LU_OK) {
                lu_keep_mark_id(decision, &id, LU_KEEP_LISTED);
            }
        }

        rules = lu_json_get(part, "rules");

        cJSON_ArrayForEach(item, lu_json_get(rules, "latest")) {
            if (lu_json_value(item, &id) == LU_OK) {
                lu_keep_mark_id(decision, &id, LU_KEEP_LISTED);
            }
        }

        cJSON_ArrayForEach(item, lu_json_get(rules, "releaseRedirections")) {
            lu_keep_mark(decision, item, "buildId", LU_KEEP_LISTED);
        }

        part = lu_json_get(followed, "begun");
    }
}


/* What is not read is not judged. */

static void
lu_keep_staging(lu_keep_decision_t *decision, lu_keep_fact_t *fact)
{
    time_t            limit;
    lu_keep_e         stays, goes;
    const lu_keep_t  *keep;

    keep = decision->keep;

    switch (fact->state) {

    case LU_STATE_UPLOADING:
        limit = keep->uploads;
        stays = LU_KEEP_UPLOADING;
        goes = LU_KEEP_ABANDONED;
        break;

    case LU_STATE_FAILED:
        limit = keep->failed;
        stays = LU_KEEP_RECENT;
        goes = LU_KEEP_FAILED;
        break;

    case LU_STATE_REJECTED:
        limit = keep->failed;
        stays = LU_KEEP_RECENT;
        goes = LU_KEEP_REJECTED;
        break;

    case LU_STATE_FETCHING:
    case LU_STATE_VERIFYING:
        fact->why = LU_KEEP_JOB;
        return;

    case LU_STATE_STAGED:
        fact->why = LU_KEEP_WAITING;
        return;

    default:
        fact->why = LU_KEEP_UNSURE;
        return;
    }

    /* the app, or a list, names it: somebody needs it */

    if (fact->named && !lu_keep_goes(fact->why)) {
        return;
    }

    if (limit == LU_KEEP_NEVER) {
        fact->why = LU_KEEP_POLICY;

    } else {
        fact->why = decision->now - fact->since < limit ? stays : goes;
    }
}


/*
 * The others in live/ were withdrawn, or wait for a deployment: they are like
 * those of a channel.
 */

static lu_rc_e
lu_keep_rest(lu_keep_decision_t *decision)
{
    size_t             i, n;
    lu_keep_fact_t   **rest, *fact;
    const lu_keep_t   *keep;

    keep = decision->keep;

    rest = decision->arena->alloc(decision->arena->data,
                                  (decision->n + 1)
                                  * sizeof(lu_keep_fact_t *));
    if (rest == NULL) {
        return LU_NOMEM;
    }

    n = 0;

    for (i = 0; i < decision->n; i++) {
        fact = &decision->facts[i];

        /* one that has gone takes no place of another */

        if (!fact->is_live || fact->gone) {
            continue;
        }

        if (fact->state != LU_STATE_STAGED && lu_keep_goes(fact->why)) {
            fact->why = LU_KEEP_UNSURE;
            continue;
        }

        if (fact->named) {
            if (fact->why == LU_KEEP_OLD && !keep->published) {
                fact->why = LU_KEEP_POLICY;
            }

            continue;
        }

        /* a crash has come between the app and its files */

        if (fact->leaving) {
            fact->why = LU_KEEP_OLD;
            continue;
        }

        rest[n++] = fact;
    }

    qsort(rest, n, sizeof(lu_keep_fact_t *), lu_keep_newest_cmp);

    for (i = 0; i < n; i++) {

        if (!keep->published) {
            rest[i]->why = LU_KEEP_POLICY;

        } else if (i < keep->releases) {
            rest[i]->why = LU_KEEP_NEWEST;

        } else if (lu_keep_is_recent(decision, rest[i]->since)) {
            rest[i]->why = LU_KEEP_RECENT;

        } else {
            rest[i]->why = LU_KEEP_WITHDRAWN;
        }
    }

    return LU_OK;
}


static int
lu_keep_newest_cmp(const void *one, const void *two)
{
    const lu_keep_fact_t  *a = *(lu_keep_fact_t * const *) one;
    const lu_keep_fact_t  *b = *(lu_keep_fact_t * const *) two;

    if (a->since != b->since) {
        return a->since > b->since ? -1 : 1;
    }

    return lu_str_cmp(&b->id, &a->id);
}


/*
 * The last change of a deployment, or when a build was offered last; unknown:
 * none yet.
 */

static time_t
lu_keep_at(const cJSON *object)
{
    time_t  at;

    at = lu_keep_member(object, "updatedAt");

    return at == LU_TIME_MAX ? lu_keep_member(object, "createdAt") : at;
}


static time_t
lu_keep_member(const cJSON *object, const char *key)
{
    time_t    at;
    lu_str_t  text;

    return (lu_json_string(object, key, &text) == LU_OK
            && lu_time_parse(&text, &at) == LU_OK) ? at : LU_TIME_MAX;
}


lu_rc_e
lu_keep_leave(cJSON *app, const cJSON *release)
{
    cJSON     *leaving;
    lu_put_t   put;

    lu_put_init(&put);

    leaving = cJSON_CreateObject();

    lu_put_copy(&put, leaving, "id", release, "id");
    lu_put_copy(&put, leaving, "createdAt", release, "createdAt");

    leaving = lu_put_done(&put, leaving);

    return leaving ? lu_json_set(app, "leaving", leaving) : LU_NOMEM;
}


int
lu_keep_is_leaving(const cJSON *app, const cJSON *release)
{
    size_t        i;
    lu_str_t      one, two;
    const cJSON  *leaving;

    static const char  *members[] = { "id", "createdAt" };

    leaving = lu_json_get(app, "leaving");

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (lu_json_string(leaving, members[i], &one) != LU_OK
            || lu_json_string(release, members[i], &two) != LU_OK
            || !lu_str_eq(&one, &two))
        {
            return 0;
        }
    }

    return 1;
}


int
lu_keep_channel_goes(const lu_keep_t *keep, const cJSON *app,
    const cJSON *channel, time_t now)
{
    time_t        at;
    lu_str_t      id, text;
    const cJSON  *forced;

    if (!keep->on
        || keep->channels == LU_KEEP_NEVER
        || lu_change_channel_is_protected(channel)
        || lu_json_string(channel, "expiresAt", &text) != LU_OK
        || lu_time_parse(&text, &at) != LU_OK
        || now - at < keep->channels
        || now < at
        || lu_json_string(channel, "id", &id) != LU_OK)
    {
        return 0;
    }

    if (lu_json_string(app, "appChannelId", &text) == LU_OK
        && lu_str_eq(&text, &id))
    {
        return 0;
    }

    cJSON_ArrayForEach(forced, lu_json_get(app, "forcedDevices")) {
        if (lu_json_value(forced, &text) == LU_OK && lu_str_eq(&text, &id)) {
            return 0;
        }
    }

    return 1;
}
