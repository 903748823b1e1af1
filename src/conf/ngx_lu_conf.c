
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The longer directives, and the files with secrets that they name.
 */


#include "ngx_lu_conf.h"
#include "ngx_lu_advice.h"

#include "base/ngx_lu_url.h"
#include "job/ngx_lu_job.h"
#include "api/ngx_lu_webhook.h"

#include "core/lu_name.h"


#define NGX_LU_FETCH_FILES  2000
#define NGX_LU_FETCH_SIZE   ((off_t) 20 * 1024 * 1024 * 1024)
#define NGX_LU_FETCH_RETRY  5000
#define NGX_LU_FETCH_TRIES  100


static ngx_uint_t ngx_lu_conf_has_scheme(ngx_str_t *url, const char *scheme);
static char *ngx_lu_conf_fetch_parameter(ngx_lu_fetch_conf_t *fetch,
    ngx_str_t *value);
static ngx_uint_t ngx_lu_conf_is_plain(ngx_str_t *name);
static char *ngx_lu_conf_headers(ngx_conf_t *cf, ngx_lu_github_conf_t *github,
    ngx_str_t *name);
static ngx_int_t ngx_lu_conf_secret(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *secret);


char  ngx_lu_conf_second[] =
    "conflicts with a directive before it that answers requests, "
    "use a location for each";


char *
ngx_lu_conf_base_url(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    char       *rv;
    ngx_str_t  *value, *base;

    rv = ngx_http_set_complex_value_slot(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    if (value[1].len
        && !ngx_lu_conf_has_scheme(&value[1], "https://")
        && !ngx_lu_conf_has_scheme(&value[1], "http://"))
    {
        return "must begin with \"https://\" or \"http://\", as in "
               "\"https://updates.example.com\"";
    }

    if (lucf->base_url->lengths) {
        return NGX_CONF_OK;
    }

    base = &lucf->base_url->value;

    if (!ngx_lu_url_valid(base)) {
        return "has a character that cannot stand in the base of a URL: "
               "a space, a quote, \"\\\", \"#\", \"<\", \">\", \"?\", or one "
               "that is not printable ASCII";
    }

    while (base->len && base->data[base->len - 1] == '/') {
        base->len--;
    }

    return NGX_CONF_OK;
}


/* A variable may have the rest of the scheme. */

static ngx_uint_t
ngx_lu_conf_has_scheme(ngx_str_t *url, const char *scheme)
{
    size_t  i, len;

    len = ngx_strlen(scheme);

    for (i = 0; i < url->len && i < len; i++) {
        if (url->data[i] == '$') {
            return 1;
        }

        if (url->data[i] != (u_char) scheme[i]) {
            return 0;
        }
    }

    return url->len > len && url->data[len] != '/';
}


/* nginx tells the line of a pool that is unknown: that of the directive. */

char *
ngx_lu_conf_threads(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_str_t  *value;

    if (lucf->threads_name.data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    lucf->threads_name = value[1];

    if (ngx_strcmp(value[1].data, "default") != 0
        && ngx_thread_pool_get(cf->cycle, &value[1]) == NULL)
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"liveupdate_threads\" names a thread pool that "
                           "is not defined yet, put \"thread_pool %V "
                           "threads=16\" before \"http\"", &value[1]);
    }

    return ngx_thread_pool_add(cf, &value[1]) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_lu_conf_fetch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    char                 *rv;
    ngx_str_t            *value;
    ngx_uint_t            i;
    ngx_lu_fetch_conf_t  *fetch;

    if (lucf->fetch) {
        return "is duplicate";
    }

    fetch = ngx_palloc(cf->pool, sizeof(ngx_lu_fetch_conf_t));
    if (fetch == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    fetch->uri = value[1];
    fetch->files = NGX_LU_FETCH_FILES;
    fetch->size = NGX_LU_FETCH_SIZE;
    fetch->retry = NGX_LU_FETCH_RETRY;
    fetch->tries = NGX_LU_FETCH_TRIES;

    if (fetch->uri.len < 2
        || fetch->uri.data[0] != '/'
        || fetch->uri.data[fetch->uri.len - 1] != '/')
    {
        return "requires a URI that begins and ends with \"/\"";
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_lu_conf_fetch_parameter(fetch, &value[i]);

        if (rv != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    lucf->fetch = fetch;

    return NGX_CONF_OK;
}


static char *
ngx_lu_conf_fetch_parameter(ngx_lu_fetch_conf_t *fetch, ngx_str_t *value)
{
    ngx_int_t  n;
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "files=", 6) == 0) {
        n = ngx_atoi(value->data + 6, value->len - 6);
        fetch->files = n;

        return n > 0 ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "tries=", 6) == 0) {
        n = ngx_atoi(value->data + 6, value->len - 6);
        fetch->tries = n;

        return n > 0 ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "size=", 5) == 0) {
        s.len = value->len - 5;
        s.data = value->data + 5;

        fetch->size = ngx_parse_offset(&s);

        return fetch->size > 0 ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "retry=", 6) == 0) {
        s.len = value->len - 6;
        s.data = value->data + 6;

        n = ngx_parse_time(&s, 0);
        fetch->retry = (ngx_msec_t) n;

        return n > 0 ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    return NGX_CONF_ERROR;
}


char *
ngx_lu_conf_webhook(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_str_t                 *value, *app, name, text;
    ngx_uint_t                 i;
    lu_str_t                   id, *secret;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_lu_webhook_conf_t     *webhook;

    if (lucf->webhook) {
        return "is duplicate";
    }

    value = cf->args->elts;

    webhook = ngx_pcalloc(cf->pool, sizeof(ngx_lu_webhook_conf_t));

    if (webhook == NULL
        || ngx_array_init(&webhook->secrets, cf->pool, 2,
                          sizeof(lu_str_t))
           != NGX_OK
        || ngx_array_init(&webhook->apps, cf->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "github") == 0) {
        webhook->is_github = 1;

    } else if (ngx_strcmp(value[1].data, "todesktop") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid webhook \"%V\", it must be "
                           "\"todesktop\" or \"github\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "secret=", 7) == 0) {
            name.len = value[i].len - 7;
            name.data = value[i].data + 7;

            secret = ngx_array_push(&webhook->secrets);

            if (secret == NULL
                || ngx_lu_conf_secret(cf, &name, &text) != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            *secret = ngx_lu_to_core(&text);

            continue;
        }

        if (ngx_strncmp(value[i].data, "app=", 4) == 0 && !webhook->is_github)
        {
            id.len = value[i].len - 4;
            id.data = value[i].data + 4;

            if (!lu_name_id_valid(&id)) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid app id in \"%V\"", &value[i]);
                return NGX_CONF_ERROR;
            }

            app = ngx_array_push(&webhook->apps);
            if (app == NULL) {
                return NGX_CONF_ERROR;
            }

            *app = ngx_lu_from_core(&id);

            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    if (webhook->secrets.nelts == 0) {
        return "requires a \"secret\" parameter";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return ngx_lu_conf_second;
    }

    lucf->webhook = webhook;

    clcf->handler = ngx_lu_webhook_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_lu_conf_secret(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *secret)
{
    if (ngx_lu_conf_read(cf, name, secret, "") != NGX_OK) {
        return NGX_ERROR;
    }

    /* editors add a newline */

    while (secret->len
           && (secret->data[secret->len - 1] == LF
               || secret->data[secret->len - 1] == CR))
    {
        secret->len--;
    }

    if (secret->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" contains no secret", name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_lu_conf_github(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    u_char                *slash;
    ngx_str_t             *value, token;
    ngx_uint_t             i;
    ngx_lu_github_conf_t  *github;

    if (lucf->github) {
        return "is duplicate";
    }

    github = ngx_pcalloc(cf->pool, sizeof(ngx_lu_github_conf_t));
    if (github == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&github->api, "https://api.github.com");
    ngx_str_set(&github->uri, "/github/");
    ngx_str_null(&token);

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "repo=", 5) == 0) {
            github->repo.len = value[i].len - 5;
            github->repo.data = value[i].data + 5;

        } else if (ngx_strncmp(value[i].data, "token=", 6) == 0) {
            token.len = value[i].len - 6;
            token.data = value[i].data + 6;

        } else if (ngx_strncmp(value[i].data, "api=", 4) == 0) {
            github->api.len = value[i].len - 4;
            github->api.data = value[i].data + 4;

        } else if (ngx_strncmp(value[i].data, "base=", 5) == 0) {
            github->base.len = value[i].len - 5;
            github->base.data = value[i].data + 5;

        } else if (ngx_strncmp(value[i].data, "uri=/", 5) == 0) {
            github->uri.len = value[i].len - 4;
            github->uri.data = value[i].data + 4;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    slash = ngx_strlchr(github->repo.data,
                        github->repo.data + github->repo.len, '/');

    if (slash == NULL
        || slash == github->repo.data
        || slash == github->repo.data + github->repo.len - 1
        || ngx_strlchr(slash + 1, github->repo.data + github->repo.len, '/')
        || !ngx_lu_conf_is_plain(&github->repo)
        || !ngx_lu_conf_is_plain(&github->base))
    {
        return "requires \"repo=owner/name\"; \"repo\" and \"base\" may have "
               "letters, digits, \"-\", \"_\", \".\" and \"/\"";
    }

    while (github->api.len && github->api.data[github->api.len - 1] == '/') {
        github->api.len--;
    }

    if (ngx_strncmp(github->api.data, "http://", 7) != 0
        && ngx_strncmp(github->api.data, "https://", 8) != 0)
    {
        return "requires an \"api\" that begins with \"https://\" or "
               "\"http://\"";
    }

    if (token.len == 0) {
        return "requires a \"token\" parameter";
    }

    if (ngx_lu_conf_headers(cf, github, &token) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    lucf->github = github;

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_lu_conf_is_plain(ngx_str_t *name)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '-' || c == '_' || c == '.' || c == '/'))
        {
            return 0;
        }
    }

    return 1;
}


static char *
ngx_lu_conf_headers(ngx_conf_t *cf, ngx_lu_github_conf_t *github,
    ngx_str_t *name)
{
    u_char        *p;
    size_t         i;
    ngx_str_t      token;
    ngx_keyval_t  *header;

    if (ngx_lu_conf_secret(cf, name, &token) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /* the token is sent in a header */

    for (i = 0; i < token.len; i++) {
        if (token.data[i] <= ' ' || token.data[i] >= 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid token in file \"%V\", it must be one "
                               "word", name);
            return NGX_CONF_ERROR;
        }
    }

    header = ngx_pcalloc(cf->pool, 6 * sizeof(ngx_keyval_t));
    p = ngx_pnalloc(cf->pool, sizeof("Bearer ") - 1 + token.len);

    if (header == NULL || p == NULL) {
        return NGX_CONF_ERROR;
    }

    github->headers = header;

    ngx_str_set(&header->key, "Authorization");
    header->value.data = p;
    header->value.len = ngx_sprintf(p, "Bearer %V", &token) - p;
    header++;

    ngx_str_set(&header->key, "Accept");
    ngx_str_set(&header->value, "application/vnd.github+json");
    header++;

    ngx_str_set(&header->key, "X-GitHub-Api-Version");
    ngx_str_set(&header->value, "2022-11-28");
    header++;

    ngx_str_set(&header->key, "Content-Type");
    ngx_str_set(&header->value, "application/json");
    header++;

    ngx_str_set(&header->key, "User-Agent");
    ngx_str_set(&header->value, "nginx-liveupdate");

    return NGX_CONF_OK;
}


/* Any worker may run a job of the store, whatever its location was. */

char *
ngx_lu_conf_jobs(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf)
{
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;
    ngx_lu_jobs_t             *jobs;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (lucf->fetch == NULL) {

        if (lucf->webhook == NULL
            && lucf->approval != NGX_LU_APPROVAL_GITHUB)
        {
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" in location \"%V\" "
                           "requires \"liveupdate_fetch\"",
                           lucf->webhook ? "liveupdate_webhook"
                                         : "liveupdate_approval github",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (lucf->github == NULL
        && (lucf->approval == NGX_LU_APPROVAL_GITHUB
            || (lucf->webhook && lucf->webhook->is_github)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "location \"%V\" requires \"liveupdate_github\"",
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    jobs = lucf->store->jobs;

    if (jobs) {

        if (lucf->github
            && jobs->github
            && (jobs->github->repo.len != lucf->github->repo.len
                || ngx_strncmp(jobs->github->repo.data,
                               lucf->github->repo.data,
                               lucf->github->repo.len)
                   != 0))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"liveupdate_github\" in location \"%V\" "
                               "must have the same \"repo\" as in other "
                               "locations with this \"liveupdate_store\": "
                               "another repository needs a store of its own",
                               &clcf->name);
            return NGX_CONF_ERROR;
        }

        if (jobs->approval != lucf->approval
            || jobs->fetch->uri.len != lucf->fetch->uri.len
            || ngx_strncmp(jobs->fetch->uri.data, lucf->fetch->uri.data,
                           lucf->fetch->uri.len)
               != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"liveupdate_fetch\" and "
                               "\"liveupdate_approval\" in location \"%V\" "
                               "must be the same as in other locations with "
                               "this \"liveupdate_store\"",
                               &clcf->name);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    jobs = ngx_pcalloc(cf->pool, sizeof(ngx_lu_jobs_t));
    if (jobs == NULL) {
        return NGX_CONF_ERROR;
    }

    jobs->store = lucf->store;
    jobs->fetch = lucf->fetch;
    jobs->conf_ctx = cscf->ctx;
    jobs->threads = lucf->threads;
    jobs->readers = lucf->readers;
    jobs->approval = lucf->approval;
    jobs->quota = lucf->quota;
    jobs->reserve = lucf->reserve;
    jobs->github = lucf->github;
    jobs->github_approves = (lucf->approval == NGX_LU_APPROVAL_GITHUB);

    lucf->store->jobs = jobs;

    lucf->store->fetch = ngx_lu_advice_jobs(cf, &jobs->fetch->uri,
                                            "liveupdate_fetch");

    if (lucf->store->fetch == NULL
        || (jobs->github
            && ngx_lu_advice_jobs(cf, &jobs->github->uri, "liveupdate_github")
               == NULL))
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_lu_conf_tokens(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf)
{
    ngx_str_t   name, text;
    lu_str_t    file;
    lu_rc_e     rc;
    lu_arena_t  arena;
    lu_error_t  err;

    if (lucf->tokens_path.len == 0) {
        return NGX_CONF_OK;
    }

    name = lucf->tokens_path;

    if (ngx_lu_conf_read(cf, &name, &text, " of \"liveupdate_tokens\"")
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    file = ngx_lu_to_core(&text);

    arena = ngx_lu_arena(cf->pool);

    rc = lu_token_parse(&arena, &file, &lucf->tokens, &lucf->ntokens, &err);

    ngx_explicit_memzero(text.data, text.len);

    if (rc == LU_INVALID) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid token file \"%V\": line %*s %s",
                           &name, err.subject.len, err.subject.data, err.text);
        return NGX_CONF_ERROR;
    }

    return rc == LU_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* The directive is named where nginx does not tell its line any more. */

ngx_int_t
ngx_lu_conf_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text,
    const char *directive)
{
    size_t           size;
    ssize_t          n;
    ngx_err_t        err;
    ngx_int_t        rc;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        err = ngx_errno;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                           ngx_open_file_n " \"%V\"%s failed%s",
                           name, directive,
                           err == NGX_ENOENT
                           ? ", create the file with the mode 600" : "");
        return NGX_ERROR;
    }

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    if (ngx_file_access(&fi) & (S_IROTH|S_IWOTH)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" must not be readable or writable "
                           "by others, use \"chmod 600\"", name);
        goto done;
    }

    size = (size_t) ngx_file_size(&fi);

    if (size > NGX_LU_JSON_SIZE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" is larger than 1 MB", name);
        goto done;
    }

    text->data = ngx_pnalloc(cf->pool, size + 1);
    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, text->data, size, 0);

    if (n == NGX_ERROR || (size_t) n != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_file_n " \"%V\" failed", name);
        goto done;
    }

    text->len = size;
    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}
