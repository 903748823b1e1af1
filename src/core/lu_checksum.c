
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_base64.h"
#include "lu_checksum.h"


typedef struct {
    const char      *name;
    lu_checksum_e    kind;
    size_t           size;          /* bytes */
    uint64_t         polynomial;    /* of a CRC, reflected */
} lu_checksum_kind_t;


static const lu_checksum_kind_t *lu_checksum_find(lu_checksum_e kind);
static uint64_t lu_checksum_ones(const lu_checksum_kind_t *kind);
static void lu_checksum_table(uint64_t *table, uint64_t polynomial);
static void lu_checksum_crc(lu_checksum_t *checksum, const unsigned char *p,
    size_t len);


static const lu_checksum_kind_t  lu_checksum_kinds[] = {
    { "x-amz-checksum-crc32", LU_CHECKSUM_CRC32, 4, 0xedb88320 },
    { "x-amz-checksum-crc32c", LU_CHECKSUM_CRC32C, 4, 0x82f63b78 },
    { "x-amz-checksum-crc64nvme", LU_CHECKSUM_CRC64, 8,
      0x9a6c9329ac4bc9b5 },
    { "x-amz-checksum-sha1", LU_CHECKSUM_SHA1, SHA_DIGEST_LENGTH, 0 },
    { "x-amz-checksum-sha256", LU_CHECKSUM_SHA256, SHA256_DIGEST_LENGTH, 0 },
    { NULL, LU_CHECKSUM_NONE, 0, 0 }
};


lu_rc_e
lu_checksum_header(lu_checksum_t *checksum, const lu_str_t *name,
    const lu_str_t *value, lu_error_t *err)
{
    const lu_checksum_kind_t  *kind;

    if (lu_str_is(name, "content-md5")) {

        if (checksum->has_md5
            || !lu_base64_decode(checksum->sent_md5, MD5_DIGEST_LENGTH, value))
        {
            return lu_error(err, NULL,
                            "The header Content-MD5 must be there once, with "
                            "16 bytes in base64.");
        }

        checksum->has_md5 = 1;

        return LU_OK;
    }

    for (kind = lu_checksum_kinds; kind->name; kind++) {
        if (lu_str_is(name, kind->name)) {
            break;
        }
    }

    if (kind->name == NULL) {
        return LU_OK;
    }

    if (checksum->kind != LU_CHECKSUM_NONE
        || !lu_base64_decode(checksum->sent, kind->size, value))
    {
        return lu_error(err, NULL,
                        "There may be one header x-amz-checksum-..., with the "
                        "bytes of the checksum in base64.");
    }

    checksum->kind = kind->kind;

    return LU_OK;
}


void
lu_checksum_begin(lu_checksum_t *checksum)
{
    const lu_checksum_kind_t  *kind;

    if (checksum->has_md5) {
        (void) MD5_Init(&checksum->md5);
    }

    switch (checksum->kind) {

    case LU_CHECKSUM_NONE:
        break;

    case LU_CHECKSUM_SHA1:
        (void) SHA1_Init(&checksum->u.sha1);
        break;

    case LU_CHECKSUM_SHA256:
        (void) SHA256_Init(&checksum->u.sha256);
        break;

    default:
        kind = lu_checksum_find(checksum->kind);

        checksum->u.crc.value = lu_checksum_ones(kind);
        lu_checksum_table(checksum->u.crc.table, kind->polynomial);
    }
}


static const lu_checksum_kind_t *
lu_checksum_find(lu_checksum_e kind)
{
    size_t  i;

    for (i = 0; lu_checksum_kinds[i].kind != kind; i++) {
        /* void */
    }

    return &lu_checksum_kinds[i];
}


static uint64_t
lu_checksum_ones(const lu_checksum_kind_t *kind)
{
    return UINT64_MAX >> (64 - 8 * kind->size);
}


static void
lu_checksum_table(uint64_t *table, uint64_t polynomial)
{
    uint64_t  i, bit, value;

    for (i = 0; i < 256; i++) {
        value = i;

        for (bit = 0; bit < 8; bit++) {
            value = (value & 1) ? (value >> 1) ^ polynomial : value >> 1;
        }

        table[i] = value;
    }
}


void
lu_checksum_update(lu_checksum_t *checksum, const void *data, size_t len)
{
    if (checksum->has_md5) {
        (void) MD5_Update(&checksum->md5, data, len);
    }

    switch (checksum->kind) {

    case LU_CHECKSUM_NONE:
        break;

    case LU_CHECKSUM_SHA1:
        (void) SHA1_Update(&checksum->u.sha1, data, len);
        break;

    case LU_CHECKSUM_SHA256:
        (void) SHA256_Update(&checksum->u.sha256, data, len);
        break;

    default:
        lu_checksum_crc(checksum, data, len);
    }
}


static void
lu_checksum_crc(lu_checksum_t *checksum, const unsigned char *p, size_t len)
{
    size_t           i;
    uint64_t         value;
    const uint64_t  *table;

    value = checksum->u.crc.value;
    table = checksum->u.crc.table;

    for (i = 0; i < len; i++) {
        value = (value >> 8) ^ table[(value ^ p[i]) & 0xff];
    }

    checksum->u.crc.value = value;
}


lu_rc_e
lu_checksum_end(lu_checksum_t *checksum, lu_error_t *err)
{
    size_t                     i;
    lu_str_t                   name;
    uint64_t                   value;
    unsigned char              digest[SHA256_DIGEST_LENGTH];
    const lu_checksum_kind_t  *kind;

    if (checksum->has_md5) {
        (void) MD5_Final(digest, &checksum->md5);

        if (memcmp(digest, checksum->sent_md5, MD5_DIGEST_LENGTH) != 0) {
            name = lu_str("Content-MD5");

            return lu_error(err, &name, "is not the MD5 of what arrived");
        }
    }

    kind = lu_checksum_find(checksum->kind);

    switch (checksum->kind) {

    case LU_CHECKSUM_NONE:
        return LU_OK;

    case LU_CHECKSUM_SHA1:
        (void) SHA1_Final(digest, &checksum->u.sha1);
        break;

    case LU_CHECKSUM_SHA256:
        (void) SHA256_Final(digest, &checksum->u.sha256);
        break;

    default:
        value = checksum->u.crc.value ^ lu_checksum_ones(kind);

        for (i = kind->size; i > 0; i--) {
            digest[i - 1] = (unsigned char) (value & 0xff);
            value >>= 8;
        }
    }

    if (memcmp(digest, checksum->sent, kind->size) != 0) {
        name = lu_str(kind->name);

        return lu_error(err, &name, "is not the checksum of what arrived");
    }

    return LU_OK;
}
