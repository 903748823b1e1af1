
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Authenticode, the signatures of programs for Windows (Microsoft's "Windows
 * Authenticode Portable Executable Signature Format"; PKCS #7, RFC 2315).
 *
 * A signature is compared with the certificate that it brings along, and with
 * the bytes of the file.  Whether anybody trusts that certificate is not known
 * here, and neither is who made a timestamp.
 */


#ifndef _LU_AUTHENTICODE_H_INCLUDED_
#define _LU_AUTHENTICODE_H_INCLUDED_


#include "lu_pe.h"

#include <openssl/evp.h>

#include <time.h>


#define LU_AUTHENTICODE_MAX     4       /* signatures of a file, read */
#define LU_AUTHENTICODE_DIGEST  64      /* bytes, at most */


/*
 * The names are UTF-8 of at most 256 bytes without control characters, in the
 * arena, or empty.
 */

typedef struct {
    lu_str_t                 publisher;     /* "CN" of the signer's subject */
    lu_str_t                 organization;  /* "O" of it */
    lu_str_t                 issuer;        /* "CN" or "O" of the issuer */
    time_t                   since;         /* the certificate is valid */
    time_t                   until;
    const char              *algorithm;     /* "SHA-256" */
    unsigned char            digest[LU_AUTHENTICODE_DIGEST];
    size_t                   digest_len;
    unsigned                 is_stamped:1;  /* it has a timestamp */
    unsigned                 is_same:1;     /* the digest is the file's */
} lu_authenticode_t;


/* The digests of a file, as the signatures cover it. */

typedef struct {
    lu_pe_t                  pe;
    uint64_t                 offset;
    lu_authenticode_t       *signatures;
    size_t                   n;
    EVP_MD_CTX              *ctx[LU_AUTHENTICODE_MAX];
} lu_authenticode_file_t;


/*
 * Reads the signatures in a certificate table, and those nested in them; the
 * first one is the one that Windows shows, and updaters see.  Those behind
 * LU_AUTHENTICODE_MAX are ignored.  Each was made with the key of its
 * certificate, or the table is refused.  LU_OK; LU_NOT_FOUND: the table is
 * empty; LU_NOMEM; or LU_INVALID with the reason, a predicate of the file.
 */

lu_rc_e lu_authenticode_parse(const lu_arena_t *arena, const lu_str_t *table,
    lu_authenticode_t signatures[LU_AUTHENTICODE_MAX], size_t *n,
    lu_error_t *err);

/*
 * begin() is told what was read of the file, add() gets all its bytes, piece
 * by piece, and end() sets is_same of the signatures.  LU_OK or LU_NOMEM.
 * After any begin(), end() frees what there is; it may be called early.
 */

lu_rc_e lu_authenticode_begin(lu_authenticode_file_t *file, const lu_pe_t *pe,
    lu_authenticode_t *signatures, size_t n);
lu_rc_e lu_authenticode_add(lu_authenticode_file_t *file,
    const unsigned char *bytes, size_t len);
void lu_authenticode_end(lu_authenticode_file_t *file);


#endif /* _LU_AUTHENTICODE_H_INCLUDED_ */
