
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_base64.h"
#include "lu_event.h"
#include "lu_hex.h"
#include "lu_line.h"
#include "lu_name.h"
#include "lu_target.h"
#include "lu_url.h"


#define LU_TARGET_SECRET_MIN  24
#define LU_TARGET_APP         "{app}"


typedef struct {
    const lu_arena_t    *arena;
    lu_target_t         *target;
    lu_error_t          *err;
} lu_target_line_t;


static lu_rc_e lu_target_line(void *data, void *list, size_t i,
    lu_str_t *line, lu_error_t *err);
static lu_rc_e lu_target_url(const lu_arena_t *arena, lu_target_t *target,
    const lu_str_t *field, lu_error_t *err);
static lu_rc_e lu_target_room(const lu_arena_t *arena, lu_target_t *target);
static lu_rc_e lu_target_option(lu_target_line_t *line,
    const lu_str_t *field);
static int lu_target_takes(const lu_str_t *field, const char *key,
    lu_str_t *value);
static lu_rc_e lu_target_secret(lu_target_line_t *line, lu_str_t *value);
static lu_rc_e lu_target_app(lu_target_line_t *line, lu_str_t *value);
static lu_rc_e lu_target_event(lu_target_line_t *line, lu_str_t *value);
static lu_rc_e lu_target_header(lu_target_line_t *line, lu_str_t *value);
static int lu_target_header_valid(const lu_str_t *key);
static lu_rc_e lu_target_method(lu_target_line_t *line, lu_str_t *value);
static lu_rc_e lu_target_body(lu_target_line_t *line, lu_str_t *value);
static lu_rc_e lu_target_decode(const lu_arena_t *arena, lu_str_t *text,
    const lu_str_t *value);
static lu_rc_e lu_target_keep(lu_target_line_t *line, lu_str_t *to,
    const lu_str_t *value);


static const char  *lu_target_forms[] = {
    "json", "slack", "teams", "discord", "purge", NULL
};


static const struct {
    const char         *key;
    lu_rc_e           (*handler)(lu_target_line_t *line, lu_str_t *value);
} lu_target_options[] = {
    { "secret=", lu_target_secret },
    { "app=", lu_target_app },
    { "event=", lu_target_event },
    { "header=", lu_target_header },
    { "method=", lu_target_method },
    { "body=", lu_target_body },
    { NULL, NULL }
};


/* They are the module's own, or those of the connection. */

static const char  *lu_target_taken[] = {
    "host", "content-length", "content-type", "transfer-encoding",
    "connection", "expect", "upgrade", "te", "trailer", "webhook-id",
    "webhook-timestamp", "webhook-signature", NULL
};


lu_rc_e
lu_target_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_target_t **targets, size_t *n, lu_error_t *err)
{
    void     *list;
    lu_rc_e   rc;

    rc = lu_line_list(arena, text, sizeof(lu_target_t), lu_target_line,
                      (void *) arena, &list, n, err);

    if (rc == LU_OK) {
        *targets = list;
    }

    return rc;
}


static lu_rc_e
lu_target_line(void *data, void *list, size_t i, lu_str_t *line,
    lu_error_t *err)
{
    const lu_arena_t *arena = data;

    size_t             n;
    lu_rc_e            rc;
    lu_str_t           field;
    lu_target_t       *target;
    lu_target_line_t   parsed;

    target = (lu_target_t *) list + i;

    memset(target, 0, sizeof(lu_target_t));

    if (!lu_line_field(line, &field) || !lu_name_id_valid(&field)) {
        return lu_error(err, NULL,
                        "has a name that is not 1 to 64 letters, digits, "
                        "\"-\" and \"_\"");
    }

    if (lu_target_find(list, i, &field)) {
        return lu_error(err, NULL, "has the name of an earlier line");
    }

    target->name = lu_str_dup(arena, field.data, field.len);

    if (target->name.data == NULL
        || lu_target_room(arena, target) != LU_OK)
    {
        return LU_NOMEM;
    }

    if (!lu_line_field(line, &field)) {
        field.len = 0;
    }

    for (n = 0; lu_target_forms[n]; n++) {
        if (lu_str_is(&field, lu_target_forms[n])) {
            break;
        }
    }

    if (lu_target_forms[n] == NULL) {
        return lu_error(err, NULL,
                        "has a form that is not \"json\", \"slack\", "
                        "\"teams\", \"discord\" or \"purge\"");
    }

    target->form = (lu_form_e) n;

    if (!lu_line_field(line, &field)) {
        field.len = 0;
    }

    rc = lu_target_url(arena, target, &field, err);
    if (rc != LU_OK) {
        return rc;
    }

    parsed.arena = arena;
    parsed.target = target;
    parsed.err = err;

    for (n = 0; lu_line_field(line, &field); n++) {

        if (n == LU_TARGET_OPTIONS) {
            return lu_error(err, NULL,
                            "has more than " lu_value(LU_TARGET_OPTIONS)
                            " options");
        }

        rc = lu_target_option(&parsed, &field);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (target->form == LU_FORM_JSON && target->nsecrets == 0) {
        return lu_error(err, NULL,
                        "has no \"secret=whsec_...\": its form \"json\" is "
                        "signed");
    }

    if (target->method.len == 0) {
        target->method = lu_str("POST");
    }

    if (target->body.data == NULL) {
        target->body = lu_str("");
    }

    return LU_OK;
}


/* With a name in it, "@" would hide the host. */

static lu_rc_e
lu_target_url(const lu_arena_t *arena, lu_target_t *target,
    const lu_str_t *field, lu_error_t *err)
{
    size_t    begin, end;
    lu_str_t  app, filled;

    static const char  wrong[] = "has a URL that is not \"https://...\" or "
                                 "\"http://...\", without a name before the "
                                 "host and without \"#\"";

    target->url = lu_str_dup(arena, field->data, field->len);
    if (target->url.data == NULL) {
        return LU_NOMEM;
    }

    filled = target->url;

    if (target->form == LU_FORM_PURGE) {
        app = lu_str("app");

        filled = lu_target_fill(arena, &target->url, &app);
        if (filled.data == NULL) {
            return LU_NOMEM;
        }
    }

    if (!lu_url_valid(&filled) || lu_str_has(&filled, "#")) {
        return lu_error(err, NULL, wrong);
    }

    begin = lu_str_find(&target->url, 0, "://") + 3;

    for (end = begin; end < target->url.len; end++) {
        if (strchr("/?", target->url.data[end])) {
            break;
        }
    }

    target->host = lu_str_dup(arena, target->url.data + begin, end - begin);
    if (target->host.data == NULL) {
        return LU_NOMEM;
    }

    return lu_str_has(&target->host, "@") || lu_str_has(&target->host, "{")
           ? lu_error(err, NULL, wrong) : LU_OK;
}


static lu_rc_e
lu_target_room(const lu_arena_t *arena, lu_target_t *target)
{
    lu_str_t  *list;

    list = arena->alloc(arena->data, 3 * LU_TARGET_OPTIONS * sizeof(lu_str_t));

    target->headers = arena->alloc(arena->data, LU_TARGET_OPTIONS
                                                * sizeof(lu_target_header_t));

    if (list == NULL || target->headers == NULL) {
        return LU_NOMEM;
    }

    target->secrets = list;
    target->apps = list + LU_TARGET_OPTIONS;
    target->events = list + 2 * LU_TARGET_OPTIONS;

    return LU_OK;
}


static lu_rc_e
lu_target_option(lu_target_line_t *line, const lu_str_t *field)
{
    size_t    i;
    lu_str_t  value;

    for (i = 0; lu_target_options[i].key; i++) {
        if (lu_target_takes(field, lu_target_options[i].key, &value)) {
            return lu_target_options[i].handler(line, &value);
        }
    }

    return lu_error(line->err, NULL,
                    "has an option that is not \"secret=\", \"app=\", "
                    "\"event=\", \"header=\", \"method=\" or \"body=\"");
}


static int
lu_target_takes(const lu_str_t *field, const char *key, lu_str_t *value)
{
    size_t  len;

    len = strlen(key);

    if (field->len < len || memcmp(field->data, key, len) != 0) {
        return 0;
    }

    value->data = field->data + len;
    value->len = field->len - len;

    return 1;
}


/* Standard Webhooks: 24 to 64 bytes in base64, after "whsec_". */

static lu_rc_e
lu_target_secret(lu_target_line_t *line, lu_str_t *value)
{
    size_t          n;
    lu_str_t        text, *secret;
    lu_target_t    *target;
    unsigned char   bytes[LU_TARGET_SECRET];

    target = line->target;

    if (target->form != LU_FORM_JSON) {
        return lu_error(line->err, NULL,
                        "has a \"secret\", but only the form \"json\" is "
                        "signed");
    }

    n = 0;

    if (lu_target_takes(value, "whsec_", &text) && text.len >= 4) {
        n = text.len / 4 * 3;
        n -= (text.data[text.len - 1] == '=');
        n -= (text.data[text.len - 2] == '=');
    }

    if (n < LU_TARGET_SECRET_MIN || n > LU_TARGET_SECRET
        || !lu_base64_decode(bytes, n, &text))
    {
        return lu_error(line->err, NULL,
                        "has a \"secret\" that is not \"whsec_\" and 24 to "
                        "64 bytes in base64");
    }

    secret = &target->secrets[target->nsecrets];

    *secret = lu_str_dup(line->arena, bytes, n);
    if (secret->data == NULL) {
        return LU_NOMEM;
    }

    target->nsecrets++;

    return LU_OK;
}


static lu_rc_e
lu_target_app(lu_target_line_t *line, lu_str_t *value)
{
    lu_target_t  *target;

    target = line->target;

    if (!lu_name_id_valid(value)) {
        return lu_error(line->err, NULL, "has an \"app\" that is no id");
    }

    return lu_target_keep(line, &target->apps[target->napps++], value);
}


static lu_rc_e
lu_target_event(lu_target_line_t *line, lu_str_t *value)
{
    lu_target_t  *target;

    target = line->target;

    if (!lu_event_known(value)) {
        return lu_error(line->err, NULL,
                        "has an \"event\" that there is not; \"release.*\" "
                        "stands for all that begin so, and \"*\" for all");
    }

    return lu_target_keep(line, &target->events[target->nevents++], value);
}


static lu_rc_e
lu_target_header(lu_target_line_t *line, lu_str_t *value)
{
    size_t               colon;
    lu_rc_e              rc;
    lu_str_t             key, rest;
    lu_target_t         *target;
    lu_target_header_t  *header;

    target = line->target;
    header = &target->headers[target->nheaders];

    colon = lu_str_find(value, 0, ":");

    key.data = value->data;
    key.len = colon;

    rest.data = value->data + colon + 1;
    rest.len = (colon < value->len) ? value->len - colon - 1 : 0;

    if (rest.len == 0 || !lu_target_header_valid(&key)) {
        return lu_error(line->err, NULL,
                        "has a \"header\" that is not \"Name:value\", or that "
                        "the server itself sends");
    }

    rc = lu_target_decode(line->arena, &header->value, &rest);

    if (rc == LU_NOMEM) {
        return LU_NOMEM;
    }

    if (rc != LU_OK || !lu_str_printable(&header->value)) {
        return lu_error(line->err, NULL,
                        "has a \"header\" whose value is not printable ASCII, "
                        "or has a \"%\" without two hex digits");
    }

    target->nheaders++;

    return lu_target_keep(line, &header->key, &key);
}


/* RFC 9110, section 5.6.2, without what nobody uses. */

static int
lu_target_header_valid(const lu_str_t *key)
{
    size_t  i;

    for (i = 0; i < key->len; i++) {
        if (!lu_str_is_alnum(key->data[i])
            && key->data[i] != '-' && key->data[i] != '_')
        {
            return 0;
        }
    }

    for (i = 0; lu_target_taken[i]; i++) {
        if (lu_str_case_is(key, lu_target_taken[i])) {
            return 0;
        }
    }

    return key->len != 0;
}


static lu_rc_e
lu_target_method(lu_target_line_t *line, lu_str_t *value)
{
    size_t        i;
    lu_target_t  *target;

    target = line->target;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 'A' || value->data[i] > 'Z') {
            break;
        }
    }

    if (target->form != LU_FORM_PURGE
        || target->method.len
        || value->len == 0
        || value->len > 16
        || i != value->len)
    {
        return lu_error(line->err, NULL,
                        "has a \"method\" that is not one of the form "
                        "\"purge\", in capital letters");
    }

    return lu_target_keep(line, &target->method, value);
}


static lu_rc_e
lu_target_body(lu_target_line_t *line, lu_str_t *value)
{
    lu_rc_e       rc;
    lu_target_t  *target;

    target = line->target;

    if (target->form != LU_FORM_PURGE || target->body.data) {
        return lu_error(line->err, NULL,
                        "has a \"body\", which only the form \"purge\" has, "
                        "once");
    }

    rc = lu_target_decode(line->arena, &target->body, value);

    return rc == LU_INVALID
           ? lu_error(line->err, NULL,
                      "has a \"body\" with a \"%\" without two hex digits")
           : rc;
}


static lu_rc_e
lu_target_decode(const lu_arena_t *arena, lu_str_t *text,
    const lu_str_t *value)
{
    int     byte;
    size_t  i, n;

    *text = lu_str_dup(arena, value->data, value->len);
    if (text->data == NULL) {
        return LU_NOMEM;
    }

    for (i = 0, n = 0; i < value->len; i++) {

        if (value->data[i] != '%') {
            text->data[n++] = value->data[i];
            continue;
        }

        byte = (value->len - i > 2) ? lu_hex_byte(value->data + i + 1) : -1;

        if (byte < 1) {
            return LU_INVALID;
        }

        text->data[n++] = (unsigned char) byte;
        i += 2;
    }

    text->data[n] = '\0';
    text->len = n;

    return LU_OK;
}


static lu_rc_e
lu_target_keep(lu_target_line_t *line, lu_str_t *to, const lu_str_t *value)
{
    *to = lu_str_dup(line->arena, value->data, value->len);

    return to->data ? LU_OK : LU_NOMEM;
}


const lu_target_t *
lu_target_find(const lu_target_t *targets, size_t n, const lu_str_t *name)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (lu_str_eq(&targets[i].name, name)) {
            return &targets[i];
        }
    }

    return NULL;
}


const char *
lu_target_form(const lu_target_t *target)
{
    return lu_target_forms[target->form];
}


int
lu_target_wants(const lu_target_t *target, const lu_str_t *type,
    const lu_str_t *app)
{
    size_t  i;

    for (i = 0; app->len && i < target->napps; i++) {
        if (lu_str_eq(&target->apps[i], app)) {
            break;
        }
    }

    if (app->len && target->napps && i == target->napps) {
        return 0;
    }

    if (target->nevents == 0) {
        return target->form != LU_FORM_PURGE || lu_event_is_public(type);
    }

    for (i = 0; i < target->nevents; i++) {
        if (lu_event_matches(&target->events[i], type)) {
            return 1;
        }
    }

    return 0;
}


lu_str_t
lu_target_fill(const lu_arena_t *arena, const lu_str_t *text,
    const lu_str_t *app)
{
    size_t          i, at, n;
    lu_str_t        filled;
    unsigned char  *p;

    n = 0;

    for (at = lu_str_find(text, 0, LU_TARGET_APP);
         at < text->len;
         at = lu_str_find(text, at + 1, LU_TARGET_APP))
    {
        n++;
    }

    p = arena->alloc(arena->data, text->len + n * app->len + 1);

    filled.data = p;
    filled.len = 0;

    if (p == NULL) {
        return filled;
    }

    for (i = 0; i < text->len; i = at + sizeof(LU_TARGET_APP) - 1) {
        at = lu_str_find(text, i, LU_TARGET_APP);

        memcpy(p, text->data + i, at - i);
        p += at - i;

        if (at == text->len) {
            break;
        }

        if (app->len) {
            memcpy(p, app->data, app->len);
            p += app->len;
        }
    }

    *p = '\0';
    filled.len = (size_t) (p - filled.data);

    return filled;
}
