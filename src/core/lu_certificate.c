
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <limits.h>


static int lu_certificate_password(char *buf, int size, int rwflag,
    void *data);


time_t
lu_certificate_time(const ASN1_TIME *time)
{
    int         days, seconds, rc;
    ASN1_TIME  *epoch;

    epoch = ASN1_TIME_set(NULL, 0);
    if (epoch == NULL) {
        return 0;
    }

    rc = ASN1_TIME_diff(&days, &seconds, epoch, time);

    ASN1_TIME_free(epoch);

    return (rc && days >= 0 && seconds >= 0) ? (time_t) days * 86400 + seconds
                                             : 0;
}


lu_rc_e
lu_certificate_end(const lu_str_t *text, time_t *end)
{
    BIO   *bio;
    X509  *x509;

    *end = 0;

    if (text->len > INT_MAX) {
        return LU_INVALID;
    }

    bio = BIO_new_mem_buf(text->data, (int) text->len);
    if (bio == NULL) {
        return LU_INVALID;
    }

    x509 = PEM_read_bio_X509_AUX(bio, NULL, lu_certificate_password, NULL);

    if (x509) {
        *end = lu_certificate_time(X509_get0_notAfter(x509));
    }

    X509_free(x509);
    BIO_free(bio);

    /* what it did not like is of no interest to those who ask it next */

    ERR_clear_error();

    return *end ? LU_OK : LU_INVALID;
}


/* Nobody is asked for one. */

static int
lu_certificate_password(char *buf, int size, int rwflag, void *data)
{
    (void) buf;
    (void) size;
    (void) rwflag;
    (void) data;

    return -1;
}
