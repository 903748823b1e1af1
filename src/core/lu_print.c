
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_print.h"
#include "lu_signed.h"
#include "lu_text.h"

#include <stdio.h>


#define LU_PRINT_CELL     300
#define LU_PRINT_LINE     2000

/* the body of a pull request has at most 65,536 characters */

#define LU_PRINT_FILES    60000


static void lu_print_value(lu_text_t *text, const cJSON *json, unsigned level);
static void lu_print_scalar(lu_text_t *text, const cJSON *json);
static void lu_print_break(lu_text_t *text, unsigned level);
static void lu_print_effects(lu_text_t *text, const cJSON *effects);
static void lu_print_warnings(lu_text_t *text, const cJSON *warnings);
static void lu_print_signatures(lu_text_t *text, const cJSON *release);
static void lu_print_notes(lu_text_t *text, const cJSON *release);
static void lu_print_member(lu_text_t *text, const cJSON *object,
    const char *key);
static void lu_print_file(lu_text_t *text, const cJSON *file,
    const lu_str_t *staged);
static void lu_print_row(lu_text_t *text, const char *label,
    const cJSON *object, const char *key);
static void lu_print_commit(lu_text_t *text, const cJSON *release);
static size_t lu_print_repository(const lu_str_t *remote,
    const char **repository);
static size_t lu_print_prefix(const lu_str_t *remote);
static void lu_print_cell(lu_text_t *text, const lu_str_t *value);
static void lu_print_text(lu_text_t *text, const lu_str_t *value, size_t max);


char *
lu_print(const cJSON *json)
{
    lu_text_t  text;

    lu_text_init(&text);

    lu_print_value(&text, json, 0);
    lu_text_puts(&text, "\n");

    return text.data;
}


static void
lu_print_value(lu_text_t *text, const cJSON *json, unsigned level)
{
    int           object;
    cJSON         key;
    const cJSON  *item;

    if (!cJSON_IsArray(json) && !cJSON_IsObject(json)) {
        lu_print_scalar(text, json);
        return;
    }

    object = cJSON_IsObject(json);

    lu_text_puts(text, object ? "{" : "[");

    cJSON_ArrayForEach(item, json) {

        lu_print_break(text, level + 1);

        if (object) {
            memset(&key, 0, sizeof(cJSON));
            key.type = cJSON_String;
            key.valuestring = item->string;

            lu_print_scalar(text, &key);
            lu_text_puts(text, ": ");
        }

        lu_print_value(text, item, level + 1);

        if (item->next) {
            lu_text_puts(text, ",");
        }
    }

    if (json->child) {
        lu_print_break(text, level);
    }

    lu_text_puts(text, object ? "}" : "]");
}


static void
lu_print_scalar(lu_text_t *text, const cJSON *json)
{
    char  *value;

    value = cJSON_PrintUnformatted(json);

    if (value == NULL) {
        lu_text_fail(text);
        return;
    }

    lu_text_puts(text, value);

    cJSON_free(value);
}


static void
lu_print_break(lu_text_t *text, unsigned level)
{
    lu_text_puts(text, "\n");

    while (level--) {
        lu_text_puts(text, "  ");
    }
}


char *
lu_print_release(const cJSON *release, const cJSON *files,
    const cJSON *effects, const cJSON *warnings)
{
    char          number[sizeof("4294967295")];
    unsigned      left;
    const cJSON  *file;
    lu_str_t      staged;
    lu_text_t     text;

    lu_text_init(&text);
    memset(&staged, 0, sizeof(lu_str_t));

    lu_text_puts(&text, "| | |\n|---|---|\n");

    lu_print_row(&text, "App", release, "name");
    lu_print_row(&text, "Build", release, "id");
    lu_print_row(&text, "Version", release, "version");
    lu_print_row(&text, "Electron", release, "electron");
    lu_print_commit(&text, release);
    lu_print_row(&text, "Branch", release, "branch");
    lu_print_row(&text, "Build started", release, "buildStartedAt");
    lu_print_row(&text, "Build ended", release, "buildEndedAt");

    lu_print_effects(&text, effects);
    lu_print_warnings(&text, warnings);
    lu_print_signatures(&text, release);
    lu_print_notes(&text, release);

    lu_text_puts(&text, "\nEvery file was compared with the digest in its "
                 "manifest.\n\n"
                 "| File | Bytes | SHA-256 | Staged |\n|---|--:|---|---|\n");

    (void) lu_json_string(release, "updatedAt", &staged);

    left = 0;

    cJSON_ArrayForEach(file, files) {

        if (text.len > LU_PRINT_FILES) {
            left++;
            continue;
        }

        lu_print_file(&text, file, &staged);
    }

    if (left) {
        (void) snprintf(number, sizeof(number), "%u", left);

        lu_text_puts(&text, "\nAnd ");
        lu_text_puts(&text, number);
        lu_text_puts(&text, " more files.\n");
    }

    return text.data;
}


/* Who gets another version, by manifest; share is of those who ask. */

static void
lu_print_effects(lu_text_t *text, const cJSON *effects)
{
    char          share[32];
    double        number;
    const cJSON  *effect;

    if (effects == NULL) {
        return;
    }

    if (cJSON_GetArraySize(effects) == 0) {
        lu_text_puts(text, "\nNobody gets another version.\n");
        return;
    }

    lu_text_puts(text, "\n| For | Now | Then | Share | |\n"
                 "|---|---|---|--:|---|\n");

    cJSON_ArrayForEach(effect, effects) {

        if (text->len > LU_PRINT_FILES / 2) {
            lu_text_puts(text, "\nAnd more.\n");
            return;
        }

        number = 0;
        (void) lu_json_number(effect, "share", &number);
        (void) snprintf(share, sizeof(share), "%g %%",
                        (number >= 0 && number <= 1)
                        ? (int) (number * 1e4 + 0.5) / 1e2 : 0);

        lu_text_puts(text, "| ");
        lu_print_member(text, effect, "manifest");
        lu_text_puts(text, " | ");
        lu_print_member(text, lu_json_get(effect, "from"), "version");
        lu_text_puts(text, " | ");
        lu_print_member(text, lu_json_get(effect, "to"), "version");
        lu_text_puts(text, " | ");
        lu_text_puts(text, share);
        lu_text_puts(text, " | ");
        lu_print_member(text, effect, "effect");
        lu_text_puts(text, " |\n");
    }
}


static void
lu_print_warnings(lu_text_t *text, const cJSON *warnings)
{
    lu_str_t      value;
    const cJSON  *item;

    cJSON_ArrayForEach(item, warnings) {

        if (text->len > LU_PRINT_FILES / 2) {
            lu_text_puts(text, "\nAnd more.\n");
            return;
        }

        if (lu_json_value(item, &value) == LU_OK) {
            lu_text_puts(text, "\n**Warning:** ");
            lu_print_text(text, &value, LU_PRINT_LINE);
            lu_text_puts(text, "\n");
        }
    }
}


static void
lu_print_signatures(lu_text_t *text, const cJSON *release)
{
    const cJSON  *files, *file;

    files = lu_json_get(release, "signatures");

    if (cJSON_GetArraySize(files) == 0) {
        return;
    }

    lu_text_puts(text, "\n| File | Signature |\n|---|---|\n");

    cJSON_ArrayForEach(file, files) {

        if (text->len > LU_PRINT_FILES / 2) {
            lu_text_puts(text, "\nAnd more.\n");
            break;
        }

        lu_text_puts(text, "| ");
        lu_print_member(text, file, "href");
        lu_text_puts(text, " | ");
        lu_signed_print(text, file, lu_print_cell);
        lu_text_puts(text, " |\n");
    }

    lu_text_puts(text, "\nWhether Windows trusts these certificates, and "
                 "whose signatures macOS finds, was not checked.\n");
}


/* As they were written, line by line. */

static void
lu_print_notes(lu_text_t *text, const cJSON *release)
{
    size_t    i;
    lu_str_t  notes, line;

    if (lu_json_string(release, "releaseNotes", &notes) != LU_OK
        || notes.len == 0)
    {
        return;
    }

    lu_text_puts(text, "\nRelease notes:\n\n");

    for (i = 0; i < notes.len; i += line.len + 1) {

        if (text->len > LU_PRINT_FILES / 4 * 3) {
            lu_text_puts(text, "> ...\n");
            return;
        }

        line.data = notes.data + i;
        line.len = lu_str_find(&notes, i, "\n") - i;

        /* two spaces at the end of a line break it */

        lu_text_puts(text, "> ");
        lu_print_text(text, &line, LU_PRINT_LINE);
        lu_text_puts(text, "  \n");
    }
}


static void
lu_print_member(lu_text_t *text, const cJSON *object, const char *key)
{
    lu_str_t  value;

    if (lu_json_string(object, key, &value) == LU_OK) {
        lu_print_cell(text, &value);
    }
}


static void
lu_print_file(lu_text_t *text, const cJSON *file, const lu_str_t *staged)
{
    char      size[sizeof("18446744073709551615")];
    uint64_t  bytes;
    lu_str_t  value;

    lu_text_puts(text, "| ");

    if (lu_json_string(file, "href", &value) == LU_OK) {
        lu_print_cell(text, &value);
    }

    bytes = 0;
    (void) lu_json_size(file, "size", &bytes);
    (void) snprintf(size, sizeof(size), "%llu", (unsigned long long) bytes);

    lu_text_puts(text, " | ");
    lu_text_puts(text, size);
    lu_text_puts(text, " | ");

    if (lu_json_string(file, "sha256", &value) == LU_OK) {
        lu_text_puts(text, "`");
        lu_print_cell(text, &value);
        lu_text_puts(text, "`");
    }

    lu_text_puts(text, " | ");
    lu_print_cell(text, staged);
    lu_text_puts(text, " |\n");
}


static void
lu_print_row(lu_text_t *text, const char *label, const cJSON *object,
    const char *key)
{
    lu_str_t  value;

    if (lu_json_string(object, key, &value) != LU_OK) {
        return;
    }

    lu_text_puts(text, "| ");
    lu_text_puts(text, label);
    lu_text_puts(text, " | ");
    lu_print_cell(text, &value);
    lu_text_puts(text, " |\n");
}


/* The commit is a link if it is on GitHub. */

static void
lu_print_commit(lu_text_t *text, const cJSON *release)
{
    size_t       len;
    lu_str_t     commit, remote;
    const char  *repository;

    if (lu_json_string(release, "commit", &commit) != LU_OK) {
        return;
    }

    lu_text_puts(text, "| Commit | ");

    len = 0;
    repository = NULL;

    if (lu_json_string(release, "remote", &remote) == LU_OK
        && (lu_hex_lower_valid(&commit, 40)
            || lu_hex_lower_valid(&commit, 64)))
    {
        len = lu_print_repository(&remote, &repository);
    }

    if (len) {
        lu_text_puts(text, "[");
        lu_print_cell(text, &commit);
        lu_text_puts(text, "](https://github.com/");
        lu_text_add(text, repository, len);
        lu_text_puts(text, "/commit/");
        lu_print_cell(text, &commit);
        lu_text_puts(text, ")");

    } else {
        lu_print_cell(text, &commit);
    }

    if (lu_json_string(release, "commitMessage", &commit) == LU_OK) {
        lu_text_puts(text, " ");
        lu_print_cell(text, &commit);
    }

    lu_text_puts(text, " |\n");
}


/*
 * The length of the "owner/name" of a remote on GitHub, in whichever form it
 * is written; 0: it is not on GitHub.
 */

static size_t
lu_print_repository(const lu_str_t *remote, const char **repository)
{
    size_t       i, len, slashes;
    const char  *p;

    len = lu_print_prefix(remote);

    if (len == 0) {
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

        } else if (!lu_str_is_alnum((unsigned char) *p)
                   && *p != '-' && *p != '_' && *p != '.')
        {
            return 0;
        }
    }

    return slashes == 1 ? len : 0;
}


/* The length of what is in front of "owner/name"; 0: it is not on GitHub. */

static size_t
lu_print_prefix(const lu_str_t *remote)
{
    size_t  i, len;

    static const char  *prefixes[] = {
        "https://github.com/", "git@github.com:", "ssh://git@github.com/",
        "git://github.com/", NULL
    };

    for (i = 0; prefixes[i]; i++) {
        len = strlen(prefixes[i]);

        if (remote->len > len && memcmp(remote->data, prefixes[i], len) == 0) {
            return len;
        }
    }

    return 0;
}


static void
lu_print_cell(lu_text_t *text, const lu_str_t *value)
{
    lu_print_text(text, value, LU_PRINT_CELL);
}


static void
lu_print_text(lu_text_t *text, const lu_str_t *value, size_t max)
{
    char    c, numeric[sizeof("&#255;")];
    size_t  i, n;

    /* do not cut a character */

    n = value->len;

    if (n > max) {
        n = max;

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
            lu_text_puts(text, numeric);
            continue;
        }

        lu_text_add(text, &c, 1);
    }

    if (n < value->len) {
        lu_text_puts(text, "...");
    }
}
