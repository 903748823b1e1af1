
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What release.json says of signatures: the array "signatures", with an object
 * for each program for Windows, and each zip archive with an app for macOS,
 *
 *     href        the file
 *     platform    "windows" or "mac"
 *     updater     true: an update manifest lists it
 *     state       "signed": by whoever has the key of the certificate, and the
 *                 bytes are those that were signed; on macOS, somebody's
 *                 signature is there, and not looked at
 *                 "altered": the bytes were changed afterwards
 *                 "unsigned"
 *                 "unreadable": neither is known; "reason" says why
 *     reason      a predicate of the file
 *     ticket      true: the app has a ticket of its notarisation
 *     signers     an array, of which the first one is what Windows shows:
 *                 publisher, organization, issuer, notBefore, notAfter,
 *                 timestamped, algorithm; what the certificate does not say is
 *                 missing
 *
 * and "signaturesCount", if there are more of them than LU_SIGNED_MAX.
 */


#ifndef _LU_SIGNED_H_INCLUDED_
#define _LU_SIGNED_H_INCLUDED_


#include "lu_authenticode.h"
#include "lu_mac.h"
#include "lu_put.h"
#include "lu_text.h"


#define LU_SIGNED_MAX       100
#define LU_SIGNED_WARNINGS  10


/*
 * Appends what is known of a file to the array.  With a reason it is
 * unreadable, else it has n signatures.
 */

void lu_signed_put(lu_put_t *put, cJSON *list, const lu_str_t *href,
    int is_updater, const lu_authenticode_t *signatures, size_t n,
    const char *reason);

/* The same for a zip archive with an app for macOS. */

void lu_signed_put_mac(lu_put_t *put, cJSON *list, const lu_str_t *href,
    int is_updater, const lu_mac_t *mac, const char *reason);

/*
 * Appends sentences to an array of at most LU_SIGNED_WARNINGS.  invalid() says
 * which files of a release Windows or macOS refuse at that time, a timestamp of
 * lu_time_print(), and differs() which programs the apps refuse that have the
 * other release, since its publisher is another one.
 */

void lu_signed_invalid(lu_put_t *put, cJSON *warnings, const cJSON *release,
    const char *now);
void lu_signed_differs(lu_put_t *put, cJSON *warnings, const cJSON *release,
    const cJSON *live);

/*
 * Says in words what an object of "signatures" says: "signed by ...", or with
 * what predicate it begins.  A name is added by quote(), which may escape it.
 */

void lu_signed_print(lu_text_t *text, const cJSON *file,
    void (*quote)(lu_text_t *text, const lu_str_t *value));


#endif /* _LU_SIGNED_H_INCLUDED_ */
