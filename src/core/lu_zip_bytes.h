
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Bytes of a zip archive: read from its source, and what they say.
 */


#ifndef _LU_ZIP_BYTES_H_INCLUDED_
#define _LU_ZIP_BYTES_H_INCLUDED_


#include "lu_str.h"

#include <zip.h>


/* 1, or 0 if the source has not so many bytes there, or cannot be read. */

int lu_zip_bytes_read(zip_source_t *source, uint64_t offset,
    unsigned char *buf, size_t len);

/* A number of up to 8 bytes, the lowest first. */

uint64_t lu_zip_bytes_le(const unsigned char *p, size_t len);

/*
 * The data of the first extra field of that id (APPNOTE.TXT, 4.5) in a list
 * of them, or NULL.
 */

const unsigned char *lu_zip_bytes_extra(const lu_str_t *list, unsigned id,
    size_t *len);


#endif /* _LU_ZIP_BYTES_H_INCLUDED_ */
