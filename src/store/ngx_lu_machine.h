
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The name that this machine has in the stores.  What it writes before it has
 * a place lies in tmp/{machine}/, which no other machine touches; a lock in
 * there keeps the name for as long as nginx lives.
 */


#ifndef _NGX_LU_MACHINE_H_INCLUDED_
#define _NGX_LU_MACHINE_H_INCLUDED_


#include "ngx_lu_io.h"


/*
 * Checks the name that liveupdate_machine sets, or sets it to the host name,
 * with "-" for each character that no name has.  To be called when the main
 * configuration was read.  NGX_CONF_OK, or NGX_CONF_ERROR, logged.
 */

char *ngx_lu_machine_init(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf);

/*
 * Gives each store the path of the machine's folder, and moves nginx's own
 * temporary folders that lie in tmp/ of a store into it.  To be called when
 * all of the configuration was read; nginx then creates the folders.  NGX_OK,
 * or NGX_ERROR: no memory.
 */

ngx_int_t ngx_lu_machine_paths(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf);

/*
 * Takes the name in each store that is there, before any worker runs.  A lock
 * that this process has, or has from the one that upgrades its binary, stays,
 * unless its file is another one now, as after a remount: then that is locked.
 * At a start, or after a remount, it waits for a while for one that was just
 * stopped, or has crashed.  NGX_OK, or NGX_ERROR, logged: another nginx has the
 * name, or the file system hangs.
 *
 * Workers inherit the locks, so that these end with the last of them.
 */

ngx_int_t ngx_lu_machine_lock(ngx_cycle_t *cycle, ngx_lu_main_conf_t *lumcf);

/*
 * Gives up the names that this configuration, which may be NULL, does not use;
 * old workers keep theirs until they end.
 */

void ngx_lu_machine_release(ngx_lu_main_conf_t *lumcf);

/*
 * Removes what an earlier run of this machine has left in tmp/ of the store.
 * To be called at start, when the name was taken.  NGX_OK, or NGX_ERROR,
 * logged.
 */

ngx_int_t ngx_lu_machine_clean(ngx_lu_store_t *store, ngx_cycle_t *cycle);

/*
 * Returns the process that made a name in the folder of a machine,
 * "{process}.{...}", or 0 if it is none of those.
 */

ngx_pid_t ngx_lu_machine_pid(const ngx_str_t *name);


#endif /* _NGX_LU_MACHINE_H_INCLUDED_ */
