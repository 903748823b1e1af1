
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_sha256.h"
#include "lu_webhook.h"
#include "lu_desktop.h"
#include "lu_name.h"

#include <openssl/crypto.h>


#define LIVEUPDATE_HMAC_BLOCK  64


/* The two hashes, each fed with the key's block already. */

typedef struct {
    liveupdate_sha256_t     inner;
    liveupdate_sha256_t     outer;
} liveupdate_hmac_key_t;


struct liveupdate_hmac_s {
    size_t                  n;
    liveupdate_hmac_key_t   keys[];
};


typedef struct {
    const char             *key;
    size_t                  offset;
} liveupdate_webhook_member_t;


static void liveupdate_hmac_key(liveupdate_hmac_key_t *key,
    const liveupdate_str_t *secret);
static void liveupdate_hmac_digest(const liveupdate_hmac_key_t *key,
    unsigned char digest[LIVEUPDATE_HMAC_SIZE]);
static int liveupdate_hmac_decode(const liveupdate_str_t *signature,
    const char *prefix, unsigned char digest[LIVEUPDATE_HMAC_SIZE]);
static int liveupdate_hmac_hex(unsigned char c);

static liveupdate_rc_e liveupdate_webhook_id(const liveupdate_str_t *id,
    const char *key, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_webhook_strings(const cJSON *object,
    const liveupdate_webhook_member_t *members, liveupdate_webhook_t *webhook,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_webhook_object(const cJSON *body,
    const char *key, const cJSON **object, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_webhook_refuse(const char *key,
    const char *text, liveupdate_error_t *err);


static const liveupdate_webhook_member_t  liveupdate_webhook_members[] = {
    { "appId", offsetof(liveupdate_webhook_t, app_id) },
    { "buildId", offsetof(liveupdate_webhook_t, build_id) },
    { "appName", offsetof(liveupdate_webhook_t, app_name) },
    { "appVersion", offsetof(liveupdate_webhook_t, app_version) },
    { "userId", offsetof(liveupdate_webhook_t, user_id) },
    { "buildStartedAt", offsetof(liveupdate_webhook_t, started) },
    { "buildEndedAt", offsetof(liveupdate_webhook_t, ended) },
    { "electronVersionUsed", offsetof(liveupdate_webhook_t, electron) },
    { NULL, 0 }
};


static const liveupdate_webhook_member_t  liveupdate_webhook_commit[] = {
    { "commitId", offsetof(liveupdate_webhook_t, commit) },
    { "commitMessage", offsetof(liveupdate_webhook_t, commit_message) },
    { "branchName", offsetof(liveupdate_webhook_t, branch) },
    { "repositoryRemoteUrl", offsetof(liveupdate_webhook_t, remote) },
    { NULL, 0 }
};


liveupdate_hmac_t *
liveupdate_hmac_create(const liveupdate_arena_t *arena,
    const liveupdate_str_t *secrets, size_t n)
{
    size_t              i;
    liveupdate_hmac_t  *hmac;

    hmac = arena->alloc(arena->data, sizeof(liveupdate_hmac_t)
                                     + n * sizeof(liveupdate_hmac_key_t));
    if (hmac == NULL) {
        return NULL;
    }

    hmac->n = 0;

    for (i = 0; i < n; i++) {

        /* anybody can sign with an empty secret */

        if (secrets[i].len) {
            liveupdate_hmac_key(&hmac->keys[hmac->n++], &secrets[i]);
        }
    }

    return hmac;
}


static void
liveupdate_hmac_key(liveupdate_hmac_key_t *key,
    const liveupdate_str_t *secret)
{
    size_t               i;
    unsigned char        block[LIVEUPDATE_HMAC_BLOCK];
    liveupdate_sha256_t  sha256;

    memset(block, 0, LIVEUPDATE_HMAC_BLOCK);

    if (secret->len > LIVEUPDATE_HMAC_BLOCK) {
        liveupdate_sha256_init(&sha256);
        liveupdate_sha256_update(&sha256, secret->data, secret->len);
        liveupdate_sha256_final(&sha256, block);

        OPENSSL_cleanse(&sha256, sizeof(liveupdate_sha256_t));

    } else {
        memcpy(block, secret->data, secret->len);
    }

    for (i = 0; i < LIVEUPDATE_HMAC_BLOCK; i++) {
        block[i] ^= 0x36;
    }

    liveupdate_sha256_init(&key->inner);
    liveupdate_sha256_update(&key->inner, block, LIVEUPDATE_HMAC_BLOCK);

    for (i = 0; i < LIVEUPDATE_HMAC_BLOCK; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }

    liveupdate_sha256_init(&key->outer);
    liveupdate_sha256_update(&key->outer, block, LIVEUPDATE_HMAC_BLOCK);

    OPENSSL_cleanse(block, LIVEUPDATE_HMAC_BLOCK);
}


void
liveupdate_hmac_update(liveupdate_hmac_t *hmac, const void *data, size_t len)
{
    size_t  i;

    for (i = 0; i < hmac->n; i++) {
        liveupdate_sha256_update(&hmac->keys[i].inner, data, len);
    }
}


int
liveupdate_hmac_verify(liveupdate_hmac_t *hmac,
    const liveupdate_str_t *signature, const char *prefix)
{
    int            right;
    size_t         i;
    unsigned char  sent[LIVEUPDATE_HMAC_SIZE], digest[LIVEUPDATE_HMAC_SIZE];

    if (!liveupdate_hmac_decode(signature, prefix, sent)) {
        return 0;
    }

    right = 0;

    for (i = 0; i < hmac->n; i++) {
        liveupdate_hmac_digest(&hmac->keys[i], digest);

        right |= CRYPTO_memcmp(sent, digest, LIVEUPDATE_HMAC_SIZE) == 0;
    }

    OPENSSL_cleanse(digest, LIVEUPDATE_HMAC_SIZE);

    return right;
}


/* The key's hashes are left as they are: more may be fed and verified. */

static void
liveupdate_hmac_digest(const liveupdate_hmac_key_t *key,
    unsigned char digest[LIVEUPDATE_HMAC_SIZE])
{
    liveupdate_sha256_t  sha256;

    sha256 = key->inner;
    liveupdate_sha256_final(&sha256, digest);

    sha256 = key->outer;
    liveupdate_sha256_update(&sha256, digest, LIVEUPDATE_HMAC_SIZE);
    liveupdate_sha256_final(&sha256, digest);

    OPENSSL_cleanse(&sha256, sizeof(liveupdate_sha256_t));
}


static int
liveupdate_hmac_decode(const liveupdate_str_t *signature, const char *prefix,
    unsigned char digest[LIVEUPDATE_HMAC_SIZE])
{
    int                   high, low;
    size_t                i, len;
    const unsigned char  *p;

    len = strlen(prefix);

    if (signature->len != len + 2 * LIVEUPDATE_HMAC_SIZE
        || memcmp(signature->data, prefix, len) != 0)
    {
        return 0;
    }

    p = signature->data + len;

    for (i = 0; i < LIVEUPDATE_HMAC_SIZE; i++) {
        high = liveupdate_hmac_hex(*p++);
        low = liveupdate_hmac_hex(*p++);

        if (high < 0 || low < 0) {
            return 0;
        }

        digest[i] = (unsigned char) (high << 4 | low);
    }

    return 1;
}


static int
liveupdate_hmac_hex(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}


liveupdate_rc_e
liveupdate_webhook_parse(const liveupdate_arena_t *arena, const cJSON *body,
    liveupdate_webhook_t *webhook, liveupdate_error_t *err)
{
    const cJSON           *commit;
    liveupdate_rc_e        rc;
    liveupdate_desktop_t   desktop;

    memset(webhook, 0, sizeof(liveupdate_webhook_t));

    if (!cJSON_IsObject(body)) {
        return liveupdate_refuse(err, NULL, "the body is not a JSON object");
    }

    rc = liveupdate_webhook_strings(body, liveupdate_webhook_members, webhook,
                                    err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_webhook_id(&webhook->app_id, "appId", err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_webhook_id(&webhook->build_id, "buildId", err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_webhook_object(body, "versionControlInfo", &commit, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (commit) {
        rc = liveupdate_webhook_strings(commit, liveupdate_webhook_commit,
                                        webhook, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    rc = liveupdate_webhook_object(body, "releaseInfo", &webhook->release_info,
                                   err);
    if (rc != LIVEUPDATE_OK || webhook->release_info == NULL) {
        return rc;
    }

    return liveupdate_desktop_parse(arena, NULL, webhook->release_info,
                                    &desktop, err);
}


static liveupdate_rc_e
liveupdate_webhook_id(const liveupdate_str_t *id, const char *key,
    liveupdate_error_t *err)
{
    if (id->len == 0) {
        return liveupdate_webhook_refuse(key, "is missing", err);
    }

    if (!liveupdate_id_valid(id)) {
        return liveupdate_webhook_refuse(key,
                   "is not an id: up to 64 letters, digits, \"-\" and \"_\"",
                   err);
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_webhook_strings(const cJSON *object,
    const liveupdate_webhook_member_t *members, liveupdate_webhook_t *webhook,
    liveupdate_error_t *err)
{
    liveupdate_str_t                   *value;
    const liveupdate_webhook_member_t  *member;

    for (member = members; member->key; member++) {
        value = (liveupdate_str_t *) ((char *) webhook + member->offset);

        if (liveupdate_json_string(object, member->key, value)
            == LIVEUPDATE_INVALID)
        {
            return liveupdate_webhook_refuse(member->key, "is not a string",
                                             err);
        }
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_webhook_object(const cJSON *body, const char *key,
    const cJSON **object, liveupdate_error_t *err)
{
    const cJSON  *item;

    *object = NULL;

    item = cJSON_GetObjectItemCaseSensitive(body, key);

    if (item == NULL || cJSON_IsNull(item)) {
        return LIVEUPDATE_OK;
    }

    if (!cJSON_IsObject(item)) {
        return liveupdate_webhook_refuse(key, "is not an object", err);
    }

    *object = item;

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_webhook_refuse(const char *key, const char *text,
    liveupdate_error_t *err)
{
    liveupdate_str_t  subject;

    subject.len = strlen(key);
    subject.data = (unsigned char *) key;

    return liveupdate_refuse(err, &subject, text);
}
