
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is read of a request has names that stay in their folder; the parts of
 * a completion are in ascending order; and no text leaves its element in an
 * answer.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_s3.h"


/* A name, or a folder and a name. */

static void
check_file(const lu_str_t *file)
{
    lu_str_t        folder, name;
    lu_error_t      err;
    unsigned char  *slash;

    name = *file;
    slash = memchr(file->data, '/', file->len);

    if (slash) {
        folder = *file;
        folder.len = (size_t) (slash - file->data);

        name.data = slash + 1;
        name.len = file->len - folder.len - 1;

        require(lu_name_file_check(&folder, &err) == LU_OK);
    }

    require(lu_name_file_check(&name, &err) == LU_OK);
}


static void
check_request(const lu_arena_t *arena, const uint8_t *data, size_t size)
{
    size_t           cut;
    lu_rc_e          rc;
    lu_s3_t          s3;
    lu_str_t         method, path, query;
    lu_error_t       err;
    const uint8_t   *p;

    static const char  *methods[] = { "PUT", "POST", "DELETE", "GET" };

    memset(&err, 0, sizeof(lu_error_t));

    p = memchr(data + 1, '?', size - 1);
    cut = p ? (size_t) (p - data) : size;

    method = fuzz_str(methods[data[0] % 4]);
    path = fuzz_copy(data + 1, cut - 1);
    query = fuzz_copy(p ? p + 1 : data, p ? size - cut - 1 : 0);

    rc = lu_s3_read(arena, &method, &path, &query, &s3, &err);

    free(path.data);
    free(query.data);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
        require(s3.status >= 400 && s3.status < 600 && s3.code);
        return;
    }

    require(lu_name_id_valid(&s3.app));
    require(lu_name_release_valid(&s3.release));
    check_file(&s3.file);
    require(strlen((char *) s3.file.data) == s3.file.len);
    require(strlen((char *) s3.release.data) == s3.release.len);
    require(s3.upload.len == 0 || lu_name_id_valid(&s3.upload));
    require((s3.op == LU_S3_PART) == (s3.part != 0));
    require(s3.part <= LU_S3_PARTS);
    require((s3.op >= LU_S3_PART) == (s3.upload.len != 0));
}


static void
check_parts(const lu_arena_t *arena, const uint8_t *data, size_t size)
{
    size_t         i, n;
    lu_rc_e        rc;
    unsigned       last;
    lu_str_t       text;
    lu_error_t     err;
    lu_s3_part_t  *parts;

    memset(&err, 0, sizeof(lu_error_t));

    text = fuzz_copy(data, size);
    n = 0;
    last = 0;

    rc = lu_s3_parts(arena, &text, &parts, &n, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
        free(text.data);
        return;
    }

    require(n >= 1 && n <= LU_S3_PARTS);

    for (i = 0; i < n; i++) {
        require(parts[i].number > last && parts[i].number <= LU_S3_PARTS);
        require(parts[i].etag.len
                && parts[i].etag.data >= text.data
                && parts[i].etag.data + parts[i].etag.len
                   <= text.data + text.len);

        last = parts[i].number;
    }

    free(text.data);
}


static void
check_answer(const lu_arena_t *arena, const uint8_t *data, size_t size)
{
    size_t    i, tags;
    lu_str_t  message, text;

    message = fuzz_copy(data, size);
    text = lu_s3_created(arena, &message, &message, "u");
    free(message.data);

    for (i = 0, tags = 0; i < text.len; i++) {
        tags += (text.data[i] == '<');
    }

    require(tags == 9);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    if (size) {
        check_request(&arena, data, size);
        check_parts(&arena, data, size);
        check_answer(&arena, data, size);
    }

    fuzz_free(blocks);

    return 0;
}
