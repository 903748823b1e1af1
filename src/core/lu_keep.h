
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Which releases of an app may go.  A policy is a text:
 *
 *     releases=20 time=90d rollback=5 blockmaps=10 uploads=7d failed=30d
 *     channels=30d
 *
 * or "off".  docs/retention.md says what each word means.
 */


#ifndef _LU_KEEP_H_INCLUDED_
#define _LU_KEEP_H_INCLUDED_


#include "lu_json.h"
#include "lu_release.h"

#include <time.h>


#define LU_KEEP_NEVER  ((time_t) -1)


typedef struct {
    size_t           releases;     /* of a channel: the newest */
    time_t           time;         /* seconds since clients could get them */
    size_t           rollback;     /* steps back that stay possible */
    size_t           blockmaps;    /* earlier ones to update from */
    time_t           uploads;      /* seconds without a change, or NEVER */
    time_t           failed;       /* the same */
    time_t           channels;     /* seconds since they expired, or NEVER */
    unsigned         published:1;  /* published releases may go at all */
    unsigned         on:1;
} lu_keep_t;


/*
 * Why a release stays, the strongest reason last, or goes: all from OLD on.
 */

typedef enum {
    LU_KEEP_UNSURE = 0,            /* it cannot be read */
    LU_KEEP_POLICY,                /* releases of its kind do not go */
    LU_KEEP_RECENT,
    LU_KEEP_NEWEST,
    LU_KEEP_UPLOADING,
    LU_KEEP_WAITING,               /* for an approver */
    LU_KEEP_JOB,
    LU_KEEP_BLOCKMAP,
    LU_KEEP_ROLLBACK,
    LU_KEEP_LISTED,                /* on GitHub */
    LU_KEEP_RULE,
    LU_KEEP_LIVE,
    LU_KEEP_OLD,
    LU_KEEP_WITHDRAWN,
    LU_KEEP_EXPIRED,               /* with the channels that had it */
    LU_KEEP_ABANDONED,
    LU_KEEP_FAILED,
    LU_KEEP_REJECTED
} lu_keep_e;

#define LU_KEEPS  (LU_KEEP_REJECTED + 1)

#define lu_keep_goes(why)  ((why) >= LU_KEEP_OLD)


/* What is known of a release, and what is decided about it. */

typedef struct {
    lu_str_t         id;
    lu_state_e       state;        /* that release.json says */
    time_t           since;        /* its last change, seconds */
    unsigned         is_live:1;    /* it lies in live/ */
    unsigned         has_job:1;
    unsigned         leaving:1;    /* a crash has cut its removal short */
    unsigned         named:1;      /* private: the app refers to it */
    unsigned         asked:1;      /* about its limits, until that is cleared */
    unsigned         limited:1;
    unsigned         gone:1;       /* set by the caller: it is no more */
    const cJSON     *counted;      /* private: in the channel */
    lu_keep_e        why;          /* decided */
} lu_keep_fact_t;


/*
 * Reads a policy.  LU_OK, or LU_INVALID with the reason, whose subject is a
 * part of the text.
 */

lu_rc_e lu_keep_parse(const lu_str_t *text, lu_keep_t *keep, lu_error_t *err);

/*
 * Asked about few bundles: 1 if the bundle is for some versions of the app
 * only, or nobody knows.
 */

typedef struct {
    int            (*limited)(void *data, const lu_str_t *id);
    void            *data;
} lu_keep_ask_t;


/*
 * Decides about all releases of an app, n facts in the order of their ids.
 * "followed" is the tree of github.json, or NULL; "ask" is NULL if no bundle
 * has limits.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_keep_decide(const lu_arena_t *arena, const lu_keep_t *keep,
    const cJSON *app, const cJSON *followed, time_t now,
    const lu_keep_ask_t *ask, lu_keep_fact_t *facts, size_t n);

/*
 * 1 if the channel has expired so long ago that it goes: it is neither the
 * default channel, nor protected, nor is a device forced to it.
 */

int lu_keep_channel_goes(const lu_keep_t *keep, const cJSON *app,
    const cJSON *channel, time_t now);

/*
 * leave() notes in the app which release is being removed, by the tree of its
 * release.json; is_leaving() is 1 if it is that one, and not another one that
 * has its id.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_keep_leave(cJSON *app, const cJSON *release);
int lu_keep_is_leaving(const cJSON *app, const cJSON *release);

/* "rollback", "withdrawn", ...: a literal. */

const char *lu_keep_name(lu_keep_e why);


#endif /* _LU_KEEP_H_INCLUDED_ */
