
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * An entry of a zip archive as the plugins read it: Android's with zip4j,
 * those of iOS with ZIPFoundation.
 */


#ifndef _LU_ZIP_ENTRY_H_INCLUDED_
#define _LU_ZIP_ENTRY_H_INCLUDED_


#include "lu_error.h"

#include <zip.h>


#define LU_ZIP_ENTRY_SIZE  46       /* APPNOTE.TXT, section 4.3.12 */


typedef struct {
    const unsigned char  *header;   /* in the central directory */
    lu_str_t              name;     /* as it is there */
    lu_str_t              path;     /* of devices; a folder's ends in "/" */
    uint64_t              size;
    uint64_t              packed;
    uint64_t              offset;   /* of the local header */
    uint64_t              data;     /* offset, once it is compared */
    unsigned              zip64:1;  /* to ZIPFoundation */
} lu_zip_entry_t;


/*
 * Reads a header of the central directory, whose name, extra fields and
 * comment follow it.  The entry must have a name that lu_name_href_check()
 * accepts, after "./" in front and with "/" behind for a folder, and that
 * either is ASCII or is marked as UTF-8.  It must be a file or a folder by
 * its name and by its attributes, one that its owner may read, and write if
 * it is a folder; not encrypted, not split, and stored or deflated.  LU_OK,
 * or LU_INVALID with the reason and the name as the subject.
 */

lu_rc_e lu_zip_entry_read(lu_zip_entry_t *entry, const unsigned char *header,
    lu_error_t *err);

/*
 * Compares the entry with its local header, and with its data descriptor if
 * it has one: each reader on the devices trusts another one of the three.  Its
 * data must end before that offset.
 * LU_OK, or LU_INVALID with the reason and the name as the subject.
 */

lu_rc_e lu_zip_entry_compare(lu_zip_entry_t *entry, zip_source_t *source,
    uint64_t end, lu_error_t *err);

int lu_zip_entry_is_folder(const lu_zip_entry_t *entry);


#endif /* _LU_ZIP_ENTRY_H_INCLUDED_ */
