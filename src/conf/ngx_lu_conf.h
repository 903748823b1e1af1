
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The longer directives, and the files with secrets that they name.
 */


#ifndef _NGX_LU_CONF_H_INCLUDED_
#define _NGX_LU_CONF_H_INCLUDED_


#include "base/ngx_lu.h"


/*
 * The setters of liveupdate_base_url, liveupdate_threads, liveupdate_fetch,
 * liveupdate_webhook and liveupdate_github.
 */

char *ngx_lu_conf_base_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_lu_conf_threads(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_lu_conf_fetch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_lu_conf_webhook(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_lu_conf_github(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* What a setter returns if its location has a handler already. */

extern char  ngx_lu_conf_second[];

/*
 * For a merged location: read its token file, and set up the jobs of its store.
 * They return NGX_CONF_OK, or NGX_CONF_ERROR after they have logged why not.
 */

char *ngx_lu_conf_tokens(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf);
char *ngx_lu_conf_jobs(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf);

/*
 * Reads a file with secrets, of 1 MB at most, into the pool; *name becomes its
 * full name.  NGX_OK, or NGX_ERROR after it has logged why not: others may read
 * the file, for example.  "directive" is what the message says behind the name
 * of the file: "", or " of \"{directive}\"" where nginx tells no line.
 */

ngx_int_t ngx_lu_conf_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text,
    const char *directive);


#endif /* _NGX_LU_CONF_H_INCLUDED_ */
