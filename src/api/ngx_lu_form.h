
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

#include "core/lu_multipart.h"
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
    lu_multipart_t      multipart;
    ngx_lu_temp_t       temp;
    char                sha256[LU_SHA256_HEX + 1];
    lu_str_t            fields[NGX_LU_FIELDS];
    lu_str_t           *field;           /* that is being read */
    unsigned            begun:1;
    unsigned            complete:1;
    unsigned            has_file:1;
    unsigned            in_file:1;
    unsigned            failed:1;        /* the disk did */
};


/*
 * The body of the call is going to be a form: sets form, take() and drop().
 * The field of that name is the file; unknown fields are ignored.  NGX_OK, or
 * NGX_ERROR: no memory.
 */

ngx_int_t ngx_lu_form_expect(ngx_lu_call_t *call, const char *file_name);

/*
 * Reads what is left of the body, in the call's thread.  The values of fields
 * are terminated, and live as long as the call.  A call that is run again has
 * the form that was read.  A caller that takes the temporary file over sets
 * has_file to 0.  NGX_OK, or a status: 400, 422, 500, 507.
 */

ngx_int_t ngx_lu_form_read(ngx_lu_call_t *call);


#endif /* _NGX_LU_FORM_H_INCLUDED_ */
