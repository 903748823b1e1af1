
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_event.h"
#include "lu_hex.h"
#include "lu_put.h"
#include "lu_sha256.h"

#include <stdio.h>
#include <stdlib.h>


#define LU_EVENT_SHARE  64      /* bytes */


typedef struct {
    const char  *type;
    int          is_public;

    /*
     * {app}, {release}, {subject}, {channel}, {by}, {from}, {to}, {reason};
     * {%to}, a share in per cent; {rollout}, which it is; {live}, for whom
     */
    const char  *sentence;
} lu_event_type_t;


typedef struct {
    const char  *change;        /* "*" at the front: the end of it counts */
    const char  *type;
    const char  *release;       /* the member with its id, or NULL */
    const char  *reason;        /* the member with that, or NULL */
} lu_event_change_t;


typedef struct {
    const char  *type;
    const char  *key;           /* of a member that there is */
    const char  *value;         /* of it, or NULL: any */
    const char  *sentence;
} lu_event_variant_t;


static const lu_event_type_t *lu_event_type(const lu_str_t *type);
static const char *lu_event_words(const cJSON *event);
static const lu_event_change_t *lu_event_change(const lu_str_t *name);
static int lu_event_names(const char *change, const lu_str_t *name);
static void lu_event_copy(lu_put_t *put, cJSON *event, const char *key,
    const cJSON *from, const char *name);
static void lu_event_fill(lu_text_t *text, const cJSON *event,
    const char *name, size_t len);
static void lu_event_rollout(lu_text_t *text, const cJSON *event);
static void lu_event_live(lu_text_t *text, const cJSON *event);
static void lu_event_share(lu_text_t *text, const cJSON *event,
    const char *key);
static void lu_event_reason(lu_text_t *text, lu_str_t *reason);
static void lu_event_version(lu_text_t *text, const cJSON *event,
    const lu_str_t *id);
static void lu_event_line(lu_text_t *text, const lu_str_t *value);
static size_t lu_event_control(const unsigned char *p, size_t len);


static const lu_event_type_t  lu_event_types[] = {

    { "release.staged", 0,
      "Release {release} of {app}, from {by}, waits for approval." },
    { "release.approved", 1,
      "{by} has approved release {release} of {app}: it {live}." },
    { "release.promoted", 1,
      "Release {release} of {app}, from {by}, {live}." },
    { "release.rejected", 0,
      "{by} has rejected release {release} of {app}{reason}." },
    { "release.withdrawn", 1,
      "{by} has withdrawn release {release} of {app}." },
    { "release.rolled_back", 1,
      "{by} has rolled {app} back from {from} to {to}." },
    { "release.rollout", 1,
      "{by} has set the rollout of {rollout} of {app} to {%to}." },
    { "release.step", 1,
      "The rollout of {rollout} of {app} has reached {%to}{reason}." },
    { "release.halted", 1,
      "The rollout of {rollout} of {app} was halted{reason}." },
    { "release.resumed", 1,
      "{by} has resumed the rollout of {rollout} of {app}." },
    { "release.paused", 0,
      "{by} has paused the plan of {rollout} of {app}{reason}." },
    { "release.expired", 1,
      "The rollout of {rollout} of {app} has expired." },
    { "release.stopped", 0,
      "{by} has ended the plan of {rollout} of {app}: it stays at {%to}." },
    { "release.warned", 0,
      "The rollout of {rollout} of {app} may do harm{reason}." },
    { "release.changed", 1,
      "{by} has changed the limits or properties of release {release} of "
      "{app}." },
    { "release.deleted", 1,
      "{by} has deleted release {release} of {app}." },
    { "release.failed", 0,
      "Release {release} of {app}, from {by}, has failed{reason}." },
    { "rules.changed", 1,
      "{by} has changed the rules of {app}." },
    { "channel.changed", 1,
      "{by} has changed channel {channel} of {app}." },
    { "channel.expired", 1,
      "Channel {channel} of {app} has expired." },
    { "app.changed", 1,
      "{by} has changed the settings of {app}." },
    { "app.deleted", 1,
      "{by} has deleted {app}." },
    { "pull_request.opened", 0,
      "A pull request for release {release} of {app} is open{reason}." },
    { "disk.low", 0,
      "The disk of the store is nearly full{reason}." },
    { "certificate.expiring", 0,
      "Certificate {subject} is about to expire{reason}." },
    { "certificate.expired", 0,
      "Certificate {subject} has expired{reason}." },
    { "token.expiring", 0,
      "The token for {subject} on GitHub is about to expire{reason}." },
    { "token.expired", 0,
      "The token for {subject} on GitHub has expired{reason}." },
    { "target.paused", 0,
      "Target {subject} is paused{reason}." },
    { "test", 0,
      "{by} has sent this to see whether it arrives." },

    { NULL, 0, NULL }
};


/* Of these types, what is said depends on another member, too. */

static const lu_event_variant_t  lu_event_variants[] = {
    { "release.step", "from", NULL,
      "{by} has advanced the rollout of {rollout} of {app} from {%from} to "
      "{%to}." },
    { "release.rolled_back", "channel", NULL,
      "{by} has rolled channel {channel} of {app} back from {from} to {to}." },
    { "release.rollout", "to", "plan",
      "{by} has given the rollout of {rollout} of {app} a plan." },
    { "release.rollout", "to", "expires",
      "{by} has changed when the rollout of {rollout} of {app} expires." },
    { "channel.changed", "change", "channel.delete",
      "{by} has deleted channel {channel} of {app}{reason}." },
    { "channel.changed", "change", "channel.pause",
      "{by} has paused channel {channel} of {app}." },
    { "channel.changed", "change", "channel.resume",
      "{by} has resumed channel {channel} of {app}." },
    { "channel.changed", "to", NULL,
      "{by} has renamed channel {from} of {app} to {to}." },

    { NULL, NULL, NULL, NULL }
};


/* What is not here is of no interest to people who do not look. */

static const lu_event_change_t  lu_event_changes[] = {
    { "bundle.ready", "release.promoted", "subject", NULL },
    { "deployment.create", "release.promoted", "to", NULL },
    { "release.promote", "release.promoted", "subject", NULL },
    { "release.reject", "release.rejected", "subject", "to" },
    { "release.withdraw", "release.withdrawn", "subject", NULL },
    { "release.rollback", "release.rolled_back", "to", NULL },
    { "release.rollout", "release.rollout", "subject", NULL },
    { "deployment.rollout", "release.rollout", NULL, NULL },
    { "release.halt", "release.halted", "subject", "to" },
    { "deployment.halt", "release.halted", NULL, "to" },
    { "release.resume", "release.resumed", "subject", NULL },
    { "deployment.resume", "release.resumed", NULL, NULL },
    { "release.pause", "release.paused", "subject", "to" },
    { "deployment.pause", "release.paused", NULL, "to" },
    { "release.advance", "release.step", "subject", NULL },
    { "deployment.advance", "release.step", NULL, NULL },
    { "release.stop", "release.stopped", "subject", NULL },
    { "deployment.stop", "release.stopped", NULL, NULL },
    { "*.warn", "release.warned", NULL, "to" },
    { "build.update", "release.changed", "subject", NULL },
    { "release.delete", "release.deleted", "subject", NULL },
    { "bundle.delete", "release.deleted", "subject", NULL },
    { "rules.update", "rules.changed", NULL, NULL },
    { "channel.update", "channel.changed", NULL, NULL },
    { "channel.pause", "channel.changed", NULL, NULL },
    { "channel.resume", "channel.changed", NULL, NULL },
    { "channel.delete", "channel.changed", NULL, "to" },
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

    /* what was live already needs nobody's approval for another channel */

    if (approval
        && lu_str_is(&change, "release.promote")
        && cJSON_IsTrue(lu_json_get(entry, "waited")))
    {
        type = "release.approved";
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "id", id);
    lu_put_string(&put, json, "type", type);
    lu_put_string(&put, json, "at", (char *) at.data);
    lu_put_string(&put, json, "app", app);
    lu_put_string(&put, json, "change", (char *) change.data);

    lu_event_copy(&put, json, "release", entry,
                  known->release ? known->release : "release");

    lu_event_copy(&put, json, "by", entry, "by");
    lu_event_copy(&put, json, "subject", entry, "subject");
    lu_event_copy(&put, json, "from", entry, "from");
    lu_event_copy(&put, json, "to", entry, "to");
    lu_event_copy(&put, json, "commit", entry, "commit");
    lu_event_copy(&put, json, "channel", entry, "channel");
    lu_event_copy(&put, json, "share", entry, "share");
    lu_event_copy(&put, json, "start", entry, "start");
    lu_event_copy(&put, json, "version", entry, "version");

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


double
lu_event_enough(double limit)
{
    return limit < 100.0 / 3 ? 2 * limit : (100 + limit) / 2;
}


void
lu_event_sentence(lu_text_t *text, const cJSON *event)
{
    size_t       len;
    const char  *p, *end;

    p = lu_event_words(event);

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


static const char *
lu_event_words(const cJSON *event)
{
    lu_str_t                   type, value;
    const lu_event_type_t     *known;
    const lu_event_variant_t  *variant;

    known = (lu_json_string(event, "type", &type) == LU_OK)
            ? lu_event_type(&type) : NULL;

    if (known == NULL) {
        return "Something has happened{reason}.";
    }

    for (variant = lu_event_variants; variant->type; variant++) {

        if (strcmp(variant->type, known->type) == 0
            && lu_json_string(event, variant->key, &value) == LU_OK
            && (variant->value == NULL || lu_str_is(&value, variant->value)))
        {
            return variant->sentence;
        }
    }

    return known->sentence;
}


static void
lu_event_fill(lu_text_t *text, const cJSON *event, const char *name,
    size_t len)
{
    char      key[sizeof("subject")];
    lu_str_t  value;

    if (*name == '%') {
        memcpy(key, name + 1, len - 1);
        key[len - 1] = '\0';

        lu_event_share(text, event, key);
        return;
    }

    memcpy(key, name, len);
    key[len] = '\0';

    if (strcmp(key, "rollout") == 0) {
        lu_event_rollout(text, event);
        return;
    }

    if (strcmp(key, "live") == 0) {
        lu_event_live(text, event);
        return;
    }

    if (strcmp(key, "app") == 0
        && lu_json_string(event, "appName", &value) == LU_OK)
    {
        lu_event_line(text, &value);
        return;
    }

    if (lu_json_string(event, key, &value) != LU_OK) {

        /* older entries have no name of the channel */

        if (strcmp(key, "channel") == 0) {
            lu_event_fill(text, event, "subject", sizeof("subject") - 1);
            return;
        }

        if (strcmp(key, "reason") != 0) {
            lu_text_puts(text, "?");
        }

        return;
    }

    if (strcmp(key, "reason") == 0) {
        lu_event_reason(text, &value);
        return;
    }

    lu_event_line(text, &value);

    if (strcmp(key, "release") == 0) {
        lu_event_version(text, event, &value);
    }
}


/* The sentence ends with a full stop of its own. */

static void
lu_event_reason(lu_text_t *text, lu_str_t *reason)
{
    while (reason->len && strchr(" .\n", reason->data[reason->len - 1])) {
        reason->len--;
    }

    if (reason->len) {
        lu_text_puts(text, ": ");
        lu_event_line(text, reason);
    }
}


/* A build of a desktop app has an id that says nothing. */

static void
lu_event_version(lu_text_t *text, const cJSON *event, const lu_str_t *id)
{
    lu_str_t  version;

    if (lu_json_string(event, "version", &version) == LU_OK
        && !lu_str_eq(&version, id))
    {
        lu_text_puts(text, " (");
        lu_event_line(text, &version);
        lu_text_puts(text, ")");
    }
}


/* A deployment has an id that nobody knows. */

static void
lu_event_rollout(lu_text_t *text, const cJSON *event)
{
    lu_str_t  value;

    value = lu_str("?");

    if (lu_json_string(event, "release", &value) != LU_OK) {
        (void) lu_json_string(event, "subject", &value);
    }

    lu_event_line(text, &value);
    lu_event_version(text, event, &value);

    if (lu_json_string(event, "channel", &value) == LU_OK) {
        lu_text_puts(text, " in channel ");
        lu_event_line(text, &value);
    }
}


static void
lu_event_live(lu_text_t *text, const cJSON *event)
{
    lu_str_t  value;

    if (lu_json_string(event, "start", &value) == LU_OK) {
        lu_text_puts(text, "starts at ");
        lu_event_line(text, &value);

        if (lu_json_string(event, "share", &value) == LU_OK) {
            lu_text_puts(text, " with ");
            lu_event_share(text, event, "share");
            lu_text_puts(text, " of devices");
        }

    } else if (lu_json_string(event, "share", &value) == LU_OK) {
        lu_text_puts(text, "goes to ");
        lu_event_share(text, event, "share");
        lu_text_puts(text, " of devices");

    } else {
        lu_text_puts(text, "is live");
    }

    if (lu_json_string(event, "channel", &value) == LU_OK) {
        lu_text_puts(text, " in channel ");
        lu_event_line(text, &value);
    }
}


static void
lu_event_share(lu_text_t *text, const cJSON *event, const char *key)
{
    char      share[LU_EVENT_SHARE];
    lu_str_t  value;

    if (lu_json_string(event, key, &value) != LU_OK) {
        lu_text_puts(text, "?");
        return;
    }

    snprintf(share, sizeof(share), "%.4g %%",
             100 * strtod((char *) value.data, NULL));

    lu_text_puts(text, share);
}


/* What a publisher chose neither breaks the line nor turns it around. */

static void
lu_event_line(lu_text_t *text, const lu_str_t *value)
{
    size_t  i, from, len;

    for (i = 0, from = 0; i < value->len; i++) {

        len = lu_event_control(value->data + i, value->len - i);

        if (len == 0) {
            continue;
        }

        lu_text_add(text, (char *) value->data + from, i - from);
        lu_text_puts(text, " ");

        i += len - 1;
        from = i + 1;
    }

    lu_text_add(text, (char *) value->data + from, value->len - from);
}


/*
 * The length of a character that is not seen and changes how others are: of
 * ASCII and of C1; marks of direction, U+061C, U+200B to U+200F, U+202A to
 * U+202E, U+2066 to U+2069; ends of lines, U+2028 and U+2029.  Or 0.
 */

static size_t
lu_event_control(const unsigned char *p, size_t len)
{
    if (p[0] < 0x20 || p[0] == 0x7f) {
        return 1;
    }

    if (len >= 2
        && ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xd8 && p[1] == 0x9c)))
    {
        return 2;
    }

    if (len >= 3
        && p[0] == 0xe2
        && ((p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f)
                              || (p[2] >= 0xa8 && p[2] <= 0xae)))
            || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
    {
        return 3;
    }

    return 0;
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
