
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_names.h"
#include "lu_sha256.h"


static int lu_names_entry(const lu_str_t *line, lu_names_t *entry);


int
lu_names_is_fixed(const lu_str_t *name)
{
    return !lu_str_ends(name, ".yml") && !lu_str_ends(name, ".json");
}


int
lu_names_next(const lu_str_t *record, size_t *at, lu_names_t *entry)
{
    lu_str_t        line;
    unsigned char  *end;

    while (*at < record->len) {
        line.data = record->data + *at;

        end = memchr(line.data, '\n', record->len - *at);

        if (end == NULL) {
            *at = record->len;
            break;
        }

        line.len = end - line.data;
        *at += line.len + 1;

        if (lu_names_entry(&line, entry)) {
            return 1;
        }
    }

    return 0;
}


static int
lu_names_entry(const lu_str_t *line, lu_names_t *entry)
{
    size_t      start, end;
    lu_error_t  err;

    if (line->len <= LU_SHA256_HEX || line->data[LU_SHA256_HEX] != ' ') {
        return 0;
    }

    start = LU_SHA256_HEX + 1;
    end = lu_str_find(line, start, " ");

    if (end == line->len) {
        return 0;
    }

    entry->sha256.data = line->data;
    entry->sha256.len = LU_SHA256_HEX;

    entry->release.data = line->data + start;
    entry->release.len = end - start;

    entry->name.data = line->data + end + 1;
    entry->name.len = line->len - end - 1;

    return lu_sha256_hex_valid(&entry->sha256)
           && lu_name_release_valid(&entry->release)
           && lu_name_file_check(&entry->name, &err) == LU_OK;
}


lu_str_t
lu_names_cut(const lu_str_t *record)
{
    size_t    at;
    lu_str_t  cut;

    if (record->len <= LU_NAMES_SIZE) {
        return *record;
    }

    at = lu_str_find(record, record->len / 2, "\n");

    if (at < record->len) {
        at++;
    }

    cut.data = record->data + at;
    cut.len = record->len - at;

    return cut;
}
