
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A multipart form (RFC 7578) with one file, which is read into a temporary
 * file, and fields.
 */


#ifndef _NGX_LU_FORM_H_INCLUDED_
#define _NGX_LU_FORM_H_INCLUDED_


#include "ngx_lu_call.h"

#include "store/ngx_lu_temp.h"

#include "core/lu_sha256.h"


enum {
    NGX_LU_FIELD_CHECKSUM = 0,
    NGX_LU_FIELD_HREF,
    NGX_LU_FIELD_TYPE,
    NGX_LU_FIELD_NAME,
    NGX_LU_FIELD_SIGNATURE,
    NGX_LU_FIELD_SIZE,
    NGX_LU_FIELD_PART,
    NGX_LU_FIELDS
};


struct ngx_lu_form_s {
    ngx_lu_call_t      *call;
    const char         *file_name;       /* of the file's field */
    ngx_lu_temp_t       temp;
    char                sha256[LU_SHA256_HEX + 1];
    lu_str_t            fields[NGX_LU_FIELDS];
    lu_str_t           *field;           /* that is being read */
    unsigned            has_file:1;
    unsigned            in_file:1;
    unsigned            failed:1;        /* the disk did */
};


/*
 * Reads the call's body, in its thread.  The field of that name is the file;
 * unknown fields are ignored.  The values of fields are terminated, and live as
 * long as the call.  A call that is run again has the form that was read.
 *
 * NGX_OK, and the form is to be discarded; a caller that takes the temporary
 * file over sets has_file to 0 before.  Or a status: 400, 422, 500, 507.
 */

ngx_int_t ngx_lu_form_read(ngx_lu_call_t *call, const char *file_name,
    ngx_lu_form_t **form);

/* Removes the file, unless the call is going to be run again. */

void ngx_lu_form_discard(ngx_lu_form_t *form);

/* Removes what is left of the form of a call, which is the data. */

void ngx_lu_form_drop(void *data);


#endif /* _NGX_LU_FORM_H_INCLUDED_ */
