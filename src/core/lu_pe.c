
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_pe.h"


/* The MS-DOS header, and in it the offset of the others. */

#define LU_PE_DOS          64
#define LU_PE_OFFSET       60

/* "PE\0\0" and the header of COFF, then the optional one. */

#define LU_PE_COFF         24
#define LU_PE_OPTIONAL     20       /* its size, in that of COFF */
#define LU_PE_CHECKSUM     64       /* the rest is relative to it */

#define LU_PE_MAGIC_32     0x10b
#define LU_PE_MAGIC_64     0x20b

/* The directories behind it, of which the fifth is that of the table. */

#define LU_PE_DIRECTORY    8
#define LU_PE_SECURITY     4

/* Of an entry in the table. */

#define LU_PE_ENTRY        8
#define LU_PE_PKCS         2        /* WIN_CERT_TYPE_PKCS_SIGNED_DATA */


static lu_rc_e lu_pe_table(const unsigned char *entry, uint64_t size,
    lu_pe_t *pe, lu_error_t *err);
static size_t lu_pe_uint16(const unsigned char *p);
static size_t lu_pe_uint32(const unsigned char *p);


lu_rc_e
lu_pe_parse(const lu_str_t *head, uint64_t size, lu_pe_t *pe, lu_error_t *err)
{
    size_t  start, optional, directories, magic;

    if (head->len < LU_PE_DOS || memcmp(head->data, "MZ", 2) != 0) {
        return lu_error(err, NULL, "is not a program for Windows");
    }

    start = lu_pe_uint32(head->data + LU_PE_OFFSET);

    if (start > head->len || head->len - start < LU_PE_COFF
        || memcmp(head->data + start, "PE\0\0", 4) != 0)
    {
        return lu_error(err, NULL, "is not a program for Windows");
    }

    optional = lu_pe_uint16(head->data + start + LU_PE_OPTIONAL);

    start += LU_PE_COFF;

    if (optional > head->len - start) {
        return lu_error(err, NULL, "ends in its headers");
    }

    if (optional < LU_PE_CHECKSUM + 4) {
        return lu_error(err, NULL, "has too short a header");
    }

    magic = lu_pe_uint16(head->data + start);

    if (magic != LU_PE_MAGIC_32 && magic != LU_PE_MAGIC_64) {
        return lu_error(err, NULL, "is neither a 32-bit nor a 64-bit program");
    }

    directories = (magic == LU_PE_MAGIC_32) ? 96 : 112;

    pe->checksum = start + LU_PE_CHECKSUM;
    pe->entry = start + directories + LU_PE_SECURITY * LU_PE_DIRECTORY;

    if (optional < directories + (LU_PE_SECURITY + 1) * LU_PE_DIRECTORY
        || lu_pe_uint32(head->data + start + directories - 4)
           <= LU_PE_SECURITY)
    {
        return LU_NOT_FOUND;
    }

    return lu_pe_table(head->data + pe->entry, size, pe, err);
}


static lu_rc_e
lu_pe_table(const unsigned char *entry, uint64_t size, lu_pe_t *pe,
    lu_error_t *err)
{
    pe->table = lu_pe_uint32(entry);
    pe->size = lu_pe_uint32(entry + 4);

    if (pe->table == 0 && pe->size == 0) {
        return LU_NOT_FOUND;
    }

    if (pe->table < pe->entry + LU_PE_DIRECTORY) {
        return lu_error(err, NULL, "has its signatures in its headers");
    }

    if (pe->table + pe->size > size) {
        return lu_error(err, NULL, "ends before its signatures do");
    }

    /* Windows covers what follows, and hardly anybody else does */

    if (pe->table + pe->size < size) {
        return lu_error(err, NULL, "has bytes behind its signatures");
    }

    if (pe->size > LU_PE_TABLE) {
        return lu_error(err, NULL, "has more than 256 KB of signatures");
    }

    return LU_OK;
}


uint64_t
lu_pe_part(const lu_pe_t *pe, uint64_t offset, int *is_covered)
{
    uint64_t  end;

    *is_covered = 1;

    if (offset < pe->checksum) {
        return pe->checksum - offset;
    }

    end = pe->checksum + 4;

    if (offset < end) {
        *is_covered = 0;
        return end - offset;
    }

    if (offset < pe->entry) {
        return pe->entry - offset;
    }

    end = pe->entry + LU_PE_DIRECTORY;

    if (offset < end) {
        *is_covered = 0;
        return end - offset;
    }

    if (offset < pe->table) {
        return pe->table - offset;
    }

    *is_covered = 0;

    return UINT64_MAX - offset;
}


lu_rc_e
lu_pe_signature(lu_str_t *table, lu_str_t *signature, lu_error_t *err)
{
    size_t  len, padded, type;

    while (table->len) {

        if (table->len < LU_PE_ENTRY) {
            return lu_error(err, NULL, "has a damaged table of signatures");
        }

        len = lu_pe_uint32(table->data);
        type = lu_pe_uint16(table->data + 6);

        if (len < LU_PE_ENTRY || len > table->len) {
            return lu_error(err, NULL, "has a damaged table of signatures");
        }

        signature->data = table->data + LU_PE_ENTRY;
        signature->len = len - LU_PE_ENTRY;

        /* the last one may lack its padding */

        padded = (len + 7) & ~(size_t) 7;

        if (padded > table->len) {
            padded = table->len;
        }

        table->data += padded;
        table->len -= padded;

        if (type == LU_PE_PKCS) {
            return LU_OK;
        }
    }

    return LU_NOT_FOUND;
}


static size_t
lu_pe_uint16(const unsigned char *p)
{
    return (size_t) p[0] | (size_t) p[1] << 8;
}


static size_t
lu_pe_uint32(const unsigned char *p)
{
    return lu_pe_uint16(p) | lu_pe_uint16(p + 2) << 16;
}
