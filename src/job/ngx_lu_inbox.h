
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Events that no audit log has, and what people ask of the targets: the files
 * of notify/in/.
 */


#ifndef _NGX_LU_INBOX_H_INCLUDED_
#define _NGX_LU_INBOX_H_INCLUDED_


#include "ngx_lu_notify.h"


/*
 * The names of the files, ngx_str_t, sorted: in the order in which they were
 * written.  In the pool of io.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_inbox_list(ngx_lu_pass_t *pass, ngx_array_t *names);

/*
 * Takes some hundred of these files: an event goes into the journal once it is
 * true, and before younger ones of its app that are not written yet; what was
 * asked for is done.  The journal is written, and then a file is removed.
 * NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_inbox(ngx_lu_pass_t *pass, ngx_array_t *names);


#endif /* _NGX_LU_INBOX_H_INCLUDED_ */
