
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_digest.h"

#include "store/ngx_lu_file.h"


static ngx_int_t ngx_lu_digest_piece(void *data, u_char *bytes, size_t len);


ngx_int_t
ngx_lu_digest(ngx_lu_io_t *io, u_char *path, ngx_lu_digest_t *digest)
{
    ngx_int_t         rc;
    ngx_file_info_t   fi;
    ngx_lu_digests_t  digests;

    ngx_lu_digests_init(&digests);

    rc = ngx_lu_file_pieces(io, path, ngx_lu_digest_piece, &digests);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return ngx_lu_io_failed(io, ngx_file_info_n, path);
    }

    digest->uniq = ngx_file_uniq(&fi);
    digest->mtime = ngx_file_mtime(&fi);

    ngx_lu_digests_final(&digests, digest);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_digest_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_digests_add(data, bytes, len);

    return NGX_OK;
}


void
ngx_lu_digests_init(ngx_lu_digests_t *digests)
{
    lu_sha256_init(&digests->sha256);
    (void) SHA512_Init(&digests->sha512);
}


void
ngx_lu_digests_add(ngx_lu_digests_t *digests, u_char *bytes, size_t len)
{
    lu_sha256_update(&digests->sha256, bytes, len);
    (void) SHA512_Update(&digests->sha512, bytes, len);
}


void
ngx_lu_digests_final(ngx_lu_digests_t *digests, ngx_lu_digest_t *digest)
{
    digest->size = digests->sha256.size;

    lu_sha256_hex(&digests->sha256, digest->sha256);
    (void) SHA512_Final(digest->sha512, &digests->sha512);
}
