
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_conf_tls.h"

#include "core/lu_certificate.h"


#if (NGX_HTTP_SSL)

#define NGX_LU_CONF_TLS_SIZE  65536     /* of a file, as far as it is read */


static ngx_int_t ngx_lu_conf_tls_server(ngx_conf_t *cf,
    ngx_lu_main_conf_t *lumcf, ngx_http_ssl_srv_conf_t *sscf);
static ngx_int_t ngx_lu_conf_tls_file(ngx_conf_t *cf,
    ngx_lu_main_conf_t *lumcf, ngx_str_t *path);
static ngx_int_t ngx_lu_conf_tls_end(ngx_conf_t *cf, ngx_str_t *path,
    u_char *buf, time_t *end);
static int ngx_libc_cdecl ngx_lu_conf_tls_cmp(const void *one,
    const void *two);


/* The module that is loaded: the symbol may be missing. */

ngx_int_t
ngx_lu_conf_tls(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf)
{
    ngx_uint_t                   i;
    ngx_module_t                *ssl;
    ngx_http_ssl_srv_conf_t     *sscf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;

    ssl = NULL;

    for (i = 0; cf->cycle->modules[i]; i++) {
        if (ngx_strcmp(cf->cycle->modules[i]->name, "ngx_http_ssl_module")
            == 0)
        {
            ssl = cf->cycle->modules[i];
        }
    }

    if (ssl == NULL) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        sscf = cscfp[i]->ctx->srv_conf[ssl->ctx_index];

        if (ngx_lu_conf_tls_server(cf, lumcf, sscf) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_qsort(lumcf->certificates.elts, lumcf->certificates.nelts,
              sizeof(ngx_lu_certificate_t), ngx_lu_conf_tls_cmp);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_conf_tls_server(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf,
    ngx_http_ssl_srv_conf_t *sscf)
{
    ngx_str_t   *path;
    ngx_uint_t   i;

    if (sscf->certificates == NULL
        || sscf->certificates == NGX_CONF_UNSET_PTR)
    {
        return NGX_OK;
    }

    path = sscf->certificates->elts;

    for (i = 0; i < sscf->certificates->nelts; i++) {

        if (ngx_lu_conf_tls_file(cf, lumcf, &path[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_conf_tls_file(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf,
    ngx_str_t *path)
{
    u_char                *buf;
    time_t                 end;
    ngx_int_t              rc;
    ngx_str_t              name;
    ngx_uint_t             i;
    ngx_lu_certificate_t  *known;

    if (ngx_strlchr(path->data, path->data + path->len, '$')
        || ngx_strncmp(path->data, "data:", 5) == 0
        || ngx_strncmp(path->data, "engine:", 7) == 0)
    {
        return NGX_OK;
    }

    name = *path;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    known = lumcf->certificates.elts;

    for (i = 0; i < lumcf->certificates.nelts; i++) {
        if (ngx_strcmp(known[i].path.data, name.data) == 0) {
            return NGX_OK;
        }
    }

    buf = ngx_alloc(NGX_LU_CONF_TLS_SIZE, cf->log);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_lu_conf_tls_end(cf, &name, buf, &end);

    ngx_free(buf);

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    known = ngx_array_push(&lumcf->certificates);
    if (known == NULL) {
        return NGX_ERROR;
    }

    known->path = name;
    known->end = end;

    return NGX_OK;
}


/* nginx has read the file: what is wrong with it, nginx has said. */

static ngx_int_t
ngx_lu_conf_tls_end(ngx_conf_t *cf, ngx_str_t *path, u_char *buf, time_t *end)
{
    ssize_t     n;
    lu_str_t    text;
    ngx_file_t  file;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *path;
    file.log = cf->log;

    file.fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    n = ngx_read_file(&file, buf, NGX_LU_CONF_TLS_SIZE, 0);

    (void) ngx_close_file(file.fd);

    if (n == NGX_ERROR) {
        return NGX_DECLINED;
    }

    text.data = buf;
    text.len = n;

    return lu_certificate_end(&text, end) == LU_OK ? NGX_OK : NGX_DECLINED;
}


static int ngx_libc_cdecl
ngx_lu_conf_tls_cmp(const void *one, const void *two)
{
    const ngx_lu_certificate_t  *first, *second;

    first = one;
    second = two;

    if (first->end != second->end) {
        return first->end < second->end ? -1 : 1;
    }

    return ngx_strcmp(first->path.data, second->path.data);
}

#else

ngx_int_t
ngx_lu_conf_tls(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf)
{
    return NGX_OK;
}

#endif
