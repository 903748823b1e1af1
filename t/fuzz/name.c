
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted can be a path, judged by other means than the code's own.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_url.h"

#include <stdio.h>


/* Decodes without any check, and encodes again: only UTF-8 comes out same. */

static int
is_utf8(const unsigned char *p, size_t len)
{
    size_t    i, k, n;
    uint32_t  c;

    for (i = 0; i < len; i += n) {
        n = p[i] < 0x80 ? 1 : p[i] < 0xe0 ? 2 : p[i] < 0xf0 ? 3 : 4;

        if (i + n > len) {
            return 0;
        }

        c = (n == 1) ? p[i] : p[i] & (0x7f >> n);

        for (k = 1; k < n; k++) {
            c = c << 6 | (p[i + k] & 0x3f);
        }

        if (n != (c < 0x80 ? 1u : c < 0x800 ? 2u : c < 0x10000 ? 3u : 4u)
            || c > 0x10ffff
            || (c & 0xfffff800) == 0xd800
            || (n > 1 && p[i] != (0xf00 >> n & 0xff) + (c >> (n - 1) * 6)))
        {
            return 0;
        }

        for (k = 1; k < n; k++) {
            if (p[i + k] != (0x80 | (c >> (n - 1 - k) * 6 & 0x3f))) {
                return 0;
            }
        }
    }

    return 1;
}


static void
check_href(const lu_str_t *href)
{
    char   buf[2048];
    char  *p, *slash;

    require(href->len > 0 && href->len <= 1024);
    require(memchr(href->data, '\0', href->len) == NULL);
    require(is_utf8(href->data, href->len));

    buf[0] = '/';
    memcpy(buf + 1, href->data, href->len);
    memcpy(buf + 1 + href->len, "/", 2);

    require(strstr(buf, "/" "/") == NULL);
    require(strstr(buf, "/./") == NULL);
    require(strstr(buf, "/../") == NULL);
    require(strchr(buf, '\\') == NULL);
    require(strlen(buf) < 4 || buf[2] != ':' || !strchr("CDcdZz", buf[1]));

    for (p = buf; *p; p++) {
        require((unsigned char) *p >= 0x20 && *p != 0x7f);
    }

    for (p = buf + 1; *p; p = slash + 1) {
        slash = strchr(p, '/');
        require(slash - p <= 255);
    }
}


static void
check_file_name(const lu_str_t *name)
{
    size_t      i;
    lu_error_t  err;

    require(name->len > 0 && name->len <= 255);
    require(is_utf8(name->data, name->len));
    require(name->data[0] != '.');

    for (i = 0; i < name->len; i++) {
        require(name->data[i] >= 0x20 && name->data[i] != 0x7f);
        require(name->data[i] != '/' && name->data[i] != '\\');
        require(i == 0 || name->data[i - 1] != '.' || name->data[i] != '.');
    }

    require(lu_name_href_check(name, &err) == LU_OK || name->data[1] == ':');
}


static void *
buffer_alloc(void *data, size_t size)
{
    unsigned char  **buffer;

    buffer = data;
    free(*buffer);
    *buffer = malloc(size);

    return *buffer;
}


/* The name, encoded and put behind a host and a folder, is found again. */

static void
check_url(const lu_arena_t *arena, const lu_str_t *name)
{
    char        copy[256], url[1024];
    size_t      i, len;
    lu_str_t    str, found;
    lu_error_t  err;

    memcpy(copy, name->data, name->len);
    len = sprintf(url, "https:%s", "/" "/h/x/");

    for (i = 0; i < name->len; i++) {
        len += sprintf(url + len, "%%%02x", (unsigned char) copy[i]);
    }

    len += sprintf(url + len, "?a/b#c/d");

    str.len = len;
    str.data = (unsigned char *) url;
    len = name->len;

    require(lu_name_file_of_url(arena, &str, &found, &err) == LU_OK);
    require(found.len == len && memcmp(found.data, copy, len) == 0);
}


static void
check_absolute_url(const lu_str_t *url)
{
    size_t       i;
    const char  *p;

    require(url->len <= 2048);

    for (i = 0; i < url->len; i++) {
        require(url->data[i] > ' ' && url->data[i] < 0x7f);
        require(url->data[i] != '%'
                || (i + 2 < url->len
                    && strchr("0123456789abcdefABCDEF", url->data[i + 1])
                    && strchr("0123456789abcdefABCDEF", url->data[i + 2])));
    }

    p = memchr(url->data, ':', 6);
    require(p && p[1] == '/' && p[2] == '/' && !strchr("/?#", p[3]));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             href;
    lu_str_t        str, name;
    lu_error_t      err;
    lu_arena_t      arena;
    unsigned char  *buffer;

    str.len = size;
    str.data = (unsigned char *) data;
    err.text = NULL;

    require(lu_str_utf8_valid(&str) == is_utf8(data, size));

    href = lu_name_href_check(&str, &err) == LU_OK;
    require(href == (err.text == NULL));

    if (href) {
        check_href(&str);
    }

    err.text = NULL;

    if (lu_name_file_check(&str, &err) == LU_OK) {
        require(err.text == NULL);
        check_file_name(&str);

    } else {
        require(err.text != NULL);
    }

    buffer = NULL;
    arena.alloc = buffer_alloc;
    arena.data = &buffer;

    if (lu_name_file_of_url(&arena, &str, &name, &err) == LU_OK) {
        check_file_name(&name);
        check_url(&arena, &name);
    }

    free(buffer);

    if (lu_url_valid(&str)) {
        check_absolute_url(&str);
    }

    if (lu_name_id_valid(&str)) {
        require(lu_name_file_check(&str, &err) == LU_OK);
        require(href && size <= 64 && data[0] != '.');
        require(!memchr(data, '/', size) && !memchr(data, '.', size));
        require(lu_name_label_valid(&str));
    }

    if (lu_name_label_valid(&str)) {
        require(lu_name_device_id_valid(&str));
    }

    if (lu_name_device_id_valid(&str)) {
        require(size > 0 && size <= 128 && is_utf8(data, size));
        require(!memchr(data, '\n', size) && !memchr(data, '\0', size));
    }

    return 0;
}
