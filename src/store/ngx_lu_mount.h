
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A look at what a store lies on, before anything is done with it.
 */


#ifndef _NGX_LU_MOUNT_H_INCLUDED_
#define _NGX_LU_MOUNT_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Looks at the file system of the store, or of the folder that the store will
 * lie in, sets store->device, is_remote and is_read_only, and warns about what
 * is known to be wrong there.  To be called when the configuration is read.
 *
 * NGX_OK; NGX_ERROR, logged: it has not answered for 5 seconds, or eight
 * earlier calls still hang; or root, who has to make the folders of the store,
 * may not write there.
 */

ngx_int_t ngx_lu_mount_look(ngx_conf_t *cf, ngx_lu_store_t *store);


#endif /* _NGX_LU_MOUNT_H_INCLUDED_ */
