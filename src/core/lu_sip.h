
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * SipHash-1-3 (Aumasson and Bernstein, 2012), for tables whose keys are chosen
 * by clients: who does not know the secret cannot choose keys that collide.
 * Nobody sees the hashes, so the authors' faster variant for tables will do.
 */


#ifndef _LU_SIP_H_INCLUDED_
#define _LU_SIP_H_INCLUDED_


#include "lu_str.h"


typedef struct {
    uint64_t             words[2];      /* random and secret */
} lu_sip_t;


uint64_t lu_sip(const lu_sip_t *secret, const void *data, size_t len);


#endif /* _LU_SIP_H_INCLUDED_ */
