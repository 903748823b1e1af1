
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The desktop releases of an app, from desktop-builds.json and
 * desktop-releases.json, and the choice of the one that a client gets.
 */


#ifndef _LU_DESKTOP_H_INCLUDED_
#define _LU_DESKTOP_H_INCLUDED_


#include "lu_json.h"
#include "lu_mark.h"
#include "lu_network.h"
#include "lu_pace.h"
#include "lu_platform.h"
#include "lu_rollout.h"


typedef struct {
    lu_str_t                 id;
    lu_str_t                 version;
    time_t                   created;       /* released; 0: nobody knows */
    uint32_t                 tag;           /* lu_cohort_hash() of the id */
    unsigned                 is_released:1;
    unsigned                 was_latest:1;  /* it was for everyone once */
    unsigned                 is_known:1;    /* what manifests it has */
} lu_build_t;


/* A build that has a manifest. */

typedef struct {
    lu_str_t                 name;
    const lu_build_t        *build;
    lu_mark_t                mark;
    unsigned                 is_alone:1;    /* a list without a manifest */
} lu_had_t;


#define LU_LATEST  6


/*
 * A manifest, and the builds that have it, in the order of the list.  The list
 * of artifacts of a channel and a platform is one, too: it has a latest build
 * for each architecture that has a manifest of its own.
 */

typedef struct {
    lu_str_t                 name;          /* "latest-mac.yml" */
    const lu_had_t          *had;
    size_t                   n;
    const lu_build_t        *latest[LU_LATEST]; /* the newest first */
    size_t                   nlatest;
    unsigned                 is_pinned:1;   /* latest is not what follows */
} lu_offer_t;


/*
 * Builds of older versions, of which nobody has written down what manifests
 * they have; more are not looked into.
 */

#define LU_UNKNOWN  16


/*
 * The first "build" is chosen; each later rule of another kind that applies to
 * the client replaces the choice.
 */

typedef enum {
    LU_RULE_BUILD = 0,
    LU_RULE_IP,
    LU_RULE_PLATFORM,
    LU_RULE_ROLLOUT
} lu_rule_e;


typedef struct {
    lu_rule_e                rule;
    lu_str_t                 build_id;
    lu_network_t            *networks;      /* IP */
    size_t                   nnetworks;
    unsigned                 platforms;     /* PLATFORM, ROLLOUT; 0: all */
    lu_str_t                *channels;      /* all kinds; none: all */
    size_t                   nchannels;
    lu_str_t                *archs;         /* all kinds; none: all */
    size_t                   narchs;
    lu_rollout_t             rollout;       /* ROLLOUT */
    unsigned                 is_halted:1;   /* ROLLOUT: it is for nobody new */
    lu_pace_t               *pace;          /* ROLLOUT; NULL: it stays */
    time_t                   next;          /* it changes then */
} lu_rule_t;


/* Channels, or architectures, of a rule. */

#define LU_RULE_WORDS  20


typedef struct {
    lu_build_t              *builds;        /* in the order of the list */
    size_t                   nbuilds;
    const lu_build_t       **by_id;         /* sorted; all builds */
    const lu_build_t       **by_version;    /* sorted; those with a version */
    size_t                   nversions;
    lu_rule_t               *rules;         /* the last: the latest release */
    size_t                   nrules;
    const lu_str_t          *latest;        /* its id, or NULL */

    /* by lu_offer_index() */
    lu_had_t                *had;           /* sorted by name and build */
    size_t                   nhad;
    lu_offer_t              *offers;        /* sorted by name */
    size_t                   noffers;
    const lu_build_t        *unknown[LU_UNKNOWN];   /* the newest first */
    size_t                   nunknown;

    unsigned                 is_guarded:1;  /* set by the caller */
} lu_desktop_t;


/* The client that asks. */

typedef struct {
    lu_network_t             address;       /* len 0: unknown */
    lu_str_t                 staging_id;    /* x-user-staging-id, or empty */
    unsigned                 passes:1;      /* rollouts: it is in all */
} lu_client_t;


/* A client in the rollout of a build, or outside of it. */

typedef struct {
    const lu_build_t        *build;
    unsigned                 platform;      /* 0, 1, 2: in their order */
    unsigned char            step;          /* lu_rollout_step() */
    unsigned                 is_in:1;
} lu_trial_t;


/*
 * Reads the two lists into the arena and keeps nothing of the trees; either
 * may be NULL.  Unknown rules, and "appByIp", are ignored; the others must be
 * valid: "ipList" has addresses and CIDR networks, "percentage" of
 * "buildByRollout" is from 0 to 100, "channels" and "archs" have up to
 * LU_RULE_WORDS strings.  LU_OK, LU_INVALID with the reason, or
 * LU_NOMEM.
 */

lu_rc_e lu_desktop_parse(const lu_arena_t *arena, const cJSON *builds,
    const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err);

/*
 * Sets the shares of the rollouts that depend on the time, and returns when one
 * of them changes again, or LU_TIME_MAX: see lu_app_turn().
 */

time_t lu_desktop_turn(lu_desktop_t *desktop, const lu_freezes_t *freezes,
    time_t now);

/*
 * Sorts the builds for the functions below, as lu_desktop_parse() does.  LU_OK
 * or LU_NOMEM.
 */

lu_rc_e lu_desktop_index(const lu_arena_t *arena, lu_desktop_t *desktop);

/* The first released build of a version, the first build of an id; or NULL. */

const lu_build_t *lu_desktop_build_of_version(const lu_desktop_t *desktop,
    const lu_str_t *version);
const lu_build_t *lu_desktop_build_of_id(const lu_desktop_t *desktop,
    const lu_str_t *id);

/*
 * The build whose id, or whose version, a text begins with; or NULL.  Of
 * several, the longest counts: "1.1.0-beta.1" is not "1.1.0".  What follows
 * must not belong to it: an id is not followed by a letter, a digit, "_", or
 * "." with a digit; a version, by the same except "_".
 */

const lu_build_t *lu_desktop_id_at(const lu_desktop_t *desktop,
    const lu_str_t *text);
const lu_build_t *lu_desktop_version_at(const lu_desktop_t *desktop,
    const lu_str_t *text);

/*
 * The id of a build that a client on a platform may get, the n-th from 0 on;
 * NULL: there are not so many.  The first one is that of the last rule that
 * applies, then come those of the rules before it, then the latest release, and
 * the newest one before it that was for everyone.
 *
 * With the name of a manifest ("latest-mac.yml"), builds without it are left
 * out.  Those of which it is not known are not: whoever finds that one does not
 * have it asks for the next.  With an empty name, the rules alone decide.
 *
 * Platform 0 is unknown; rules that list platforms do not apply to it.
 */

const lu_str_t *lu_desktop_choose(const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *name, unsigned platform,
    size_t n);

/*
 * The newest rollout for those who ask for a manifest on a platform, and
 * whether a client, which gets that build now, or none (NULL), is in it.
 * LU_OK; LU_NOT_FOUND: there is none, it is halted, a rule after it is for the
 * client, the client does not say who it is, or gets what the rollout does not
 * explain.
 */

lu_rc_e lu_desktop_trial(const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *name, unsigned platform,
    const lu_build_t *build, lu_trial_t *trial);

/*
 * 1 if a rule is for those who ask for a manifest, or for a list of artifacts
 * as lu_offer_list() calls it, on a platform: by "platforms", "channels" and
 * "archs".  With an empty name, rules for channels and architectures are for
 * nobody.
 */

int lu_desktop_rule_is_for(const lu_rule_t *rule, const lu_str_t *name,
    unsigned platform);


#endif /* _LU_DESKTOP_H_INCLUDED_ */
