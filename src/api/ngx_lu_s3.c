
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_s3.h"
#include "ngx_lu_s3_file.h"

#include "zone/ngx_lu_count.h"

#include "core/lu_key.h"
#include "core/lu_sigv4.h"


#define NGX_LU_S3_SKEW  (15 * 60)       /* seconds, as S3 has it */


static ngx_uint_t ngx_lu_s3_is_signed(ngx_http_request_t *r);
static ngx_int_t ngx_lu_s3_request(ngx_http_request_t *r,
    lu_sigv4_request_t *request);
static ngx_int_t ngx_lu_s3_authorize(ngx_http_request_t *r,
    lu_sigv4_request_t *request, ngx_lu_s3_t *s3, const lu_token_t **token);
static ngx_int_t ngx_lu_s3_payload(ngx_http_request_t *r,
    const lu_sigv4_request_t *request, const lu_sigv4_t *sigv4,
    ngx_lu_s3_t *s3);
static ngx_int_t ngx_lu_s3_allowed(ngx_http_request_t *r, ngx_lu_s3_t *s3,
    const lu_token_t *token);
static ngx_int_t ngx_lu_s3_call(ngx_http_request_t *r, ngx_lu_s3_t *s3,
    const lu_token_t *token);
static ngx_int_t ngx_lu_s3_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, lu_error_t *err);
static ngx_int_t ngx_lu_s3_refuse_text(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *text);


typedef struct {
    ngx_lu_body_e        body;
    ngx_lu_thread_e      kind;
    ngx_lu_action_pt     action;
} ngx_lu_s3_action_t;


/* In the order of lu_s3_op_e. */

static const ngx_lu_s3_action_t  ngx_lu_s3_actions[] = {
    { NGX_LU_BODY_FILE, NGX_LU_THREAD_UPLOAD, ngx_lu_s3_file_put },
    { NGX_LU_BODY_NONE, NGX_LU_THREAD_SHORT, ngx_lu_s3_file_create },
    { NGX_LU_BODY_FILE, NGX_LU_THREAD_UPLOAD, ngx_lu_s3_file_part },
    { NGX_LU_BODY_TEXT, NGX_LU_THREAD_UPLOAD, ngx_lu_s3_file_complete },
    { NGX_LU_BODY_NONE, NGX_LU_THREAD_SHORT, ngx_lu_s3_file_abort }
};


ngx_int_t
ngx_lu_s3_handler(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    lu_rc_e              core;
    lu_arena_t           arena;
    lu_error_t           err;
    ngx_lu_s3_t          s3;
    ngx_lu_ctx_t        *ctx;
    const lu_token_t    *token;
    ngx_lu_loc_conf_t   *lucf;
    lu_sigv4_request_t   request;

    ctx = ngx_lu_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&s3, sizeof(ngx_lu_s3_t));

    ctx->kind = NGX_LU_KIND_RELEASES;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    s3.conf = lucf->s3;

    /* a location "/" gets what no other one wants, which is of no note */

    if ((r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) && !ngx_lu_s3_is_signed(r))
    {
        rc = ngx_http_discard_request_body(r);

        return rc == NGX_OK ? ngx_lu_reply_message(r, NGX_HTTP_NOT_FOUND,
                                                   "Not found.")
                            : rc;
    }

    if (ngx_lu_s3_request(r, &request) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    arena = ngx_lu_arena(r->pool);

    core = lu_s3_read(&arena, &request.method, &request.path, &request.query,
                      &s3.request, &err);

    if (core == LU_NOMEM) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (core != LU_OK) {
        return ngx_lu_s3_refuse(r, s3.request.status, s3.request.code, &err);
    }

    ctx->app = ngx_lu_from_core(&s3.request.app);
    ctx->release = ngx_lu_from_core(&s3.request.release);

    token = NULL;

    rc = ngx_lu_s3_authorize(r, &request, &s3, &token);

    return rc == NGX_DECLINED ? ngx_lu_s3_call(r, &s3, token) : rc;
}


static ngx_uint_t
ngx_lu_s3_is_signed(ngx_http_request_t *r)
{
    ngx_str_t  *value;

    if (r->headers_in.authorization == NULL) {
        return 0;
    }

    value = &r->headers_in.authorization->value;

    return value->len > 4 && ngx_strncmp(value->data, "AWS4", 4) == 0;
}


static ngx_int_t
ngx_lu_s3_request(ngx_http_request_t *r, lu_sigv4_request_t *request)
{
    size_t              n;
    u_char             *args;
    ngx_str_t          *uri;
    ngx_uint_t          i;
    ngx_list_part_t    *part;
    ngx_table_elt_t    *h;
    lu_sigv4_header_t  *header;

    uri = &r->unparsed_uri;

    request->method = ngx_lu_to_core(&r->method_name);
    request->path = ngx_lu_to_core(uri);

    ngx_memzero(&request->query, sizeof(lu_str_t));

    args = ngx_strlchr(uri->data, uri->data + uri->len, '?');

    if (args) {
        request->path.len = args - uri->data;
        request->query.data = args + 1;
        request->query.len = uri->len - request->path.len - 1;
    }

    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        n += part->nelts;
    }

    header = ngx_pcalloc(r->pool, (n + 1) * sizeof(lu_sigv4_header_t));
    if (header == NULL) {
        return NGX_ERROR;
    }

    request->headers = header;
    request->nheaders = n;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            header->name.len = h[i].key.len;
            header->name.data = h[i].lowcase_key;
            header->value = ngx_lu_to_core(&h[i].value);
            header++;
        }
    }

    return NGX_OK;
}


/* NGX_DECLINED with the token, or what ends the request. */

static ngx_int_t
ngx_lu_s3_authorize(ngx_http_request_t *r, lu_sigv4_request_t *request,
    ngx_lu_s3_t *s3, const lu_token_t **token)
{
    lu_rc_e          rc;
    ngx_int_t        refused;
    lu_arena_t       arena;
    lu_error_t       err;
    lu_sigv4_t       sigv4;
    const lu_key_t  *key;

    rc = lu_sigv4_parse(request, &sigv4, &err);

    if (rc == LU_NOT_FOUND) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_FORBIDDEN, NULL,
                                     "The request must be signed, in the "
                                     "header Authorization.");
    }

    if (rc != LU_OK) {
        return ngx_lu_s3_refuse(r, NGX_HTTP_BAD_REQUEST,
                                "AuthorizationHeaderMalformed", &err);
    }

    key = lu_key_find(s3->conf->keys, s3->conf->nkeys, &sigv4.access);

    if (key == NULL || key->token == NULL) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_FORBIDDEN,
                                     "InvalidAccessKeyId",
                                     "There is no such access key.");
    }

    if (lu_sigv4_covers(request, &sigv4, &err) != LU_OK) {
        return ngx_lu_s3_refuse(r, NGX_HTTP_FORBIDDEN, NULL, &err);
    }

    arena = ngx_lu_arena(r->pool);

    rc = lu_sigv4_verify(&arena, request, &sigv4, &key->secret);

    if (rc == LU_NOMEM) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != LU_OK) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_FORBIDDEN,
                                     "SignatureDoesNotMatch",
                                     "The signature is wrong: check the secret "
                                     "key, and that a proxy in between passes "
                                     "the path and the header Host on as they "
                                     "are.");
    }

    if (ngx_abs(ngx_time() - sigv4.time) > NGX_LU_S3_SKEW) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_FORBIDDEN,
                                     "RequestTimeTooSkewed",
                                     "The request was signed more than 15 "
                                     "minutes ago or ahead: check the clocks.");
    }

    refused = ngx_lu_s3_payload(r, request, &sigv4, s3);
    if (refused != NGX_DECLINED) {
        return refused;
    }

    *token = key->token;

    return ngx_lu_s3_allowed(r, s3, key->token);
}


/* How the body comes; NGX_DECLINED, or what ends the request. */

static ngx_int_t
ngx_lu_s3_payload(ngx_http_request_t *r, const lu_sigv4_request_t *request,
    const lu_sigv4_t *sigv4, ngx_lu_s3_t *s3)
{
    size_t                    i;
    lu_error_t                err;
    const lu_sigv4_header_t  *header;

    for (i = 0; i < request->nheaders; i++) {
        header = &request->headers[i];

        if (lu_checksum_header(&s3->checksum, &header->name, &header->value,
                               &err)
            != LU_OK)
        {
            return ngx_lu_s3_refuse(r, NGX_HTTP_BAD_REQUEST, "InvalidDigest",
                                    &err);
        }

        if (lu_str_is(&header->name, "x-amz-copy-source")) {
            return ngx_lu_s3_refuse_text(r, NGX_HTTP_NOT_IMPLEMENTED, NULL,
                                         "Files cannot be copied here.");
        }
    }

    /* of a completion it is that of the file, whose parts were checked */

    if (s3->request.op == LU_S3_COMPLETE) {
        s3->checksum.kind = LU_CHECKSUM_NONE;
    }

    if (lu_sha256_hex_valid(&sigv4->payload)) {
        s3->payload = sigv4->payload;
        return NGX_DECLINED;
    }

    if (lu_str_is(&sigv4->payload, "UNSIGNED-PAYLOAD")) {
        return NGX_DECLINED;
    }

    if (lu_str_find(&sigv4->payload, 0, "STREAMING-") == 0) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_NOT_IMPLEMENTED, NULL,
                                     "Bodies in signed chunks (aws-chunked) "
                                     "are not supported: let the client sign "
                                     "the body as a whole, or not at all "
                                     "(UNSIGNED-PAYLOAD).");
    }

    return ngx_lu_s3_refuse_text(r, NGX_HTTP_BAD_REQUEST, NULL,
                                 "The header x-amz-content-sha256 must be the "
                                 "SHA-256 of the body in lower-case hex, or "
                                 "UNSIGNED-PAYLOAD.");
}


/* NGX_DECLINED, or what ends the request. */

static ngx_int_t
ngx_lu_s3_allowed(ngx_http_request_t *r, ngx_lu_s3_t *s3,
    const lu_token_t *token)
{
    if (!(token->roles & LU_ROLE_PUBLISH)) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_FORBIDDEN, NULL,
                                     "This needs a key of a token with the "
                                     "role \"publish\".");
    }

    if (!lu_token_has_app(token, &s3->request.app)) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_FORBIDDEN, NULL,
                                     "The token of this key is not for this "
                                     "app.");
    }

    if (r->headers_in.content_length_n > s3->conf->size) {
        return ngx_lu_s3_refuse_text(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     NULL,
                                     "The file is larger than \"size\" of "
                                     "liveupdate_publish_s3 allows.");
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_lu_s3_call(ngx_http_request_t *r, ngx_lu_s3_t *s3, const lu_token_t *token)
{
    lu_route_t                 route;
    ngx_lu_ctx_t              *ctx;
    ngx_lu_call_t             *call;
    const ngx_lu_s3_action_t  *action;

    action = &ngx_lu_s3_actions[s3->request.op];

    ngx_memzero(&route, sizeof(lu_route_t));

    route.resource = LU_ROUTE_STAGE;
    route.app = s3->request.app;
    route.id = s3->request.release;

    call = ngx_lu_call_create(r, &route, token, action->action);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* drop() needs it when the request has gone */

    call->s3 = ngx_palloc(call->task.io.pool, sizeof(ngx_lu_s3_t));
    if (call->s3 == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *call->s3 = *s3;

    call->kind = action->kind;
    call->take = ngx_lu_s3_file_take;
    call->drop = ngx_lu_s3_file_drop;

    ctx = ngx_lu_get_ctx(r);
    ctx->call = call;

    return ngx_lu_call_run(r, call, action->body);
}


static ngx_int_t
ngx_lu_s3_refuse(ngx_http_request_t *r, ngx_uint_t status, const char *code,
    lu_error_t *err)
{
    ngx_int_t      rc;
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_lu_get_ctx(r);
    ctx->s3_code = code;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "S3 request refused with %ui: %s", status, err->text);

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? ngx_lu_reply_error(r, status, err) : rc;
}


static ngx_int_t
ngx_lu_s3_refuse_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *text)
{
    lu_error_t  err;

    (void) lu_error(&err, NULL, text);

    return ngx_lu_s3_refuse(r, status, code, &err);
}
