
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_table.h"


static ngx_int_t ngx_lu_table_keep_str(lu_str_t *str, ngx_pool_t *pool);


ngx_int_t
ngx_lu_table_find(ngx_lu_table_page_t *page, const lu_table_t *table,
    ngx_lu_origin_t *origin, const lu_str_t *href)
{
    const lu_table_page_t  *found;

    found = lu_table_find(table, href);

    if (found == NULL) {
        return NGX_DECLINED;
    }

    page->origin = *origin;
    page->offset = found->offset;
    page->size = lu_table_page_size(table, found);
    page->href = found->href;

    if (found + 1 < table->pages + table->n) {
        page->next = found[1].href;

    } else {
        page->next = lu_str("");
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_table_keep(ngx_lu_table_page_t *page, ngx_pool_t *pool)
{
    if (ngx_lu_table_keep_str(&page->href, pool) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_table_keep_str(&page->next, pool);
}


static ngx_int_t
ngx_lu_table_keep_str(lu_str_t *str, ngx_pool_t *pool)
{
    u_char  *p;

    if (str->len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, str->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, str->data, str->len);
    str->data = p;

    return NGX_OK;
}


u_char *
ngx_lu_table_key(ngx_lu_table_page_t *page, u_char *p)
{
    uint64_t  key[NGX_LU_TABLE_KEY / sizeof(uint64_t)];

    key[0] = page->origin.uniq;
    key[1] = page->origin.changed.tv_sec;
    key[2] = page->origin.changed.tv_nsec;
    key[3] = page->offset;
    key[4] = page->size;

    return ngx_cpymem(p, key, NGX_LU_TABLE_KEY);
}
