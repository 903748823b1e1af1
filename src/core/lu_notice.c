
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_event.h"
#include "lu_hmac.h"
#include "lu_notice.h"
#include "lu_put.h"

#include <openssl/evp.h>


/* each byte of the sentence may need a "\" before it */

#define LU_NOTICE_DISCORD  900
#define LU_NOTICE_TEXT     2500

/* what they take, in characters; and a character when it is escaped */

#define LU_NOTICE_DISCORD_MAX  2000
#define LU_NOTICE_SLACK_MAX    40000
#define LU_NOTICE_CHAR         8

/* of an address that is a link */

#define LU_NOTICE_LINK     500

/* "v1,", 32 bytes in base64, and a space */

#define LU_NOTICE_V1       (3 + 44 + 1)


static const char *lu_notice_link(const lu_target_t *target,
    const cJSON *event);
static char *lu_notice_sentence(const cJSON *event, const char *link,
    size_t max);
static cJSON *lu_notice_json(const cJSON *event, const char *sentence);
static cJSON *lu_notice_slack(const char *sentence);
static cJSON *lu_notice_teams(const cJSON *event, const char *sentence,
    const char *link);
static cJSON *lu_notice_discord(const char *sentence, const char *link);
static void lu_notice_run(lu_put_t *put, cJSON *body, const char *text,
    const char *key, const char *value);
static void lu_notice_escaped(lu_put_t *put, cJSON *json, const char *key,
    const char *sentence, const char *link, size_t max,
    const char *(*escape)(char c));
static const char *lu_notice_escape_slack(char c);
static const char *lu_notice_escape_discord(char c);
static char *lu_notice_purge(const lu_target_t *target, const cJSON *event);
static void *lu_notice_alloc(void *data, size_t size);


char *
lu_notice_body(const lu_target_t *target, const cJSON *event)
{
    char        *sentence, *text;
    cJSON       *json;
    const char  *link;

    if (target->form == LU_FORM_PURGE) {
        return lu_notice_purge(target, event);
    }

    link = lu_notice_link(target, event);

    sentence = lu_notice_sentence(event, link,
                                  target->form == LU_FORM_DISCORD
                                  ? LU_NOTICE_DISCORD : LU_NOTICE_TEXT);
    if (sentence == NULL) {
        return NULL;
    }

    switch (target->form) {

    case LU_FORM_SLACK:
        json = lu_notice_slack(sentence);
        break;

    case LU_FORM_TEAMS:
        json = lu_notice_teams(event, sentence, link);
        break;

    case LU_FORM_DISCORD:
        json = lu_notice_discord(sentence, link);
        break;

    default: /* LU_FORM_JSON */
        json = lu_notice_json(event, sentence);
    }

    free(sentence);

    text = json ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);

    return text;
}


/*
 * Where the text is escaped, or is no place for links, an address would only be
 * read.  It has nothing that has a meaning there.
 */

static const char *
lu_notice_link(const lu_target_t *target, const cJSON *event)
{
    lu_str_t  type, reason;

    static const char  safe[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~:/?#@!$&+,;=%";

    if ((target->form != LU_FORM_DISCORD && target->form != LU_FORM_TEAMS)
        || lu_json_string(event, "type", &type) != LU_OK
        || !lu_str_is(&type, "pull_request.opened")
        || lu_json_string(event, "reason", &reason) != LU_OK
        || reason.len > LU_NOTICE_LINK
        || (strncmp((char *) reason.data, "https://", 8) != 0
            && strncmp((char *) reason.data, "http://", 7) != 0)
        || strspn((char *) reason.data, safe) != reason.len)
    {
        return NULL;
    }

    return (char *) reason.data;
}


/* An address that is a link is no part of it. */

static char *
lu_notice_sentence(const cJSON *event, const char *link, size_t max)
{
    size_t      len;
    cJSON      *copy;
    lu_text_t   text;

    lu_text_init(&text);

    copy = link ? cJSON_Duplicate(event, 1) : NULL;

    if (link) {
        cJSON_DeleteItemFromObjectCaseSensitive(copy, "reason");
    }

    lu_event_sentence(&text, copy ? copy : event);

    cJSON_Delete(copy);

    if (text.data && text.len > max) {
        len = lu_event_cut(text.data, text.len, max - 3);
        memcpy(text.data + len, "...", sizeof("..."));
    }

    return text.data;
}


/* Standard Webhooks, "Payload structure": type, timestamp, data. */

static cJSON *
lu_notice_json(const cJSON *event, const char *sentence)
{
    cJSON        *json, *data;
    lu_put_t      put;
    const cJSON  *item;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_copy(&put, json, "type", event, "type");
    lu_put_copy(&put, json, "timestamp", event, "at");

    data = lu_put_object(&put, json, "data");

    lu_put_string(&put, data, "text", sentence);

    for (item = event->child; item; item = item->next) {

        if (strcmp(item->string, "type") != 0
            && strcmp(item->string, "at") != 0
            && strcmp(item->string, "target") != 0)
        {
            lu_put_copy(&put, data, item->string, event, item->string);
        }
    }

    return lu_put_done(&put, json);
}


static cJSON *
lu_notice_slack(const char *sentence)
{
    cJSON     *json;
    lu_put_t   put;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_notice_escaped(&put, json, "text", sentence, NULL, LU_NOTICE_SLACK_MAX,
                      lu_notice_escape_slack);

    lu_put_bool(&put, json, "mrkdwn", 0);
    lu_put_bool(&put, json, "unfurl_links", 0);
    lu_put_bool(&put, json, "unfurl_media", 0);

    return lu_put_done(&put, json);
}


/* A TextBlock would be Markdown; a TextRun is text. */

static cJSON *
lu_notice_teams(const cJSON *event, const char *sentence, const char *link)
{
    cJSON     *json, *attachment, *card, *body, *action;
    lu_put_t   put;
    lu_str_t   value;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "type", "message");

    attachment = cJSON_CreateObject();

    lu_put_item(&put, lu_put_array(&put, json, "attachments"), NULL,
                attachment);

    if (put.failed) {
        return lu_put_done(&put, json);
    }

    lu_put_string(&put, attachment, "contentType",
                  "application/vnd.microsoft.card.adaptive");
    lu_put_null(&put, attachment, "contentUrl");

    card = lu_put_object(&put, attachment, "content");

    lu_put_string(&put, card, "$schema",
                  "http://adaptivecards.io/schemas/adaptive-card.json");
    lu_put_string(&put, card, "type", "AdaptiveCard");
    lu_put_string(&put, card, "version", "1.2");

    body = lu_put_array(&put, card, "body");

    lu_notice_run(&put, body, sentence, "weight", "Bolder");

    if (lu_json_string(event, "at", &value) == LU_OK) {
        lu_notice_run(&put, body, (char *) value.data, "size", "Small");
    }

    if (link == NULL) {
        return lu_put_done(&put, json);
    }

    action = cJSON_CreateObject();
    lu_put_item(&put, lu_put_array(&put, card, "actions"), NULL, action);

    if (!put.failed) {
        lu_put_string(&put, action, "type", "Action.OpenUrl");
        lu_put_string(&put, action, "title", "Open");
        lu_put_string(&put, action, "url", link);
    }

    return lu_put_done(&put, json);
}


static void
lu_notice_run(lu_put_t *put, cJSON *body, const char *text, const char *key,
    const char *value)
{
    cJSON  *block, *run;

    block = cJSON_CreateObject();
    lu_put_item(put, body, NULL, block);

    run = cJSON_CreateObject();

    if (put->failed) {
        cJSON_Delete(run);
        return;
    }

    lu_put_string(put, block, "type", "RichTextBlock");
    lu_put_item(put, lu_put_array(put, block, "inlines"), NULL, run);

    if (put->failed) {
        return;
    }

    lu_put_string(put, run, "type", "TextRun");
    lu_put_string(put, run, "text", text);
    lu_put_string(put, run, key, value);
}


static cJSON *
lu_notice_discord(const char *sentence, const char *link)
{
    cJSON     *json, *mentions;
    lu_put_t   put;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_notice_escaped(&put, json, "content", sentence, link,
                      LU_NOTICE_DISCORD_MAX, lu_notice_escape_discord);

    mentions = lu_put_object(&put, json, "allowed_mentions");
    (void) lu_put_array(&put, mentions, "parse");

    return lu_put_done(&put, json);
}


static void
lu_notice_escaped(lu_put_t *put, cJSON *json, const char *key,
    const char *sentence, const char *link, size_t max,
    const char *(*escape)(char c))
{
    size_t       room;
    lu_text_t    text;
    const char  *p, *escaped;

    lu_text_init(&text);

    room = max - LU_NOTICE_CHAR - (link ? strlen(link) + 1 : 0);

    for (p = sentence; *p; p++) {

        /* not within a character */

        if (text.len > room && (*p & 0xc0) != 0x80) {
            break;
        }

        escaped = escape(*p);

        if (escaped) {
            lu_text_puts(&text, escaped);

        } else {
            lu_text_add(&text, p, 1);
        }
    }

    if (link) {
        lu_text_puts(&text, " ");
        lu_text_puts(&text, link);
    }

    lu_put_string(put, json, key, text.data);

    free(text.data);
}


static const char *
lu_notice_escape_slack(char c)
{
    switch (c) {

    case '&':
        return "&amp;";

    case '<':
        return "&lt;";

    case '>':
        return "&gt;";

    default:
        return NULL;
    }
}


static const char *
lu_notice_escape_discord(char c)
{
    size_t  i;

    static const char  marks[] = "\\*_~`|>#-[]()<@:";
    static const char  escaped[] = "\\\\\0\\*\0\\_\0\\~\0\\`\0\\|\0\\>\0\\#\0"
                                   "\\-\0\\[\0\\]\0\\(\0\\)\0\\<\0\\@\0\\:";

    for (i = 0; marks[i]; i++) {
        if (c == marks[i]) {
            return escaped + 3 * i;
        }
    }

    return NULL;
}


static char *
lu_notice_purge(const lu_target_t *target, const cJSON *event)
{
    lu_str_t    app, body;
    lu_arena_t  arena;

    arena.alloc = lu_notice_alloc;
    arena.data = NULL;

    if (lu_json_string(event, "app", &app) != LU_OK) {
        app = lu_str("");
    }

    body = lu_target_fill(&arena, &target->body, &app);

    return (char *) body.data;
}


static void *
lu_notice_alloc(void *data, size_t size)
{
    (void) data;

    return malloc(size);
}


lu_str_t
lu_notice_signature(const lu_arena_t *arena, const lu_target_t *target,
    const char *id, const char *timestamp, const char *body)
{
    size_t          i, len;
    lu_str_t        value;
    lu_text_t       text;
    unsigned char  *p, digest[LU_HMAC_SIZE];

    value.len = 0;
    value.data = NULL;

    lu_text_init(&text);

    lu_text_puts(&text, id);
    lu_text_puts(&text, ".");
    lu_text_puts(&text, timestamp);
    lu_text_puts(&text, ".");
    lu_text_puts(&text, body);

    len = target->nsecrets * LU_NOTICE_V1;

    p = text.data ? arena->alloc(arena->data, len + 1) : NULL;

    if (p == NULL) {
        free(text.data);
        return value;
    }

    value.data = p;

    for (i = 0; i < target->nsecrets; i++) {
        lu_hmac_of(&target->secrets[i], text.data, text.len, digest);

        if (i) {
            *p++ = ' ';
        }

        memcpy(p, "v1,", sizeof("v1,") - 1);
        p += sizeof("v1,") - 1;

        p += EVP_EncodeBlock(p, digest, LU_HMAC_SIZE);
    }

    *p = '\0';
    value.len = (size_t) (p - value.data);

    free(text.data);

    return value;
}
