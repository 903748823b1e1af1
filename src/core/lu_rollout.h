
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The share of clients that gets a release.
 */


#ifndef _LU_ROLLOUT_H_INCLUDED_
#define _LU_ROLLOUT_H_INCLUDED_


#include "lu_str.h"


/*
 * Clients whose bucket is below the threshold get the release; all clients
 * do if it is for everyone, since 2^64 has no place in the threshold.
 */

typedef struct {
    uint64_t     threshold;
    unsigned     everyone:1;
} lu_rollout_t;


/* Sets the rollout to a share from 0 to 1. */

void lu_rollout_threshold(lu_rollout_t *rollout, double share);

/* The share of a rollout, from 0 to 1. */

double lu_rollout_share(const lu_rollout_t *rollout);

/* A byte that changes with the share, but for one time in 256. */

unsigned char lu_rollout_step(const lu_rollout_t *rollout);

/*
 * 1 if a client gets the release.  The id is that of the deployment, or of
 * the desktop release; the client's is that of the device or installation.
 * A client without an id (an empty one) is included only if the rollout is
 * for everyone; a client that is included stays so when the share is raised.
 */

int lu_rollout_has(const lu_rollout_t *rollout, const lu_str_t *id,
    const lu_str_t *client);

/*
 * A client's bucket, evenly spread, the same each time, and independent of the
 * one for other ids: the first 8 bytes of SHA-256("{id}:{client}"), as a
 * big-endian number.
 */

uint64_t lu_rollout_bucket(const lu_str_t *id, const lu_str_t *client);


#endif /* _LU_ROLLOUT_H_INCLUDED_ */
