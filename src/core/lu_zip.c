
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_zip.h"
#include "lu_file.h"
#include "lu_name.h"


/* APPNOTE.TXT, sections 4.3.12 and 4.3.14 to 4.3.16 */

#define LU_ZIP_CENTRAL    46
#define LU_ZIP_END        22
#define LU_ZIP_END64      56
#define LU_ZIP_LOCATOR64  20
#define LU_ZIP_TAIL       (65535 + LU_ZIP_END                                 \
                                   + LU_ZIP_LOCATOR64)

#define LU_ZIP_ENCRYPTED  0x0001

/* in the type of a symbolic link, where the upper half is a Unix mode */

#define LU_ZIP_LINK       0x20000000

#define LU_ZIP_ENDS       64
#define LU_ZIP_DIRECTORY  (16 * 1024 * 1024)
#define LU_ZIP_BUFFER     16384


/*
 * The central directory as the plugins' readers find it: by the last end
 * record, whose numbers they believe.  The names point into it and are as
 * they are there, while libzip changes some and takes others from elsewhere.
 */

typedef struct {
    uint64_t            entries;
    uint64_t            size;
    uint64_t            offset;
    lu_str_t           *names;
} lu_zip_directory_t;


/*
 * A source in front of the one that is checked.  libzip tries every end
 * record that it finds and believes every entry that says where its data is,
 * so that a small file can make it read without end; what it may read is
 * metered.
 */

typedef struct {
    zip_source_t  *source;
    zip_error_t    error;
    uint64_t       left;
    unsigned       spent:1;
} lu_zip_meter_t;


static lu_rc_e lu_zip_source(const lu_arena_t *arena, zip_source_t *source,
    lu_zip_meter_t *meter, uint64_t size, uint64_t limit, lu_error_t *err);
static lu_rc_e lu_zip_open(zip_t **zip, zip_source_t *source,
    const lu_zip_meter_t *meter, lu_error_t *err);

static lu_rc_e lu_zip_directory(const lu_arena_t *arena, zip_source_t *source,
    uint64_t size, lu_zip_directory_t *directory, lu_error_t *err);
static lu_rc_e lu_zip_find(const lu_arena_t *arena, zip_source_t *source,
    uint64_t size, lu_zip_directory_t *directory, lu_error_t *err);
static void lu_zip_end(zip_source_t *source, const unsigned char *tail,
    size_t i, lu_zip_directory_t *directory);
static lu_rc_e lu_zip_list(const lu_arena_t *arena, zip_source_t *source,
    lu_zip_directory_t *directory, lu_error_t *err);
static lu_rc_e lu_zip_entry(const unsigned char *p, const lu_str_t *name,
    lu_error_t *err);
static int lu_zip_is_index(const lu_str_t *name);
static int lu_zip_read_at(zip_source_t *source, uint64_t offset,
    unsigned char *buf, size_t len);
static uint64_t lu_zip_le(const unsigned char *p, size_t len);

static lu_rc_e lu_zip_entries(zip_t *zip, const lu_zip_directory_t *directory,
    const lu_zip_meter_t *meter, uint64_t limit, lu_error_t *err);
static lu_rc_e lu_zip_compare(zip_t *zip, const lu_zip_directory_t *directory,
    lu_error_t *err);
static lu_rc_e lu_zip_contents(zip_t *zip, zip_uint64_t i,
    const lu_zip_meter_t *meter, uint64_t *left, lu_error_t *err);
static lu_rc_e lu_zip_read(zip_file_t *file, const lu_str_t *name,
    const lu_zip_meter_t *meter, uint64_t *left, lu_error_t *err);
static lu_rc_e lu_zip_damaged(zip_error_t *error, const lu_str_t *name,
    const lu_zip_meter_t *meter, lu_error_t *err);

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
    lu_zip_directory_t  directory;

    memset(&directory, 0, sizeof(lu_zip_directory_t));

    meter->left = size * 2 + LU_ZIP_ENDS * LU_ZIP_END64;

    rc = lu_zip_directory(arena, source, size, &directory, err);

    if (rc == LU_OK) {
        meter->left = directory.size * 2 + LU_ZIP_TAIL * 2;
        rc = lu_zip_open(&zip, source, meter, err);
    }

    if (rc != LU_OK) {
        zip_source_free(source);
        return rc;
    }

    meter->left = size * 2;

    rc = lu_zip_entries(zip, &directory, meter, limit, err);

    if (rc == LU_INVALID && err->subject.len) {
        err->subject = lu_str_dup(arena, err->subject.data, err->subject.len);
        if (err->subject.data == NULL) {
            rc = LU_NOMEM;
        }
    }

    zip_discard(zip);

    return rc;
}


/* On anything but OK the source is still the caller's. */

static lu_rc_e
lu_zip_open(zip_t **zip, zip_source_t *source, const lu_zip_meter_t *meter,
    lu_error_t *err)
{
    lu_rc_e      rc;
    zip_error_t  error;

    zip_error_init(&error);

    *zip = zip_open_from_source(source, ZIP_RDONLY, &error);

    if (*zip == NULL) {
        rc = lu_zip_damaged(&error, NULL, meter, err);
        zip_error_fini(&error);
        return rc;
    }

    zip_error_fini(&error);

    /* libzip opens what it had found when its reading was ended */

    if (meter->spent) {
        zip_source_keep(source);
        zip_discard(*zip);
        return lu_error(err, NULL, "the directory of the zip archive is too"
                        " large");
    }

    return LU_OK;
}


static lu_rc_e
lu_zip_directory(const lu_arena_t *arena, zip_source_t *source, uint64_t size,
    lu_zip_directory_t *directory, lu_error_t *err)
{
    lu_rc_e  rc;

    if (size < LU_ZIP_END || size > INT64_MAX / 4) {
        return lu_error(err, NULL, "the file is not a zip archive");
    }

    if (zip_source_open(source) != 0) {
        return lu_error(err, NULL, "the file cannot be read");
    }

    rc = lu_zip_find(arena, source, size, directory, err);

    if (rc == LU_OK) {
        rc = lu_zip_list(arena, source, directory, err);
    }

    zip_source_close(source);

    return rc;
}


/*
 * libzip tries every end record and allocates for as many entries as it
 * announces, so that all are looked at.
 */

static lu_rc_e
lu_zip_find(const lu_arena_t *arena, zip_source_t *source, uint64_t size,
    lu_zip_directory_t *directory, lu_error_t *err)
{
    size_t          i, len, ends;
    unsigned char  *tail;

    len = (size < LU_ZIP_TAIL) ? (size_t) size : LU_ZIP_TAIL;

    tail = arena->alloc(arena->data, len);
    if (tail == NULL) {
        return LU_NOMEM;
    }

    if (!lu_zip_read_at(source, size - len, tail, len)) {
        return lu_error(err, NULL, "the file cannot be read");
    }

    ends = 0;

    for (i = 0; i <= len - LU_ZIP_END; i++) {
        if (memcmp(&tail[i], "PK\5\6", 4) != 0) {
            continue;
        }

        if (++ends > LU_ZIP_ENDS) {
            return lu_error(err, NULL, "the zip archive has too many end"
                            " records");
        }

        lu_zip_end(source, tail, i, directory);

        if (directory->entries > LU_ZIP_ENTRIES) {
            return lu_error(err, NULL, "the zip archive has too many entries");
        }
    }

    if (ends == 0) {
        return lu_error(err, NULL, "the file is not a zip archive");
    }

    if (directory->size > LU_ZIP_DIRECTORY) {
        return lu_error(err, NULL, "the directory of the zip archive is too"
                        " large");
    }

    if (directory->entries == 0) {
        return lu_error(err, NULL, "the zip archive is empty");
    }

    if (directory->offset > size
        || directory->size > size - directory->offset
        || directory->size / LU_ZIP_CENTRAL < directory->entries)
    {
        return lu_error(err, NULL, "the directory of the zip archive is"
                        " damaged");
    }

    return LU_OK;
}


/* What the end record there says, or the larger one that belongs to it. */

static void
lu_zip_end(zip_source_t *source, const unsigned char *tail, size_t i,
    lu_zip_directory_t *directory)
{
    unsigned char         end64[LU_ZIP_END64];
    const unsigned char  *locator;

    directory->entries = lu_zip_le(&tail[i + 10], 2);
    directory->size = lu_zip_le(&tail[i + 12], 4);
    directory->offset = lu_zip_le(&tail[i + 16], 4);

    if (i < LU_ZIP_LOCATOR64) {
        return;
    }

    locator = &tail[i - LU_ZIP_LOCATOR64];

    if (memcmp(locator, "PK\6\7", 4) != 0
        || !lu_zip_read_at(source, lu_zip_le(&locator[8], 8), end64,
                           LU_ZIP_END64)
        || memcmp(end64, "PK\6\6", 4) != 0)
    {
        return;
    }

    directory->entries = lu_zip_le(&end64[32], 8);
    directory->size = lu_zip_le(&end64[40], 8);
    directory->offset = lu_zip_le(&end64[48], 8);
}


static lu_rc_e
lu_zip_list(const lu_arena_t *arena, zip_source_t *source,
    lu_zip_directory_t *directory, lu_error_t *err)
{
    int             index;
    size_t          i, n, len, left;
    lu_rc_e         rc;
    lu_str_t       *names;
    unsigned char  *p;

    n = (size_t) directory->entries;
    left = (size_t) directory->size;

    names = arena->alloc(arena->data, n * sizeof(lu_str_t));
    if (names == NULL) {
        return LU_NOMEM;
    }

    p = arena->alloc(arena->data, left);
    if (p == NULL) {
        return LU_NOMEM;
    }

    if (!lu_zip_read_at(source, directory->offset, p, left)) {
        return lu_error(err, NULL, "the file cannot be read");
    }

    index = 0;

    for (i = 0; i < n; i++) {

        if (left < LU_ZIP_CENTRAL || memcmp(p, "PK\1\2", 4) != 0) {
            break;
        }

        names[i].data = &p[LU_ZIP_CENTRAL];
        names[i].len = (size_t) lu_zip_le(&p[28], 2);

        len = LU_ZIP_CENTRAL + names[i].len + (size_t) lu_zip_le(&p[30], 2)
              + (size_t) lu_zip_le(&p[32], 2);

        if (left < len) {
            break;
        }

        rc = lu_zip_entry(p, &names[i], err);
        if (rc != LU_OK) {
            return rc;
        }

        if (lu_zip_is_index(&names[i])) {
            index = 1;
        }

        p += len;
        left -= len;
    }

    if (i < n || left) {
        return lu_error(err, NULL, "the directory of the zip archive is"
                        " damaged");
    }

    if (!index) {
        return lu_error(err, NULL, "the zip archive contains no index.html");
    }

    directory->names = names;

    return LU_OK;
}


static lu_rc_e
lu_zip_entry(const unsigned char *p, const lu_str_t *name, lu_error_t *err)
{
    uint64_t  method;
    lu_str_t  path;

    path = *name;

    if (path.len && path.data[path.len - 1] == '/') {
        path.len--;
    }

    if (lu_name_href_check(&path, err) != LU_OK) {
        return LU_INVALID;
    }

    if (lu_zip_le(&p[38], 4) & LU_ZIP_LINK) {
        return lu_error(err, name, "is a symbolic link");
    }

    if (lu_zip_le(&p[8], 2) & LU_ZIP_ENCRYPTED) {
        return lu_error(err, name, "is encrypted");
    }

    method = lu_zip_le(&p[10], 2);

    if (method != ZIP_CM_STORE && method != ZIP_CM_DEFLATE) {
        return lu_error(err, name, "is compressed by another method than"
                        " deflate");
    }

    return LU_OK;
}


/* What macOS adds under __MACOSX/ is no page. */

static int
lu_zip_is_index(const lu_str_t *name)
{
    lu_str_t  base;
    static const lu_str_t  mac = lu_string("__MACOSX/");

    if (name->len >= mac.len && memcmp(name->data, mac.data, mac.len) == 0) {
        return 0;
    }

    base.len = 0;
    base.data = name->data + name->len;

    while (base.data > name->data && base.data[-1] != '/') {
        base.data--;
        base.len++;
    }

    return lu_str_is(&base, "index.html");
}


static int
lu_zip_read_at(zip_source_t *source, uint64_t offset, unsigned char *buf,
    size_t len)
{
    return offset <= INT64_MAX
           && zip_source_seek(source, (zip_int64_t) offset, SEEK_SET) == 0
           && zip_source_read(source, buf, len) == (zip_int64_t) len;
}


static uint64_t
lu_zip_le(const unsigned char *p, size_t len)
{
    uint64_t  n;

    n = 0;

    while (len) {
        n = n << 8 | p[--len];
    }

    return n;
}


static lu_rc_e
lu_zip_entries(zip_t *zip, const lu_zip_directory_t *directory,
    const lu_zip_meter_t *meter, uint64_t limit, lu_error_t *err)
{
    lu_rc_e   rc;
    uint64_t  i, left;

    rc = lu_zip_compare(zip, directory, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_file_tree_check(directory->names, (size_t) directory->entries,
                            err);
    if (rc != LU_OK) {
        return rc;
    }

    left = limit;

    for (i = 0; i < directory->entries; i++) {
        rc = lu_zip_contents(zip, i, meter, &left, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return LU_OK;
}


/* What libzip is about to read is what the plugins will read. */

static lu_rc_e
lu_zip_compare(zip_t *zip, const lu_zip_directory_t *directory,
    lu_error_t *err)
{
    uint64_t     i;
    lu_str_t    *names;
    const char  *name;

    if (zip_get_num_entries(zip, 0) != (zip_int64_t) directory->entries) {
        return lu_error(err, NULL, "the zip archive has two directories that"
                        " differ");
    }

    names = directory->names;

    for (i = 0; i < directory->entries; i++) {
        name = zip_get_name(zip, i, ZIP_FL_ENC_RAW);

        if (name == NULL || !lu_str_is(&names[i], name)) {
            return lu_error(err, &names[i],
                            "has another name elsewhere in the zip"
                            " archive");
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_zip_contents(zip_t *zip, zip_uint64_t i, const lu_zip_meter_t *meter,
    uint64_t *left, lu_error_t *err)
{
    lu_rc_e      rc;
    uint64_t     size;
    lu_str_t     name;
    zip_stat_t   st;
    zip_file_t  *file;

    if (zip_stat_index(zip, i, ZIP_FL_ENC_RAW, &st) != 0) {
        return lu_zip_damaged(zip_get_error(zip), NULL, meter, err);
    }

    name.data = (unsigned char *) st.name;
    name.len = strlen(st.name);

    file = zip_fopen_index(zip, i, 0);
    if (file == NULL) {
        return lu_zip_damaged(zip_get_error(zip), &name, meter, err);
    }

    size = *left;

    rc = lu_zip_read(file, &name, meter, left, err);

    zip_fclose(file);

    if (rc != LU_OK) {
        return rc;
    }

    size -= *left;

    /*
     * libzip does not hold deflated data against its size, and does not look
     * at the CRC where there is no data
     */

    if (size != st.size) {
        return lu_error(err, &name, "has another size than announced");
    }

    if (size == 0 && st.crc != 0) {
        return lu_error(err, &name, "has another CRC than announced");
    }

    return LU_OK;
}


static lu_rc_e
lu_zip_read(zip_file_t *file, const lu_str_t *name,
    const lu_zip_meter_t *meter, uint64_t *left, lu_error_t *err)
{
    zip_int64_t    n;
    unsigned char  buf[LU_ZIP_BUFFER];

    for ( ;; ) {
        n = zip_fread(file, buf, LU_ZIP_BUFFER);

        if (n == 0) {
            return LU_OK;
        }

        if (n < 0) {
            return lu_zip_damaged(zip_file_get_error(file), name, meter, err);
        }

        if ((uint64_t) n > *left) {
            return lu_error(err, name,
                            "makes the contents of the zip archive too large");
        }

        *left -= (uint64_t) n;
    }
}


static lu_rc_e
lu_zip_damaged(zip_error_t *error, const lu_str_t *name,
    const lu_zip_meter_t *meter, lu_error_t *err)
{
    int  code;

    code = zip_error_code_zip(error);

    if (code == ZIP_ER_MEMORY) {
        return LU_NOMEM;
    }

    if (meter && meter->spent) {
        return lu_error(err, name,
                        (name) ? "overlaps other entries of the zip archive"
                         : "the directory of the zip archive is too large");
    }

    if (name == NULL) {
        return lu_error(err, NULL,
                        "the file is not a zip archive or is damaged");
    }

    if (code == ZIP_ER_CRC) {
        return lu_error(err, name, "has another CRC than announced");
    }

    return lu_error(err, name, "is damaged");
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
