
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_event.h"
#include "lu_hex.h"
#include "lu_put.h"
#include "lu_sha256.h"


typedef struct {
    const char  *type;
    int          is_public;

    /* {app}, {release}, {subject}, {by}, {from}, {to}, {reason} */
    const char  *sentence;
} lu_event_type_t;


typedef struct {
    const char  *change;        /* "*" at the front: the end of it counts */
    const char  *type;
    const char  *release;       /* the member with its id, or NULL */
    const char  *reason;        /* the member with that, or NULL */
} lu_event_change_t;


static const lu_event_type_t *lu_event_type(const lu_str_t *type);
static const lu_event_change_t *lu_event_change(const lu_str_t *name);
static int lu_event_names(const char *change, const lu_str_t *name);
static void lu_event_copy(lu_put_t *put, cJSON *event, const char *key,
    const cJSON *from, const char *name);
static void lu_event_fill(lu_text_t *text, const cJSON *event,
    const char *name, size_t len);
static void lu_event_line(lu_text_t *text, const lu_str_t *value);


static const lu_event_type_t  lu_event_types[] = {

    { "release.staged", 0,
      "Release {release} of {app}, from {by}, waits for approval." },
    { "release.approved", 1,
      "{by} has approved release {release} of {app}: it is live." },
    { "release.promoted", 1,
      "Release {release} of {app}, from {by}, is live." },
    { "release.rejected", 0,
      "{by} has rejected release {release} of {app}{reason}." },
    { "release.withdrawn", 1,
      "{by} has withdrawn release {release} of {app}." },
    { "release.rolled_back", 1,
      "{by} has rolled {app} back from {from} to {to}." },
    { "release.rollout", 1,
      "{by} has set the rollout of {subject} of {app} to {to}." },
    { "release.step", 1,
      "The rollout of {subject} of {app} has reached {to}{reason}." },
    { "release.halted", 1,
      "The rollout of {subject} of {app} was halted{reason}." },
    { "release.resumed", 1,
      "{by} has resumed the rollout of {subject} of {app}." },
    { "release.warned", 0,
      "The rollout of {subject} of {app} may do harm{reason}." },
    { "release.deleted", 1,
      "{by} has deleted release {release} of {app}." },
    { "release.failed", 0,
      "Release {release} of {app}, from {by}, has failed{reason}." },
    { "rules.changed", 1,
      "{by} has changed the rules of {app}." },
    { "channel.changed", 1,
      "{by} has changed channel {subject} of {app}{reason}." },
    { "app.changed", 1,
      "{by} has changed the settings of {app}." },
    { "pull_request.opened", 0,
      "A pull request for release {release} of {app} is open{reason}." },
    { "disk.low", 0,
      "The disk of the store is nearly full{reason}." },
    { "token.expiring", 0,
      "The token for {subject} is about to expire{reason}." },
    { "target.paused", 0,
      "Target {subject} is paused{reason}." },
    { "test", 0,
      "{by} has sent this to see whether it arrives." },

    { NULL, 0, NULL }
};


/* What is not here is of no interest to people who do not look. */

static const lu_event_change_t  lu_event_changes[] = {
    { "bundle.ready", "release.promoted", "subject", NULL },
    { "deployment.create", "release.promoted", "to", NULL },
    { "release.promote", "release.promoted", "subject", NULL },
    { "release.reject", "release.rejected", "subject", "reason" },
    { "release.withdraw", "release.withdrawn", "subject", NULL },
    { "release.rollback", "release.rolled_back", "to", NULL },
    { "release.rollout", "release.rollout", "subject", NULL },
    { "deployment.rollout", "release.rollout", NULL, NULL },
    { "release.halt", "release.halted", "subject", "to" },
    { "deployment.halt", "release.halted", NULL, "to" },
    { "release.resume", "release.resumed", "subject", NULL },
    { "deployment.resume", "release.resumed", NULL, NULL },
    { "*.warn", "release.warned", NULL, "to" },
    { "*.step", "release.step", NULL, "reason" },
    { "release.delete", "release.deleted", "subject", NULL },
    { "bundle.delete", "release.deleted", "subject", NULL },
    { "rules.update", "rules.changed", NULL, NULL },
    { "channel.update", "channel.changed", NULL, NULL },
    { "channel.pause", "channel.changed", NULL, NULL },
    { "channel.resume", "channel.changed", NULL, NULL },
    { "channel.delete", "channel.changed", NULL, NULL },
    { "app.update", "app.changed", NULL, NULL },
    { NULL, NULL, NULL, NULL }
};


void
lu_event_id(char id[LU_EVENT_ID + 1], const lu_str_t *texts, size_t n)
{
    size_t         i;
    lu_sha256_t    sha256;
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    lu_sha256_init(&sha256);

    for (i = 0; i < n; i++) {
        lu_sha256_update(&sha256, texts[i].data, texts[i].len);
        lu_sha256_update(&sha256, "", 1);
    }

    lu_sha256_final(&sha256, digest);

    memcpy(id, "evt_", sizeof("evt_") - 1);
    lu_hex_encode(id + sizeof("evt_") - 1, digest, 16);
    id[LU_EVENT_ID] = '\0';
}


lu_rc_e
lu_event_of(cJSON **event, const cJSON *entry, const char *app,
    const char *id, int approval)
{
    cJSON                    *json;
    lu_put_t                  put;
    lu_str_t                  change, at, to;
    const char               *type;
    const lu_event_change_t  *known;

    *event = NULL;

    if (lu_json_string(entry, "change", &change) != LU_OK
        || lu_json_string(entry, "at", &at) != LU_OK)
    {
        return LU_INVALID;
    }

    known = lu_event_change(&change);

    /* a bundle without a channel is for nobody yet */

    if (known == NULL
        || (lu_str_is(&change, "bundle.ready")
            && lu_json_string(entry, "to", &to) != LU_OK))
    {
        return LU_NOT_FOUND;
    }

    type = known->type;

    if (approval && lu_str_is(&change, "release.promote")) {
        type = "release.approved";
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "id", id);
    lu_put_string(&put, json, "type", type);
    lu_put_string(&put, json, "at", (char *) at.data);
    lu_put_string(&put, json, "app", app);
    lu_put_string(&put, json, "change", (char *) change.data);

    if (known->release) {
        lu_event_copy(&put, json, "release", entry, known->release);
    }

    lu_event_copy(&put, json, "by", entry, "by");
    lu_event_copy(&put, json, "subject", entry, "subject");
    lu_event_copy(&put, json, "from", entry, "from");
    lu_event_copy(&put, json, "to", entry, "to");
    lu_event_copy(&put, json, "commit", entry, "commit");

    if (known->reason) {
        lu_event_copy(&put, json, "reason", entry, known->reason);
    }

    *event = lu_put_done(&put, json);

    return *event ? LU_OK : LU_NOMEM;
}


cJSON *
lu_event_make(const char *id, const char *type, const char *at,
    const char *app, const char *by, const char *release, const char *reason)
{
    cJSON     *json;
    lu_put_t   put;
    lu_str_t   text;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "id", id);
    lu_put_string(&put, json, "type", type);
    lu_put_string(&put, json, "at", at);

    if (app) {
        lu_put_string(&put, json, "app", app);
    }

    if (release) {
        lu_put_string(&put, json, "release", release);
        lu_put_string(&put, json, "subject", release);
    }

    lu_put_string(&put, json, "by", by);

    if (reason) {
        text = lu_str(reason);
        text.len = lu_event_cut(reason, text.len, LU_EVENT_REASON);

        lu_put_str(&put, json, "reason", &text);
    }

    return lu_put_done(&put, json);
}


static void
lu_event_copy(lu_put_t *put, cJSON *event, const char *key,
    const cJSON *from, const char *name)
{
    lu_str_t  value;

    if (lu_json_string(from, name, &value) != LU_OK) {
        return;
    }

    value.len = lu_event_cut((char *) value.data, value.len, LU_EVENT_REASON);

    lu_put_str(put, event, key, &value);
}


static const lu_event_type_t *
lu_event_type(const lu_str_t *type)
{
    const lu_event_type_t  *known;

    for (known = lu_event_types; known->type; known++) {
        if (lu_str_is(type, known->type)) {
            return known;
        }
    }

    return NULL;
}


static const lu_event_change_t *
lu_event_change(const lu_str_t *name)
{
    const lu_event_change_t  *known;

    for (known = lu_event_changes; known->change; known++) {
        if (lu_event_names(known->change, name)) {
            return known;
        }
    }

    return NULL;
}


static int
lu_event_names(const char *change, const lu_str_t *name)
{
    return *change == '*' ? lu_str_ends(name, change + 1)
                          : lu_str_is(name, change);
}


int
lu_event_known(const lu_str_t *pattern)
{
    lu_str_t                type;
    const lu_event_type_t  *known;

    for (known = lu_event_types; known->type; known++) {
        type = lu_str(known->type);

        if (lu_event_matches(pattern, &type)) {
            return 1;
        }
    }

    return 0;
}


int
lu_event_matches(const lu_str_t *pattern, const lu_str_t *type)
{
    size_t  len;

    if (lu_str_is(pattern, "*")) {
        return 1;
    }

    if (!lu_str_ends(pattern, ".*")) {
        return lu_str_eq(pattern, type);
    }

    len = pattern->len - 1;

    return type->len > len && memcmp(type->data, pattern->data, len) == 0;
}


int
lu_event_is_public(const lu_str_t *type)
{
    const lu_event_type_t  *known;

    known = lu_event_type(type);

    return known && known->is_public;
}


void
lu_event_sentence(lu_text_t *text, const cJSON *event)
{
    size_t                  len;
    lu_str_t                type;
    const char             *p, *end;
    const lu_event_type_t  *known;

    known = (lu_json_string(event, "type", &type) == LU_OK)
            ? lu_event_type(&type) : NULL;

    p = known ? known->sentence : "Something has happened{reason}.";

    for ( ;; ) {
        len = strcspn(p, "{");
        lu_text_add(text, p, len);
        p += len;

        if (*p == '\0') {
            return;
        }

        p++;
        end = strchr(p, '}');

        lu_event_fill(text, event, p, (size_t) (end - p));

        p = end + 1;
    }
}


static void
lu_event_fill(lu_text_t *text, const cJSON *event, const char *name,
    size_t len)
{
    char      key[sizeof("subject")];
    lu_str_t  value;

    memcpy(key, name, len);
    key[len] = '\0';

    if (lu_json_string(event, key, &value) != LU_OK) {

        if (strcmp(key, "reason") != 0) {
            lu_text_puts(text, "?");
        }

        return;
    }

    if (strcmp(key, "reason") == 0) {
        lu_text_puts(text, ": ");

        /* the sentence ends with a full stop of its own */

        if (value.len && value.data[value.len - 1] == '.') {
            value.len--;
        }
    }

    lu_event_line(text, &value);
}


/* What a publisher chose neither breaks the line nor turns it around. */

static void
lu_event_line(lu_text_t *text, const lu_str_t *value)
{
    size_t  i, from;

    for (i = 0, from = 0; i < value->len; i++) {

        if (value->data[i] >= 0x20 && value->data[i] != 0x7f) {
            continue;
        }

        lu_text_add(text, (char *) value->data + from, i - from);
        lu_text_puts(text, " ");

        from = i + 1;
    }

    lu_text_add(text, (char *) value->data + from, value->len - from);
}


size_t
lu_event_cut(const char *text, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }

    for (len = max; len && ((unsigned char) text[len] & 0xc0) == 0x80; len--) {
        /* void */
    }

    return len;
}
