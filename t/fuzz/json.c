
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted prints, and parses again to the same tree; no byte of a
 * string is lost, and memory is the only thing that cJSON can still lack.
 */


#include "fuzz.h"
#include "lu_json.h"
#include "lu_json_scan.h"


/* The bytes of all strings in a text that was accepted, as UTF-8. */

static size_t
bytes_of_text(const uint8_t *p, const uint8_t *last)
{
    char    hex[5] = "";
    long    unit;
    size_t  n;

    for (n = 0; p < last; p++) {

        if (*p != '"') {
            continue;
        }

        for (p++; *p != '"'; p++) {

            require(*p >= 0x20);

            if (*p != '\\') {
                n++;
                continue;
            }

            if (*++p != 'u') {
                n++;
                continue;
            }

            memcpy(hex, p + 1, 4);
            unit = strtol(hex, NULL, 16);
            require(unit != 0);

            /* each half of a pair is worth two of its four bytes */

            n += (unit < 0x80) ? 1 : (unit < 0x800) ? 2
                 : (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
            p += 4;
        }
    }

    return n;
}


static size_t
bytes_of_tree(const cJSON *json, unsigned depth)
{
    size_t        n;
    const cJSON  *item, *other;

    require(depth <= LU_JSON_DEPTH + 1);

    n = json->string ? strlen(json->string) : 0;
    n += json->valuestring ? strlen(json->valuestring) : 0;

    for (item = json->child; item; item = item->next) {
        n += bytes_of_tree(item, depth + 1);

        for (other = item->next; other && item->string; other = other->next) {
            require(strcmp(item->string, other->string) != 0);
        }
    }

    return n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       *printed;
    cJSON      *json, *again;
    lu_rc_e     rc;
    lu_str_t    text;
    lu_error_t  err;

    text.len = size;
    text.data = (unsigned char *) data;
    err.text = NULL;

    rc = lu_json_parse(&json, &text, &err);

    if (rc != LU_OK) {
        require(rc == LU_INVALID && json == NULL && err.text != NULL);
        return 0;
    }

    require(bytes_of_text(data, data + size) == bytes_of_tree(json, 1));

    printed = cJSON_PrintUnformatted(json);
    require(printed != NULL);

    text.len = strlen(printed);
    text.data = (unsigned char *) printed;

    require(lu_json_parse(&again, &text, &err) == LU_OK);
    require(cJSON_Compare(json, again, 1));
    require(bytes_of_tree(json, 1) == bytes_of_tree(again, 1));

    cJSON_free(printed);
    cJSON_Delete(again);
    cJSON_Delete(json);

    return 0;
}
