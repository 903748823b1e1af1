
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_growth.h"
#include "lu_offer.h"
#include "lu_put.h"
#include "lu_share.h"


/* What clients ask for. */

typedef struct {
    const lu_desktop_t  *desktop;
    const lu_offer_t    *offer;         /* NULL: it is not known */
    unsigned             platform;
} lu_asked_t;


static void lu_share_channel(lu_put_t *put, cJSON *shares,
    const cJSON *channel, const cJSON *freezes, const lu_str_t *release,
    time_t now);
static void lu_share_manifests(lu_put_t *put, cJSON *shares,
    const lu_desktop_t *desktop, const lu_build_t *build);
static unsigned lu_share_platforms(const cJSON *release);
static double lu_share_asked(const lu_asked_t *asked, const lu_str_t *release);
static const lu_str_t *lu_share_latest(const lu_asked_t *asked);
static int lu_share_is_for(const lu_asked_t *asked, const lu_rule_t *rule);
static double lu_share_rule(const lu_asked_t *asked, const lu_rule_t *rule);
static double lu_share_left(const lu_asked_t *asked, size_t last,
    const lu_str_t *build, double *taken);


lu_rc_e
lu_share_list(cJSON *shares, const cJSON *app, const lu_desktop_t *desktop,
    const cJSON *release, time_t now)
{
    cJSON             *item;
    double             share;
    lu_put_t           put;
    lu_str_t           id;
    unsigned           platform, platforms;
    lu_asked_t         asked;
    const cJSON       *channel;
    const lu_build_t  *build;

    if (lu_json_string(release, "id", &id) != LU_OK) {
        return LU_OK;
    }

    lu_put_init(&put);

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        lu_share_channel(&put, shares, channel, lu_json_get(app, "freezes"),
                         &id, now);
    }

    if (desktop == NULL || desktop->nrules > LU_SHARE_RULES) {
        return put.failed ? LU_NOMEM : LU_OK;
    }

    build = lu_desktop_build_of_id(desktop, &id);

    if (build && build->is_known) {
        lu_share_manifests(&put, shares, desktop, build);

        return put.failed ? LU_NOMEM : LU_OK;
    }

    memset(&asked, 0, sizeof(lu_asked_t));

    asked.desktop = desktop;
    platforms = lu_share_platforms(release);

    for (platform = LU_WINDOWS; platform & LU_PLATFORMS; platform <<= 1) {

        if ((platforms & platform) == 0) {
            continue;
        }

        asked.platform = platform;

        share = lu_share_asked(&asked, &id);
        if (share <= 0) {
            continue;
        }

        item = lu_put_object(&put, shares, NULL);

        lu_put_string(&put, item, "platform", lu_platform_name(platform));
        lu_put_number(&put, item, "share", share);
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


static void
lu_share_manifests(lu_put_t *put, cJSON *shares, const lu_desktop_t *desktop,
    const lu_build_t *build)
{
    cJSON        *item;
    size_t        i;
    double        share;
    lu_str_t      channel;
    lu_asked_t    asked;
    lu_update_t   update;

    asked.desktop = desktop;

    for (i = 0; i < desktop->noffers; i++) {
        asked.offer = &desktop->offers[i];

        if (!lu_update_parse(&asked.offer->name, &update)
            || lu_str_is(&update.ext, ".json")
            || !lu_offer_may_have(asked.offer, build))
        {
            continue;
        }

        asked.platform = update.platform;

        share = lu_share_asked(&asked, &build->id);
        if (share <= 0) {
            continue;
        }

        channel = lu_update_channel(&update);

        item = lu_put_object(put, shares, NULL);

        lu_put_string(put, item, "platform",
                      lu_platform_name(update.platform));
        lu_put_str(put, item, "channel", &channel);

        if (update.arch) {
            lu_put_string(put, item, "arch", update.arch);
        }

        lu_put_str(put, item, "manifest", &asked.offer->name);

        lu_put_number(put, item, "share", share);
    }
}


const lu_str_t *
lu_share_of(const lu_desktop_t *desktop, const lu_str_t *manifest,
    const lu_str_t *release, double *share, double *left)
{
    double       taken;
    lu_str_t     none;
    lu_asked_t   asked;
    lu_offer_t   nothing;
    lu_update_t  update;

    memset(&nothing, 0, sizeof(lu_offer_t));
    memset(&none, 0, sizeof(lu_str_t));

    asked.desktop = desktop;
    asked.offer = lu_offer_find(desktop, manifest);
    asked.platform = lu_update_parse(manifest, &update) ? update.platform : 0;

    if (asked.offer == NULL) {

        /* no release has it */

        nothing.name = *manifest;
        asked.offer = &nothing;
    }

    *share = lu_share_asked(&asked, release);
    *left = lu_share_left(&asked, (size_t) -1, &none, &taken);

    return lu_share_latest(&asked);
}


/*
 * A device has a bucket of its own for each deployment, so that the second
 * deployment gets its share of the devices that the first one left.
 */

static void
lu_share_channel(lu_put_t *put, cJSON *shares, const cJSON *channel,
    const cJSON *freezes, const lu_str_t *release, time_t now)
{
    cJSON        *object;
    double        left, rollout, share;
    lu_str_t      value;
    const cJSON  *item, *newest;

    left = 1;
    share = 0;
    newest = NULL;

    cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {
        rollout = lu_growth_is_halted(item)
                  ? 0 : lu_growth_share_at(item, freezes, now);

        if (lu_json_string(item, "release", &value) == LU_OK
            && lu_str_eq(&value, release))
        {
            share += left * rollout;
            newest = newest ? newest : item;
        }

        if (rollout >= 1) {
            break;
        }

        left *= 1 - rollout;
    }

    if (newest == NULL) {
        return;
    }

    object = lu_put_object(put, shares, NULL);

    lu_put_copy(put, object, "channel", channel, "name");
    lu_put_copy(put, object, "channelId", channel, "id");
    lu_put_copy(put, object, "deploymentId", newest, "id");
    lu_put_number(put, object, "rollout",
                  lu_growth_share_at(newest, freezes, now));
    lu_put_number(put, object, "share", share);
    lu_growth_put(put, object, newest, freezes, now);
    lu_put_copy(put, object, "createdBy", newest, "createdBy");
    lu_put_copy(put, object, "createdAt", newest, "createdAt");
    lu_put_copy(put, object, "updatedAt", newest, "updatedAt");
}


/* Old releases do not list their platforms. */

static unsigned
lu_share_platforms(const cJSON *release)
{
    unsigned      platforms;
    const cJSON  *list;

    list = lu_json_get(release, "platforms");

    if (!cJSON_IsArray(list)) {
        return LU_PLATFORMS;
    }

    (void) lu_platform_list(list, &platforms);

    return platforms;
}


/*
 * The last rule that applies chooses the build; if none applies, the first
 * "build" does.  An installation has one bucket for each build, so that of
 * two rollouts of one build the larger one includes the other.
 */

static double
lu_share_asked(const lu_asked_t *asked, const lu_str_t *release)
{
    size_t            i;
    double            left, share, taken, part;
    const lu_str_t   *latest;
    const lu_rule_t  *rule;

    share = 0;

    for (i = 0; i < asked->desktop->nrules; i++) {
        rule = &asked->desktop->rules[i];

        if (rule->rule == LU_RULE_BUILD
            || !lu_str_eq(&rule->build_id, release))
        {
            continue;
        }

        left = lu_share_left(asked, i, release, &taken);
        part = lu_share_rule(asked, rule);

        if (part > taken) {
            share += left * (part - taken);
        }
    }

    latest = lu_share_latest(asked);

    if (latest && lu_str_eq(latest, release)) {
        left = lu_share_left(asked, (size_t) -1, release, &taken);
        share += left * (1 - taken);
    }

    return share;
}


/* The build of those to whom no other rule applies. */

static const lu_str_t *
lu_share_latest(const lu_asked_t *asked)
{
    size_t               i;
    const lu_str_t      *id;
    const lu_build_t    *build;
    const lu_offer_t    *offer;
    const lu_desktop_t  *desktop;

    desktop = asked->desktop;
    offer = asked->offer;

    for (i = 0; i < desktop->nrules; i++) {

        if (desktop->rules[i].rule != LU_RULE_BUILD
            || !lu_share_is_for(asked, &desktop->rules[i]))
        {
            continue;
        }

        id = &desktop->rules[i].build_id;

        if (offer == NULL) {
            return id;
        }

        build = lu_desktop_build_of_id(desktop, id);

        if (id != desktop->latest && build && lu_offer_may_have(offer, build)) {
            return id;
        }
    }

    return (offer && offer->nlatest) ? &offer->latest[0]->id : NULL;
}


static int
lu_share_is_for(const lu_asked_t *asked, const lu_rule_t *rule)
{
    static const lu_str_t  unknown = lu_string("");

    return lu_desktop_rule_is_for(rule, asked->offer ? &asked->offer->name
                                                     : &unknown,
                                  asked->platform);
}


/* The share of the installations that ask and that a rule applies to. */

static double
lu_share_rule(const lu_asked_t *asked, const lu_rule_t *rule)
{
    const lu_build_t  *build;

    if (!lu_share_is_for(asked, rule)) {
        return 0;
    }

    if (asked->offer) {
        build = lu_desktop_build_of_id(asked->desktop, &rule->build_id);

        if (build && !lu_offer_may_have(asked->offer, build)) {
            return 0;
        }
    }

    switch (rule->rule) {

    case LU_RULE_PLATFORM:
        return 1;

    case LU_RULE_ROLLOUT:
        return rule->is_halted ? 0 : lu_rollout_share(&rule->rollout);

    case LU_RULE_BUILD:
    case LU_RULE_IP:
        break;
    }

    return 0;
}


/*
 * The share that the rules behind rule number "last" leave; (size_t) -1: all
 * rules.  Rules of the same build are not subtracted; the largest share of
 * these is *taken.  Of the rules of each other build, the largest one counts.
 */

static double
lu_share_left(const lu_asked_t *asked, size_t last, const lu_str_t *build,
    double *taken)
{
    size_t            i, k, n;
    double            left, part, most;
    const lu_rule_t  *rules;

    left = 1;
    *taken = 0;

    rules = asked->desktop->rules;
    n = asked->desktop->nrules;

    for (i = last + 1; i < n; i++) {

        most = lu_share_rule(asked, &rules[i]);

        for (k = last + 1; k < n; k++) {

            if (!lu_str_eq(&rules[k].build_id, &rules[i].build_id)) {
                continue;
            }

            if (k < i) {

                /* the build was counted with its first rule */

                most = 0;
                break;
            }

            part = lu_share_rule(asked, &rules[k]);
            most = part > most ? part : most;
        }

        if (lu_str_eq(&rules[i].build_id, build)) {
            *taken = most > *taken ? most : *taken;

        } else {
            left *= 1 - most;
        }
    }

    return left;
}
