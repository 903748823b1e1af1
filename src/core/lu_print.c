
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_print.h"

#include <stdio.h>


#define LIVEUPDATE_TEXT_SIZE   1024
#define LIVEUPDATE_PRINT_CELL  300

/* the body of a pull request may have 65,536 characters */

#define LIVEUPDATE_PRINT_FILES  60000


static void liveupdate_print_value(liveupdate_text_t *text, const cJSON *json,
    unsigned level);
static void liveupdate_print_scalar(liveupdate_text_t *text,
    const cJSON *json);
static void liveupdate_print_break(liveupdate_text_t *text, unsigned level);
static void liveupdate_print_file(liveupdate_text_t *text, const cJSON *file,
    const liveupdate_str_t *staged);
static void liveupdate_print_row(liveupdate_text_t *text, const char *label,
    const cJSON *object, const char *key);
static void liveupdate_print_commit(liveupdate_text_t *text,
    const cJSON *release);
static int liveupdate_print_is_sha(const liveupdate_str_t *commit);
static size_t liveupdate_print_repository(const liveupdate_str_t *remote,
    const char **repository);
static void liveupdate_print_cell(liveupdate_text_t *text,
    const liveupdate_str_t *value);


void
liveupdate_text_add(liveupdate_text_t *text, const char *data, size_t len)
{
    char    *grown;
    size_t   size;

    if (text->failed) {
        return;
    }

    if (text->len + len + 1 > text->size) {
        size = text->size ? text->size : LIVEUPDATE_TEXT_SIZE;

        while (size < text->len + len + 1) {
            size *= 2;
        }

        grown = realloc(text->data, size);

        if (grown == NULL) {
            free(text->data);
            memset(text, 0, sizeof(liveupdate_text_t));
            text->failed = 1;
            return;
        }

        text->data = grown;
        text->size = size;
    }

    memcpy(text->data + text->len, data, len);

    text->len += len;
    text->data[text->len] = '\0';
}


void
liveupdate_text_puts(liveupdate_text_t *text, const char *string)
{
    liveupdate_text_add(text, string, strlen(string));
}


char *
liveupdate_print(const cJSON *json)
{
    liveupdate_text_t  text;

    memset(&text, 0, sizeof(liveupdate_text_t));

    liveupdate_print_value(&text, json, 0);
    liveupdate_text_puts(&text, "\n");

    return text.data;
}


static void
liveupdate_print_value(liveupdate_text_t *text, const cJSON *json,
    unsigned level)
{
    int           object;
    cJSON         key;
    const cJSON  *item;

    if (!cJSON_IsArray(json) && !cJSON_IsObject(json)) {
        liveupdate_print_scalar(text, json);
        return;
    }

    object = cJSON_IsObject(json);

    liveupdate_text_puts(text, object ? "{" : "[");

    cJSON_ArrayForEach(item, json) {

        liveupdate_print_break(text, level + 1);

        if (object) {
            memset(&key, 0, sizeof(cJSON));
            key.type = cJSON_String;
            key.valuestring = item->string;

            liveupdate_print_scalar(text, &key);
            liveupdate_text_puts(text, ": ");
        }

        liveupdate_print_value(text, item, level + 1);

        if (item->next) {
            liveupdate_text_puts(text, ",");
        }
    }

    if (json->child) {
        liveupdate_print_break(text, level);
    }

    liveupdate_text_puts(text, object ? "}" : "]");
}


static void
liveupdate_print_scalar(liveupdate_text_t *text, const cJSON *json)
{
    char  *value;

    value = cJSON_PrintUnformatted(json);

    if (value == NULL) {
        free(text->data);
        memset(text, 0, sizeof(liveupdate_text_t));
        text->failed = 1;
        return;
    }

    liveupdate_text_puts(text, value);

    cJSON_free(value);
}


static void
liveupdate_print_break(liveupdate_text_t *text, unsigned level)
{
    liveupdate_text_puts(text, "\n");

    while (level--) {
        liveupdate_text_puts(text, "  ");
    }
}


char *
liveupdate_print_release(const cJSON *release, const cJSON *files)
{
    char               number[sizeof("4294967295")];
    unsigned           left;
    const cJSON       *file;
    liveupdate_str_t   staged;
    liveupdate_text_t  text;

    memset(&text, 0, sizeof(liveupdate_text_t));
    memset(&staged, 0, sizeof(liveupdate_str_t));

    liveupdate_text_puts(&text, "| | |\n|---|---|\n");

    liveupdate_print_row(&text, "App", release, "name");
    liveupdate_print_row(&text, "Build", release, "id");
    liveupdate_print_row(&text, "Version", release, "version");
    liveupdate_print_row(&text, "Electron", release, "electron");
    liveupdate_print_commit(&text, release);
    liveupdate_print_row(&text, "Branch", release, "branch");
    liveupdate_print_row(&text, "Build started", release, "buildStartedAt");
    liveupdate_print_row(&text, "Build ended", release, "buildEndedAt");

    liveupdate_text_puts(&text, "\nEvery file was compared with the digest in "
                         "its manifest.\n\n"
                         "| File | Bytes | SHA-256 | Staged |\n"
                         "|---|--:|---|---|\n");

    (void) liveupdate_json_string(release, "updatedAt", &staged);

    left = 0;

    cJSON_ArrayForEach(file, files) {

        if (text.len > LIVEUPDATE_PRINT_FILES) {
            left++;
            continue;
        }

        liveupdate_print_file(&text, file, &staged);
    }

    if (left) {
        (void) snprintf(number, sizeof(number), "%u", left);

        liveupdate_text_puts(&text, "\nAnd ");
        liveupdate_text_puts(&text, number);
        liveupdate_text_puts(&text, " more files.\n");
    }

    return text.data;
}


static void
liveupdate_print_file(liveupdate_text_t *text, const cJSON *file,
    const liveupdate_str_t *staged)
{
    char              size[sizeof("18446744073709551615")];
    uint64_t          bytes;
    liveupdate_str_t  value;

    liveupdate_text_puts(text, "| ");

    if (liveupdate_json_string(file, "href", &value) == LIVEUPDATE_OK) {
        liveupdate_print_cell(text, &value);
    }

    bytes = 0;
    (void) liveupdate_json_size(file, "size", &bytes);
    (void) snprintf(size, sizeof(size), "%llu", (unsigned long long) bytes);

    liveupdate_text_puts(text, " | ");
    liveupdate_text_puts(text, size);
    liveupdate_text_puts(text, " | ");

    if (liveupdate_json_string(file, "sha256", &value) == LIVEUPDATE_OK) {
        liveupdate_text_puts(text, "`");
        liveupdate_print_cell(text, &value);
        liveupdate_text_puts(text, "`");
    }

    liveupdate_text_puts(text, " | ");
    liveupdate_print_cell(text, staged);
    liveupdate_text_puts(text, " |\n");
}


static void
liveupdate_print_row(liveupdate_text_t *text, const char *label,
    const cJSON *object, const char *key)
{
    liveupdate_str_t  value;

    if (liveupdate_json_string(object, key, &value) != LIVEUPDATE_OK) {
        return;
    }

    liveupdate_text_puts(text, "| ");
    liveupdate_text_puts(text, label);
    liveupdate_text_puts(text, " | ");
    liveupdate_print_cell(text, &value);
    liveupdate_text_puts(text, " |\n");
}


/* A link, if the commit is on GitHub. */

static void
liveupdate_print_commit(liveupdate_text_t *text, const cJSON *release)
{
    size_t             len;
    const char        *repository;
    liveupdate_str_t   commit, remote;

    if (liveupdate_json_string(release, "commit", &commit) != LIVEUPDATE_OK) {
        return;
    }

    liveupdate_text_puts(text, "| Commit | ");

    len = 0;

    if (liveupdate_json_string(release, "remote", &remote) == LIVEUPDATE_OK
        && liveupdate_print_is_sha(&commit))
    {
        len = liveupdate_print_repository(&remote, &repository);
    }

    if (len) {
        liveupdate_text_puts(text, "[");
        liveupdate_print_cell(text, &commit);
        liveupdate_text_puts(text, "](https://github.com/");
        liveupdate_text_add(text, repository, len);
        liveupdate_text_puts(text, "/commit/");
        liveupdate_print_cell(text, &commit);
        liveupdate_text_puts(text, ")");

    } else {
        liveupdate_print_cell(text, &commit);
    }

    if (liveupdate_json_string(release, "commitMessage", &commit)
        == LIVEUPDATE_OK)
    {
        liveupdate_text_puts(text, " ");
        liveupdate_print_cell(text, &commit);
    }

    liveupdate_text_puts(text, " |\n");
}


static int
liveupdate_print_is_sha(const liveupdate_str_t *commit)
{
    size_t  i;

    for (i = 0; i < commit->len; i++) {
        if ((commit->data[i] < '0' || commit->data[i] > '9')
            && (commit->data[i] < 'a' || commit->data[i] > 'f'))
        {
            return 0;
        }
    }

    return commit->len == 40 || commit->len == 64;
}


/* "owner/name" of a remote on GitHub, however it is written; 0: it is not. */

static size_t
liveupdate_print_repository(const liveupdate_str_t *remote,
    const char **repository)
{
    size_t       i, len, slashes;
    const char  *p;

    static const char  *prefixes[] = {
        "https://github.com/", "git@github.com:", "ssh://git@github.com/",
        "git://github.com/", NULL
    };

    for (i = 0; prefixes[i]; i++) {
        len = strlen(prefixes[i]);

        if (remote->len > len && memcmp(remote->data, prefixes[i], len) == 0) {
            break;
        }
    }

    if (prefixes[i] == NULL) {
        return 0;
    }

    *repository = (const char *) remote->data + len;
    len = remote->len - len;

    if (len > 4 && memcmp(*repository + len - 4, ".git", 4) == 0) {
        len -= 4;
    }

    slashes = 0;

    for (i = 0; i < len; i++) {
        p = *repository + i;

        if (*p == '/') {
            slashes++;

        } else if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
                     || (*p >= '0' && *p <= '9')
                     || *p == '-' || *p == '_' || *p == '.'))
        {
            return 0;
        }
    }

    return slashes == 1 ? len : 0;
}


static void
liveupdate_print_cell(liveupdate_text_t *text, const liveupdate_str_t *value)
{
    char    c, numeric[sizeof("&#255;")];
    size_t  i, n;

    /* not in the middle of a character */

    n = value->len;

    if (n > LIVEUPDATE_PRINT_CELL) {
        n = LIVEUPDATE_PRINT_CELL;

        while (n && (value->data[n] & 0xc0) == 0x80) {
            n--;
        }
    }

    for (i = 0; i < n; i++) {
        c = (char) value->data[i];

        if ((unsigned char) c < 0x20 || c == 0x7f) {
            c = ' ';
        }

        if (strchr("\\`*_{}[]<>()#+!|~&@:", c) && c != '\0') {
            (void) snprintf(numeric, sizeof(numeric), "&#%u;",
                            (unsigned) (unsigned char) c);
            liveupdate_text_puts(text, numeric);
            continue;
        }

        liveupdate_text_add(text, &c, 1);
    }

    if (n < value->len) {
        liveupdate_text_puts(text, "...");
    }
}
