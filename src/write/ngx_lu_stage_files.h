
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files that came for a desktop release, while they are verified.
 */


#ifndef _NGX_LU_STAGE_FILES_H_INCLUDED_
#define _NGX_LU_STAGE_FILES_H_INCLUDED_


#include "ngx_lu_digest.h"
#include "ngx_lu_release.h"

#include "core/lu_builder.h"
#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_update.h"


typedef struct ngx_lu_stage_blockmap_s  ngx_lu_stage_blockmap_t;
typedef struct ngx_lu_stage_sign_s      ngx_lu_stage_sign_t;


/* A file in uploads/, or one that is made here. */

typedef struct {
    lu_str_t                 name;      /* that it gets in files/ */
    lu_str_t                 upload;    /* below uploads/: "[{part}/]{name}" */
    lu_str_t                 by;        /* upload of a manifest that lists it */
    u_char                  *path;
    u_char                  *data;      /* instead of a path: its bytes */
    uint64_t                 size;
    ngx_file_uniq_t          uniq;
    time_t                   mtime;
    char                     sha256[LU_SHA256_HEX + 1];
    unsigned char            sha512[SHA512_DIGEST_LENGTH];
    ngx_lu_stage_blockmap_t *blockmaps;     /* to compare or make; or NULL */
    ngx_lu_stage_sign_t     *sign;      /* of a program, once read; or NULL */
    unsigned                 is_hashed:1;
    unsigned                 is_listed:1;   /* it becomes part of the release */
    unsigned                 is_merged:1;   /* in another one of that name */
    unsigned                 is_without:1;  /* the caller wants to leave it */
    unsigned                 is_with:1;     /* the caller wants to have it */
    unsigned                 is_extra:1;    /* and no manifest lists it */
    unsigned                 is_manifest:1; /* and is one of its manifests */
    unsigned                 is_mapped:1;   /* and has a blockmap inside */
} ngx_lu_stage_file_t;


/* An update manifest in uploads/, and what its name says. */

typedef struct {
    lu_str_t                 name;
    lu_update_t              update;
    lu_builder_t             builder;
} ngx_lu_stage_manifest_t;


/* What lies in uploads/ and is left out, and why. */

typedef struct {
    lu_str_t                 upload;
    const char              *reason;    /* as behind a subject */
} ngx_lu_stage_left_t;


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

    ngx_array_t                  left;      /* of ngx_lu_stage_left_t */
    const cJSON                 *without;   /* names to leave out, or NULL */
    const cJSON                 *with;      /* names to have, or NULL */
    const cJSON                 *wishes;    /* all of them, or NULL */
    lu_str_t                     by;        /* upload that is being read */

    ngx_array_t                 *digests;   /* of ngx_lu_digest_t, or NULL */
    ngx_array_t                  manifests; /* of ngx_lu_stage_manifest_t */
    ngx_array_t                  lists;     /* of lu_td_t */
    unsigned                     platforms; /* that it has manifests for */
} ngx_lu_stage_t;


/*
 * Sets stage->files to what lies in uploads/, sorted by name, and then in the
 * parts of it: folders that have an update manifest, such as one for each
 * build.  NGX_OK, or a status: 422 for a name that is not safe, too many
 * files, or a wrong stage->without or stage->with; 500.
 */

ngx_int_t ngx_lu_stage_files(ngx_lu_stage_t *stage);

/* The file in uploads/ of that name, or NULL. */

ngx_lu_stage_file_t *ngx_lu_stage_files_find(ngx_lu_stage_t *stage,
    const lu_str_t *name);

/* 1 if it has the name of an update manifest, "latest.yml" and the like. */

ngx_uint_t ngx_lu_stage_files_is_manifest(const lu_str_t *name);

/*
 * Files of the same name in several parts must be the same file, and all but
 * this one are marked as merged.  NGX_OK, or a status: 404, 422, 500.
 */

ngx_int_t ngx_lu_stage_files_once(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);

/* 1 if the digests of a file are known; then the file has them. */

ngx_uint_t ngx_lu_stage_files_known(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);

/* Gives a file its size and digests. */

void ngx_lu_stage_files_digest(ngx_lu_stage_file_t *file,
    const ngx_lu_digest_t *digest);

/*
 * The file that a manifest or list names, whose size and digests are not known
 * yet; or NULL and in *status why: 404, 422 if it did not come, 500.
 */

ngx_lu_stage_file_t *ngx_lu_stage_files_listed(ngx_lu_stage_t *stage,
    const lu_str_t *name, ngx_int_t *status);

/*
 * What the core found wrong, which knows no names, in the file stage->by.
 * Returns the status.
 */

ngx_int_t ngx_lu_stage_files_wrong(ngx_lu_stage_t *stage, lu_rc_e rc);

/*
 * Compares the version, terminated, that the manifest or list "name" has with
 * that of the others; empty: it has none.  NGX_OK or 422.
 */

ngx_int_t ngx_lu_stage_files_version(ngx_lu_stage_t *stage,
    const lu_str_t *name, const lu_str_t *version);

/*
 * Adds a file with these bytes, which must last, to the release.  NGX_OK or
 * 500.  Pointers into stage->files are invalid then.
 */

ngx_int_t ngx_lu_stage_files_add(ngx_lu_stage_t *stage, const lu_str_t *name,
    const lu_str_t *bytes);


#endif /* _NGX_LU_STAGE_FILES_H_INCLUDED_ */
