
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_platform.h"
#include "lu_signed.h"
#include "lu_time.h"


#define LU_SIGNED_DATE  (sizeof("2025-02-10") - 1)


static cJSON *lu_signed_file(lu_put_t *put, cJSON *list, const lu_str_t *href,
    int is_updater, unsigned platform, const char *state, const char *reason);
static void lu_signed_signer(lu_put_t *put, cJSON *list,
    const lu_authenticode_t *signature);
static void lu_signed_time(lu_put_t *put, cJSON *signer, const char *key,
    time_t time);
static void lu_signed_add(lu_put_t *put, cJSON *warnings, lu_text_t *text);
static int lu_signed_is(const cJSON *file, const char *key,
    const char *value);
static int lu_signed_is_over(const cJSON *file, const char *now);
static int lu_signed_publisher(const cJSON *file, lu_str_t *publisher);
static const cJSON *lu_signed_find(const cJSON *release,
    const lu_str_t *publisher);
static void lu_signed_refused(lu_text_t *text, const cJSON *file,
    const cJSON *live);
static void lu_signed_quote(lu_text_t *text, const lu_str_t *value);
static void lu_signed_date(lu_text_t *text, const cJSON *signer,
    const char *key, const char *before);


void
lu_signed_put(lu_put_t *put, cJSON *list, const lu_str_t *href,
    int is_updater, const lu_authenticode_t *signatures, size_t n,
    const char *reason)
{
    cJSON       *file, *signers;
    size_t       i;
    const char  *state;

    state = n ? "signed" : "unsigned";

    for (i = 0; i < n; i++) {
        if (!signatures[i].is_same) {
            state = "altered";
        }
    }

    if (reason) {
        state = "unreadable";
    }

    file = lu_signed_file(put, list, href, is_updater, LU_WINDOWS, state,
                          reason);

    if (reason || n == 0) {
        return;
    }

    signers = lu_put_array(put, file, "signers");

    for (i = 0; i < n; i++) {
        lu_signed_signer(put, signers, &signatures[i]);
    }
}


void
lu_signed_put_mac(lu_put_t *put, cJSON *list, const lu_str_t *href,
    int is_updater, const lu_mac_t *mac, const char *reason)
{
    cJSON       *file;
    const char  *state;

    state = reason ? "unreadable" : mac->is_signed ? "signed" : "unsigned";

    file = lu_signed_file(put, list, href, is_updater, LU_MAC, state, reason);

    if (!reason && mac->has_ticket) {
        lu_put_bool(put, file, "ticket", 1);
    }
}


static cJSON *
lu_signed_file(lu_put_t *put, cJSON *list, const lu_str_t *href,
    int is_updater, unsigned platform, const char *state, const char *reason)
{
    cJSON  *file;

    file = lu_put_object(put, list, NULL);

    lu_put_str(put, file, "href", href);
    lu_put_string(put, file, "platform", lu_platform_name(platform));

    if (is_updater) {
        lu_put_bool(put, file, "updater", 1);
    }

    lu_put_string(put, file, "state", state);

    if (reason) {
        lu_put_string(put, file, "reason", reason);
    }

    return file;
}


static void
lu_signed_signer(lu_put_t *put, cJSON *list,
    const lu_authenticode_t *signature)
{
    cJSON   *signer;
    size_t   i;

    const struct {
        const char      *key;
        const lu_str_t  *value;
    } names[] = {
        { "publisher", &signature->publisher },
        { "organization", &signature->organization },
        { "issuer", &signature->issuer },
        { NULL, NULL }
    };

    signer = lu_put_object(put, list, NULL);

    for (i = 0; names[i].key; i++) {
        if (names[i].value->len) {
            lu_put_str(put, signer, names[i].key, names[i].value);
        }
    }

    lu_signed_time(put, signer, "notBefore", signature->since);
    lu_signed_time(put, signer, "notAfter", signature->until);

    lu_put_bool(put, signer, "timestamped", signature->is_stamped);
    lu_put_string(put, signer, "algorithm", signature->algorithm);
}


static void
lu_signed_time(lu_put_t *put, cJSON *signer, const char *key, time_t time)
{
    char  text[LU_TIME_SIZE];

    if (time <= 0 || time > LU_TIME_MAX) {
        return;
    }

    lu_time_print(text, time, 0);
    lu_put_string(put, signer, key, text);
}


void
lu_signed_invalid(lu_put_t *put, cJSON *warnings, const cJSON *release,
    const char *now)
{
    lu_str_t      href;
    lu_text_t     text;
    const cJSON  *file;

    cJSON_ArrayForEach(file, lu_json_get(release, "signatures")) {

        if (lu_json_string(file, "href", &href) != LU_OK) {
            continue;
        }

        lu_text_init(&text);
        lu_signed_quote(&text, &href);

        if (lu_signed_is(file, "state", "altered")) {
            lu_text_puts(&text, " was changed after it was signed: Windows "
                                "does not accept its signature.");

        } else if (lu_signed_is_over(file, now)) {
            lu_text_puts(&text, " is signed without a timestamp, and the "
                                "certificate has expired: Windows does not "
                                "accept its signature.");

        } else if (lu_signed_is(file, "platform", "mac")
                   && lu_signed_is(file, "state", "unsigned")
                   && cJSON_IsTrue(lu_json_get(file, "updater")))
        {
            lu_text_puts(&text, " has an app without a code signature: apps "
                                "on macOS do not update themselves to it.");

        } else {
            free(text.data);
            continue;
        }

        lu_signed_add(put, warnings, &text);
    }
}


void
lu_signed_differs(lu_put_t *put, cJSON *warnings, const cJSON *release,
    const cJSON *live)
{
    lu_str_t      publisher;
    lu_text_t     text;
    const cJSON  *file;

    /* without a publisher, installed apps have nothing to compare */

    if (lu_signed_find(live, NULL) == NULL) {
        return;
    }

    cJSON_ArrayForEach(file, lu_json_get(release, "signatures")) {

        if (!cJSON_IsTrue(lu_json_get(file, "updater"))
            || !lu_signed_is(file, "platform", "windows")
            || lu_signed_is(file, "state", "altered")
            || (lu_signed_publisher(file, &publisher)
                && lu_signed_find(live, &publisher)))
        {
            continue;
        }

        lu_text_init(&text);

        lu_signed_refused(&text, file, live);

        lu_signed_add(put, warnings, &text);
    }
}


static void
lu_signed_add(lu_put_t *put, cJSON *warnings, lu_text_t *text)
{
    if (cJSON_GetArraySize(warnings) < LU_SIGNED_WARNINGS) {
        lu_put_string(put, warnings, NULL, text->data);
    }

    free(text->data);
}


static int
lu_signed_is(const cJSON *file, const char *key, const char *value)
{
    lu_str_t  found;

    return lu_json_string(file, key, &found) == LU_OK
           && lu_str_is(&found, value);
}


/* Timestamps of the same form are in the order of their times. */

static int
lu_signed_is_over(const cJSON *file, const char *now)
{
    lu_str_t      until;
    const cJSON  *signer;

    signer = cJSON_GetArrayItem(lu_json_get(file, "signers"), 0);

    return cJSON_IsFalse(lu_json_get(signer, "timestamped"))
           && lu_json_string(signer, "notAfter", &until) == LU_OK
           && strcmp((char *) until.data, now) < 0;
}


/* Whom Windows, and so electron-updater, takes for the publisher. */

static int
lu_signed_publisher(const cJSON *file, lu_str_t *publisher)
{
    return lu_signed_is(file, "state", "signed")
           && lu_json_string(cJSON_GetArrayItem(lu_json_get(file, "signers"),
                                                0),
                             "publisher", publisher)
              == LU_OK;
}


/* A program of the release for updaters by that publisher, or NULL by any. */

static const cJSON *
lu_signed_find(const cJSON *release, const lu_str_t *publisher)
{
    lu_str_t      value;
    const cJSON  *file;

    cJSON_ArrayForEach(file, lu_json_get(release, "signatures")) {

        if (cJSON_IsTrue(lu_json_get(file, "updater"))
            && lu_signed_publisher(file, &value)
            && (publisher == NULL || lu_str_eq(&value, publisher)))
        {
            return file;
        }
    }

    return NULL;
}


static void
lu_signed_refused(lu_text_t *text, const cJSON *file, const cJSON *live)
{
    lu_str_t  value;

    if (lu_json_string(file, "href", &value) == LU_OK) {
        lu_signed_quote(text, &value);
    }

    if (lu_signed_publisher(file, &value)) {
        lu_text_puts(text, " is signed by ");
        lu_signed_quote(text, &value);

    } else {
        lu_text_puts(text, lu_signed_is(file, "state", "unsigned")
                           ? " is not signed"
                           : " has no signature that can be read");
    }

    lu_text_puts(text, ", and the release that is live");

    if (lu_json_string(live, "version", &value) == LU_OK) {
        lu_text_puts(text, ", ");
        lu_signed_quote(text, &value);
        lu_text_puts(text, ",");
    }

    lu_text_puts(text, " by ");

    if (lu_signed_publisher(lu_signed_find(live, NULL), &value)) {
        lu_signed_quote(text, &value);
    }

    lu_text_puts(text, ": installed apps refuse it, unless their "
                       "\"publisherName\" allows it.");
}


static void
lu_signed_quote(lu_text_t *text, const lu_str_t *value)
{
    lu_text_puts(text, "\"");
    lu_text_add(text, (const char *) value->data, value->len);
    lu_text_puts(text, "\"");
}


void
lu_signed_print(lu_text_t *text, const cJSON *file,
    void (*quote)(lu_text_t *text, const lu_str_t *value))
{
    lu_str_t      value;
    const cJSON  *signer;

    if (lu_signed_is(file, "state", "unsigned")) {
        lu_text_puts(text, "not signed");
        return;
    }

    if (lu_json_string(file, "reason", &value) == LU_OK) {
        quote(text, &value);
        return;
    }

    if (lu_signed_is(file, "platform", "mac")) {
        lu_text_puts(text, cJSON_IsTrue(lu_json_get(file, "ticket"))
                           ? "a code signature, with a ticket of notarisation"
                           : "a code signature, without a ticket of "
                             "notarisation");
        return;
    }

    if (lu_signed_is(file, "state", "altered")) {
        lu_text_puts(text, "changed after it was signed; ");
    }

    cJSON_ArrayForEach(signer, lu_json_get(file, "signers")) {

        lu_text_puts(text, "signed by ");

        if (lu_json_string(signer, "publisher", &value) == LU_OK
            || lu_json_string(signer, "organization", &value) == LU_OK)
        {
            quote(text, &value);

        } else {
            lu_text_puts(text, "somebody without a name");
        }

        if (lu_json_string(signer, "issuer", &value) == LU_OK) {
            lu_text_puts(text, ", certificate of ");
            quote(text, &value);
        }

        lu_signed_date(text, signer, "notBefore", ", valid from ");
        lu_signed_date(text, signer, "notAfter", " to ");

        lu_text_puts(text, cJSON_IsTrue(lu_json_get(signer, "timestamped"))
                           ? ", with a timestamp"
                           : ", without a timestamp");

        if (signer->next) {
            lu_text_puts(text, "; ");
        }
    }
}


static void
lu_signed_date(lu_text_t *text, const cJSON *signer, const char *key,
    const char *before)
{
    lu_str_t  value;

    if (lu_json_string(signer, key, &value) == LU_OK
        && value.len > LU_SIGNED_DATE)
    {
        lu_text_puts(text, before);
        lu_text_add(text, (const char *) value.data, LU_SIGNED_DATE);
    }
}
