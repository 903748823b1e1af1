
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_zip.c"

#include <errno.h>

#include <zlib.h>


#define LIMIT       1000000

#define DESCRIPTOR  0x0008
#define UTF8        0x0800
#define ENCRYPTED   0x0001


/* What an archive is made of; most members are there to tell lies. */

typedef struct {
    const char      *name;
    const char      *data;
    size_t           len;
    unsigned         method;
    unsigned         flags;
    uint32_t         attributes;
    unsigned         made;              /* 0x031e */
    unsigned         needed;            /* 20 */
    const char      *extra;
    size_t           extra_len;
    size_t           name_len;
    int              crc_lie;
    int              size_lie;
    int              packed_lie;
    int              first;             /* shares the first entry's data */
} entry_t;


typedef struct {
    unsigned char   *data;
    size_t           len;
    size_t           size;
} bytes_t;


/* A source that counts and can fail. */

typedef struct {
    const bytes_t   *bytes;
    size_t           pos;
    int              fail;              /* a command, or -1 */
    int              after;             /* so many that succeed before */
    int              frees;
    uint64_t         got;
    uint64_t         len;
} feed_t;


static feed_t      feed;
static lu_error_t  error;

static const char  unmarked[] =
    "is not marked as UTF-8 in the zip archive, so that devices read another"
    " name: let the CLI pack the folder, or use \"7z a -tzip -mcu=on\" or"
    " \"bsdtar --format zip --options hdrcharset=UTF-8\"";

static const char  two_sizes[] =
    "is stored, but has two sizes in the zip archive";


static void
put(bytes_t *out, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }

    if (out->len + len > out->size) {
        out->size = (out->len + len) * 2;
        out->data = realloc(out->data, out->size);
    }

    memcpy(out->data + out->len, data, len);
    out->len += len;
}


static void
put_le(bytes_t *out, unsigned width, uint64_t n)
{
    unsigned char  ch;

    while (width--) {
        ch = (unsigned char) n;
        put(out, &ch, 1);
        n >>= 8;
    }
}


static void
put_packed(bytes_t *out, const entry_t *entry)
{
    z_stream        z;
    unsigned char  *buf;
    size_t          size;

    if (entry->method != 8) {
        put(out, entry->data, entry->len);
        return;
    }

    memset(&z, 0, sizeof(z_stream));
    deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);

    size = deflateBound(&z, (uLong) entry->len) + 16;
    buf = malloc(size);

    z.next_in = (Bytef *) entry->data;
    z.avail_in = (uInt) entry->len;
    z.next_out = buf;
    z.avail_out = (uInt) size;

    deflate(&z, Z_FINISH);
    put(out, buf, z.total_out);

    deflateEnd(&z);
    free(buf);
}


/* What local headers and the directory have in common. */

static void
put_header(bytes_t *out, const entry_t *entry, size_t packed, int empty,
    size_t extra)
{
    uint32_t  crc;
    size_t    name;

    crc = (uint32_t) crc32(0, (const Bytef *) entry->data,
                           (uInt) entry->len)
          ^ (uint32_t) entry->crc_lie;

    name = entry->name_len ? entry->name_len : strlen(entry->name);

    put_le(out, 2, entry->needed ? entry->needed : 20);
    put_le(out, 2, entry->flags);
    put_le(out, 2, entry->method);
    put_le(out, 4, 0x5a215a21);
    put_le(out, 4, empty ? 0 : crc);
    put_le(out, 4, empty ? 0 : (uint64_t) ((int64_t) packed
                                           + entry->packed_lie));
    put_le(out, 4, empty ? 0 : (uint64_t) ((int64_t) entry->len
                                           + entry->size_lie));
    put_le(out, 2, name);
    put_le(out, 2, extra);
}


static void
put_local(bytes_t *out, const entry_t *entry, size_t *packed)
{
    bytes_t  data;
    int      streamed;

    memset(&data, 0, sizeof(bytes_t));
    put_packed(&data, entry);

    *packed = data.len;
    streamed = (entry->flags & DESCRIPTOR) != 0;

    put(out, "PK\3\4", 4);
    put_header(out, entry, data.len, streamed, 0);
    put(out, entry->name,
        entry->name_len ? entry->name_len : strlen(entry->name));
    put(out, data.data, data.len);

    if (streamed) {
        put(out, "PK\7\10", 4);
        put_le(out, 4, crc32(0, (const Bytef *) entry->data,
                             (uInt) entry->len));
        put_le(out, 4, data.len);
        put_le(out, 4, entry->len);
    }

    free(data.data);
}


static void
put_central(bytes_t *out, const entry_t *entry, size_t packed, size_t offset)
{
    put(out, "PK\1\2", 4);
    put_le(out, 2, entry->made ? entry->made : 0x031e);
    put_header(out, entry, packed, 0, entry->extra_len);
    put_le(out, 2, 0);
    put_le(out, 4, 0);
    put_le(out, 4, entry->attributes);
    put_le(out, 4, offset);
    put(out, entry->name,
        entry->name_len ? entry->name_len : strlen(entry->name));
    put(out, entry->extra, entry->extra_len);
}


static void
put_end64(bytes_t *out, uint64_t n, uint64_t size, uint64_t offset)
{
    uint64_t  at;

    at = out->len;

    put(out, "PK\6\6", 4);
    put_le(out, 8, 44);
    put_le(out, 2, 45);
    put_le(out, 2, 45);
    put_le(out, 8, 0);
    put_le(out, 8, n);
    put_le(out, 8, n);
    put_le(out, 8, size);
    put_le(out, 8, offset);

    put(out, "PK\6\7", 4);
    put_le(out, 4, 0);
    put_le(out, 8, at);
    put_le(out, 4, 1);
}


static void
put_end(bytes_t *out, uint64_t n, uint64_t size, uint64_t offset)
{
    put(out, "PK\5\6", 4);
    put_le(out, 4, 0);
    put_le(out, 2, n);
    put_le(out, 2, n);
    put_le(out, 4, size);
    put_le(out, 4, offset);
    put_le(out, 2, 0);
}


static bytes_t
archive64(const entry_t *entries, size_t n, uint64_t announced)
{
    size_t   i, start, size, *offsets, *packed;
    bytes_t  out;

    memset(&out, 0, sizeof(bytes_t));
    offsets = malloc((n + 1) * sizeof(size_t));
    packed = malloc((n + 1) * sizeof(size_t));

    for (i = 0; i < n; i++) {
        if (entries[i].first) {
            offsets[i] = offsets[0];
            packed[i] = packed[0];
            continue;
        }

        offsets[i] = out.len;
        put_local(&out, &entries[i], &packed[i]);
    }

    start = out.len;

    for (i = 0; i < n; i++) {
        put_central(&out, &entries[i], packed[i], offsets[i]);
    }

    size = out.len - start;

    if (announced) {
        put_end64(&out, announced, size, start);
        n = 0xffff;
    }

    put_end(&out, n, size, start);

    free(offsets);
    free(packed);

    return out;
}


static bytes_t
archive(const entry_t *entries, size_t n)
{
    return archive64(entries, n, 0);
}


/* Each local header is in the stored data of the one before. */

static bytes_t
nested(entry_t *entries, size_t n, size_t len)
{
    size_t          i, start, *offsets;
    bytes_t         out;
    unsigned char  *crcs;

    memset(&out, 0, sizeof(bytes_t));
    offsets = malloc(n * sizeof(size_t));
    crcs = calloc(1, len);

    for (i = 0; i < n; i++) {
        offsets[i] = out.len;
        put(&out, "PK\3\4", 4);
        put_header(&out, &entries[i], 0, 0, 0);
        put(&out, entries[i].name, strlen(entries[i].name));
    }

    put(&out, crcs, len);

    for (i = n; i-- > 0; /* void */) {
        entries[i].data = (char *) out.data + offsets[i] + 30
                          + strlen(entries[i].name);
        entries[i].len = (size_t) (out.data + out.len
                                   - (unsigned char *) entries[i].data);
        start = out.len;
        out.len = offsets[i] + 4;
        put_header(&out, &entries[i], entries[i].len, 0, 0);
        out.len = start;
    }

    start = out.len;
    out.size = out.len + n * 100;
    out.data = realloc(out.data, out.size);

    for (i = 0; i < n; i++) {
        entries[i].data = (char *) out.data + offsets[i] + 30
                          + strlen(entries[i].name);
        put_central(&out, &entries[i], entries[i].len, offsets[i]);
    }

    put_end(&out, n, out.len - start, start);

    free(offsets);
    free(crcs);

    return out;
}


static zip_int64_t
feed_callback(void *data, void *buf, zip_uint64_t len, zip_source_cmd_t cmd)
{
    feed_t       *f;
    zip_stat_t   *st;
    zip_int64_t   pos;
    zip_error_t   e;

    f = data;

    if (f->fail == (int) cmd && f->after-- <= 0) {
        return -1;
    }

    switch (cmd) {

    case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_SEEKABLE;

    case ZIP_SOURCE_OPEN:
        f->pos = 0;
        return 0;

    case ZIP_SOURCE_CLOSE:
        return 0;

    case ZIP_SOURCE_READ:
        if (len > f->bytes->len - f->pos) {
            len = f->bytes->len - f->pos;
        }

        if (len) {
            memcpy(buf, f->bytes->data + f->pos, len);
        }

        f->pos += len;
        f->got += len;
        return (zip_int64_t) len;

    case ZIP_SOURCE_STAT:
        st = buf;
        zip_stat_init(st);
        st->size = f->bytes->len;
        st->valid = ZIP_STAT_SIZE;
        return sizeof(zip_stat_t);

    case ZIP_SOURCE_SEEK:
        zip_error_init(&e);
        pos = zip_source_seek_compute_offset(f->pos, f->bytes->len, buf, len,
                                             &e);
        if (pos < 0) {
            return -1;
        }

        f->pos = (size_t) pos;
        return 0;

    case ZIP_SOURCE_TELL:
        return (zip_int64_t) f->pos;

    case ZIP_SOURCE_ERROR:
        zip_error_init(&e);
        zip_error_set(&e, ZIP_ER_READ, EIO);
        return zip_error_to_data(&e, buf, len);

    case ZIP_SOURCE_FREE:
        f->frees++;
        return 0;

    default:
        return -1;
    }
}


static lu_rc_e
check_failing(const bytes_t *bytes, uint64_t limit, int cmd, int after)
{
    zip_error_t    e;
    zip_source_t  *source;
    lu_rc_e        rc;

    memset(&feed, 0, sizeof(feed_t));
    feed.bytes = bytes;
    feed.len = bytes->len;
    feed.fail = cmd;
    feed.after = after;

    error.text = NULL;
    error.subject.len = 0;
    error.subject.data = NULL;

    zip_error_init(&e);
    source = zip_source_function_create(feed_callback, &feed, &e);

    rc = lu_zip_check(&tap_arena, source, limit, &error);

    if (feed.frees != 1) {
        printf("# the source was freed %d times\n", feed.frees);
        tap_failures++;
    }

    return rc;
}


static lu_rc_e
check_bytes(const bytes_t *bytes, uint64_t limit)
{
    return check_failing(bytes, limit, -1, 0);
}


static lu_rc_e
check(const entry_t *entries, size_t n, uint64_t limit)
{
    bytes_t  bytes;
    lu_rc_e  rc;

    bytes = archive(entries, n);
    rc = check_bytes(&bytes, limit);
    free(bytes.data);

    return rc;
}


static int
said(const char *subject, const char *text)
{
    if (error.text
        && strcmp(error.text, text) == 0
        && lu_str_is(&error.subject, subject ? subject : ""))
    {
        return 1;
    }

    printf("# said: \"%.*s\" %s\n", (int) error.subject.len,
           error.subject.len ? (char *) error.subject.data : "",
           error.text ? error.text : "nothing");

    return 0;
}


/* An index.html and the entry of interest. */

static lu_rc_e
check_with(const entry_t *entry)
{
    entry_t  entries[2];

    memset(entries, 0, sizeof(entries));
    entries[0].name = "index.html";
    entries[0].data = "<html>";
    entries[0].len = 6;
    entries[1] = *entry;

    return check(entries, 2, LIMIT);
}


static lu_rc_e
check_names(const char *one, const char *two, const char *three)
{
    size_t   n;
    entry_t  entries[3];

    memset(entries, 0, sizeof(entries));
    entries[0].name = one;
    entries[1].name = two;
    entries[2].name = three;

    n = three ? 3 : two ? 2 : 1;

    return check(entries, n, LIMIT);
}


static void
test_good(void)
{
    size_t          i;
    char           *text;
    bytes_t         bytes;
    static entry_t  entries[] = {
        { .name = "www/", .attributes = 0x41ed0010 },
        { .name = "www/index.html", .data = "<html>", .len = 6,
          .method = 8, .attributes = 0x81a40000 },
        { .name = "www/assets/", },
        { .name = "www/assets/a.js", .data = "let a", .len = 5 },
        { .name = "www/assets/b.js", .data = "let b", .len = 5, .method = 8,
          .flags = DESCRIPTOR },
        { .name = "www/assets/c.js", .data = "let c", .len = 5,
          .flags = DESCRIPTOR },
        { .name = "www/empty", .method = 8 },
        { .name = "www/.DS_Store", .data = "x", .len = 1 },
        { .name = "__MACOSX/www/._index.html", .data = "x", .len = 1 },
        { .name = "www/gr\303\274n.svg", .data = "x", .len = 1,
          .flags = UTF8 },
        { .name = "www/gruen2.svg", .data = "x", .len = 1 },
        { .name = "www/big", .method = 8 }
    };

    text = malloc(300000);

    for (i = 0; i < 300000; i++) {
        text[i] = (char) (i * i >> 7);
    }

    entries[11].data = text;
    entries[11].len = 300000;

    ok(check(entries, 12, 300025) == LU_OK, "a bundle, at its limit");

    ok(check(entries, 12, 300024) == LU_INVALID
       && said("www/big", "makes the contents of the zip archive too large"),
       "a bundle, a byte above its limit");

    ok(check(entries, 12, 0) == LU_INVALID
       && said("www/index.html",
               "makes the contents of the zip archive too large"),
       "a limit of nothing");

    ok(check(entries, 12, UINT64_MAX) == LU_OK, "no limit");

    bytes = archive64(entries, 12, 12);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "a zip64 end record");
    free(bytes.data);

    bytes = archive(entries, 12);
    bytes.data[bytes.len - 2] = 5;
    put(&bytes, "hello", 5);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "an archive comment");
    free(bytes.data);

    ok(check_names("index.html", NULL, NULL) == LU_OK,
       "a file of no bytes alone");

    free(text);
}


static void
test_nested(void)
{
    bytes_t  inner;
    entry_t  entries[2];

    memset(entries, 0, sizeof(entries));
    entries[0].name = "index.html";
    entries[1].name = "sample.zip";

    inner = archive(entries, 1);

    entries[1].data = (char *) inner.data;
    entries[1].len = inner.len;

    ok(check(entries, 2, LIMIT) == LU_OK, "a stored zip in the zip");

    entries[0].name = "page.html";

    ok(check(entries, 2, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive contains no index.html"),
       "an index.html in an inner zip does not count");

    free(inner.data);
}


static void
test_index(void)
{
    ok(check_names("a/b/c/index.html", NULL, NULL) == LU_OK,
       "a deep index.html");

    ok(check_names("index.htm", "aindex.html", "index.html.gz") == LU_INVALID
       && said(NULL, "the zip archive contains no index.html"),
       "names like index.html");

    ok(check_names("Index.html", NULL, NULL) == LU_INVALID,
       "letter case counts");

    ok(check_names("index.html/", "index.html/a", NULL)
       == LU_INVALID
       && said(NULL, "the zip archive contains no index.html"),
       "a directory index.html");

    ok(check_names("__MACOSX/index.html", "__MACOSX/a/index.html", NULL)
       == LU_INVALID
       && said(NULL, "the zip archive contains no index.html"),
       "an index.html in __MACOSX");

    ok(check_names("__MACOSXX/index.html", NULL, NULL) == LU_INVALID
       && said(NULL, "the zip archive contains no index.html"),
       "an index.html where Android does not unpack it");

    ok(check_names("a/__MACOSX/index.html", NULL, NULL) == LU_OK,
       "an index.html in an inner __MACOSX");

    ok(check(NULL, 0, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive is empty"), "no entries");
}


static void
test_names(void)
{
    size_t              i;
    entry_t             entry;
    static const char  *names[] = {
        "/etc/passwd", "../x", "a/../../x", "a/..", "..", ".", "././a", "a//b",
        "./../x", ".//x", "a/./b",
        "a//", "/", "//", "a\\b", "..\\x", "C:/x", "C:x", "a\nb", "a\177b",
        "\377\376", "a\300\257b", "../", "a/../", "\355\240\200", NULL
    };

    for (i = 0; names[i]; i++) {
        memset(&entry, 0, sizeof(entry_t));
        entry.name = names[i];

        ok(check_with(&entry) == LU_INVALID && error.text, "unsafe name %zu",
           i);
    }

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "";
    ok(check_with(&entry) == LU_INVALID
       && said(NULL, "is an empty path"), "an empty name");

    entry.name = "a/../../x";
    ok(check_with(&entry) == LU_INVALID
       && error.subject.len == 9
       && memcmp(error.subject.data, "a/../../x", 9) == 0,
       "the subject outlives the archive");

    entry.name = "index.html";
    ok(check_with(&entry) == LU_INVALID
       && said("index.html", "occurs twice"), "a file twice");

    ok(check_names("index.html", "a/", "a/") == LU_INVALID
       && said("a/", "occurs twice"), "a directory twice");

    ok(check_names("index.html", "a", "a/") == LU_INVALID
       && said("a", "is both a file and a directory"),
       "a file and a directory");

    ok(check_names("a/b", "index.html", "a") == LU_INVALID
       && said("a", "is both a file and a directory"),
       "a file in a file");

    ok(check_names("a/b/", "index.html", "a/") == LU_OK,
       "a directory in a directory");

    ok(check_names("a/b", "index.html", "a.b") == LU_OK,
       "names that begin alike");

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "a\0/../../b";
    entry.name_len = 10;
    ok(check_with(&entry) == LU_INVALID, "a NUL hides no path");
}


static void
test_unicode_extra(void)
{
    char     extra[32];
    bytes_t  out;
    entry_t  entry;

    memset(&out, 0, sizeof(bytes_t));
    put_le(&out, 2, 0x7075);
    put_le(&out, 2, 9);
    put_le(&out, 1, 1);
    put_le(&out, 4, crc32(0, (const Bytef *) "../x", 4));
    put(&out, "good", 4);
    memcpy(extra, out.data, out.len);

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "../x";
    entry.extra = extra;
    entry.extra_len = out.len;

    ok(check_with(&entry) == LU_INVALID
       && said("../x", "has a segment \".\" or \"..\""),
       "a good second name for a bad one");

    entry.name = "y";
    ok(check_with(&entry) == LU_OK, "a second name that is of another file");

    out.len = 5;
    put_le(&out, 4, crc32(0, (const Bytef *) "y", 1));
    memcpy(extra, out.data, out.len);

    ok(check_with(&entry) == LU_INVALID
       && said("y", "has another name in its Unicode Path field, which devices"
                    " do not read: let the CLI pack the folder, or use"
                    " \"7z a -tzip -mcu=on\""),
       "a second name");

    extra[4] = 2;
    ok(check_with(&entry) == LU_OK, "a field of a version to come");

    out.len = 5;
    put_le(&out, 4, crc32(0, (const Bytef *) "gr\303\274n", 5));
    put(&out, "gr\303\274n", 5);
    memcpy(extra, out.data, out.len);
    extra[2] = 10;
    entry.extra_len = out.len;
    entry.name = "gr\303\274n";

    ok(check_with(&entry) == LU_INVALID
       && said("gr\303\274n", unmarked), "the field is no mark");

    entry.flags = UTF8;
    ok(check_with(&entry) == LU_OK, "the same name twice");

    free(out.data);
}


static void
test_kinds(void)
{
    size_t                 i;
    entry_t                entry;
    static const unsigned  methods[] = { 1, 6, 9, 10, 12, 14, 19, 93, 95, 97,
                                         98, 99, 1000 };

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "link";
    entry.data = "/etc/passwd";
    entry.len = 11;
    entry.attributes = 0xa1ff0000;
    ok(check_with(&entry) == LU_INVALID
       && said("link", "is a symbolic link"), "a symbolic link");

    entry.attributes = 0x81ff0020;
    ok(check_with(&entry) == LU_OK, "a file with a mode");

    entry.flags = ENCRYPTED;
    ok(check_with(&entry) == LU_INVALID
       && said("link", "is encrypted"), "an encrypted file");

    entry.flags = ENCRYPTED | 0x40;
    ok(check_with(&entry) == LU_INVALID
       && said("link", "is encrypted"), "strong encryption");

    entry.flags = 0;

    for (i = 0; i < sizeof(methods) / sizeof(unsigned); i++) {
        entry.method = methods[i];

        ok(check_with(&entry) == LU_INVALID && error.text,
           "compression method %u", methods[i]);
    }

    entry.method = 12;
    ok(check_with(&entry) == LU_INVALID
       && said("link", "is compressed with a method other than deflate"),
       "bzip2, by name");
}


static void
test_attributes(void)
{
    size_t  i;

    static const char  folder[] =
        "is a folder that its owner may not read, write and enter, which"
        " devices cannot unpack: run \"chmod -R u+rwX\" before packing, or let"
        " the CLI pack the folder";
    static const char  file[] =
        "is a file that its owner may not read, and that devices cannot read"
        " when it is unpacked: run \"chmod -R u+rwX\" before packing, or let"
        " the CLI pack the folder";
    static const char  not_a_file[] =
        "is a folder by its attributes, and a file by its name in the zip"
        " archive: names of folders must end in \"/\"";
    static const char  not_a_folder[] =
        "is a file by its mode, and a folder by its name in the zip archive";

    static const struct {
        const char  *name;
        unsigned     made;
        uint32_t     attributes;
        const char  *text;
    } cases[] = {
        { "a/", 3, 0, NULL },
        { "a/", 3, 0x41ed0010, NULL },
        { "a/", 3, 0x41c00000, NULL },
        { "a/", 3, 0x41ff0000, NULL },
        { "a/", 3, 0x41400000, folder },
        { "a/", 3, 0x416d0010, folder },
        { "a/", 3, 0x41800000, folder },
        { "a/", 3, 0x40000000, folder },
        { "a/", 3, 0x003f0000, folder },
        { "a/", 19, 0x416d0000, folder },
        { "a/", 0, 0x416d0010, folder },
        { "a/", 10, 0x416d0010, folder },
        { "a/", 0, 0x10, NULL },
        { "a/", 0, 0x11, NULL },
        { "a/", 3, 0x81ed0000, not_a_folder },
        { "a/", 19, 0x81ed0000, not_a_folder },
        { "a/", 0, 0x81ed0000, NULL },
        { "a", 3, 0x81a40000, NULL },
        { "a", 3, 0x81000000, NULL },
        { "a", 3, 0x01240000, NULL },
        { "a", 0, 0x21, NULL },
        { "a", 3, 0x80000000, file },
        { "a", 3, 0x80c00000, file },
        { "a", 0, 0x80240000, file },
        { "a", 3, 0x41ed0000, not_a_file },
        { "a", 0, 0x41ed0000, not_a_file },
        { "a", 0, 0x10, not_a_file },
        { "a", 3, 0x81a40010, not_a_file },
        { "a", 0, 0xa1ff0000, "is a symbolic link" },
    };

    entry_t  entry;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&entry, 0, sizeof(entry_t));

        entry.name = cases[i].name;
        entry.made = cases[i].made << 8 | 30;
        entry.attributes = cases[i].attributes;

        ok(check_with(&entry) == (cases[i].text ? LU_INVALID : LU_OK)
           && (cases[i].text == NULL || said(cases[i].name, cases[i].text)),
           "\"%s\" with %08x, made by %u", cases[i].name,
           (unsigned) cases[i].attributes, cases[i].made);
    }

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "a/";
    entry.data = "x";
    entry.len = 1;
    ok(check_with(&entry) == LU_INVALID
       && said("a/", "is a folder with contents of its own"),
       "a folder with contents");

    entry.name = "./";
    entry.len = 0;
    entry.attributes = 0x416d0000;
    ok(check_with(&entry) == LU_INVALID && said("./", folder),
       "the top itself, read-only");
}


/* What bsdtar writes of a folder. */

static void
test_dot(void)
{
    ok(check_names("./", "./index.html", "./a/") == LU_OK,
       "names that begin with a dot");

    ok(check_names("./", "./www/index.html", "./www/") == LU_OK,
       "an index.html in a folder");

    ok(check_names("./index.html", "index.html", NULL) == LU_INVALID
       && said("index.html", "occurs twice"), "a file twice");

    ok(check_names("./index.html", "./a", "a/b") == LU_INVALID
       && said("a", "is both a file and a directory"),
       "a file and a folder");

    ok(check_names("./", "./", "index.html") == LU_OK,
       "the top twice, which is there anyway");

    ok(check_names("./a/index.html", "./b/index.html", NULL) == LU_INVALID,
       "two pages");
}


static void
test_root(void)
{
    static const char  text[] =
        "both have an index.html, and there is none at the top of the zip"
        " archive, so that each device picks its own: pack the folder of the"
        " app alone";

    ok(check_names("build/index.html", "storybook/index.html", NULL)
       == LU_INVALID
       && said("build/\", \"storybook/", text), "two folders with a page");

    ok(check_names("b/x/index.html", "b.c/index.html", "b/a/index.html")
       == LU_INVALID
       && said("b.c/\", \"b/a/", text), "at different depths");

    ok(check_names("a/index.html", "index.html", "b/index.html") == LU_OK,
       "one at the top settles it");

    ok(check_names("a/index.html", "a/b/index.html", "a/c/index.html")
       == LU_OK, "pages in the folder of the page");

    ok(check_names("a/index.html", "a.js", "b/main.html") == LU_OK,
       "another folder without a page");

    ok(check_names("a/index.html", "b/index.html/", NULL) == LU_INVALID
       && said("a/\", \"b/", text), "a folder that is called so");

    ok(check_names("index.html/a", "b/index.html", NULL) == LU_INVALID
       && said(NULL, "the zip archive contains no index.html"),
       "a folder at the top that is called so");

    ok(check_names("index.html/index.html", NULL, NULL) == LU_INVALID
       && said(NULL, "the zip archive contains no index.html"),
       "a page in a folder that is called so");

    ok(check_names("a/index.html", "__MACOSX/index.html", NULL) == LU_INVALID
       && said("__MACOSX/\", \"a/", text), "one that only iOS unpacks");
}


/* Changes a byte of the second entry's local header or data descriptor. */

static lu_rc_e
check_local(const entry_t *entry, size_t at, unsigned char ch)
{
    size_t    local;
    bytes_t   bytes;
    entry_t   entries[2];
    lu_rc_e   rc;

    memset(entries, 0, sizeof(entries));
    entries[0].name = "index.html";
    entries[1] = *entry;

    bytes = archive(entries, 2);
    local = 30 + strlen("index.html");
    bytes.data[local + at] ^= ch;

    rc = check_bytes(&bytes, LIMIT);

    free(bytes.data);

    return rc;
}


static void
test_local(void)
{
    size_t    i;
    entry_t   entry;

    static const char  differs[] =
        "is not the same in its local header and in the directory of the zip"
        " archive (flags, method, CRC or sizes)";
    static const char  described[] =
        "is not the same in its data descriptor, as iOS reads it, and in the"
        " directory of the zip archive (CRC or sizes)";

    static const struct {
        size_t         at;
        unsigned char  ch;
        const char    *text;
        const char    *name;
    } cases[] = {
        { 0, 1, "is not where the directory of the zip archive says",
          "signature" },
        { 4, 1, NULL, "version" },
        { 6, 1, differs, "encrypted" },
        { 6, 2, NULL, "a hint about deflate" },
        { 6, 8, differs, "streamed" },
        { 6, 0x40, differs, "strong encryption" },
        { 7, 8, differs, "UTF-8" },
        { 7, 0x20, differs, "masked" },
        { 8, 8, differs, "method" },
        { 9, 1, differs, "method, above" },
        { 10, 1, NULL, "time" },
        { 14, 1, differs, "CRC" },
        { 17, 0x80, differs, "CRC, above" },
        { 18, 1, differs, "compressed size" },
        { 22, 1, differs, "size" },
        { 25, 1, differs, "size, above" },
        { 26, 1, "has a different name in its local header", "name, longer" },
        { 29, 0x80, "goes beyond the directory of the zip archive",
          "extra field" },
        { 30, 1, "has a different name in its local header", "name" },
        { 34, 1, "does not have the CRC that the zip archive states",
          "data" },
    };

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "a.js";
    entry.data = "let a";
    entry.len = 5;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(check_local(&entry, cases[i].at, cases[i].ch)
           == (cases[i].text ? LU_INVALID : LU_OK)
           && (cases[i].text == NULL || said("a.js", cases[i].text)),
           "local header: %s", cases[i].name);
    }

    /* streamed: nothing was known, or what is said is right */

    entry.flags = DESCRIPTOR;

    ok(check_local(&entry, 0, 0) == LU_OK, "streamed");
    ok(check_local(&entry, 14, 1) == LU_INVALID && said("a.js", differs),
       "streamed, with a CRC that is wrong");
    ok(check_local(&entry, 18, 5) == LU_OK, "streamed, with a size");
    ok(check_local(&entry, 22, 4) == LU_INVALID && said("a.js", differs),
       "streamed, with a size that is wrong");

    /* behind 30 bytes, the name and the data */

    for (i = 4; i < 16; i++) {
        ok(check_local(&entry, 39 + i, 1) == LU_INVALID
           && said("a.js", described), "data descriptor, byte %zu", i);
    }

    ok(check_local(&entry, 39, 1) == LU_INVALID && said("a.js", described),
       "data descriptor with another signature");

    /* to ZIPFoundation, the version makes it one of zip64 */

    entry.needed = 45;
    ok(check_local(&entry, 0, 0) == LU_INVALID && said("a.js", described),
       "sizes of 4 bytes where iOS expects 8");

    entry.flags = 0;
    ok(check_local(&entry, 0, 0) == LU_OK, "the version alone");

    entry.needed = 63;
    ok(check_local(&entry, 0, 0) == LU_OK, "the last version");

    entry.needed = 64;
    ok(check_local(&entry, 0, 0) == LU_INVALID
       && said("a.js", "needs a version of zip that devices do not know"),
       "one to come");
}


static void
test_zip64(void)
{
    bytes_t   bytes;
    entry_t   entries[2];
    unsigned char  *central;

    static const char  extra[] =
        "\1\0\20\0\5\0\0\0\0\0\0\0\5\0\0\0\0\0\0";

    memset(entries, 0, sizeof(entries));
    entries[0].name = "index.html";
    entries[1].name = "a.js";
    entries[1].data = "let a";
    entries[1].len = 5;
    entries[1].extra = extra;
    entries[1].extra_len = 20;

    bytes = archive(entries, 2);
    central = bytes.data + bytes.len - 22 - 46 - 4 - 20;

    ok(check_bytes(&bytes, LIMIT) == LU_OK, "a zip64 field without need");

    memset(central + 20, 0xff, 8);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "sizes in the zip64 field");

    memset(central + 24, 0, 4);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said("a.js", "has no zip64 field that devices can read"),
       "more in it than is needed");

    memset(central + 24, 0xff, 4);
    central[46 + 4] = 9;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said("a.js", "has no zip64 field that devices can read"),
       "no field of that kind");

    central[46 + 4] = 1;
    central[46 + 4 + 4] = 6;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said("a.js", two_sizes), "another size in the field");

    central[46 + 4 + 4] = 5;
    central[34] = 1;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said("a.js", "is in another part of a split zip archive"),
       "another disk");

    free(bytes.data);
}


/* The manifest in the folder that devices take. */

static lu_rc_e
check_manifest(const char *folder, const char *name, const char *text)
{
    char     names[3][64];
    entry_t  entries[3];

    snprintf(names[0], 64, "%sindex.html", folder);
    snprintf(names[1], 64, "%sa.js", folder);
    snprintf(names[2], 64, "%s", name);

    memset(entries, 0, sizeof(entries));
    entries[0].name = names[0];
    entries[0].data = "<html>";
    entries[0].len = 6;
    entries[1].name = names[1];
    entries[1].data = "let a";
    entries[1].len = 5;
    entries[1].method = 8;
    entries[2].name = names[2];
    entries[2].data = text;
    entries[2].len = strlen(text);
    entries[2].method = 8;

    return check(entries, 3, LIMIT);
}


static void
test_manifest(void)
{
    char  right[512], wrong[512], missing[512];

    static const char  stale[] =
        "is not as the manifest in the zip archive says: remove the manifest"
        " from the folder before packing it, or write it anew with"
        " \"apps:liveupdates:generatemanifest\"";
    static const char  absent[] =
        "is not in the zip archive, as the manifest in it says: remove the"
        " manifest from the folder before packing it, or write it anew with"
        " \"apps:liveupdates:generatemanifest\"";
    static const char  unreadable[] =
        "in the zip archive is not a manifest that devices can read: remove"
        " it from the folder before packing it, or write it anew with"
        " \"apps:liveupdates:generatemanifest\"";

    lu_sha256_t  sha256;
    char         page[LU_SHA256_HEX + 1], script[LU_SHA256_HEX + 1];

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, "<html>", 6);
    lu_sha256_hex(&sha256, page);

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, "let a", 5);
    lu_sha256_hex(&sha256, script);

    snprintf(right, 512, "[{\"checksum\":\"%s\",\"href\":\"index.html\","
             "\"sizeInBytes\":6},{\"checksum\":\"%s\",\"href\":\"a.js\","
             "\"sizeInBytes\":5}]", page, script);
    snprintf(wrong, 512, "[{\"checksum\":\"%s\",\"href\":\"a.js\","
             "\"sizeInBytes\":5}]", page);
    snprintf(missing, 512, "[{\"checksum\":\"%s\",\"href\":\"b.js\","
             "\"sizeInBytes\":5}]", script);

    ok(check_manifest("", LU_MANIFEST_NAME, right) == LU_OK,
       "a manifest that fits");

    ok(check_manifest("www/", "www/" LU_MANIFEST_NAME, right) == LU_OK,
       "in a folder");

    ok(check_manifest("./www/", "./www/" LU_MANIFEST_NAME, wrong)
       == LU_INVALID
       && said("a.js", stale), "a stale one");

    ok(check_manifest("www/", LU_MANIFEST_NAME, wrong) == LU_OK,
       "a stale one that devices throw away");

    ok(check_manifest("", "www/" LU_MANIFEST_NAME, wrong) == LU_OK,
       "a stale one that devices do not look at");

    ok(check_manifest("", LU_MANIFEST_NAME, missing) == LU_INVALID
       && said("b.js", absent), "one of another bundle");

    ok(check_manifest("", LU_MANIFEST_NAME, "[]") == LU_OK,
       "one that names nothing");

    ok(check_manifest("", LU_MANIFEST_NAME, "") == LU_INVALID
       && said(LU_MANIFEST_NAME, unreadable), "an empty one");

    ok(check_manifest("", LU_MANIFEST_NAME, "{}") == LU_INVALID
       && said(LU_MANIFEST_NAME, unreadable), "no list");

    wrong[strlen(wrong) - 3] = '6';
    ok(check_manifest("", LU_MANIFEST_NAME, wrong) == LU_INVALID
       && said("a.js", stale), "another size");
}


static void
test_lies(void)
{
    entry_t  entry;

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "a.js";
    entry.data = "let a = 1; let b = 1; let c = 1;";
    entry.len = 32;

    entry.crc_lie = 1;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", "does not have the CRC that the zip archive states"),
       "a wrong CRC, stored");

    entry.method = 8;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", "does not have the CRC that the zip archive states"),
       "a wrong CRC, deflated");

    entry.crc_lie = 0;
    entry.size_lie = -1;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", "does not have the size that the zip archive states"),
       "more than announced, deflated");

    entry.size_lie = 1;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", "does not have the size that the zip archive states"),
       "less than announced, deflated");

    entry.method = 0;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", two_sizes), "less than announced, stored");

    entry.size_lie = -1;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", two_sizes), "more than announced, stored");

    entry.size_lie = 0;
    entry.method = 8;
    entry.packed_lie = -3;
    ok(check_with(&entry) == LU_INVALID && error.text,
       "deflated data without an end");

    entry.packed_lie = 1000;
    entry.size_lie = 1000;
    entry.method = 0;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", "goes beyond the directory of the zip archive"),
       "stored data behind the end of the file");

    memset(&entry, 0, sizeof(entry_t));
    entry.name = "a.js";
    entry.crc_lie = 1;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", "does not have the CRC that the zip archive states"),
       "a wrong CRC of nothing");

    entry.crc_lie = 0;
    entry.size_lie = 1;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", two_sizes), "a wrong size of nothing");

    entry.method = 8;
    ok(check_with(&entry) == LU_INVALID
       && said("a.js", "does not have the size that the zip archive states"),
       "a wrong size of nothing, deflated");
}


static void
test_damage(void)
{
    size_t          i, good;
    bytes_t         bytes, part;
    static entry_t  entries[] = {
        { .name = "index.html", .data = "<html></html>", .len = 13,
          .method = 8 },
        { .name = "a.js", .data = "let a", .len = 5 }
    };

    bytes = archive(entries, 2);
    good = 0;

    for (i = 0; i < bytes.len; i++) {
        part.data = malloc(i + 1);
        part.len = i;
        memcpy(part.data, bytes.data, i);

        if (check_bytes(&part, LIMIT) != LU_INVALID || !error.text) {
            good++;
        }

        free(part.data);
    }

    ok(good == 0, "no part of an archive is an archive (%zu)", good);

    part.data = bytes.data;
    part.len = 0;
    ok(check_bytes(&part, LIMIT) == LU_INVALID
       && said(NULL, "the file is not a zip archive"), "an empty file");

    part.len = bytes.len - 22;
    ok(check_bytes(&part, LIMIT) == LU_INVALID
       && said(NULL, "the file is not a zip archive"), "no end record");

    /* the deflated data but its first byte and its end, and "let a" */

    good = 0;

    for (i = 41; i < 50; i++) {
        bytes.data[i] ^= 1;
        good += check_bytes(&bytes, LIMIT) != LU_INVALID;
        bytes.data[i] ^= 1;
    }

    for (i = 0; i < 5; i++) {
        bytes.data[bytes.len - 22 - 106 - 5 + i] ^= 0x80;
        good += check_bytes(&bytes, LIMIT) != LU_INVALID;
        bytes.data[bytes.len - 22 - 106 - 5 + i] ^= 0x80;
    }

    ok(good == 0, "a flipped bit shows (%zu)", good);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "flipped back");

    free(bytes.data);
}


/* The last end record says something else. */

static void
test_directory(void)
{
    size_t          size, packed;
    bytes_t         bytes, inner;
    unsigned char   again[150];
    static entry_t  entries[] = {
        { .name = "index.html" }, { .name = "a" }, { .name = "b" }
    };
    static entry_t  outer[] = {
        { .name = "index.html" }, { .name = "inner.zip" }
    };

    inner = archive(entries, 3);
    outer[1].data = (char *) inner.data;
    outer[1].len = inner.len;
    bytes = archive(outer, 2);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "an archive in an archive");
    free(bytes.data);
    free(inner.data);

    bytes = archive(entries, 3);
    size = bytes.len - 22;

    /* three entries of 46 bytes and their names, at the end */

    put_end(&bytes, 2, 46 + 10 + 46 + 1, size - 3 * 46 - 12);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has two directories that differ"),
       "two directories");

    bytes.data[bytes.len - 2] = 1;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has no end, or its comment has none"),
       "a comment that ends behind the file");

    bytes.len--;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has no end, or its comment has none"),
       "an end record that is cut short");

    bytes.len++;
    bytes.data[bytes.len - 2] = 0;
    bytes.data[bytes.len - 18] = 1;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the file is one part of a split zip archive"),
       "the last part of several");

    put_end(&bytes, 0, 0, 0);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive is empty"), "an empty directory");

    put_end(&bytes, 60000, 150, size - 150);
    tap_left = 1;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive is damaged"),
       "no memory for more entries than there can be");
    tap_left = -1;

    put_end(&bytes, 3, 150, bytes.len + 23);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive is damaged"),
       "a directory behind the end");

    put_end(&bytes, 3, 200, bytes.len - 100);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive is damaged"),
       "a directory that goes beyond the end");

    put_end(&bytes, 3, 20000000, 0);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive is too large"),
       "a directory of 20 million bytes");

    bytes.len = size;
    put_end(&bytes, 3, 150, size - 150);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "the right one");

    bytes.len = size;
    memcpy(again, bytes.data + size - 150, 150);
    put_end(&bytes, 2, 46 + 10 + 46 + 1, size - 150);
    put(&bytes, again, 150);
    put_end(&bytes, 3, 150, size + 22);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has two directories that differ"),
       "another directory with less in it, in front");

    bytes.len = size;
    put(&bytes, "gap", 3);
    put_end(&bytes, 3, 150, size - 150);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive does not end where its"
                     " end record begins"),
       "a gap in front of the end record");

    bytes.data[size - 47 + 30] = 1;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive is damaged"),
       "an entry that goes beyond the directory");

    bytes.data[size - 47 + 30] = 0;
    bytes.data[size - 47 + 28] = 200;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive is damaged"),
       "a name that goes beyond the directory");

    bytes.data[size - 47 + 28] = 1;
    bytes.data[size - 47] = 'Q';
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive is damaged"),
       "no entry where one should be");

    bytes.len = size;
    bytes.data[size - 47] = 'P';
    put_end(&bytes, 2, 150, size - 150);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has more entries than its end record"
                     " states: more than 65535 need zip64"),
       "an entry that is not counted");

    free(bytes.data);

    memset(&bytes, 0, sizeof(bytes_t));
    put_local(&bytes, &entries[0], &packed);
    put_central(&bytes, &entries[0], packed, 0);
    put_end(&bytes, 1, 56, bytes.len - 56);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "one of one entry");

    free(bytes.data);
}


static void
test_source(void)
{
    int             i, n, open, read;
    bytes_t         bytes;
    static entry_t  entries[] = {
        { .name = "index.html", .data = "<html></html>", .len = 13,
          .method = 8 },
        { .name = "a.js", .data = "let a", .len = 5 }
    };

    bytes = archive(entries, 2);

    ok(check_failing(&bytes, LIMIT, ZIP_SOURCE_STAT, 0) == LU_INVALID
       && said(NULL, "the file cannot be read"), "stat fails");

    ok(check_failing(&bytes, LIMIT, ZIP_SOURCE_STAT, 1) == LU_INVALID
       && error.text, "stat fails later");

    for (open = 0, i = 0; i < 10; i++) {
        open += check_failing(&bytes, LIMIT, ZIP_SOURCE_OPEN, i) == LU_INVALID;
    }

    ok(open >= 2 && open < 10, "open fails (%d)", open);

    for (read = 0, n = 0, i = 0; i < 50; i++) {
        if (check_failing(&bytes, LIMIT, ZIP_SOURCE_READ, i) == LU_INVALID) {
            read++;
            n += error.text != NULL;
        }
    }

    ok(read >= 4 && read < 50 && n == read, "read fails (%d)", read);

    for (read = 0, i = 0; i < 50; i++) {
        read += check_failing(&bytes, LIMIT, ZIP_SOURCE_SEEK, i) == LU_INVALID;
    }

    ok(read >= 4 && read < 50, "seek fails (%d)", read);

    for (read = 0, i = 0; i < 50; i++) {
        read += check_failing(&bytes, LIMIT, ZIP_SOURCE_TELL, i) == LU_INVALID;
    }

    ok(read >= 1 && read < 50, "tell fails (%d)", read);

    free(bytes.data);
}


static void
test_entries(void)
{
    size_t    i;
    bytes_t   bytes;
    entry_t  *entries;
    char     *names;

    entries = calloc(100001, sizeof(entry_t));
    names = malloc(100001 * 16);

    for (i = 0; i < 100001; i++) {
        entries[i].name = &names[i * 16];
        snprintf(&names[i * 16], 16, "d%zu/%zu", i % 100, i);
    }

    entries[77].name = "index.html";

    bytes = archive64(entries, 100000, 100000);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "100000 entries");
    free(bytes.data);

    bytes = archive(entries, 100000);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID && error.text,
       "100000 entries without zip64, of which readers see 34464");
    free(bytes.data);

    bytes = archive64(entries, 100001, 100001);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has too many entries")
       && feed.got < 70000,
       "100001 entries, refused before they are read");
    free(bytes.data);

    bytes = archive(entries, 100001);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has more entries than its end record"
                     " states: more than 65535 need zip64"),
       "100001 entries without zip64");
    free(bytes.data);

    bytes = archive64(entries, 2, (uint64_t) 1 << 40);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has too many entries"),
       "2^40 entries announced");
    free(bytes.data);

    /* what the end record says, and what the zip64 one does */

    bytes = archive64(entries + 77, 2, 2);
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "both end records are there");

    bytes.data[bytes.len - 12] = 0;
    bytes.data[bytes.len - 11] = 0;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has two end records that differ"),
       "without entries, to some readers");

    bytes.data[bytes.len - 12] = 2;
    ok(check_bytes(&bytes, LIMIT) == LU_OK, "the same in both");

    bytes.data[bytes.len - 22 - 20 - 56 + 4]++;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the zip64 end record of the zip archive is not in front"
                     " of its locator"),
       "a zip64 end record of another length");

    bytes.data[bytes.len - 22 - 20 - 56 + 4]--;
    bytes.data[bytes.len - 22 - 20 - 56 + 16] = 1;
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID
       && said(NULL, "the file is one part of a split zip archive"),
       "a part of several, by the zip64 end record");

    bytes.data[bytes.len - 22 - 20 - 56 + 16] = 0;

    /* the locator points elsewhere */

    memset(&bytes.data[bytes.len - 22 - 12], 0xff, 8);
    ok(check_bytes(&bytes, LIMIT) == LU_INVALID && error.text,
       "a zip64 end record behind the end");
    free(bytes.data);

    free(names);
    free(entries);
}


static void
test_bombs(void)
{
    size_t    i;
    char     *zeroes, *names;
    bytes_t   bytes, copy;
    entry_t  *entries;

    zeroes = calloc(1, 50000000);

    entries = calloc(2001, sizeof(entry_t));
    names = malloc(2001 * 16);

    entries[0].name = "index.html";
    entries[0].data = zeroes;
    entries[0].len = 50000000;
    entries[0].method = 8;

    ok(check(entries, 1, LIMIT) == LU_INVALID
       && said("index.html",
               "makes the contents of the zip archive too large")
       && feed.got < feed.len * 2 + 20000,
       "a bomb is not unpacked further than the limit");

    /* announced as a few bytes */

    entries[0].size_lie = 10 - 50000000;
    ok(check(entries, 1, LIMIT) == LU_INVALID
       && feed.got < feed.len * 2 + 20000,
       "a bomb that looks small");

    /* every entry has the same data, and stored data is easily much */

    entries[0].size_lie = 0;
    entries[0].len = 100000;
    entries[0].method = 0;

    for (i = 1; i < 2001; i++) {
        entries[i] = entries[0];
        entries[i].first = 1;
        entries[i].name = &names[i * 16];
        snprintf(&names[i * 16], 16, "%zu", i);
    }

    ok(check(entries, 2001, UINT64_MAX) == LU_INVALID
       && said("1", "has a different name in its local header")
       && feed.got < 2000000,
       "entries that share a local header");

    /* a header in the data of the one before, and data up to the end */

    bytes = nested(entries, 2001, 100000);
    ok(check_bytes(&bytes, UINT64_MAX) == LU_INVALID
       && error.text
       && strcmp(error.text, "overlaps other entries of the zip archive")
          == 0
       && feed.got < bytes.len * 6,
       "entries that share data");
    free(bytes.data);

    /* end records that share a directory too far off to be in the buffer */

    for (i = 0; i < 2001; i++) {
        entries[i].first = 0;
        entries[i].len = i ? 0 : 100000;
        entries[i].data = zeroes;
    }

    bytes = archive(entries, 2001);

    memset(&copy, 0, sizeof(bytes_t));
    put(&copy, bytes.data, bytes.len - 22);
    put(&copy, zeroes, 66000);

    for (i = 0; i < 60; i++) {
        put(&copy, bytes.data + bytes.len - 22, 22);
    }

    ok(check_bytes(&copy, LIMIT) == LU_INVALID
       && said(NULL, "the directory of the zip archive does not end where its"
               " end record begins")
       && feed.got < copy.len * 5,
       "end records that share a directory");

    for (i = 0; i < 5; i++) {
        put(&copy, bytes.data + bytes.len - 22, 22);
    }

    ok(check_bytes(&copy, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has too many end records"),
       "more end records");

    /* the same, but the first is taken, and the last is of another one */

    free(copy.data);
    free(bytes.data);

    bytes = archive(entries, 1001);

    memset(&copy, 0, sizeof(bytes_t));
    put(&copy, bytes.data, bytes.len - 22);
    put_central(&copy, &entries[0], 100000, 0);
    put(&copy, zeroes, 66000);
    put(&copy, bytes.data + bytes.len - 22, 22);
    put(&copy, bytes.data + bytes.len - 22, 22);
    put_end(&copy, 1, 56, bytes.len - 22);

    ok(check_bytes(&copy, LIMIT) == LU_INVALID
       && said(NULL, "the zip archive has two directories that differ"),
       "a directory that is larger than the one that was checked");

    free(copy.data);
    free(bytes.data);
    free(names);
    free(entries);
    free(zeroes);
}


static void
test_nomem(void)
{
    long     i;
    bytes_t  good, bad;
    lu_rc_e  rc;
    static entry_t    entries[] = {
        { .name = "index.html", .data = "<html>", .len = 6 },
        { .name = "a.js", .crc_lie = 1 }
    };

    good = archive(entries, 1);
    bad = archive(entries, 2);

    for (i = 0; /* void */ ; i++) {
        tap_left = i;
        rc = check_bytes(&good, LIMIT);

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(i == 4 && rc == LU_OK, "no memory for a good archive (%ld)", i);

    for (i = 0; /* void */ ; i++) {
        tap_left = i;
        rc = check_bytes(&bad, LIMIT);

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(i == 5 && rc == LU_INVALID
       && said("a.js", "does not have the CRC that the zip archive states"),
       "no memory for a bad one (%ld)", i);

    tap_left = -1;

    free(good.data);
    free(bad.data);
}


int
main(void)
{
    test_good();
    test_nested();
    test_index();
    test_names();
    test_unicode_extra();
    test_kinds();
    test_attributes();
    test_dot();
    test_root();
    test_local();
    test_zip64();
    test_manifest();
    test_lies();
    test_damage();
    test_directory();
    test_source();
    test_entries();
    test_bombs();
    test_nomem();

    tap_free();

    return tap_done();
}
