
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_zip_bytes.h"
#include "lu_zip_entry.h"

#include <zlib.h>


/* APPNOTE.TXT, sections 4.3.7, 4.3.9, 4.4.4, 4.5.3 and 4.6.9 */

#define LU_ZIP_LOCAL        30
#define LU_ZIP_DESCRIPTOR   24
#define LU_ZIP_EXTRA_64     0x0001
#define LU_ZIP_EXTRA_PATH   0x7075

#define LU_ZIP_ENCRYPTED    0x0001
#define LU_ZIP_LEVEL        0x0006      /* hints about deflate */
#define LU_ZIP_STREAMED     0x0008      /* has a data descriptor */
#define LU_ZIP_UTF8         0x0800

#define LU_ZIP_MAX16        0xffff
#define LU_ZIP_MAX32        0xffffffff
#define LU_ZIP_VERSION64    45
#define LU_ZIP_VERSION      63

/* who made the entry, and attributes: of DOS below, a Unix mode above */

#define LU_ZIP_UNIX         3
#define LU_ZIP_DARWIN       19

#define LU_ZIP_DOS_FOLDER   0x10
#define LU_ZIP_LINK         0x2000
#define LU_ZIP_FOLDER       0x4000
#define LU_ZIP_KIND         0xf000
#define LU_ZIP_FILE         0x8000
#define LU_ZIP_READ         0400
#define LU_ZIP_ALL          0700

/* a path of up to 1024 bytes, "./" in front and "/" behind */

#define LU_ZIP_NAME         (1024 + 3)


static lu_rc_e lu_zip_entry_name(lu_zip_entry_t *entry, lu_error_t *err);
static lu_rc_e lu_zip_entry_marked(const lu_zip_entry_t *entry,
    lu_error_t *err);
static lu_rc_e lu_zip_entry_second_name(const lu_zip_entry_t *entry,
    lu_error_t *err);
static lu_rc_e lu_zip_entry_kind(const lu_zip_entry_t *entry,
    lu_error_t *err);
static lu_rc_e lu_zip_entry_mode(const lu_zip_entry_t *entry,
    lu_error_t *err);
static lu_rc_e lu_zip_entry_data(lu_zip_entry_t *entry, lu_error_t *err);
static lu_rc_e lu_zip_entry_sizes(lu_zip_entry_t *entry, lu_error_t *err);
static void lu_zip_entry_extra(const lu_zip_entry_t *entry, lu_str_t *list);
static int lu_zip_entry_local_differs(const lu_zip_entry_t *entry,
    const unsigned char *local);
static int lu_zip_entry_stated(const lu_zip_entry_t *entry, uint64_t n,
    uint64_t value);
static int lu_zip_entry_sizes_differ(const lu_zip_entry_t *entry,
    zip_source_t *source, const unsigned char *local);
static size_t lu_zip_entry_local_64(const lu_zip_entry_t *entry,
    zip_source_t *source, const unsigned char *local,
    unsigned char field[16]);
static lu_rc_e lu_zip_entry_descriptor(const lu_zip_entry_t *entry,
    zip_source_t *source, uint64_t offset, lu_error_t *err);


lu_rc_e
lu_zip_entry_read(lu_zip_entry_t *entry, const unsigned char *header,
    lu_error_t *err)
{
    lu_rc_e  rc;

    entry->header = header;
    entry->name.data = (unsigned char *) header + LU_ZIP_ENTRY_SIZE;
    entry->name.len = (size_t) lu_zip_bytes_le(&header[28], 2);

    rc = lu_zip_entry_name(entry, err);

    if (rc == LU_OK) {
        rc = lu_zip_entry_kind(entry, err);
    }

    if (rc == LU_OK) {
        rc = lu_zip_entry_data(entry, err);
    }

    return rc;
}


int
lu_zip_entry_is_folder(const lu_zip_entry_t *entry)
{
    return entry->name.data[entry->name.len - 1] == '/';
}


/*
 * "./" and "./name" are what bsdtar writes of a folder; all readers resolve
 * them.
 */

static lu_rc_e
lu_zip_entry_name(lu_zip_entry_t *entry, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  path;

    path = entry->name;

    if (path.len >= 2 && path.data[0] == '.' && path.data[1] == '/') {
        path.data += 2;
        path.len -= 2;
    }

    entry->path = path;

    if (path.len == 0 && entry->name.len) {
        return LU_OK;
    }

    if (path.len && path.data[path.len - 1] == '/') {
        path.len--;
    }

    if (lu_name_href_check(&path, err) != LU_OK) {
        return LU_INVALID;
    }

    rc = lu_zip_entry_marked(entry, err);
    if (rc != LU_OK) {
        return rc;
    }

    return lu_zip_entry_second_name(entry, err);
}


/* All readers on devices take a name without the mark as code page 437. */

static lu_rc_e
lu_zip_entry_marked(const lu_zip_entry_t *entry, lu_error_t *err)
{
    size_t  i;

    if (lu_zip_bytes_le(&entry->header[8], 2) & LU_ZIP_UTF8) {
        return LU_OK;
    }

    for (i = 0; i < entry->name.len; i++) {
        if (entry->name.data[i] > 0x7f) {
            return lu_error(err, &entry->name,
                            "is not marked as UTF-8 in the zip archive, so"
                            " that devices read another name: let the CLI"
                            " pack the folder, or use \"7z a -tzip -mcu=on\""
                            " or \"bsdtar --format zip --options"
                            " hdrcharset=UTF-8\"");
        }
    }

    return LU_OK;
}


/*
 * The Unicode Path field: most tools show the name that is in it, and no
 * device looks at it.  With a CRC of another name it is not valid.
 */

static lu_rc_e
lu_zip_entry_second_name(const lu_zip_entry_t *entry, lu_error_t *err)
{
    size_t                len;
    lu_str_t              list;
    const unsigned char  *p;

    lu_zip_entry_extra(entry, &list);

    p = lu_zip_bytes_extra(&list, LU_ZIP_EXTRA_PATH, &len);

    if (p == NULL
        || len < 5
        || p[0] != 1
        || lu_zip_bytes_le(&p[1], 4)
           != crc32(0, entry->name.data, (unsigned) entry->name.len)
        || (len - 5 == entry->name.len
            && memcmp(&p[5], entry->name.data, entry->name.len) == 0))
    {
        return LU_OK;
    }

    return lu_error(err, &entry->name,
                    "has another name in its Unicode Path field, which"
                    " devices do not read: let the CLI pack the folder, or"
                    " use \"7z a -tzip -mcu=on\"");
}


/*
 * What is a folder: to zip4j, by name or attributes, whoever made the entry;
 * to ZIPFoundation, by the mode alone if it is of Unix.
 */

static lu_rc_e
lu_zip_entry_kind(const lu_zip_entry_t *entry, lu_error_t *err)
{
    unsigned  made, mode, attributes;

    made = entry->header[5];
    attributes = (unsigned) lu_zip_bytes_le(&entry->header[38], 4);
    mode = attributes >> 16;

    if (mode & LU_ZIP_LINK) {
        return lu_error(err, &entry->name, "is a symbolic link");
    }

    if (!lu_zip_entry_is_folder(entry)
        && (mode & LU_ZIP_FOLDER || attributes & LU_ZIP_DOS_FOLDER))
    {
        return lu_error(err, &entry->name,
                        "is a folder by its attributes, and a file by its"
                        " name in the zip archive: names of folders must end"
                        " in \"/\"");
    }

    if (lu_zip_entry_is_folder(entry)
        && (made == LU_ZIP_UNIX || made == LU_ZIP_DARWIN)
        && (mode & LU_ZIP_KIND) == LU_ZIP_FILE)
    {
        return lu_error(err, &entry->name,
                        "is a file by its mode, and a folder by its name in"
                        " the zip archive");
    }

    return lu_zip_entry_mode(entry, err);
}


/*
 * ZIPFoundation, and zip4j as used by versions before 8.2.1, set the mode of
 * a folder before they unpack what is in it.  No mode at all is none to set.
 */

static lu_rc_e
lu_zip_entry_mode(const lu_zip_entry_t *entry, lu_error_t *err)
{
    unsigned  mode;

    mode = (unsigned) lu_zip_bytes_le(&entry->header[40], 2);

    if (mode == 0) {
        return LU_OK;
    }

    if (lu_zip_entry_is_folder(entry)) {

        if ((mode & LU_ZIP_ALL) != LU_ZIP_ALL) {
            return lu_error(err, &entry->name,
                            "is a folder that its owner may not read, write"
                            " and enter, which devices cannot unpack: run"
                            " \"chmod -R u+rwX\" before packing, or let the"
                            " CLI pack the folder");
        }

    } else if (!(mode & LU_ZIP_READ)) {
        return lu_error(err, &entry->name,
                        "is a file that its owner may not read, and that"
                        " devices cannot read when it is unpacked: run"
                        " \"chmod -R u+rwX\" before packing, or let the CLI"
                        " pack the folder");
    }

    return LU_OK;
}


static lu_rc_e
lu_zip_entry_data(lu_zip_entry_t *entry, lu_error_t *err)
{
    lu_rc_e   rc;
    uint64_t  method;

    if (lu_zip_bytes_le(&entry->header[8], 2) & LU_ZIP_ENCRYPTED) {
        return lu_error(err, &entry->name, "is encrypted");
    }

    if (entry->header[6] > LU_ZIP_VERSION) {
        return lu_error(err, &entry->name,
                        "needs a version of zip that devices do not know");
    }

    method = lu_zip_bytes_le(&entry->header[10], 2);

    if (method != ZIP_CM_STORE && method != ZIP_CM_DEFLATE) {
        return lu_error(err, &entry->name,
                        "is compressed with a method other than deflate");
    }

    rc = lu_zip_entry_sizes(entry, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (method == ZIP_CM_STORE && entry->size != entry->packed) {
        return lu_error(err, &entry->name,
                        "is stored, but has two sizes in the zip archive");
    }

    if (lu_zip_entry_is_folder(entry) && entry->size != 0) {
        return lu_error(err, &entry->name, "is a folder with contents of its"
                                           " own");
    }

    return LU_OK;
}


/* ZIPFoundation takes a zip64 field only if it has what is needed, no more. */

static lu_rc_e
lu_zip_entry_sizes(lu_zip_entry_t *entry, lu_error_t *err)
{
    size_t                i, n, len, need;
    uint64_t              disk, *values[3];
    lu_str_t              list;
    const unsigned char  *p, *header;

    header = entry->header;

    entry->packed = lu_zip_bytes_le(&header[20], 4);
    entry->size = lu_zip_bytes_le(&header[24], 4);
    entry->offset = lu_zip_bytes_le(&header[42], 4);
    disk = lu_zip_bytes_le(&header[34], 2);

    lu_zip_entry_extra(entry, &list);

    p = lu_zip_bytes_extra(&list, LU_ZIP_EXTRA_64, &len);

    n = 0;

    if (entry->size == LU_ZIP_MAX32) {
        values[n++] = &entry->size;
    }

    if (entry->packed == LU_ZIP_MAX32) {
        values[n++] = &entry->packed;
    }

    if (entry->offset == LU_ZIP_MAX32) {
        values[n++] = &entry->offset;
    }

    need = n * 8 + (disk == LU_ZIP_MAX16 ? 4 : 0);

    if (need && (p == NULL || len != need)) {
        return lu_error(err, &entry->name,
                        "has no zip64 field that devices can read");
    }

    for (i = 0; i < n; i++) {
        *values[i] = lu_zip_bytes_le(p + i * 8, 8);
    }

    if (disk == LU_ZIP_MAX16) {
        disk = lu_zip_bytes_le(p + n * 8, 4);
    }

    if (disk != 0) {
        return lu_error(err, &entry->name,
                        "is in another part of a split zip archive");
    }

    entry->zip64 = (p && len == need) || header[6] >= LU_ZIP_VERSION64;

    return LU_OK;
}


static void
lu_zip_entry_extra(const lu_zip_entry_t *entry, lu_str_t *list)
{
    list->data = entry->name.data + entry->name.len;
    list->len = (size_t) lu_zip_bytes_le(&entry->header[30], 2);
}


lu_rc_e
lu_zip_entry_compare(lu_zip_entry_t *entry, zip_source_t *source,
    uint64_t end, lu_error_t *err)
{
    uint64_t       offset;
    unsigned char  local[LU_ZIP_LOCAL + LU_ZIP_NAME];

    if (!lu_zip_bytes_read(source, entry->offset, local, LU_ZIP_LOCAL)
        || memcmp(local, "PK\3\4", 4) != 0)
    {
        return lu_error(err, &entry->name,
                        "is not where the directory of the zip archive says");
    }

    offset = entry->offset + LU_ZIP_LOCAL;

    if (lu_zip_bytes_le(&local[26], 2) != entry->name.len
        || !lu_zip_bytes_read(source, offset, &local[LU_ZIP_LOCAL],
                              entry->name.len)
        || memcmp(&local[LU_ZIP_LOCAL], entry->name.data, entry->name.len)
           != 0)
    {
        return lu_error(err, &entry->name,
                        "has a different name in its local header");
    }

    if (lu_zip_entry_local_differs(entry, local)
        || lu_zip_entry_sizes_differ(entry, source, local))
    {
        return lu_error(err, &entry->name,
                        "is not the same in its local header and in the"
                        " directory of the zip archive (flags, method, CRC"
                        " or sizes)");
    }

    offset += entry->name.len + lu_zip_bytes_le(&local[28], 2);

    if (offset > end || entry->packed > end - offset) {
        return lu_error(err, &entry->name,
                        "goes beyond the directory of the zip archive");
    }

    entry->data = offset;

    if (!(lu_zip_bytes_le(&entry->header[8], 2) & LU_ZIP_STREAMED)) {
        return LU_OK;
    }

    return lu_zip_entry_descriptor(entry, source, offset + entry->packed,
                                   err);
}


static int
lu_zip_entry_local_differs(const lu_zip_entry_t *entry,
    const unsigned char *local)
{
    uint64_t  flags;

    flags = lu_zip_bytes_le(&local[6], 2)
            ^ lu_zip_bytes_le(&entry->header[8], 2);

    return (flags & ~(uint64_t) LU_ZIP_LEVEL) != 0
           || memcmp(&local[8], &entry->header[10], 2) != 0
           || !lu_zip_entry_stated(entry, lu_zip_bytes_le(&local[14], 4),
                                   lu_zip_bytes_le(&entry->header[16], 4));
}


/* What is written before the data need not be known by then. */

static int
lu_zip_entry_stated(const lu_zip_entry_t *entry, uint64_t n, uint64_t value)
{
    return n == value
           || (n == 0
               && lu_zip_bytes_le(&entry->header[8], 2) & LU_ZIP_STREAMED);
}


static int
lu_zip_entry_sizes_differ(const lu_zip_entry_t *entry, zip_source_t *source,
    const unsigned char *local)
{
    size_t          len;
    uint64_t        packed, size;
    unsigned char  *p, field[16];

    packed = lu_zip_bytes_le(&local[18], 4);
    size = lu_zip_bytes_le(&local[22], 4);

    if (packed == LU_ZIP_MAX32 || size == LU_ZIP_MAX32) {

        len = lu_zip_entry_local_64(entry, source, local, field);
        p = field;

        if (size == LU_ZIP_MAX32 && len >= 8) {
            size = lu_zip_bytes_le(p, 8);
            p += 8;
            len -= 8;
        }

        if (packed == LU_ZIP_MAX32 && len >= 8) {
            packed = lu_zip_bytes_le(p, 8);
        }

        /* without the field, they are in the data descriptor alone */

        if (lu_zip_bytes_le(&entry->header[8], 2) & LU_ZIP_STREAMED) {
            packed = (packed == LU_ZIP_MAX32) ? 0 : packed;
            size = (size == LU_ZIP_MAX32) ? 0 : size;
        }
    }

    return !lu_zip_entry_stated(entry, packed, entry->packed)
           || !lu_zip_entry_stated(entry, size, entry->size);
}


/* The sizes in the zip64 field of the local header, or 0. */

static size_t
lu_zip_entry_local_64(const lu_zip_entry_t *entry, zip_source_t *source,
    const unsigned char *local, unsigned char field[16])
{
    size_t         len, left;
    uint64_t       offset;
    unsigned char  head[4];

    offset = entry->offset + LU_ZIP_LOCAL + entry->name.len;
    left = (size_t) lu_zip_bytes_le(&local[28], 2);

    while (left >= 4 && lu_zip_bytes_read(source, offset, head, 4)) {

        len = (size_t) lu_zip_bytes_le(&head[2], 2);

        if (len > left - 4) {
            return 0;
        }

        if (lu_zip_bytes_le(head, 2) == LU_ZIP_EXTRA_64) {
            len = (len < 16) ? len : 16;

            return lu_zip_bytes_read(source, offset + 4, field, len) ? len : 0;
        }

        offset += 4 + len;
        left -= 4 + len;
    }

    return 0;
}


/*
 * ZIPFoundation takes CRC and sizes from here.  It expects sizes of 8 bytes
 * if the directory, not the local header, speaks of zip64.
 */

static lu_rc_e
lu_zip_entry_descriptor(const lu_zip_entry_t *entry, zip_source_t *source,
    uint64_t offset, lu_error_t *err)
{
    size_t          width;
    unsigned char  *p, buf[LU_ZIP_DESCRIPTOR];

    width = entry->zip64 ? 8 : 4;

    if (!lu_zip_bytes_read(source, offset, buf, 8 + width * 2)) {
        return lu_error(err, &entry->name,
                        "has no data descriptor in the zip archive");
    }

    p = memcmp(buf, "PK\7\10", 4) == 0 ? buf + 4 : buf;

    if (memcmp(p, &entry->header[16], 4) != 0
        || lu_zip_bytes_le(&p[4], width) != entry->packed
        || lu_zip_bytes_le(&p[4 + width], width) != entry->size)
    {
        return lu_error(err, &entry->name,
                        "is not the same in its data descriptor, as iOS reads"
                        " it, and in the directory of the zip archive (CRC or"
                        " sizes)");
    }

    return LU_OK;
}
