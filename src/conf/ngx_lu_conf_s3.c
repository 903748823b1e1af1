
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_conf.h"
#include "ngx_lu_conf_s3.h"

#include "write/ngx_lu_expects.h"
#include "api/ngx_lu_s3.h"


#define NGX_LU_CONF_S3_SIZE  ((off_t) 5 * 1024 * 1024 * 1024)


static char *ngx_lu_conf_s3_parameter(ngx_conf_t *cf, ngx_lu_s3_conf_t *s3,
    ngx_str_t *value);
static char *ngx_lu_conf_s3_expects(ngx_conf_t *cf, ngx_lu_s3_conf_t *s3,
    ngx_str_t *names);


char *
ngx_lu_conf_s3(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_lu_s3_conf_t          *s3;
    ngx_http_core_loc_conf_t  *clcf;

    if (lucf->s3) {
        return "is duplicate";
    }

    s3 = ngx_pcalloc(cf->pool, sizeof(ngx_lu_s3_conf_t));
    if (s3 == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    s3->path = value[1];
    s3->size = NGX_LU_CONF_S3_SIZE;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_lu_conf_s3_parameter(cf, s3, &value[i]) != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return ngx_lu_conf_second;
    }

    lucf->s3 = s3;

    clcf->handler = ngx_lu_s3_handler;

    return NGX_CONF_OK;
}


static char *
ngx_lu_conf_s3_parameter(ngx_conf_t *cf, ngx_lu_s3_conf_t *s3,
    ngx_str_t *value)
{
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "size=", 5) == 0) {
        s.len = value->len - 5;
        s.data = value->data + 5;

        s3->size = ngx_parse_offset(&s);

        return s3->size > 0 ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "expects=", 8) == 0 && s3->expects == NULL) {
        s.len = value->len - 8;
        s.data = value->data + 8;

        return ngx_lu_conf_s3_expects(cf, s3, &s);
    }

    return NGX_CONF_ERROR;
}


static char *
ngx_lu_conf_s3_expects(ngx_conf_t *cf, ngx_lu_s3_conf_t *s3,
    ngx_str_t *names)
{
    u_char    *p, *last, *comma;
    lu_str_t  *name;

    s3->expects = ngx_array_create(cf->pool, 4, sizeof(lu_str_t));
    if (s3->expects == NULL) {
        return NGX_CONF_ERROR;
    }

    last = names->data + names->len;

    for (p = names->data; /* void */ ; p = comma + 1) {

        comma = ngx_strlchr(p, last, ',');

        name = ngx_array_push(s3->expects);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        name->data = p;
        name->len = (comma ? comma : last) - p;

        if (!ngx_lu_expects_name_valid(name)
            || s3->expects->nelts > NGX_LU_EXPECTS_MAX)
        {
            return NGX_CONF_ERROR;
        }

        if (comma == NULL) {
            return NGX_CONF_OK;
        }
    }
}


char *
ngx_lu_conf_s3_keys(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf)
{
    size_t             i;
    ngx_str_t          name, text;
    lu_str_t           file;
    lu_rc_e            rc;
    lu_arena_t         arena;
    lu_error_t         err;
    ngx_lu_s3_conf_t  *s3;

    s3 = lucf->s3;
    name = s3->path;

    if (ngx_lu_conf_read(cf, &name, &text, " of \"liveupdate_publish_s3\"")
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    file = ngx_lu_to_core(&text);

    arena = ngx_lu_arena(cf->pool);

    rc = lu_key_parse(&arena, &file, lucf->tokens, lucf->ntokens, &s3->keys,
                      &s3->nkeys, &err);

    ngx_explicit_memzero(text.data, text.len);

    if (rc == LU_INVALID) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid key file \"%V\": line %*s %s",
                           &name, err.subject.len, err.subject.data, err.text);
        return NGX_CONF_ERROR;
    }

    if (rc != LU_OK) {
        return NGX_CONF_ERROR;
    }

    /* whoever takes a token back must not have to think of its keys */

    for (i = 0; i < s3->nkeys; i++) {
        if (s3->keys[i].token == NULL) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "the key \"%*s\" in \"%V\" is not accepted: "
                               "the token that it names does not exist",
                               s3->keys[i].access.len,
                               s3->keys[i].access.data, &name);
        }
    }

    return NGX_CONF_OK;
}
