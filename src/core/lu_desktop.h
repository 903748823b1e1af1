
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Desktop releases of an app, with the fields of desktop-builds.json and
 * desktop-releases.json, and which of them a client gets.
 */


#ifndef _LU_DESKTOP_H_INCLUDED_
#define _LU_DESKTOP_H_INCLUDED_


#include "lu_json.h"
#include "lu_mark.h"
#include "lu_network.h"
#include "lu_platform.h"
#include "lu_rollout.h"


typedef struct {
    lu_str_t                 id;
    lu_str_t                 version;
    lu_mark_t                mark;
    unsigned                 is_released:1;
} lu_build_t;


typedef enum {
    LU_RULE_BUILD = 0,              /* if nothing was chosen yet */
    LU_RULE_IP,                     /* these override */
    LU_RULE_PLATFORM,
    LU_RULE_ROLLOUT
} lu_rule_e;


typedef struct {
    lu_rule_e                rule;
    lu_str_t                 build_id;
    lu_network_t            *networks;      /* IP */
    size_t                   nnetworks;
    unsigned                 platforms;     /* PLATFORM, ROLLOUT; 0: all */
    lu_rollout_t             rollout;       /* ROLLOUT */
} lu_rule_t;


typedef struct {
    lu_build_t              *builds;        /* as listed */
    size_t                   nbuilds;
    lu_rule_t               *rules;         /* the latest release is the last */
    size_t                   nrules;
} lu_desktop_t;


/* Who asks. */

typedef struct {
    lu_network_t             address;       /* all bits; len 0: unknown */
    lu_str_t                 staging_id;    /* x-user-staging-id, or empty */
} lu_client_t;


/*
 * Reads the two lists; either may be NULL.  Rules that are not known, and
 * "appByIp", are passed over; what is known must be right: LU_INVALID
 * with the reason.  "ipList" takes addresses and CIDR networks, "percentage"
 * of "buildByRollout" is 0 to 100.  All is allocated in the arena.
 */

lu_rc_e lu_desktop_parse(const lu_arena_t *arena, const cJSON *builds,
    const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err);

/* The released build of that version, or the build of that id; or NULL. */

const lu_build_t *lu_desktop_build_of_version(const lu_desktop_t *desktop,
    const lu_str_t *version);
const lu_build_t *lu_desktop_build_of_id(const lu_desktop_t *desktop,
    const lu_str_t *id);

/*
 * The build that the rules choose for a client on a platform (0: none, which
 * matches no rule with platforms); NULL if none does.
 */

const lu_str_t *lu_desktop_choose(const lu_desktop_t *desktop,
    const lu_client_t *client, unsigned platform);


#endif /* _LU_DESKTOP_H_INCLUDED_ */
