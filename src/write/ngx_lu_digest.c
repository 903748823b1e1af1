
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_digest.h"

#include "store/ngx_lu_file.h"


typedef struct {
    lu_sha256_t    sha256;
    SHA512_CTX     sha512;
} ngx_lu_digest_ctx_t;


static ngx_int_t ngx_lu_digest_piece(void *data, u_char *bytes, size_t len);


ngx_int_t
ngx_lu_digest(ngx_lu_io_t *io, u_char *path, ngx_lu_digest_t *digest)
{
    ngx_int_t            rc;
    ngx_file_info_t      fi;
    ngx_lu_digest_ctx_t  digests;

    lu_sha256_init(&digests.sha256);
    (void) SHA512_Init(&digests.sha512);

    rc = ngx_lu_file_pieces(io, path, ngx_lu_digest_piece, &digests);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return ngx_lu_io_failed(io, ngx_file_info_n, path);
    }

    digest->size = digests.sha256.size;
    digest->uniq = ngx_file_uniq(&fi);
    digest->mtime = ngx_file_mtime(&fi);

    lu_sha256_hex(&digests.sha256, digest->sha256);
    (void) SHA512_Final(digest->sha512, &digests.sha512);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_digest_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_digest_ctx_t *digests = data;

    lu_sha256_update(&digests->sha256, bytes, len);
    (void) SHA512_Update(&digests->sha512, bytes, len);

    return NGX_OK;
}
