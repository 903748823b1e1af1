
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_file.h"
#include "lu_zip_bytes.h"
#include "lu_zip_directory.h"


/* APPNOTE.TXT, sections 4.3.14 to 4.3.16 */

#define LU_ZIP_END          22
#define LU_ZIP_LOCATOR64    20

#define LU_ZIP_DIRECTORY    (16 * 1024 * 1024)


static lu_rc_e lu_zip_directory_find(const lu_arena_t *arena,
    zip_source_t *source, uint64_t size, lu_zip_directory_t *directory,
    lu_error_t *err);
static lu_rc_e lu_zip_directory_end(zip_source_t *source, uint64_t at,
    const lu_str_t *tail, size_t i, lu_zip_directory_t *directory,
    lu_error_t *err);
static lu_rc_e lu_zip_directory_end64(zip_source_t *source, uint64_t at,
    const unsigned char *end, lu_zip_directory_t *directory, lu_error_t *err);
static int lu_zip_directory_differs(const unsigned char *p, size_t len,
    uint64_t value);
static int lu_zip_directory_begins_there(zip_source_t *source,
    const lu_zip_directory_t *directory);
static lu_rc_e lu_zip_directory_list(const lu_arena_t *arena,
    zip_source_t *source, lu_zip_directory_t *directory, lu_error_t *err);
static lu_rc_e lu_zip_directory_entries(lu_zip_directory_t *directory,
    const unsigned char *p, lu_error_t *err);
static lu_rc_e lu_zip_directory_tree(const lu_arena_t *arena,
    lu_zip_directory_t *directory, lu_error_t *err);
static lu_rc_e lu_zip_directory_root(const lu_arena_t *arena,
    lu_zip_directory_t *directory, lu_str_t *folders, lu_error_t *err);
static int lu_zip_directory_index(const lu_str_t *path, lu_str_t *folder);
static int lu_zip_directory_cmp(const void *one, const void *two);
static int lu_zip_directory_begins(const lu_str_t *path,
    const lu_str_t *folder);
static lu_rc_e lu_zip_directory_page(const lu_zip_directory_t *directory,
    lu_error_t *err);


lu_rc_e
lu_zip_directory_read(const lu_arena_t *arena, zip_source_t *source,
    uint64_t size, lu_zip_directory_t *directory, lu_error_t *err)
{
    lu_rc_e   rc;
    uint64_t  i;

    if (size < LU_ZIP_END || size > INT64_MAX / 4) {
        return lu_error(err, NULL, "the file is not a zip archive");
    }

    if (zip_source_open(source) != 0) {
        return lu_error(err, NULL, "the file cannot be read");
    }

    rc = lu_zip_directory_find(arena, source, size, directory, err);

    if (rc == LU_OK) {
        rc = lu_zip_directory_list(arena, source, directory, err);
    }

    if (rc == LU_OK) {
        rc = lu_zip_directory_tree(arena, directory, err);
    }

    for (i = 0; rc == LU_OK && i < directory->n; i++) {
        rc = lu_zip_entry_compare(&directory->entries[i], source,
                                  directory->offset, err);
    }

    zip_source_close(source);

    if (rc != LU_OK) {
        return rc;
    }

    /* many readers take a gap for bytes in front, and look elsewhere */

    if (directory->size != directory->end - directory->offset) {
        return lu_error(err, NULL, "the directory of the zip archive does not"
                        " end where its end record begins");
    }

    return LU_OK;
}


/*
 * Devices believe the last end record.  libzip before 1.11 tries each one, and
 * allocates memory for as many entries as it states, so that all of them are
 * checked, and those that lead to a directory must lead to the same.
 */

static lu_rc_e
lu_zip_directory_find(const lu_arena_t *arena, zip_source_t *source,
    uint64_t size, lu_zip_directory_t *directory, lu_error_t *err)
{
    size_t              i, ends;
    lu_rc_e             rc;
    unsigned            differs;
    lu_str_t            tail;
    lu_zip_directory_t  other;

    tail.len = (size < LU_ZIP_DIRECTORY_TAIL) ? (size_t) size
                                              : LU_ZIP_DIRECTORY_TAIL;

    tail.data = arena->alloc(arena->data, tail.len);
    if (tail.data == NULL) {
        return LU_NOMEM;
    }

    if (!lu_zip_bytes_read(source, size - tail.len, tail.data, tail.len)) {
        return lu_error(err, NULL, "the file cannot be read");
    }

    ends = 0;
    differs = 0;
    rc = LU_OK;
    directory->n = 0;
    memset(&other, 0, sizeof(lu_zip_directory_t));

    for (i = 0; i <= tail.len - 4; i++) {
        if (memcmp(&tail.data[i], "PK\5\6", 4) != 0) {
            continue;
        }

        if (++ends > LU_ZIP_DIRECTORY_ENDS) {
            return lu_error(err, NULL, "the zip archive has too many end"
                            " records");
        }

        rc = lu_zip_directory_end(source, size - tail.len, &tail, i,
                                  directory, err);

        if (directory->n > LU_ZIP_DIRECTORY_ENTRIES) {
            return lu_error(err, NULL, "the zip archive has too many entries");
        }

        if (rc != LU_OK || !lu_zip_directory_begins_there(source, directory)) {
            continue;
        }

        differs |= other.n && (other.n != directory->n
                               || other.size != directory->size
                               || other.offset != directory->offset);
        other = *directory;
    }

    if (ends == 0) {
        return lu_error(err, NULL, "the file is not a zip archive");
    }

    if (rc != LU_OK) {
        return rc;
    }

    if (directory->size > LU_ZIP_DIRECTORY) {
        return lu_error(err, NULL, "the directory of the zip archive is too"
                        " large");
    }

    if (directory->n == 0) {
        return lu_error(err, NULL, "the zip archive is empty");
    }

    if (directory->offset > size
        || directory->size > size - directory->offset
        || directory->size / LU_ZIP_ENTRY_SIZE < directory->n)
    {
        return lu_error(err, NULL, "the directory of the zip archive is"
                        " damaged");
    }

    if (differs) {
        return lu_error(err, NULL, "the zip archive has two directories that"
                        " differ");
    }

    return LU_OK;
}


/* Reads the end record at that place, or the zip64 one that belongs to it. */

static lu_rc_e
lu_zip_directory_end(zip_source_t *source, uint64_t at, const lu_str_t *tail,
    size_t i, lu_zip_directory_t *directory, lu_error_t *err)
{
    const unsigned char  *p;

    p = &tail->data[i];

    if (tail->len - i < LU_ZIP_END
        || lu_zip_bytes_le(&p[20], 2) > tail->len - i - LU_ZIP_END)
    {
        return lu_error(err, NULL, "the zip archive has no end, or its"
                        " comment has none");
    }

    directory->n = lu_zip_bytes_le(&p[10], 2);
    directory->size = lu_zip_bytes_le(&p[12], 4);
    directory->offset = lu_zip_bytes_le(&p[16], 4);

    if (i >= LU_ZIP_LOCATOR64
        && memcmp(p - LU_ZIP_LOCATOR64, "PK\6\7", 4) == 0)
    {
        return lu_zip_directory_end64(source, at + i - LU_ZIP_LOCATOR64, p,
                                      directory, err);
    }

    if (lu_zip_bytes_le(&p[4], 2) != 0) {
        return lu_error(err, NULL, "the file is one part of a split zip"
                        " archive");
    }

    directory->end = at + i;

    return LU_OK;
}


/*
 * zip4j looks where the locator says, ZIPFoundation in front of it, and both
 * prefer what is there to the end record, unless that one counts no entries.
 */

static lu_rc_e
lu_zip_directory_end64(zip_source_t *source, uint64_t at,
    const unsigned char *end, lu_zip_directory_t *directory, lu_error_t *err)
{
    uint64_t       offset;
    unsigned char  end64[LU_ZIP_DIRECTORY_END64];

    offset = lu_zip_bytes_le(end - LU_ZIP_LOCATOR64 + 8, 8);

    if (at < LU_ZIP_DIRECTORY_END64
        || offset != at - LU_ZIP_DIRECTORY_END64
        || !lu_zip_bytes_read(source, offset, end64, LU_ZIP_DIRECTORY_END64)
        || memcmp(end64, "PK\6\6", 4) != 0
        || lu_zip_bytes_le(&end64[4], 8) != LU_ZIP_DIRECTORY_END64 - 12)
    {
        return lu_error(err, NULL, "the zip64 end record of the zip archive"
                        " is not in front of its locator");
    }

    directory->n = lu_zip_bytes_le(&end64[32], 8);
    directory->size = lu_zip_bytes_le(&end64[40], 8);
    directory->offset = lu_zip_bytes_le(&end64[48], 8);

    if (lu_zip_bytes_le(&end64[16], 4) != 0) {
        return lu_error(err, NULL, "the file is one part of a split zip"
                        " archive");
    }

    if (lu_zip_directory_differs(&end[10], 2, directory->n)
        || lu_zip_directory_differs(&end[12], 4, directory->size)
        || lu_zip_directory_differs(&end[16], 4, directory->offset))
    {
        return lu_error(err, NULL, "the zip archive has two end records that"
                        " differ");
    }

    directory->end = offset;

    return LU_OK;
}


/* All bits are set where the zip64 record has the number. */

static int
lu_zip_directory_differs(const unsigned char *p, size_t len, uint64_t value)
{
    uint64_t  n;

    n = lu_zip_bytes_le(p, len);

    return n != value && n != ((uint64_t) 1 << len * 8) - 1;
}


static int
lu_zip_directory_begins_there(zip_source_t *source,
    const lu_zip_directory_t *directory)
{
    unsigned char  magic[4];

    return directory->n
           && directory->offset < directory->end
           && lu_zip_bytes_read(source, directory->offset, magic, 4)
           && memcmp(magic, "PK\1\2", 4) == 0;
}


static lu_rc_e
lu_zip_directory_list(const lu_arena_t *arena, zip_source_t *source,
    lu_zip_directory_t *directory, lu_error_t *err)
{
    size_t          size;
    unsigned char  *p;

    size = (size_t) directory->size;

    directory->entries = arena->alloc(arena->data,
                             (size_t) directory->n * sizeof(lu_zip_entry_t));
    if (directory->entries == NULL) {
        return LU_NOMEM;
    }

    p = arena->alloc(arena->data, size);
    if (p == NULL) {
        return LU_NOMEM;
    }

    if (!lu_zip_bytes_read(source, directory->offset, p, size)) {
        return lu_error(err, NULL, "the file cannot be read");
    }

    return lu_zip_directory_entries(directory, p, err);
}


static lu_rc_e
lu_zip_directory_entries(lu_zip_directory_t *directory,
    const unsigned char *p, lu_error_t *err)
{
    size_t    len, left;
    lu_rc_e   rc;
    uint64_t  i;

    left = (size_t) directory->size;

    for (i = 0; i < directory->n; i++) {

        if (left < LU_ZIP_ENTRY_SIZE || memcmp(p, "PK\1\2", 4) != 0) {
            break;
        }

        len = LU_ZIP_ENTRY_SIZE + (size_t) lu_zip_bytes_le(&p[28], 2)
              + (size_t) lu_zip_bytes_le(&p[30], 2)
              + (size_t) lu_zip_bytes_le(&p[32], 2);

        if (left < len) {
            break;
        }

        rc = lu_zip_entry_read(&directory->entries[i], p, err);
        if (rc != LU_OK) {
            return rc;
        }

        p += len;
        left -= len;
    }

    if (i == directory->n && left >= LU_ZIP_ENTRY_SIZE
        && memcmp(p, "PK\1\2", 4) == 0)
    {
        return lu_error(err, NULL, "the zip archive has more entries than its"
                        " end record states: more than 65535 need zip64");
    }

    if (i < directory->n || left) {
        return lu_error(err, NULL, "the directory of the zip archive is"
                        " damaged");
    }

    return LU_OK;
}


static lu_rc_e
lu_zip_directory_tree(const lu_arena_t *arena, lu_zip_directory_t *directory,
    lu_error_t *err)
{
    size_t     n;
    lu_rc_e    rc;
    uint64_t   i;
    lu_str_t  *names;

    names = arena->alloc(arena->data,
                         (size_t) directory->n * sizeof(lu_str_t));
    if (names == NULL) {
        return LU_NOMEM;
    }

    n = 0;

    for (i = 0; i < directory->n; i++) {
        if (directory->entries[i].path.len) {
            names[n++] = directory->entries[i].path;
        }
    }

    rc = lu_file_tree_check(names, n, err);
    if (rc != LU_OK) {
        return rc;
    }

    return lu_zip_directory_root(arena, directory, names, err);
}


/*
 * The plugins take the folder with an index.html, and look into folders below
 * only where there is none, in the order of the device's file system.
 */

static lu_rc_e
lu_zip_directory_root(const lu_arena_t *arena, lu_zip_directory_t *directory,
    lu_str_t *folders, lu_error_t *err)
{
    char      *text;
    size_t     n, i;
    uint64_t   k;

    n = 0;

    for (k = 0; k < directory->n; k++) {
        if (lu_zip_directory_index(&directory->entries[k].path, &folders[n])) {
            n++;
        }
    }

    if (n == 0) {
        return lu_error(err, NULL, "the zip archive contains no index.html");
    }

    /* a folder comes before those in it */

    qsort(folders, n, sizeof(lu_str_t), lu_zip_directory_cmp);

    directory->root = folders[0];

    for (i = 1; i < n; i++) {
        if (!lu_zip_directory_begins(&folders[i], &folders[0])) {
            break;
        }
    }

    if (i == n) {
        return lu_zip_directory_page(directory, err);
    }

    text = arena->alloc(arena->data, folders[0].len + folders[i].len + 16);
    if (text == NULL) {
        return LU_NOMEM;
    }

    memcpy(text, folders[0].data, folders[0].len);
    memcpy(text + folders[0].len, "\", \"", 4);
    memcpy(text + folders[0].len + 4, folders[i].data, folders[i].len);

    folders[0].data = (unsigned char *) text;
    folders[0].len += 4 + folders[i].len;

    return lu_error(err, &folders[0],
                    "both have an index.html, and there is none at the top of"
                    " the zip archive, so that each device picks its own:"
                    " pack the folder of the app alone");
}


/* What is in front of a segment "index.html", be it a file or a folder. */

static int
lu_zip_directory_index(const lu_str_t *path, lu_str_t *folder)
{
    size_t    i, start;
    lu_str_t  segment;

    start = 0;

    for (i = 0; i <= path->len; i++) {

        if (i < path->len && path->data[i] != '/') {
            continue;
        }

        segment.data = path->data + start;
        segment.len = i - start;

        if (lu_str_is(&segment, "index.html")) {
            folder->data = path->data;
            folder->len = start;
            return 1;
        }

        start = i + 1;
    }

    return 0;
}


static int
lu_zip_directory_cmp(const void *one, const void *two)
{
    return lu_str_cmp(one, two);
}


static int
lu_zip_directory_begins(const lu_str_t *path, const lu_str_t *folder)
{
    return path->len >= folder->len
           && (folder->len == 0
               || memcmp(path->data, folder->data, folder->len) == 0);
}


/*
 * The index.html of the root must be a page.  zip4j does not unpack names that
 * begin as the folder which macOS adds.
 */

static lu_rc_e
lu_zip_directory_page(const lu_zip_directory_t *directory, lu_error_t *err)
{
    uint64_t         i;
    lu_str_t         name;
    const lu_str_t  *path, *root;

    static const lu_str_t  mac = lu_string("__MACOSX");

    root = &directory->root;

    for (i = 0; i < directory->n; i++) {
        path = &directory->entries[i].path;

        if (!lu_zip_directory_begins(path, root)
            || lu_zip_directory_begins(path, &mac))
        {
            continue;
        }

        name.data = path->data + root->len;
        name.len = path->len - root->len;

        if (lu_str_is(&name, "index.html")) {
            return LU_OK;
        }
    }

    return lu_error(err, NULL, "the zip archive contains no index.html");
}
