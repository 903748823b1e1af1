
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_mac.h"
#include "lu_zip_bytes.h"


/* Records (APPNOTE.TXT, 4.3.12 and 4.3.16), without what varies. */

#define LU_MAC_ENTRY     46
#define LU_MAC_END       22

#define LU_MAC_APP       ".app/Contents/"
#define LU_MAC_SIGNATURE "_CodeSignature/CodeResources"
#define LU_MAC_TICKET    "CodeResources"


static void lu_mac_name(const lu_str_t *name, lu_mac_t *mac);


lu_rc_e
lu_mac_find(const lu_str_t *tail, uint64_t size, uint64_t *offset,
    size_t *len, lu_error_t *err)
{
    size_t                i;
    uint64_t              end;
    const unsigned char  *p;

    for (i = LU_MAC_END; i <= tail->len; i++) {

        p = tail->data + tail->len - i;

        if (memcmp(p, "PK\5\6", 4) == 0
            && lu_zip_bytes_le(p + 20, 2) == i - LU_MAC_END)
        {
            break;
        }
    }

    if (i > tail->len) {
        return lu_error(err, NULL, "is not a zip archive, or not all of one");
    }

    p = tail->data + tail->len - i;
    end = size - i;

    *len = (size_t) lu_zip_bytes_le(p + 12, 4);
    *offset = lu_zip_bytes_le(p + 16, 4);

    if (*len > LU_MAC_DIRECTORY || *offset == 0xffffffff) {
        return lu_error(err, NULL, "has too large a directory");
    }

    if (*offset + *len > end) {
        return lu_error(err, NULL, "has a damaged directory");
    }

    return LU_OK;
}


lu_rc_e
lu_mac_read(const lu_str_t *directory, lu_mac_t *mac, lu_error_t *err)
{
    size_t                len;
    lu_str_t              left, name;
    const unsigned char  *p;

    memset(mac, 0, sizeof(lu_mac_t));

    for (left = *directory; left.len; left.data += len, left.len -= len) {

        p = left.data;

        if (left.len < LU_MAC_ENTRY || memcmp(p, "PK\1\2", 4) != 0) {
            return lu_error(err, NULL, "has a damaged directory");
        }

        name.len = (size_t) lu_zip_bytes_le(p + 28, 2);
        name.data = left.data + LU_MAC_ENTRY;

        len = LU_MAC_ENTRY + name.len + (size_t) lu_zip_bytes_le(p + 30, 2)
              + (size_t) lu_zip_bytes_le(p + 32, 2);

        if (len > left.len) {
            return lu_error(err, NULL, "has a damaged directory");
        }

        lu_mac_name(&name, mac);
    }

    return LU_OK;
}


/* Apps and frameworks inside of an app have signatures of their own. */

static void
lu_mac_name(const lu_str_t *name, lu_mac_t *mac)
{
    size_t    slash, start;
    lu_str_t  rest;

    slash = lu_str_find(name, 0, "/");
    start = lu_str_find(name, 0, LU_MAC_APP);

    if (start == name->len || slash < start) {
        return;
    }

    mac->is_app = 1;

    start += sizeof(LU_MAC_APP) - 1;

    rest.data = name->data + start;
    rest.len = name->len - start;

    if (lu_str_is(&rest, LU_MAC_SIGNATURE)) {
        mac->is_signed = 1;
    }

    if (lu_str_is(&rest, LU_MAC_TICKET)) {
        mac->has_ticket = 1;
    }
}
