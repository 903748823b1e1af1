
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The digests of a file, to compare with those that were announced.
 */


#ifndef _NGX_LU_DIGEST_H_INCLUDED_
#define _NGX_LU_DIGEST_H_INCLUDED_


#include "store/ngx_lu_io.h"

#include "core/lu_sha256.h"


typedef struct {
    lu_str_t            name;
    uint64_t            size;
    ngx_file_uniq_t     uniq;
    time_t              mtime;
    char                sha256[LU_SHA256_HEX + 1];
    unsigned char       sha512[SHA512_DIGEST_LENGTH];
} ngx_lu_digest_t;


/* Digests of bytes that come piece by piece. */

typedef struct {
    lu_sha256_t         sha256;
    SHA512_CTX          sha512;
} ngx_lu_digests_t;


/*
 * Reads a file and fills in all but its name.  NGX_OK, NGX_DECLINED if there
 * is no such file, NGX_ERROR with io.
 */

ngx_int_t ngx_lu_digest(ngx_lu_io_t *io, u_char *path,
    ngx_lu_digest_t *digest);

/* The same of bytes: final() fills in size and digests. */

void ngx_lu_digests_init(ngx_lu_digests_t *digests);
void ngx_lu_digests_add(ngx_lu_digests_t *digests, u_char *bytes, size_t len);
void ngx_lu_digests_final(ngx_lu_digests_t *digests, ngx_lu_digest_t *digest);


#endif /* _NGX_LU_DIGEST_H_INCLUDED_ */
