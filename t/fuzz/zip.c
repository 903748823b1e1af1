
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted, libzip reads to the end: safe and unique names, contents
 * within the limit, an index.html.  No input makes the check read or allocate
 * out of proportion, and its source is freed once.
 */


#include "fuzz.h"
#include "lu_zip.h"
#include "lu_name.h"

#include <stdio.h>


#define LIMIT  (1024 * 1024)


typedef struct {
    const uint8_t  *data;
    size_t          size;
    size_t          pos;
    uint64_t        got;
    unsigned        frees;
} feed_t;


static uint64_t  allocated;


static void *
counted_alloc(void *data, size_t size)
{
    allocated += size;

    return fuzz_alloc(data, size);
}


static zip_int64_t
feed_callback(void *data, void *buf, zip_uint64_t len, zip_source_cmd_t cmd)
{
    feed_t      *feed;
    zip_stat_t  *st;
    zip_int64_t  pos;
    zip_error_t  error;

    feed = data;
    zip_error_init(&error);

    switch (cmd) {

    case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_SEEKABLE;

    case ZIP_SOURCE_READ:
        if (len > feed->size - feed->pos) {
            len = feed->size - feed->pos;
        }

        memcpy(buf, feed->data + feed->pos, len);
        feed->pos += len;
        feed->got += len;
        return (zip_int64_t) len;

    case ZIP_SOURCE_SEEK:
        pos = zip_source_seek_compute_offset(feed->pos, feed->size, buf, len,
                                             &error);
        if (pos < 0) {
            return -1;
        }

        feed->pos = (size_t) pos;
        return 0;

    case ZIP_SOURCE_TELL:
        return (zip_int64_t) feed->pos;

    case ZIP_SOURCE_STAT:
        st = buf;
        zip_stat_init(st);
        st->size = feed->size;
        st->valid = ZIP_STAT_SIZE;
        return sizeof(zip_stat_t);

    case ZIP_SOURCE_OPEN:
        feed->pos = 0;
        return 0;

    case ZIP_SOURCE_CLOSE:
        return 0;

    case ZIP_SOURCE_FREE:
        feed->frees++;
        return 0;

    default:
        zip_error_set(&error, ZIP_ER_SEEK, 0);
        return zip_error_to_data(&error, buf, len);
    }
}


static uint64_t
check_entry(zip_t *zip, zip_uint64_t i, int *index)
{
    char         buf[4096];
    uint64_t     size;
    lu_str_t     name;
    zip_stat_t   st;
    zip_file_t  *file;
    lu_error_t   err;
    zip_int64_t  n;

    require(zip_stat_index(zip, i, ZIP_FL_ENC_RAW, &st) == 0);
    require(zip_name_locate(zip, st.name, ZIP_FL_ENC_RAW) == (zip_int64_t) i);

    name.data = (unsigned char *) st.name;
    name.len = strlen(st.name);

    *index |= name.len >= 10
              && memcmp(&name.data[name.len - 10], "index.html", 10) == 0;

    if (name.len >= 2 && memcmp(name.data, "./", 2) == 0) {
        name.data += 2;
        name.len -= 2;
    }

    name.len -= name.len && name.data[name.len - 1] == '/';
    require(st.name[0] == '.' || name.len);
    require(name.len == 0 || lu_name_href_check(&name, &err) == LU_OK);

    file = zip_fopen_index(zip, i, 0);
    require(file != NULL);

    size = 0;

    while ((n = zip_fread(file, buf, sizeof(buf))) != 0) {
        require(n > 0);
        size += (uint64_t) n;
    }

    require(size == st.size);
    zip_fclose(file);

    return size;
}


static void
check_accepted(const uint8_t *data, size_t size)
{
    int            index;
    zip_t         *zip;
    uint64_t       total;
    zip_int64_t    i, n;
    zip_error_t    error;
    zip_source_t  *source;

    zip_error_init(&error);
    source = zip_source_buffer_create(data, size, 0, &error);
    zip = zip_open_from_source(source, ZIP_RDONLY, &error);
    require(zip != NULL);

    n = zip_get_num_entries(zip, 0);
    index = 0;
    total = 0;

    for (i = 0; i < n; i++) {
        total += check_entry(zip, (zip_uint64_t) i, &index);
    }

    require(index && total <= LIMIT);

    zip_discard(zip);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_t         feed;
    lu_rc_e        rc;
    lu_error_t     err;
    lu_arena_t     arena;
    zip_error_t    error;
    fuzz_block_t  *blocks;
    zip_source_t  *source;

    blocks = NULL;
    allocated = 0;
    arena.alloc = counted_alloc;
    arena.data = &blocks;
    err.text = NULL;

    memset(&feed, 0, sizeof(feed_t));
    feed.data = data;
    feed.size = size;

    zip_error_init(&error);
    source = zip_source_function_create(feed_callback, &feed, &error);

    rc = lu_zip_check(&arena, source, LIMIT, &err);

    require(rc == LU_OK || (rc == LU_INVALID && err.text != NULL));
    require(feed.frees == 1);
    require(feed.got <= size * 7 + 3 * 65577 + 64 * 56);

    /* a manifest in it is as large as it states, and each file has a digest */

    require(allocated <= size * 12 + 65577 + LIMIT * 4);

    if (rc == LU_OK) {
        check_accepted(data, size);
    }

    fuzz_free(blocks);

    return 0;
}
