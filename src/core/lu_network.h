
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * IP addresses and CIDR networks (RFC 4632; RFC 4291, section 2.3).
 */


#ifndef _LU_NETWORK_H_INCLUDED_
#define _LU_NETWORK_H_INCLUDED_


#include "lu_str.h"


/* An address, or a network, of which the first bits count. */

typedef struct {
    unsigned char    bytes[16];
    unsigned char    len;           /* 4 or 16 bytes; 0: none */
    unsigned char    bits;          /* 8 * len: an address */
} lu_network_t;


/*
 * Reads "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"; an IPv4-mapped address
 * becomes the IPv4 one.  Returns 1, or 0 if the text is none of these.
 */

int lu_network_parse(const lu_str_t *text, lu_network_t *network);

/* Makes an IPv4-mapped address (RFC 4291, section 2.5.5.2) the IPv4 one. */

void lu_network_unmap(lu_network_t *network);

/* 1 if the address, which is not IPv4-mapped, lies in the network. */

int lu_network_has(const lu_network_t *network, const lu_network_t *address);


#endif /* _LU_NETWORK_H_INCLUDED_ */
