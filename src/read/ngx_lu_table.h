
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A page of a large file table.
 */


#ifndef _NGX_LU_TABLE_H_INCLUDED_
#define _NGX_LU_TABLE_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_table.h"


#define NGX_LU_TABLE_KEY  40


/* The file on the disk that a copy was made from. */

typedef struct {
    ngx_file_uniq_t       uniq;
    struct timespec       changed;
} ngx_lu_origin_t;


struct ngx_lu_table_page_s {
    ngx_lu_origin_t       origin;       /* the files.json */
    size_t                offset;
    size_t                size;
    lu_str_t              href;         /* of its first file */
    lu_str_t              next;         /* of the next page; or empty */
};


/*
 * Finds the page that has the file, if the table has it.  NGX_OK, or
 * NGX_DECLINED: the table has no such file.  The page points into the table.
 */

ngx_int_t ngx_lu_table_find(ngx_lu_table_page_t *page, const lu_table_t *table,
    ngx_lu_origin_t *origin, const lu_str_t *href);

/* Makes the page independent of its table.  NGX_OK or NGX_ERROR: no memory. */

ngx_int_t ngx_lu_table_keep(ngx_lu_table_page_t *page, ngx_pool_t *pool);

/*
 * Writes NGX_LU_TABLE_KEY bytes that name the page among those of all versions
 * of the table, and returns the end of them.
 */

u_char *ngx_lu_table_key(ngx_lu_table_page_t *page, u_char *p);


#endif /* _NGX_LU_TABLE_H_INCLUDED_ */
