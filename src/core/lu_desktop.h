
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Desktop releases of an app, with the fields of desktop-builds.json and
 * desktop-releases.json, and which of them a client gets.
 */


#ifndef _LIVEUPDATE_DESKTOP_H_INCLUDED_
#define _LIVEUPDATE_DESKTOP_H_INCLUDED_


#include "lu_json.h"


#define LIVEUPDATE_WINDOWS  0x01
#define LIVEUPDATE_MAC      0x02
#define LIVEUPDATE_LINUX    0x04


typedef struct {
    liveupdate_str_t         id;
    liveupdate_str_t         version;
    liveupdate_mark_t        mark;
    unsigned                 is_released:1;
} liveupdate_build_t;


/* An address, or a network: the first bits of it count. */

typedef struct {
    unsigned char            bytes[16];
    unsigned char            len;           /* 4 or 16 */
    unsigned char            bits;
} liveupdate_network_t;


typedef enum {
    LIVEUPDATE_RULE_BUILD = 0,      /* if nothing was chosen yet */
    LIVEUPDATE_RULE_IP,             /* these override */
    LIVEUPDATE_RULE_PLATFORM,
    LIVEUPDATE_RULE_ROLLOUT
} liveupdate_rule_e;


typedef struct {
    liveupdate_rule_e        rule;
    liveupdate_str_t         build_id;
    liveupdate_network_t    *networks;      /* IP */
    size_t                   nnetworks;
    unsigned                 platforms;     /* PLATFORM, ROLLOUT; 0: all */
    uint64_t                 threshold;     /* ROLLOUT, of 2^64 */
    unsigned                 everyone:1;    /* ROLLOUT of 100 % */
} liveupdate_rule_t;


typedef struct {
    liveupdate_build_t      *builds;        /* as listed */
    size_t                   nbuilds;
    liveupdate_rule_t       *rules;         /* the latest release is the last */
    size_t                   nrules;
} liveupdate_desktop_t;


/* Who asks. */

typedef struct {
    liveupdate_network_t     address;       /* all bits; len 0: unknown */
    liveupdate_str_t         staging_id;    /* x-user-staging-id, or empty */
} liveupdate_client_t;


/*
 * Reads the two lists; either may be NULL.  Rules that are not known, and
 * "appByIp", are passed over; what is known must be right: LIVEUPDATE_INVALID
 * with the reason.  "ipList" takes addresses and CIDR networks, "percentage"
 * of "buildByRollout" is 0 to 100.  All is allocated in the arena.
 */

liveupdate_rc_e liveupdate_desktop_parse(const liveupdate_arena_t *arena,
    const cJSON *builds, const cJSON *releases, liveupdate_desktop_t *desktop,
    liveupdate_error_t *err);

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"; 1 or 0. */

int liveupdate_network_parse(const liveupdate_str_t *text,
    liveupdate_network_t *network);

/* The released build of that version, or the build of that id; or NULL. */

const liveupdate_build_t *liveupdate_build_of_version(
    const liveupdate_desktop_t *desktop, const liveupdate_str_t *version);
const liveupdate_build_t *liveupdate_build_of_id(
    const liveupdate_desktop_t *desktop, const liveupdate_str_t *id);

/*
 * The build that the rules choose for a client on a platform (0: none, which
 * matches no rule with platforms); NULL if none does.
 */

const liveupdate_str_t *liveupdate_desktop_choose(
    const liveupdate_desktop_t *desktop, const liveupdate_client_t *client,
    unsigned platform);


#endif /* _LIVEUPDATE_DESKTOP_H_INCLUDED_ */
