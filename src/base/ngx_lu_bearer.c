
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bearer.h"


const lu_token_t *
ngx_lu_bearer(ngx_http_request_t *r, ngx_uint_t *presented)
{
    ngx_str_t          *value;
    lu_str_t            token;
    ngx_lu_loc_conf_t  *lucf;

    *presented = 0;

    if (r->headers_in.authorization == NULL) {
        return NULL;
    }

    *presented = NGX_LU_BEARER_OTHER;

    value = &r->headers_in.authorization->value;

    if (value->len < sizeof("Bearer ") - 1
        || ngx_strncasecmp(value->data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           != 0)
    {
        return NULL;
    }

    *presented = NGX_LU_BEARER;

    token.data = value->data + sizeof("Bearer ") - 1;
    token.len = value->len - (sizeof("Bearer ") - 1);

    while (token.len && token.data[0] == ' ') {
        token.data++;
        token.len--;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    return lu_token_find(lucf->tokens, lucf->ntokens, &token);
}
