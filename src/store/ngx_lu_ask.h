
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Does a store answer?  For the process that reads the configuration, which has
 * no event loop, and must not hang in a file system that does.
 */


#ifndef _NGX_LU_ASK_H_INCLUDED_
#define _NGX_LU_ASK_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Looks at the folder in a thread.  NGX_OK: the file system has answered,
 * whatever it said; NGX_BUSY: it has not within 5 seconds, or an earlier thread
 * still waits for it; NGX_ERROR: there is no thread, or no memory.
 */

ngx_int_t ngx_lu_ask(ngx_str_t *path, ngx_log_t *log);


#endif /* _NGX_LU_ASK_H_INCLUDED_ */
