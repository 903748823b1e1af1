
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The checksums that an S3 client sends with the bytes of a file.
 */


#ifndef _LU_CHECKSUM_H_INCLUDED_
#define _LU_CHECKSUM_H_INCLUDED_


#include "lu_error.h"
#include "lu_sha256.h"

#include <openssl/md5.h>


typedef enum {
    LU_CHECKSUM_NONE = 0,
    LU_CHECKSUM_CRC32,
    LU_CHECKSUM_CRC32C,
    LU_CHECKSUM_CRC64,              /* CRC-64/NVME */
    LU_CHECKSUM_SHA1,
    LU_CHECKSUM_SHA256
} lu_checksum_e;


typedef struct {
    lu_checksum_e        kind;
    unsigned char        sent[SHA256_DIGEST_LENGTH];

    unsigned             has_md5:1;
    unsigned char        sent_md5[MD5_DIGEST_LENGTH];
    MD5_CTX              md5;

    union {
        SHA_CTX          sha1;
        SHA256_CTX       sha256;

        struct {
            uint64_t     value;
            uint64_t     table[256];
        } crc;
    } u;
} lu_checksum_t;


/*
 * Takes a header of the request, the name in lower case: Content-MD5, or one of
 * x-amz-checksum-{crc32,crc32c,crc64nvme,sha1,sha256}.  The structure has been
 * zeroed.  LU_OK, also for any other header; or LU_INVALID with the reason: the
 * value is not that many bytes in base64, or there is another such header.
 */

lu_rc_e lu_checksum_header(lu_checksum_t *checksum, const lu_str_t *name,
    const lu_str_t *value, lu_error_t *err);

/*
 * Computes what was sent: begin, the bytes piece by piece, and the end.  LU_OK,
 * or LU_INVALID with the reason: the bytes have another checksum.  It may begin
 * again.
 */

void lu_checksum_begin(lu_checksum_t *checksum);
void lu_checksum_update(lu_checksum_t *checksum, const void *data,
    size_t len);
lu_rc_e lu_checksum_end(lu_checksum_t *checksum, lu_error_t *err);


#endif /* _LU_CHECKSUM_H_INCLUDED_ */
