
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_everyone.h"


ngx_uint_t
ngx_lu_everyone(ngx_http_request_t *r)
{
    ngx_str_t           value;
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->everyone == NULL
        || ngx_http_complex_value(r, lucf->everyone, &value) != NGX_OK
        || value.len == 0)
    {
        return 0;
    }

    return value.len != 1 || value.data[0] != '0';
}
