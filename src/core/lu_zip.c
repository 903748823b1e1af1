
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_file.h"
#include "lu_manifest.h"
#include "lu_sha256.h"
#include "lu_zip.h"
#include "lu_zip_bytes.h"
#include "lu_zip_directory.h"

#include <zlib.h>


#define LU_ZIP_BUFFER    16384
#define LU_ZIP_MANIFEST  (8 * 1024 * 1024)


/*
 * A source in front of the one that is checked.  libzip tries each end record
 * that it finds, and trusts each entry about where its data is, so that a
 * small file could make it read without end; here the bytes that it may read
 * are limited.
 */

typedef struct {
    zip_source_t  *source;
    zip_error_t    error;
    uint64_t       left;
    unsigned       spent:1;
} lu_zip_meter_t;


/* What is read of an entry. */

typedef struct {
    const lu_zip_entry_t      *entry;
    uint64_t                   size;
    uint32_t                   crc;
    unsigned                   ended:1;      /* deflated data */
    lu_sha256_t                sha256;
    lu_file_t                 *file;         /* whose digest it is, or NULL */
    lu_str_t                   text;         /* that it must fill, or NULL */
} lu_zip_content_t;


/* The contents as they are read; with digests if there is a manifest. */

typedef struct {
    const lu_arena_t          *arena;
    zip_source_t              *source;
    const lu_zip_directory_t  *directory;
    const lu_zip_meter_t      *meter;
    uint64_t                   left;
    lu_file_t                 *files;        /* of the root, or NULL */
    size_t                     n;
    lu_str_t                   manifest;     /* the text */
} lu_zip_contents_t;


static lu_rc_e lu_zip_source(const lu_arena_t *arena, zip_source_t *source,
    lu_zip_meter_t *meter, uint64_t size, uint64_t limit, lu_error_t *err);
static lu_rc_e lu_zip_open(zip_t **zip, zip_source_t *source,
    const lu_zip_meter_t *meter, lu_error_t *err);

static lu_rc_e lu_zip_compare(zip_t *zip, const lu_zip_directory_t *directory,
    lu_error_t *err);
static lu_rc_e lu_zip_contents(lu_zip_contents_t *contents, lu_error_t *err);
static int lu_zip_has_manifest(const lu_zip_directory_t *directory);
static int lu_zip_in_root(const lu_zip_directory_t *directory, uint64_t i,
    lu_str_t *href);
static lu_rc_e lu_zip_entry(lu_zip_contents_t *contents, uint64_t i,
    lu_error_t *err);
static lu_rc_e lu_zip_hashed(lu_zip_contents_t *contents,
    const lu_str_t *href, lu_zip_content_t *content, lu_error_t *err);
static lu_rc_e lu_zip_read(lu_zip_contents_t *contents,
    lu_zip_content_t *content, lu_error_t *err);
static lu_rc_e lu_zip_inflate(lu_zip_contents_t *contents, z_stream *z,
    lu_zip_content_t *content, lu_error_t *err);
static lu_rc_e lu_zip_piece(lu_zip_contents_t *contents,
    lu_zip_content_t *content, const unsigned char *p, size_t len,
    lu_error_t *err);

static zip_int64_t lu_zip_meter(void *data, void *buf, zip_uint64_t len,
    zip_source_cmd_t cmd);
static zip_int64_t lu_zip_meter_read(lu_zip_meter_t *meter, void *buf,
    zip_uint64_t len);
static zip_int64_t lu_zip_meter_seek(lu_zip_meter_t *meter, void *args,
    zip_uint64_t len);
static zip_int64_t lu_zip_meter_result(lu_zip_meter_t *meter,
    zip_int64_t result);


lu_rc_e
lu_zip_check(const lu_arena_t *arena, zip_source_t *source, uint64_t limit,
    lu_error_t *err)
{
    lu_rc_e         rc;
    zip_stat_t      st;
    zip_source_t   *metered;
    lu_zip_meter_t  meter;

    zip_stat_init(&st);

    if (zip_source_stat(source, &st) != 0 || !(st.valid & ZIP_STAT_SIZE)) {
        zip_source_free(source);
        return lu_error(err, NULL, "the file cannot be read");
    }

    memset(&meter, 0, sizeof(lu_zip_meter_t));

    zip_error_init(&meter.error);
    meter.source = source;

    metered = zip_source_function_create(lu_zip_meter, &meter, NULL);

    if (metered == NULL) {
        zip_source_free(source);
        return LU_NOMEM;
    }

    rc = lu_zip_source(arena, metered, &meter, st.size, limit, err);

    zip_error_fini(&meter.error);

    return rc;
}


static lu_rc_e
lu_zip_source(const lu_arena_t *arena, zip_source_t *source,
    lu_zip_meter_t *meter, uint64_t size, uint64_t limit, lu_error_t *err)
{
    zip_t              *zip;
    lu_rc_e             rc;
    lu_zip_contents_t   contents;
    lu_zip_directory_t  directory;

    zip = NULL;
    memset(&directory, 0, sizeof(lu_zip_directory_t));

    meter->left = size * 3 + LU_ZIP_DIRECTORY_ENDS
                             * (LU_ZIP_DIRECTORY_END64 + 4);

    rc = lu_zip_directory_read(arena, source, size, &directory, err);

    if (rc == LU_OK) {
        meter->left = directory.size * 2 + LU_ZIP_DIRECTORY_TAIL * 2;
        rc = lu_zip_open(&zip, source, meter, err);
    }

    if (rc != LU_OK) {
        zip_source_free(source);
        return rc;
    }

    meter->left = size * 2;

    rc = lu_zip_compare(zip, &directory, err);

    if (rc == LU_OK) {
        memset(&contents, 0, sizeof(lu_zip_contents_t));

        contents.arena = arena;
        contents.source = source;
        contents.directory = &directory;
        contents.meter = meter;
        contents.left = limit;

        rc = lu_zip_contents(&contents, err);
    }

    if (rc == LU_INVALID && err->subject.len) {
        err->subject = lu_str_dup(arena, err->subject.data, err->subject.len);
        if (err->subject.data == NULL) {
            rc = LU_NOMEM;
        }
    }

    zip_discard(zip);

    return rc;
}


/* Unless it returns LU_OK, the source is still the caller's. */

static lu_rc_e
lu_zip_open(zip_t **zip, zip_source_t *source, const lu_zip_meter_t *meter,
    lu_error_t *err)
{
    int          code;
    zip_error_t  error;

    zip_error_init(&error);

    *zip = zip_open_from_source(source, ZIP_RDONLY, &error);

    code = zip_error_code_zip(&error);
    zip_error_fini(&error);

    if (*zip == NULL && code == ZIP_ER_MEMORY) {
        return LU_NOMEM;
    }

    if (*zip == NULL && !meter->spent) {
        return lu_error(err, NULL,
                        "the file is not a zip archive or is damaged");
    }

    /* libzip opens what it had found before its reading was stopped */

    if (meter->spent) {

        if (*zip) {
            zip_source_keep(source);
            zip_discard(*zip);
        }

        return lu_error(err, NULL, "the directory of the zip archive is too"
                        " large");
    }

    return LU_OK;
}


/* Makes sure that libzip reads what the plugins will read. */

static lu_rc_e
lu_zip_compare(zip_t *zip, const lu_zip_directory_t *directory,
    lu_error_t *err)
{
    uint64_t               i;
    const char            *name;
    const lu_zip_entry_t  *entries;

    if (zip_get_num_entries(zip, 0) != (zip_int64_t) directory->n) {
        return lu_error(err, NULL, "the zip archive has two directories that"
                        " differ");
    }

    entries = directory->entries;

    for (i = 0; i < directory->n; i++) {
        name = zip_get_name(zip, i, ZIP_FL_ENC_RAW);

        if (name == NULL || !lu_str_is(&entries[i].name, name)) {
            return lu_error(err, &entries[i].name,
                            "has a different name in its local header");
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_zip_contents(lu_zip_contents_t *contents, lu_error_t *err)
{
    lu_rc_e                    rc;
    uint64_t                   i;
    const lu_arena_t          *arena;
    const lu_zip_directory_t  *directory;

    arena = contents->arena;
    directory = contents->directory;

    if (lu_zip_has_manifest(directory)) {
        contents->files = arena->alloc(arena->data,
                                       (size_t) directory->n
                                       * sizeof(lu_file_t));
        if (contents->files == NULL) {
            return LU_NOMEM;
        }
    }

    for (i = 0; i < directory->n; i++) {
        rc = lu_zip_entry(contents, i, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (contents->files == NULL) {
        return LU_OK;
    }

    qsort(contents->files, contents->n, sizeof(lu_file_t), lu_file_cmp);

    return lu_manifest_check_packed(arena, &contents->manifest,
                                    contents->files, contents->n, err);
}


static int
lu_zip_has_manifest(const lu_zip_directory_t *directory)
{
    uint64_t  i;
    lu_str_t  href;

    for (i = 0; i < directory->n; i++) {
        if (lu_zip_in_root(directory, i, &href)
            && lu_str_is(&href, LU_MANIFEST_NAME))
        {
            return 1;
        }
    }

    return 0;
}


/* Whether it is a file that devices keep, and under which name. */

static int
lu_zip_in_root(const lu_zip_directory_t *directory, uint64_t i, lu_str_t *href)
{
    const lu_str_t        *root;
    const lu_zip_entry_t  *entry;

    root = &directory->root;
    entry = &directory->entries[i];

    if (lu_zip_entry_is_folder(entry)
        || entry->path.len <= root->len
        || (root->len && memcmp(entry->path.data, root->data, root->len) != 0))
    {
        return 0;
    }

    href->data = entry->path.data + root->len;
    href->len = entry->path.len - root->len;

    return 1;
}


static lu_rc_e
lu_zip_entry(lu_zip_contents_t *contents, uint64_t i, lu_error_t *err)
{
    lu_rc_e                rc;
    lu_str_t               href;
    lu_zip_content_t       content;
    const lu_zip_entry_t  *entry;

    entry = &contents->directory->entries[i];

    memset(&content, 0, sizeof(lu_zip_content_t));

    content.entry = entry;

    if (contents->files && lu_zip_in_root(contents->directory, i, &href)) {
        rc = lu_zip_hashed(contents, &href, &content, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_zip_read(contents, &content, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (content.size != entry->size) {
        return lu_error(err, &entry->name,
                        "does not have the size that the zip archive states");
    }

    if (content.crc != lu_zip_bytes_le(&entry->header[16], 4)) {
        return lu_error(err, &entry->name,
                        "does not have the CRC that the zip archive states");
    }

    if (content.file) {
        lu_sha256_hex(&content.sha256, (char *) content.file->sha256.data);
    }

    return LU_OK;
}


/* A file that is to be hashed; the manifest is also kept, as the text. */

static lu_rc_e
lu_zip_hashed(lu_zip_contents_t *contents, const lu_str_t *href,
    lu_zip_content_t *content, lu_error_t *err)
{
    uint64_t           size;
    lu_file_t         *file;
    const lu_arena_t  *arena;

    arena = contents->arena;
    size = content->entry->size;

    file = &contents->files[contents->n++];

    memset(file, 0, sizeof(lu_file_t));

    file->href = *href;
    file->size = size;
    file->sha256.len = LU_SHA256_HEX;
    file->sha256.data = arena->alloc(arena->data, LU_SHA256_HEX + 1);

    if (file->sha256.data == NULL) {
        return LU_NOMEM;
    }

    content->file = file;
    lu_sha256_init(&content->sha256);

    if (!lu_str_is(href, LU_MANIFEST_NAME)) {
        return LU_OK;
    }

    if (size > LU_ZIP_MANIFEST) {
        return lu_error(err, href, "is larger than 8 MB");
    }

    content->text.data = arena->alloc(arena->data, (size_t) size + 1);
    if (content->text.data == NULL) {
        return LU_NOMEM;
    }

    content->text.len = (size_t) size;
    contents->manifest = content->text;

    return LU_OK;
}


/*
 * The data is read without libzip: it takes deflated data without an end as
 * complete, which the readers on devices do not, and from 1.11 on it leaves out
 * the deflated data of an empty file.
 */

static lu_rc_e
lu_zip_read(lu_zip_contents_t *contents, lu_zip_content_t *content,
    lu_error_t *err)
{
    int                    is_deflated;
    size_t                 n;
    lu_rc_e                rc;
    uint64_t               offset, left;
    z_stream               z;
    unsigned char          buf[LU_ZIP_BUFFER];
    const lu_zip_entry_t  *entry;

    entry = content->entry;
    offset = entry->data;
    left = entry->packed;

    is_deflated = (lu_zip_bytes_le(&entry->header[10], 2) == ZIP_CM_DEFLATE);

    memset(&z, 0, sizeof(z_stream));

    if (is_deflated && inflateInit2(&z, -MAX_WBITS) != Z_OK) {
        return LU_NOMEM;
    }

    rc = LU_OK;

    while (rc == LU_OK && left) {
        n = (left < LU_ZIP_BUFFER) ? (size_t) left : LU_ZIP_BUFFER;

        if (!lu_zip_bytes_read(contents->source, offset, buf, n)) {
            rc = lu_error(err, &entry->name, (contents->meter->spent)
                          ? "overlaps other entries of the zip archive"
                          : "cannot be read");

        } else if (is_deflated) {
            z.next_in = buf;
            z.avail_in = (uInt) n;
            rc = lu_zip_inflate(contents, &z, content, err);

        } else {
            rc = lu_zip_piece(contents, content, buf, n, err);
        }

        offset += n;
        left -= n;
    }

    if (is_deflated) {
        inflateEnd(&z);

        if (rc == LU_OK && !content->ended) {
            rc = lu_error(err, &entry->name, "is damaged");
        }
    }

    return rc;
}


static lu_rc_e
lu_zip_inflate(lu_zip_contents_t *contents, z_stream *z,
    lu_zip_content_t *content, lu_error_t *err)
{
    int            code;
    lu_rc_e        rc;
    unsigned char  buf[LU_ZIP_BUFFER];

    while (z->avail_in) {

        if (content->ended) {
            return lu_error(err, &content->entry->name, "is damaged");
        }

        do {
            z->next_out = buf;
            z->avail_out = LU_ZIP_BUFFER;

            code = inflate(z, Z_NO_FLUSH);

            if (code == Z_MEM_ERROR) {
                return LU_NOMEM;
            }

            if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
                return lu_error(err, &content->entry->name, "is damaged");
            }

            rc = lu_zip_piece(contents, content, buf,
                              LU_ZIP_BUFFER - z->avail_out, err);
            if (rc != LU_OK) {
                return rc;
            }

        } while (z->avail_out == 0 && code == Z_OK);

        content->ended = (code == Z_STREAM_END);
    }

    return LU_OK;
}


static lu_rc_e
lu_zip_piece(lu_zip_contents_t *contents, lu_zip_content_t *content,
    const unsigned char *p, size_t len, lu_error_t *err)
{
    if (len > contents->left) {
        return lu_error(err, &content->entry->name,
                        "makes the contents of the zip archive too large");
    }

    if (len > content->entry->size - content->size) {
        return lu_error(err, &content->entry->name,
                        "does not have the size that the zip archive states");
    }

    if (len == 0) {
        return LU_OK;
    }

    if (content->text.data) {
        memcpy(content->text.data + content->size, p, len);
    }

    if (content->file) {
        lu_sha256_update(&content->sha256, p, len);
    }

    content->crc = (uint32_t) crc32(content->crc, p, (uInt) len);
    content->size += len;
    contents->left -= len;

    return LU_OK;
}


static zip_int64_t
lu_zip_meter(void *data, void *buf, zip_uint64_t len, zip_source_cmd_t cmd)
{
    zip_source_t    *source;
    lu_zip_meter_t  *meter;

    meter = data;
    source = meter->source;

    switch (cmd) {

    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_SUPPORTS,
                   ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                   ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_STAT,
                   ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);

    case ZIP_SOURCE_OPEN:
        return lu_zip_meter_result(meter, zip_source_open(source));

    case ZIP_SOURCE_READ:
        return lu_zip_meter_read(meter, buf, len);

    case ZIP_SOURCE_CLOSE:
        return lu_zip_meter_result(meter, zip_source_close(source));

    case ZIP_SOURCE_SEEK:
        return lu_zip_meter_seek(meter, buf, len);

    case ZIP_SOURCE_TELL:
        return lu_zip_meter_result(meter, zip_source_tell(source));

    case ZIP_SOURCE_STAT:
        return lu_zip_meter_result(meter, zip_source_stat(source, buf));

    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&meter->error, buf, len);

    case ZIP_SOURCE_FREE:
        zip_source_free(source);
        return 0;

    default:
        zip_error_set(&meter->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}


static zip_int64_t
lu_zip_meter_read(lu_zip_meter_t *meter, void *buf, zip_uint64_t len)
{
    zip_int64_t  n;

    n = zip_source_read(meter->source, buf, len);

    if (n < 0) {
        return lu_zip_meter_result(meter, n);
    }

    if ((uint64_t) n > meter->left) {
        meter->spent = 1;
        zip_error_set(&meter->error, ZIP_ER_INCONS, 0);
        return -1;
    }

    meter->left -= (uint64_t) n;

    return n;
}


static zip_int64_t
lu_zip_meter_seek(lu_zip_meter_t *meter, void *args, zip_uint64_t len)
{
    zip_source_args_seek_t  *seek;

    seek = ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, args, len,
                               &meter->error);
    if (seek == NULL) {
        return -1;
    }

    return lu_zip_meter_result(meter,
               zip_source_seek(meter->source, seek->offset, seek->whence));
}


static zip_int64_t
lu_zip_meter_result(lu_zip_meter_t *meter, zip_int64_t result)
{
    zip_error_t  *error;

    if (result < 0) {
        error = zip_source_error(meter->source);
        zip_error_set(&meter->error, zip_error_code_zip(error),
                      zip_error_code_system(error));
    }

    return result;
}
