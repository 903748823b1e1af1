
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_mac.c"


#define SIZE  1024


static unsigned char  bytes[SIZE];
static size_t         used;
static lu_error_t     error;


static void
put(uint64_t value, size_t n)
{
    while (n--) {
        bytes[used++] = (unsigned char) value;
        value >>= 8;
    }
}


static void
entry(const char *name, size_t extra, size_t comment)
{
    put(0x02014b50, 4);
    put(0, 24);
    put(strlen(name), 2);
    put(extra, 2);
    put(comment, 2);
    put(0, 12);

    memcpy(bytes + used, name, strlen(name));
    used += strlen(name);
    put(0, extra + comment);
}


static lu_rc_e
look(size_t len, lu_mac_t *mac)
{
    lu_str_t  directory;

    directory.data = bytes;
    directory.len = len;

    return lu_mac_read(&directory, mac, &error);
}


static void
name(const char *path, const char *expected)
{
    char      found[4];
    lu_mac_t  mac;

    used = 0;
    entry("Shop.txt", 3, 0);
    entry(path, 0, 5);

    ok(look(used, &mac) == LU_OK, "%s", path);

    found[0] = mac.is_app ? 'a' : '-';
    found[1] = mac.is_signed ? 's' : '-';
    found[2] = mac.has_ticket ? 't' : '-';
    found[3] = '\0';

    ok(strcmp(found, expected) == 0, "%s: %s", path, found);
}


static void
cut(void)
{
    size_t    len, whole;
    lu_mac_t  mac;

    used = 0;
    entry("Shop.app/Contents/Info.plist", 4, 4);
    whole = used;

    for (len = 1; len < whole; len++) {
        if (look(len, &mac) != LU_INVALID) {
            break;
        }
    }

    ok(len == whole && look(whole, &mac) == LU_OK, "cut off anywhere");
    ok(look(0, &mac) == LU_OK && !mac.is_app, "no entries");

    bytes[0] = 'Q';
    ok(look(whole, &mac) == LU_INVALID, "no entry");
}


static void
find(const char *what, uint64_t len, uint64_t offset, size_t comment,
    size_t behind, uint64_t size, lu_rc_e expected)
{
    size_t    n;
    lu_str_t  tail;
    uint64_t  at;

    used = 0;
    put(0, 100);
    put(0x06054b50, 4);
    put(0, 8);
    put(len, 4);
    put(offset, 4);
    put(comment, 2);
    put(0, behind);

    tail.data = bytes;
    tail.len = used;
    error.text = NULL;

    ok(lu_mac_find(&tail, size ? size : used, &at, &n, &error) == expected
       && (expected == LU_OK ? n == len && at == offset
                             : error.text != NULL),
       "%s", what);
}


int
main(void)
{
    size_t    n;
    lu_str_t  tail;
    uint64_t  at;

    name("Shop.app/Contents/Info.plist", "a--");
    name("Shop.app/Contents/_CodeSignature/CodeResources", "as-");
    name("Shop.app/Contents/CodeResources", "a-t");
    name("My Shop.app/Contents/CodeResources", "a-t");
    name("Shop.app/Contents/Resources/CodeResources", "a--");
    name("Shop.app/Contents/Frameworks/x.framework/_CodeSignature/"
         "CodeResources", "a--");
    name("Shop.app/Contents/Frameworks/Helper.app/Contents/_CodeSignature/"
         "CodeResources", "a--");
    name("dir/Shop.app/Contents/_CodeSignature/CodeResources", "---");
    name("Shop.app", "---");
    name("", "---");

    cut();

    find("a directory", 100, 0, 0, 0, 0, LU_OK);
    find("a comment", 100, 0, 7, 7, 0, LU_OK);
    find("a comment that is cut off", 100, 0, 8, 7, 0, LU_INVALID);
    find("bytes behind it", 100, 0, 0, 1, 0, LU_INVALID);
    find("a directory in the end record", 100, 1, 0, 0, 0, LU_INVALID);
    find("one far before", 5, 70000, 0, 0, 80000, LU_OK);
    find("one behind", 5, 80000, 0, 0, 80000, LU_INVALID);
    find("64 bits", 0xffffffff, 0xffffffff, 0, 0, 0, LU_INVALID);
    find("a large one", LU_MAC_DIRECTORY + 1, 0, 0, 0, 1 << 30, LU_INVALID);

    tail.data = bytes;
    tail.len = 21;

    ok(lu_mac_find(&tail, 21, &at, &n, &error) == LU_INVALID, "a short file");

    return tap_done();
}
