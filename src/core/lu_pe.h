
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Programs for Windows (Microsoft's "PE Format"): what of the file a signature
 * covers, and where the signatures are.
 */


#ifndef _LU_PE_H_INCLUDED_
#define _LU_PE_H_INCLUDED_


#include "lu_error.h"


/* All headers are in the first bytes of the file, as many as that. */

#define LU_PE_HEAD   16384

/* The certificate table, which has the signatures. */

#define LU_PE_TABLE  (256 * 1024)


/*
 * Offsets in the file.  No signature covers the checksum, the entry that leads
 * to the table, and the table itself, with which the file ends.
 */

typedef struct {
    uint64_t                 checksum;
    uint64_t                 entry;
    uint64_t                 table;
    size_t                   size;      /* bytes of the table */
} lu_pe_t;


/*
 * Reads the headers; the head is the beginning of a file of so many bytes: all
 * of it, or LU_PE_HEAD bytes.  LU_OK; LU_NOT_FOUND: it has no table; or
 * LU_INVALID with the reason: it is no program, it was cut off, its table is
 * larger than LU_PE_TABLE, or is not the end of the file.
 */

lu_rc_e lu_pe_parse(const lu_str_t *head, uint64_t size, lu_pe_t *pe,
    lu_error_t *err);

/*
 * How many bytes from the offset on, at least 1, are all covered by
 * signatures, or are all not; which of the two *is_covered says.
 */

uint64_t lu_pe_part(const lu_pe_t *pe, uint64_t offset, int *is_covered);

/*
 * Takes the next signature, in PKCS #7, out of the table.  The first call has
 * the whole table.  LU_OK, and "table" is what follows; LU_NOT_FOUND: there is
 * no other one; LU_INVALID with the reason.
 */

lu_rc_e lu_pe_signature(lu_str_t *table, lu_str_t *signature,
    lu_error_t *err);


#endif /* _LU_PE_H_INCLUDED_ */
