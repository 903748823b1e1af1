
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The blocks are those of a Rabin fingerprint: of degree 63, over the last 64
 * bytes.  A block ends where its lower bits are ones.
 */


#include "lu_base64.h"
#include "lu_blockmap.h"
#include "lu_json_scan.h"

#include <inttypes.h>
#include <stdio.h>

#include <openssl/evp.h>


#define LU_BLOCKMAP_POLYNOMIAL  0xbfe6b8a5bf378d83
#define LU_BLOCKMAP_DEGREE      63
#define LU_BLOCKMAP_MASK        (LU_BLOCKMAP_AVG - 1)

#define LU_BLOCKMAP_HEAD  "{\"version\":\"2\",\"files\":[{\"name\":\"file\","  \
                          "\"offset\":0,\"checksums\":["
#define LU_BLOCKMAP_SIZES  "],\"sizes\":["
#define LU_BLOCKMAP_TAIL   "]}]}"

/* in base64, with quotes and a comma; digits of a size with a comma */

#define LU_BLOCKMAP_CHECKSUM  (LU_BLOCKMAP_DIGEST / 3 * 4)
#define LU_BLOCKMAP_ENTRY     (LU_BLOCKMAP_CHECKSUM + 3 + 6)


static int lu_blockmap_member(const lu_str_t *object, const char *name,
    lu_str_t *value);
static int lu_blockmap_item(lu_str_t *list, lu_str_t *value);
static size_t lu_blockmap_value(const lu_str_t *text, size_t i);
static size_t lu_blockmap_blank(const lu_str_t *text, size_t i);
static lu_rc_e lu_blockmap_next(lu_blockmap_t *map, lu_error_t *err);
static int lu_blockmap_number(const lu_str_t *value, uint64_t *n);
static uint64_t lu_blockmap_shifted(uint64_t value, unsigned bits);
static lu_rc_e lu_blockmap_block(lu_blockmap_maker_t *maker);


lu_rc_e
lu_blockmap_begin(lu_blockmap_t *map, const lu_str_t *text, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  files, file, value;

    memset(map, 0, sizeof(lu_blockmap_t));

    if (text->len == 0 || text->data[0] != '{') {
        return LU_NOT_FOUND;
    }

    rc = lu_json_scan(text, err);
    if (rc != LU_OK) {
        return lu_error(err, NULL, "is no JSON");
    }

    if (!lu_blockmap_member(text, "version", &value)
        || !lu_str_is(&value, "\"2\""))
    {
        return LU_NOT_FOUND;
    }

    if (!lu_blockmap_member(text, "files", &files)
        || !lu_blockmap_item(&files, &file)
        || lu_blockmap_item(&files, &value)
        || !lu_blockmap_member(&file, "offset", &value)
        || !lu_str_is(&value, "0")
        || !lu_blockmap_member(&file, "checksums", &map->checksums)
        || !lu_blockmap_member(&file, "sizes", &map->sizes)
        || map->checksums.data[0] != '['
        || map->sizes.data[0] != '[')
    {
        return lu_error(err, NULL, "does not describe one file from its "
                                   "beginning");
    }

    return LU_OK;
}


/* The text is right: these look no further than they must. */

static int
lu_blockmap_member(const lu_str_t *object, const char *name, lu_str_t *value)
{
    size_t    i, end;
    lu_str_t  key;

    if (object->data[0] != '{') {
        return 0;
    }

    i = lu_blockmap_blank(object, 1);

    while (i < object->len && object->data[i] == '"') {
        end = lu_blockmap_value(object, i);

        key.data = object->data + i + 1;
        key.len = end - i - 2;

        /* behind the ":" */

        i = lu_blockmap_blank(object, lu_blockmap_blank(object, end) + 1);
        end = lu_blockmap_value(object, i);

        value->data = object->data + i;
        value->len = end - i;

        if (lu_str_is(&key, name)) {
            return 1;
        }

        i = lu_blockmap_blank(object, lu_blockmap_blank(object, end) + 1);
    }

    return 0;
}


/* Takes the next item from a list, which then begins with what is behind. */

static int
lu_blockmap_item(lu_str_t *list, lu_str_t *value)
{
    size_t  i, end;

    if (list->len == 0 || (list->data[0] != '[' && list->data[0] != ',')) {
        return 0;
    }

    i = lu_blockmap_blank(list, 1);

    if (i == list->len || list->data[i] == ']') {
        return 0;
    }

    end = lu_blockmap_value(list, i);

    value->data = list->data + i;
    value->len = end - i;

    end = lu_blockmap_blank(list, end);

    list->data += end;
    list->len -= end;

    return 1;
}


/* Where the value ends that begins there. */

static size_t
lu_blockmap_value(const lu_str_t *text, size_t i)
{
    int            is_string;
    size_t         depth;
    unsigned char  c;

    depth = 0;
    is_string = 0;

    for ( /* void */ ; i < text->len; i++) {
        c = text->data[i];

        if (is_string) {

            if (c == '\\') {
                i++;

            } else if (c == '"') {
                is_string = 0;

                if (depth == 0) {
                    return i + 1;
                }
            }

            continue;
        }

        if (c == '"') {
            is_string = 1;

        } else if (c == '{' || c == '[') {
            depth++;

        } else if (c == '}' || c == ']') {

            if (depth == 0) {
                return i;
            }

            if (--depth == 0) {
                return i + 1;
            }

        } else if (depth == 0
                   && (c == ',' || lu_blockmap_blank(text, i) != i))
        {
            return i;
        }
    }

    return text->len;
}


static size_t
lu_blockmap_blank(const lu_str_t *text, size_t i)
{
    while (i < text->len
           && (text->data[i] == ' ' || text->data[i] == '\t'
               || text->data[i] == '\n' || text->data[i] == '\r'))
    {
        i++;
    }

    return i < text->len ? i : text->len;
}


lu_rc_e
lu_blockmap_compare(lu_blockmap_t *map, const unsigned char *p, size_t len,
    lu_error_t *err)
{
    size_t   n;
    lu_rc_e  rc;

    for ( ;; ) {

        /* a block may have no bytes */

        if (!map->has_block || map->left == 0) {

            if (len == 0) {
                return LU_OK;
            }

            rc = lu_blockmap_next(map, err);

            if (rc == LU_NOT_FOUND) {
                return lu_error(err, NULL, "describes fewer bytes than the "
                                           "file has");
            }

            if (rc != LU_OK) {
                return rc;
            }
        }

        n = (len < map->left) ? len : (size_t) map->left;

        lu_blake2b_update(&map->blake2b, p, n);

        map->left -= n;
        p += n;
        len -= n;

        if (len == 0) {
            return LU_OK;
        }
    }
}


lu_rc_e
lu_blockmap_end(lu_blockmap_t *map, lu_error_t *err)
{
    lu_rc_e  rc;

    for ( ;; ) {

        if (map->left) {
            return lu_error(err, NULL, "describes more bytes than the file "
                                       "has");
        }

        rc = lu_blockmap_next(map, err);

        if (rc != LU_OK) {
            return rc == LU_NOT_FOUND ? LU_OK : rc;
        }
    }
}


/* Ends a block, and begins the next one; LU_NOT_FOUND: there is none. */

static lu_rc_e
lu_blockmap_next(lu_blockmap_t *map, lu_error_t *err)
{
    int            has_checksum, has_size;
    lu_str_t       checksum, size;
    uint64_t       n;
    unsigned char  digest[LU_BLOCKMAP_DIGEST];

    if (map->has_block) {
        lu_blake2b_final(&map->blake2b, digest);

        if (memcmp(digest, map->digest, LU_BLOCKMAP_DIGEST) != 0) {
            return lu_error(err, NULL, "describes another file");
        }

        map->offset += map->blake2b.size;
    }

    map->has_block = 0;
    map->block++;

    has_checksum = lu_blockmap_item(&map->checksums, &checksum);
    has_size = lu_blockmap_item(&map->sizes, &size);

    if (!has_checksum && !has_size) {
        return LU_NOT_FOUND;
    }

    if (!has_checksum || !has_size
        || !lu_blockmap_number(&size, &n)
        || checksum.len != LU_BLOCKMAP_CHECKSUM + 2
        || checksum.data[0] != '"')
    {
        return lu_error(err, NULL, "has no size, or no checksum of 18 bytes, "
                                   "of a block");
    }

    checksum.data++;
    checksum.len -= 2;

    if (!lu_base64_decode(map->digest, LU_BLOCKMAP_DIGEST, &checksum)) {
        return lu_error(err, NULL, "has a checksum that is not base64");
    }

    map->left = n;
    map->has_block = 1;

    lu_blake2b_init(&map->blake2b, LU_BLOCKMAP_DIGEST);

    return LU_OK;
}


static int
lu_blockmap_number(const lu_str_t *value, uint64_t *n)
{
    size_t  i;

    *n = 0;

    for (i = 0; i < value->len; i++) {

        if (value->data[i] < '0' || value->data[i] > '9') {
            return 0;
        }

        *n = *n * 10 + (uint64_t) (value->data[i] - '0');
    }

    return value->len >= 1 && value->len <= 15;
}


lu_rc_e
lu_blockmap_make(const lu_arena_t *arena, uint64_t size,
    lu_blockmap_maker_t **maker)
{
    uint64_t              i;
    lu_blockmap_maker_t  *m;

    m = arena->alloc(arena->data, sizeof(lu_blockmap_maker_t));
    if (m == NULL) {
        return LU_NOMEM;
    }

    *maker = m;

    memset(m, 0, sizeof(lu_blockmap_maker_t));

    m->max = (size_t) (size / LU_BLOCKMAP_MIN + 1);
    m->blocks = arena->alloc(arena->data,
                             m->max * sizeof(lu_blockmap_block_t));
    if (m->blocks == NULL) {
        return LU_NOMEM;
    }

    for (i = 0; i < 256; i++) {

        /* with the bits that are shifted out, so that they vanish */

        m->push[i] = lu_blockmap_shifted(i, LU_BLOCKMAP_DEGREE)
                     ^ i << LU_BLOCKMAP_DEGREE;

        m->pop[i] = lu_blockmap_shifted(i, 8 * (LU_BLOCKMAP_WINDOW - 1));
    }

    lu_blake2b_init(&m->blake2b, LU_BLOCKMAP_DIGEST);

    return LU_OK;
}


/* The remainder of a polynomial with so many zeros behind. */

static uint64_t
lu_blockmap_shifted(uint64_t value, unsigned bits)
{
    while (bits--) {
        value <<= 1;

        if (value >> LU_BLOCKMAP_DEGREE & 1) {
            value ^= LU_BLOCKMAP_POLYNOMIAL;
        }
    }

    return value;
}


lu_rc_e
lu_blockmap_add(lu_blockmap_maker_t *maker, const unsigned char *p,
    size_t len)
{
    size_t          n, size;
    uint64_t        hash;
    unsigned char  *old;

    while (len) {

        size = maker->size;
        hash = maker->hash;

        for (n = 0; n < len; /* void */) {

            /* what is in front of the first window does not count */

            if (size < LU_BLOCKMAP_MIN - LU_BLOCKMAP_WINDOW) {
                n = LU_BLOCKMAP_MIN - LU_BLOCKMAP_WINDOW - size;
                n = (len < n) ? len : n;
                size += n;
                continue;
            }

            old = &maker->window[size % LU_BLOCKMAP_WINDOW];

            if (size >= LU_BLOCKMAP_MIN) {
                hash ^= maker->pop[*old];
            }

            *old = p[n];

            hash = (hash << 8 | p[n])
                   ^ maker->push[hash >> (LU_BLOCKMAP_DEGREE - 8) & 0xff];

            size++;
            n++;

            if (size >= LU_BLOCKMAP_MIN
                && ((hash & LU_BLOCKMAP_MASK) == LU_BLOCKMAP_MASK
                    || size == LU_BLOCKMAP_MAX))
            {
                break;
            }
        }

        lu_blake2b_update(&maker->blake2b, p, n);

        maker->size = size;
        maker->hash = hash;

        p += n;
        len -= n;

        if (size >= LU_BLOCKMAP_MIN
            && ((hash & LU_BLOCKMAP_MASK) == LU_BLOCKMAP_MASK
                || size == LU_BLOCKMAP_MAX)
            && lu_blockmap_block(maker) != LU_OK)
        {
            return LU_INVALID;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_blockmap_block(lu_blockmap_maker_t *maker)
{
    lu_blockmap_block_t  *block;

    if (maker->nblocks == maker->max) {
        return LU_INVALID;
    }

    block = &maker->blocks[maker->nblocks++];

    block->size = (uint32_t) maker->size;

    lu_blake2b_final(&maker->blake2b, block->digest);
    lu_blake2b_init(&maker->blake2b, LU_BLOCKMAP_DIGEST);

    maker->size = 0;
    maker->hash = 0;

    return LU_OK;
}


lu_rc_e
lu_blockmap_made(const lu_arena_t *arena, lu_blockmap_maker_t *maker,
    lu_str_t *text)
{
    char    *p;
    size_t   i;

    /* after a whole block electron-builder has an empty one, too */

    if (lu_blockmap_block(maker) != LU_OK) {
        return LU_INVALID;
    }

    p = arena->alloc(arena->data, sizeof(LU_BLOCKMAP_HEAD LU_BLOCKMAP_SIZES
                                         LU_BLOCKMAP_TAIL)
                                  + maker->nblocks * LU_BLOCKMAP_ENTRY);
    if (p == NULL) {
        return LU_NOMEM;
    }

    text->data = (unsigned char *) p;

    p += sprintf(p, LU_BLOCKMAP_HEAD);

    for (i = 0; i < maker->nblocks; i++) {
        p += sprintf(p, "%s\"", i ? "," : "");
        p += EVP_EncodeBlock((unsigned char *) p, maker->blocks[i].digest,
                             LU_BLOCKMAP_DIGEST);
        *p++ = '"';
    }

    p += sprintf(p, LU_BLOCKMAP_SIZES);

    for (i = 0; i < maker->nblocks; i++) {
        p += sprintf(p, "%s%" PRIu32, i ? "," : "", maker->blocks[i].size);
    }

    p += sprintf(p, LU_BLOCKMAP_TAIL);

    text->len = (size_t) (p - (char *) text->data);

    return LU_OK;
}
