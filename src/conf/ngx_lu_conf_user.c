
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_conf_user.h"

#include "core/lu_user.h"


static char *ngx_lu_conf_user_parameter(ngx_conf_t *cf,
    ngx_lu_user_conf_t *user, ngx_str_t *value);
static char *ngx_lu_conf_user_from(ngx_lu_user_conf_t *user, lu_str_t *from);
static char *ngx_lu_conf_user_compile(ngx_conf_t *cf,
    ngx_lu_user_conf_t *user, ngx_str_t *text, ngx_http_complex_value_t *value);
static char *ngx_lu_conf_user_check(ngx_conf_t *cf, ngx_lu_user_conf_t *user);
static char *ngx_lu_conf_user_named(ngx_conf_t *cf, ngx_lu_user_conf_t *user,
    ngx_str_t *variable);
static ngx_int_t ngx_lu_conf_user_peer(ngx_conf_t *cf);


/* Variables that a client sets as it likes, but for "http_". */

static ngx_str_t  ngx_lu_conf_user_clients[] = {
    ngx_string("arg_"),
    ngx_string("cookie_"),
    ngx_string("remote_user"),
    ngx_null_string
};


char *
ngx_lu_conf_user(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    char                *rv;
    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_lu_user_conf_t  *user;

    if (lucf->user != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        lucf->user = NULL;
        return NGX_CONF_OK;
    }

    user = ngx_pcalloc(cf->pool, sizeof(ngx_lu_user_conf_t));

    if (user == NULL
        || ngx_array_init(&user->from, cf->pool, 2, sizeof(lu_network_t))
           != NGX_OK
        || ngx_array_init(&user->headers, cf->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_script_variables_count(&value[1]) == 0) {
        return "requires a variable that has the name of the user, as in "
               "\"liveupdate_user $http_x_user roles=read from=127.0.0.1\"";
    }

    rv = ngx_lu_conf_user_compile(cf, user, &value[1], &user->name);

    for (i = 2; rv == NGX_CONF_OK && i < cf->args->nelts; i++) {
        rv = ngx_lu_conf_user_parameter(cf, user, &value[i]);

        if (rv != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
        }
    }

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_lu_conf_user_check(cf, user);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_lu_conf_user_named(cf, user, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    user->peer = ngx_lu_conf_user_peer(cf);

    lucf->user = user;

    return NGX_CONF_OK;
}


static char *
ngx_lu_conf_user_parameter(ngx_conf_t *cf, ngx_lu_user_conf_t *user,
    ngx_str_t *value)
{
    lu_str_t   from;
    ngx_str_t  text;

    if (ngx_strncmp(value->data, "from=", 5) == 0) {
        from.len = value->len - 5;
        from.data = value->data + 5;

        return ngx_lu_conf_user_from(user, &from);
    }

    if (ngx_strncmp(value->data, "roles=", 6) == 0
        && user->roles.value.data == NULL)
    {
        text.len = value->len - 6;
        text.data = value->data + 6;

        return ngx_lu_conf_user_compile(cf, user, &text, &user->roles);
    }

    if (ngx_strncmp(value->data, "apps=", 5) == 0 && user->apps == NULL) {
        text.len = value->len - 5;
        text.data = value->data + 5;

        user->apps = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
        if (user->apps == NULL) {
            return NGX_CONF_ERROR;
        }

        return ngx_lu_conf_user_compile(cf, user, &text, user->apps);
    }

    return NGX_CONF_ERROR;
}


static char *
ngx_lu_conf_user_from(ngx_lu_user_conf_t *user, lu_str_t *from)
{
    lu_network_t  *network;

    if (lu_str_is(from, "all")) {
        user->from_all = 1;
        return NGX_CONF_OK;
    }

    if (lu_str_is(from, "unix:")) {
        user->from_unix = 1;
        return NGX_CONF_OK;
    }

    network = ngx_array_push(&user->from);

    if (network == NULL || !lu_network_parse(from, network)) {
        return NGX_CONF_ERROR;
    }

    /* some write "all" so */

    if (network->bits == 0) {
        user->from_all = 1;
    }

    return NGX_CONF_OK;
}


static char *
ngx_lu_conf_user_compile(ngx_conf_t *cf, ngx_lu_user_conf_t *user,
    ngx_str_t *text, ngx_http_complex_value_t *value)
{
    ngx_http_compile_complex_value_t  ccv;

    if (text->len == 0) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


/* What has no variables is checked here, and not by each request. */

static char *
ngx_lu_conf_user_check(ngx_conf_t *cf, ngx_lu_user_conf_t *user)
{
    lu_str_t     roles, apps, name;
    lu_arena_t   arena;
    lu_error_t   err;
    lu_token_t   token;

    if (user->roles.value.data == NULL) {
        return "requires \"roles\", as in \"roles=approve\"";
    }

    if (user->from.nelts == 0 && !user->from_unix && !user->from_all) {
        return "requires \"from\", the address of the proxy that names users, "
               "or \"from=all\" if nginx itself has signed them in";
    }

    name = lu_str("user");
    roles = user->roles.lengths ? lu_str("read")
                                : ngx_lu_to_core(&user->roles.value);
    apps = (user->apps && user->apps->lengths == NULL)
           ? ngx_lu_to_core(&user->apps->value) : lu_str("*");

    arena = ngx_lu_arena(cf->pool);

    if (lu_user(&arena, &name, &roles, &apps, &token, &err) != LU_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"liveupdate_user\": \"%*s\" %s",
                           err.subject.len, err.subject.data, err.text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * The headers that an argument names are remembered.  Nobody is believed
 * everything: what clients choose must come from certain addresses.
 */

static char *
ngx_lu_conf_user_named(ngx_conf_t *cf, ngx_lu_user_conf_t *user,
    ngx_str_t *text)
{
    u_char      *p, *last;
    ngx_str_t    variable, *name, *known;
    ngx_uint_t   chosen;

    last = text->data + text->len;

    for (p = text->data; p < last; p = variable.data + variable.len) {

        p = ngx_strlchr(p, last, '$');
        if (p == NULL) {
            break;
        }

        p++;

        if (p < last && *p == '{') {
            p++;
        }

        variable.data = p;

        while (p < last
               && (lu_str_is_alnum(*p) || *p == '_'))
        {
            p++;
        }

        variable.len = p - variable.data;

        chosen = 0;

        for (known = ngx_lu_conf_user_clients; known->len; known++) {
            if (variable.len >= known->len
                && ngx_strncasecmp(variable.data, known->data, known->len)
                   == 0)
            {
                chosen = 1;
            }
        }

        if (variable.len > 5
            && ngx_strncasecmp(variable.data, (u_char *) "http_", 5) == 0)
        {
            chosen = 1;

            name = ngx_array_push(&user->headers);
            if (name == NULL) {
                return NGX_CONF_ERROR;
            }

            name->len = variable.len - 5;
            name->data = ngx_pnalloc(cf->pool, name->len);
            if (name->data == NULL) {
                return NGX_CONF_ERROR;
            }

            ngx_strlow(name->data, variable.data + 5, name->len);

            for (p = name->data; p < name->data + name->len; p++) {
                *p = (*p == '_') ? '-' : *p;
            }
        }

        if (chosen && user->from_all) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"liveupdate_user\" must not believe \"$%V\" "
                               "from all addresses, because each client can "
                               "choose it: put the address of the proxy into "
                               "\"from\"", &variable);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* nginx may have been built without the realip module. */

static ngx_int_t
ngx_lu_conf_user_peer(ngx_conf_t *cf)
{
    ngx_uint_t  i;

    static ngx_str_t  name = ngx_string("realip_remote_addr");

    for (i = 0; cf->cycle->modules[i]; i++) {
        if (ngx_strcmp(cf->cycle->modules[i]->name, "ngx_http_realip_module")
            == 0)
        {
            return ngx_http_get_variable_index(cf, &name);
        }
    }

    return NGX_ERROR;
}
