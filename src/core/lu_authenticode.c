
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_authenticode.h"
#include "lu_certificate.h"
#include "lu_limit.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include <limits.h>


/* Object identifiers, and what OpenSSL writes of one, at most. */

#define LU_AUTHENTICODE_OID      64
#define LU_AUTHENTICODE_CONTENT  "1.3.6.1.4.1.311.2.1.4"
#define LU_AUTHENTICODE_NESTED   "1.3.6.1.4.1.311.2.4.1"
#define LU_AUTHENTICODE_STAMP    "1.3.6.1.4.1.311.3.3.1"    /* RFC 3161 */
#define LU_AUTHENTICODE_COUNTER  "1.2.840.113549.1.9.6"

/* Each of them costs a context when the signature is verified. */

#define LU_AUTHENTICODE_DIGESTS  4

/* 256 bytes, as that of other names */

#define LU_AUTHENTICODE_NAME     "publisher"


typedef struct {
    const lu_arena_t   *arena;
    lu_authenticode_t  *signatures;
    size_t              n;
    lu_error_t         *err;
} lu_authenticode_ctx_t;


static lu_rc_e lu_authenticode_message(lu_authenticode_ctx_t *ctx,
    const lu_str_t *bytes, int is_nested);
static lu_rc_e lu_authenticode_signed(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    int is_nested);
static lu_rc_e lu_authenticode_content(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    lu_authenticode_t *signature, lu_str_t *content);
static int lu_authenticode_element(lu_str_t *der, int tag,
    lu_str_t *content);
static lu_rc_e lu_authenticode_verify(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    const lu_str_t *content);
static lu_rc_e lu_authenticode_signer(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    lu_authenticode_t *signature);
static lu_rc_e lu_authenticode_name(lu_authenticode_ctx_t *ctx,
    X509_NAME *name, int nid, lu_str_t *value);
static lu_rc_e lu_authenticode_more(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    lu_authenticode_t *signature, int is_nested);
static int lu_authenticode_is(const ASN1_OBJECT *object, const char *oid);


static const struct {
    const char     *name;
    size_t          size;
    unsigned char   oid[9];
    size_t          len;
} lu_authenticode_digests[] = {
    { "SHA-256", 32,
      { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 }, 9 },
    { "SHA-384", 48,
      { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 }, 9 },
    { "SHA-512", 64,
      { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 }, 9 },
    { "SHA-1", 20, { 0x2b, 0x0e, 0x03, 0x02, 0x1a }, 5 },
    { NULL, 0, { 0 }, 0 }
};


lu_rc_e
lu_authenticode_parse(const lu_arena_t *arena, const lu_str_t *table,
    lu_authenticode_t signatures[LU_AUTHENTICODE_MAX], size_t *n,
    lu_error_t *err)
{
    lu_rc_e                rc;
    lu_str_t               left, bytes;
    lu_authenticode_ctx_t  ctx;

    ctx.arena = arena;
    ctx.signatures = signatures;
    ctx.n = 0;
    ctx.err = err;

    left = *table;

    do {
        rc = lu_pe_signature(&left, &bytes, err);

        if (rc == LU_OK) {
            rc = lu_authenticode_message(&ctx, &bytes, 0);
        }

    } while (rc == LU_OK && ctx.n < LU_AUTHENTICODE_MAX);

    *n = ctx.n;

    return (rc == LU_NOT_FOUND && ctx.n) ? LU_OK : rc;
}


static lu_rc_e
lu_authenticode_message(lu_authenticode_ctx_t *ctx, const lu_str_t *bytes,
    int is_nested)
{
    PKCS7                *p7;
    lu_rc_e               rc;
    const unsigned char  *p;

    p = bytes->data;

    p7 = (bytes->len <= LONG_MAX) ? d2i_PKCS7(NULL, &p, (long) bytes->len)
                                  : NULL;
    if (p7 == NULL) {
        rc = lu_error(ctx->err, NULL, "has a signature that cannot be read");

    } else if (!PKCS7_type_is_signed(p7) || p7->d.sign == NULL) {
        rc = lu_error(ctx->err, NULL,
                      "has a signature of another kind than Authenticode");

    } else {
        rc = lu_authenticode_signed(ctx, p7, is_nested);
    }

    PKCS7_free(p7);
    ERR_clear_error();

    return rc;
}


static lu_rc_e
lu_authenticode_signed(lu_authenticode_ctx_t *ctx, PKCS7 *p7, int is_nested)
{
    lu_rc_e             rc;
    lu_str_t            content;
    lu_authenticode_t  *signature;

    signature = &ctx->signatures[ctx->n];

    memset(signature, 0, sizeof(lu_authenticode_t));

    if (sk_X509_ALGOR_num(p7->d.sign->md_algs) > LU_AUTHENTICODE_DIGESTS
        || sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info) != 1)
    {
        return lu_error(ctx->err, NULL,
                        "has a signature that is not made by one signer");
    }

    rc = lu_authenticode_content(ctx, p7, signature, &content);

    if (rc == LU_OK) {
        rc = lu_authenticode_verify(ctx, p7, &content);
    }

    if (rc == LU_OK) {
        rc = lu_authenticode_signer(ctx, p7, signature);
    }

    if (rc != LU_OK) {
        return rc;
    }

    ctx->n++;

    return lu_authenticode_more(ctx, p7, signature, is_nested);
}


/* SpcIndirectDataContent: {data, {{algorithm}, digest}}. */

static lu_rc_e
lu_authenticode_content(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    lu_authenticode_t *signature, lu_str_t *content)
{
    size_t      i;
    PKCS7      *inner;
    lu_str_t    whole, left, skipped, info, algorithm, oid, digest;
    ASN1_TYPE  *other;

    inner = p7->d.sign->contents;

    if (inner == NULL
        || !lu_authenticode_is(inner->type, LU_AUTHENTICODE_CONTENT))
    {
        return lu_error(ctx->err, NULL,
                        "has a signature of something else than a program");
    }

    other = inner->d.other;

    if (other == NULL || other->type != V_ASN1_SEQUENCE) {
        return lu_error(ctx->err, NULL, "has a signature without a digest");
    }

    whole.data = other->value.sequence->data;
    whole.len = (size_t) other->value.sequence->length;

    if (!lu_authenticode_element(&whole, V_ASN1_SEQUENCE, content)) {
        return lu_error(ctx->err, NULL, "has a signature without a digest");
    }

    left = *content;

    if (!lu_authenticode_element(&left, V_ASN1_SEQUENCE, &skipped)
        || !lu_authenticode_element(&left, V_ASN1_SEQUENCE, &info)
        || !lu_authenticode_element(&info, V_ASN1_SEQUENCE, &algorithm)
        || !lu_authenticode_element(&algorithm, V_ASN1_OBJECT, &oid)
        || !lu_authenticode_element(&info, V_ASN1_OCTET_STRING, &digest))
    {
        return lu_error(ctx->err, NULL, "has a signature without a digest");
    }

    for (i = 0; lu_authenticode_digests[i].name; i++) {

        if (oid.len != lu_authenticode_digests[i].len
            || digest.len != lu_authenticode_digests[i].size
            || memcmp(oid.data, lu_authenticode_digests[i].oid, oid.len) != 0)
        {
            continue;
        }

        signature->algorithm = lu_authenticode_digests[i].name;
        signature->digest_len = digest.len;

        memcpy(signature->digest, digest.data, digest.len);

        return LU_OK;
    }

    return lu_error(ctx->err, NULL,
                    "has a signature with a digest of an unknown kind");
}


/* Cuts off the first element if it is of that kind. */

static int
lu_authenticode_element(lu_str_t *der, int tag, lu_str_t *content)
{
    int                   rc, found, class;
    long                  len;
    const unsigned char  *p;

    p = der->data;

    if (der->len == 0 || der->len > LONG_MAX) {
        return 0;
    }

    rc = ASN1_get_object(&p, &len, &found, &class, (long) der->len);

    /* 0x80: it is longer than what there is; 1: its length is not known */

    if ((rc & 0x81) || found != tag || class != V_ASN1_UNIVERSAL) {
        return 0;
    }

    content->data = (unsigned char *) p;
    content->len = (size_t) len;

    der->len -= (size_t) (p + len - der->data);
    der->data = (unsigned char *) p + len;

    return 1;
}


/* The signer has signed this content, whoever that is. */

static lu_rc_e
lu_authenticode_verify(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    const lu_str_t *content)
{
    int   is_valid;
    BIO  *bio;

    bio = BIO_new_mem_buf(content->data, (int) content->len);
    if (bio == NULL) {
        return LU_NOMEM;
    }

    is_valid = PKCS7_verify(p7, NULL, NULL, bio, NULL, PKCS7_NOVERIFY) == 1;

    BIO_free(bio);

    if (!is_valid) {
        return lu_error(ctx->err, NULL,
                        "has a signature that was not made with the key of "
                        "its certificate");
    }

    return LU_OK;
}


static lu_rc_e
lu_authenticode_signer(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    lu_authenticode_t *signature)
{
    X509            *x509;
    lu_rc_e          rc;
    X509_NAME       *subject, *issuer;
    STACK_OF(X509)  *signers;

    signers = PKCS7_get0_signers(p7, NULL, 0);

    if (signers == NULL || sk_X509_num(signers) != 1) {
        sk_X509_free(signers);
        return lu_error(ctx->err, NULL,
                        "has a signature without its certificate");
    }

    x509 = sk_X509_value(signers, 0);

    sk_X509_free(signers);

    subject = X509_get_subject_name(x509);
    issuer = X509_get_issuer_name(x509);

    rc = lu_authenticode_name(ctx, subject, NID_commonName,
                              &signature->publisher);

    if (rc == LU_OK) {
        rc = lu_authenticode_name(ctx, subject, NID_organizationName,
                                  &signature->organization);
    }

    if (rc == LU_OK) {
        rc = lu_authenticode_name(ctx, issuer, NID_commonName,
                                  &signature->issuer);
    }

    if (rc == LU_OK && signature->issuer.len == 0) {
        rc = lu_authenticode_name(ctx, issuer, NID_organizationName,
                                  &signature->issuer);
    }

    signature->since = lu_certificate_time(X509_get0_notBefore(x509));
    signature->until = lu_certificate_time(X509_get0_notAfter(x509));

    return rc;
}


static lu_rc_e
lu_authenticode_name(lu_authenticode_ctx_t *ctx, X509_NAME *name, int nid,
    lu_str_t *value)
{
    int             i, len;
    size_t          n;
    lu_str_t        text;
    unsigned char  *utf8;

    value->len = 0;
    value->data = NULL;

    i = X509_NAME_get_index_by_NID(name, nid, -1);

    if (i < 0) {
        return LU_OK;
    }

    len = ASN1_STRING_to_UTF8(&utf8,
              X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));

    if (len < 0) {
        return LU_OK;
    }

    text.data = utf8;
    text.len = (size_t) len;

    if (!lu_str_utf8_valid(&text)) {
        text.len = 0;
    }

    lu_limit_cut(LU_AUTHENTICODE_NAME, &text);

    *value = lu_str_dup(ctx->arena, text.data, text.len);

    OPENSSL_free(utf8);

    if (value->data == NULL) {
        value->len = 0;
        return LU_NOMEM;
    }

    for (n = 0; n < value->len; n++) {
        if (value->data[n] < 0x20 || value->data[n] == 0x7f) {
            value->data[n] = '?';
        }
    }

    return LU_OK;
}


/* What is added to a signature after it was made. */

static lu_rc_e
lu_authenticode_more(lu_authenticode_ctx_t *ctx, PKCS7 *p7,
    lu_authenticode_t *signature, int is_nested)
{
    int                 i, j;
    lu_rc_e             rc;
    lu_str_t            bytes;
    ASN1_TYPE          *value;
    X509_ATTRIBUTE     *attribute;
    const ASN1_OBJECT  *object;
    PKCS7_SIGNER_INFO  *info;

    info = sk_PKCS7_SIGNER_INFO_value(p7->d.sign->signer_info, 0);

    for (i = 0; i < sk_X509_ATTRIBUTE_num(info->unauth_attr); i++) {

        attribute = sk_X509_ATTRIBUTE_value(info->unauth_attr, i);
        object = X509_ATTRIBUTE_get0_object(attribute);

        if (lu_authenticode_is(object, LU_AUTHENTICODE_STAMP)
            || lu_authenticode_is(object, LU_AUTHENTICODE_COUNTER))
        {
            signature->is_stamped = 1;
            continue;
        }

        if (is_nested || !lu_authenticode_is(object, LU_AUTHENTICODE_NESTED)) {
            continue;
        }

        for (j = 0; j < X509_ATTRIBUTE_count(attribute); j++) {

            if (ctx->n == LU_AUTHENTICODE_MAX) {
                return LU_OK;
            }

            value = X509_ATTRIBUTE_get0_type(attribute, j);

            if (value == NULL || value->type != V_ASN1_SEQUENCE) {
                return lu_error(ctx->err, NULL,
                                "has a second signature that cannot be read");
            }

            bytes.data = value->value.sequence->data;
            bytes.len = (size_t) value->value.sequence->length;

            rc = lu_authenticode_message(ctx, &bytes, 1);
            if (rc != LU_OK) {
                return rc;
            }
        }
    }

    return LU_OK;
}


static int
lu_authenticode_is(const ASN1_OBJECT *object, const char *oid)
{
    char  text[LU_AUTHENTICODE_OID];

    return object
           && OBJ_obj2txt(text, sizeof(text), object, 1) > 0
           && strcmp(text, oid) == 0;
}


lu_rc_e
lu_authenticode_begin(lu_authenticode_file_t *file, const lu_pe_t *pe,
    lu_authenticode_t *signatures, size_t n)
{
    size_t         i, j;
    const EVP_MD  *md;

    memset(file, 0, sizeof(lu_authenticode_file_t));

    file->pe = *pe;
    file->signatures = signatures;
    file->n = n;

    for (i = 0; i < n; i++) {

        /* one context for all signatures with the same algorithm */

        for (j = 0; j < i; j++) {
            if (signatures[j].algorithm == signatures[i].algorithm) {
                break;
            }
        }

        if (j < i) {
            continue;
        }

        md = (signatures[i].digest_len == 20) ? EVP_sha1()
             : (signatures[i].digest_len == 32) ? EVP_sha256()
             : (signatures[i].digest_len == 48) ? EVP_sha384() : EVP_sha512();

        file->ctx[i] = EVP_MD_CTX_new();

        if (file->ctx[i] == NULL
            || !EVP_DigestInit_ex(file->ctx[i], md, NULL))
        {
            return LU_NOMEM;
        }
    }

    return LU_OK;
}


lu_rc_e
lu_authenticode_add(lu_authenticode_file_t *file, const unsigned char *bytes,
    size_t len)
{
    int       is_covered;
    size_t    i, n;
    uint64_t  part;

    while (len) {

        part = lu_pe_part(&file->pe, file->offset, &is_covered);
        n = (part < len) ? (size_t) part : len;

        for (i = 0; is_covered && i < file->n; i++) {
            if (file->ctx[i] && !EVP_DigestUpdate(file->ctx[i], bytes, n)) {
                return LU_NOMEM;
            }
        }

        file->offset += n;
        bytes += n;
        len -= n;
    }

    return LU_OK;
}


void
lu_authenticode_end(lu_authenticode_file_t *file)
{
    int                 is_done;
    size_t              i, j;
    unsigned            size;
    unsigned char       digest[EVP_MAX_MD_SIZE];
    lu_authenticode_t  *signature;

    for (i = 0; i < file->n; i++) {

        is_done = file->ctx[i]
                  && EVP_DigestFinal_ex(file->ctx[i], digest, &size);

        for (j = i; is_done && j < file->n; j++) {
            signature = &file->signatures[j];

            if (signature->algorithm == file->signatures[i].algorithm
                && memcmp(signature->digest, digest, signature->digest_len)
                   == 0)
            {
                signature->is_same = 1;
            }
        }

        EVP_MD_CTX_free(file->ctx[i]);

        file->ctx[i] = NULL;
    }
}
