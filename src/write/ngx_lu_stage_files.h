
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files that came for a desktop release, while they are verified.
 */


#ifndef _NGX_LU_STAGE_FILES_H_INCLUDED_
#define _NGX_LU_STAGE_FILES_H_INCLUDED_


#include "ngx_lu_digest.h"
#include "ngx_lu_release.h"

#include "core/lu_file.h"


/* A file in uploads/, or one that is made here. */

typedef struct {
    lu_str_t                 name;      /* that it gets in files/ */
    u_char                  *path;
    u_char                  *data;      /* instead of a path: its bytes */
    uint64_t                 size;
    ngx_file_uniq_t          uniq;
    time_t                   mtime;
    char                     sha256[LU_SHA256_HEX + 1];
    unsigned char            sha512[SHA512_DIGEST_LENGTH];
    unsigned                 is_hashed:1;
    unsigned                 is_listed:1;   /* it becomes part of the release */
} ngx_lu_stage_file_t;


/* What the verification of a release knows so far. */

typedef struct {
    ngx_lu_task_t               *task;
    ngx_lu_release_t            *release;   /* locked, in staging/ */
    char                        *id;
    char                        *version;   /* NULL: not read yet */

    ngx_array_t                  files;     /* of ngx_lu_stage_file_t */
    ngx_uint_t                   nfiles;    /* those in uploads/ come first */

    lu_file_t                   *table;     /* files of the release, sorted */
    size_t                       ntable;

    ngx_array_t                 *digests;   /* of ngx_lu_digest_t, or NULL */
    unsigned                     platforms; /* that it has manifests for */
} ngx_lu_stage_t;


/*
 * Sets stage->files to what lies in uploads/, sorted by name.  NGX_OK, or a
 * status: 422 for a name that is not safe or too many files, 500.
 */

ngx_int_t ngx_lu_stage_files(ngx_lu_stage_t *stage);

/* The file in uploads/ of that name, or NULL. */

ngx_lu_stage_file_t *ngx_lu_stage_files_find(ngx_lu_stage_t *stage,
    const lu_str_t *name);

/*
 * Has the digests of a file computed, unless that was done before.  NGX_OK, or
 * a status: 404 if it was deleted meanwhile, 500.
 */

ngx_int_t ngx_lu_stage_files_hash(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);

/*
 * The file that a manifest or list names, with its digests; or NULL and in
 * *status why: 404, 422 if it did not come, 500.
 */

ngx_lu_stage_file_t *ngx_lu_stage_files_listed(ngx_lu_stage_t *stage,
    const lu_str_t *name, ngx_int_t *status);

/*
 * Compares the version, terminated, that the manifest or list "name" has with
 * that of the others; empty: it has none.  NGX_OK or 422.
 */

ngx_int_t ngx_lu_stage_files_version(ngx_lu_stage_t *stage,
    const lu_str_t *name, const lu_str_t *version);

/*
 * Adds a file with a text, which is copied, to the release.  NGX_OK or 500.
 * Pointers into stage->files are invalid then.
 */

ngx_int_t ngx_lu_stage_files_add(ngx_lu_stage_t *stage, const lu_str_t *name,
    const char *text);


#endif /* _NGX_LU_STAGE_FILES_H_INCLUDED_ */
