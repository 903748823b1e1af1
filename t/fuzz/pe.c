
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Any bytes as a program, and as the certificate table of one.
 */


#include "fuzz.h"
#include "lu_signed.h"


static const char *
look(const lu_arena_t *arena, const lu_pe_t *pe, const lu_str_t *table,
    const lu_str_t *bytes, lu_authenticode_t *signatures, size_t *n)
{
    size_t                  half;
    lu_rc_e                 rc;
    lu_error_t              err;
    lu_authenticode_file_t  file;

    err.text = NULL;

    rc = lu_authenticode_parse(arena, table, signatures, n, &err);

    require(*n <= LU_AUTHENTICODE_MAX);
    require(rc == LU_OK || rc == LU_NOT_FOUND
            || (rc == LU_INVALID && err.text));

    if (rc == LU_OK) {
        require(*n > 0);
    }

    half = bytes->len / 2;

    require(lu_authenticode_begin(&file, pe, signatures, *n) == LU_OK);
    require(lu_authenticode_add(&file, bytes->data, half) == LU_OK);
    require(lu_authenticode_add(&file, bytes->data + half, bytes->len - half)
            == LU_OK);
    lu_authenticode_end(&file);

    return rc == LU_INVALID ? err.text : NULL;
}


static void
told(const lu_authenticode_t *signatures, size_t n, const char *reason)
{
    cJSON     *json, *list;
    lu_put_t   put;
    lu_str_t   href;

    href = fuzz_str("a.exe");
    json = cJSON_CreateObject();

    lu_put_init(&put);

    list = lu_put_array(&put, json, "signatures");

    lu_signed_put(&put, list, &href, 1, signatures, n, reason);
    lu_signed_invalid(&put, lu_put_array(&put, json, "warnings"), json,
                      "2026-01-01T00:00:00.000Z");

    require(!put.failed);

    cJSON_Delete(json);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t              n;
    lu_pe_t             pe;
    lu_str_t            bytes, head, table;
    lu_error_t          err;
    lu_arena_t          arena;
    const char         *reason;
    fuzz_block_t       *blocks;
    lu_authenticode_t   signatures[LU_AUTHENTICODE_MAX];

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    bytes = fuzz_copy(data, size);
    head = bytes;

    if (head.len > LU_PE_HEAD) {
        head.len = LU_PE_HEAD;
    }

    err.text = NULL;

    switch (lu_pe_parse(&head, size, &pe, &err)) {

    case LU_OK:
        require(pe.checksum + 4 <= pe.entry && pe.entry + 8 <= pe.table
                && pe.table + pe.size == size);

        table.data = bytes.data + pe.table;
        table.len = pe.size;

        reason = look(&arena, &pe, &table, &bytes, signatures, &n);
        told(signatures, reason ? 0 : n, reason);
        break;

    case LU_INVALID:
        require(err.text != NULL);

        memset(&pe, 0, sizeof(lu_pe_t));
        (void) look(&arena, &pe, &bytes, &bytes, signatures, &n);
        break;

    default:
        break;
    }

    fuzz_free(blocks);
    free(bytes.data);

    return 0;
}
