
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_plan.h"


#define LU_PLAN_FILES  32
#define LU_BLOCKMAP    ".blockmap"


static lu_rc_e lu_plan_add(lu_plan_t *plan, const lu_str_t *name,
    lu_plan_file_t **file, lu_error_t *err);
static lu_rc_e lu_plan_size(lu_plan_t *plan, lu_plan_file_t *file,
    uint64_t size, lu_error_t *err);
static lu_rc_e lu_plan_grow(lu_plan_t *plan);


void
lu_plan_init(lu_plan_t *plan, const lu_arena_t *arena, size_t max_files,
    uint64_t max_size)
{
    memset(plan, 0, sizeof(lu_plan_t));

    plan->arena = arena;
    plan->max_files = max_files;
    plan->max_size = max_size;
}


lu_rc_e
lu_plan_td(lu_plan_t *plan, const lu_td_t *td, lu_error_t *err)
{
    size_t                   i;
    lu_rc_e                  rc;
    lu_plan_file_t          *file;
    const lu_td_artifact_t  *artifact;

    for (i = 0; i < td->nartifacts; i++) {
        artifact = &td->artifacts[i];

        rc = lu_plan_add(plan, &artifact->name, &file, err);
        if (rc != LU_OK) {
            return rc;
        }

        rc = lu_plan_size(plan, file, artifact->size, err);
        if (rc != LU_OK) {
            return rc;
        }

        if (!artifact->is_installer) {
            file->has_blockmap = 1;
        }

        if (artifact->sha256.len == 0) {
            continue;
        }

        if (file->sha256.len && !lu_str_eq(&file->sha256, &artifact->sha256)) {
            return lu_error(err, &file->name, "is listed with two SHA-256");
        }

        file->sha256 = artifact->sha256;
    }

    return LU_OK;
}


lu_rc_e
lu_plan_builder(lu_plan_t *plan, const lu_builder_t *builder, lu_error_t *err)
{
    size_t                    i;
    lu_rc_e                   rc;
    lu_plan_file_t           *file;
    const lu_builder_file_t  *built;

    for (i = 0; i < builder->nfiles; i++) {
        built = &builder->files[i];

        rc = lu_plan_add(plan, &built->name, &file, err);
        if (rc != LU_OK) {
            return rc;
        }

        rc = lu_plan_size(plan, file, built->size, err);
        if (rc != LU_OK) {
            return rc;
        }

        if (file->has_sha512
            && memcmp(file->sha512, built->sha512, sizeof(file->sha512)) != 0)
        {
            return lu_error(err, &file->name, "is listed with two SHA-512");
        }

        memcpy(file->sha512, built->sha512, sizeof(file->sha512));

        file->has_sha512 = 1;
        file->has_blockmap = 1;
    }

    return LU_OK;
}


lu_rc_e
lu_plan_blockmaps(lu_plan_t *plan, lu_error_t *err)
{
    size_t           i, n, len, nfiles;
    lu_rc_e          rc;
    lu_str_t         name;
    lu_error_t       why;
    unsigned char   *p;
    lu_plan_file_t  *file;

    n = plan->nfiles;
    len = sizeof(LU_BLOCKMAP) - 1;

    for (i = 0; i < n; i++) {
        file = &plan->files[i];

        if (!file->has_blockmap) {
            continue;
        }

        name.len = file->name.len + len;

        p = plan->arena->alloc(plan->arena->data, name.len);
        if (p == NULL) {
            return LU_NOMEM;
        }

        name.data = p;

        memcpy(p, file->name.data, file->name.len);
        memcpy(p + file->name.len, LU_BLOCKMAP, len);

        /* too long, or ".." because the file's name ends with a dot */

        if (lu_name_file_check(&name, &why) != LU_OK) {
            continue;
        }

        nfiles = plan->nfiles;

        rc = lu_plan_add(plan, &name, &file, err);
        if (rc != LU_OK) {
            return rc;
        }

        /* one that a manifest lists must be there */

        if (plan->nfiles > nfiles) {
            file->is_optional = 1;
        }
    }

    return LU_OK;
}


int
lu_plan_needs_builder(const lu_td_t *td)
{
    size_t           i, k;
    const lu_str_t  *artifact;

    static const char  *updated[] = {
        "nsis", "nsis-web", "zip", "appImage", "deb", "rpm", "pacman", NULL
    };

    for (i = 0; i < td->nartifacts; i++) {
        artifact = &td->artifacts[i].artifact;

        for (k = 0; updated[k]; k++) {
            if (lu_str_case_is(artifact, updated[k])) {
                return 1;
            }
        }
    }

    return 0;
}


/* The file of that name, a new one if there was none. */

static lu_rc_e
lu_plan_add(lu_plan_t *plan, const lu_str_t *name, lu_plan_file_t **file,
    lu_error_t *err)
{
    size_t   i;
    lu_rc_e  rc;

    for (i = 0; i < plan->nfiles; i++) {
        if (lu_str_eq(&plan->files[i].name, name)) {
            *file = &plan->files[i];
            return LU_OK;
        }
    }

    if (plan->nfiles == plan->max_files) {
        (void) lu_error(err, NULL, "The release has more files than "
                        "\"liveupdate_fetch\" allows.");
        return LU_FORBIDDEN;
    }

    if (plan->nfiles == plan->nalloc) {
        rc = lu_plan_grow(plan);
        if (rc != LU_OK) {
            return rc;
        }
    }

    *file = &plan->files[plan->nfiles];

    memset(*file, 0, sizeof(lu_plan_file_t));

    (*file)->size = UINT64_MAX;
    (*file)->name = lu_str_dup(plan->arena, name->data, name->len);

    if ((*file)->name.data == NULL) {
        return LU_NOMEM;
    }

    plan->nfiles++;

    return LU_OK;
}


static lu_rc_e
lu_plan_grow(lu_plan_t *plan)
{
    size_t           n;
    lu_plan_file_t  *files;

    n = plan->nalloc ? plan->nalloc * 2 : LU_PLAN_FILES;

    files = plan->arena->alloc(plan->arena->data, n * sizeof(lu_plan_file_t));
    if (files == NULL) {
        return LU_NOMEM;
    }

    if (plan->nfiles) {
        memcpy(files, plan->files, plan->nfiles * sizeof(lu_plan_file_t));
    }

    plan->files = files;
    plan->nalloc = n;

    return LU_OK;
}


static lu_rc_e
lu_plan_size(lu_plan_t *plan, lu_plan_file_t *file, uint64_t size,
    lu_error_t *err)
{
    if (size == UINT64_MAX || size == file->size) {
        return LU_OK;
    }

    if (file->size != UINT64_MAX) {
        return lu_error(err, &file->name,
                        "is listed with two sizes");
    }

    if (size > plan->max_size - plan->size) {
        (void) lu_error(err, NULL, "The release is larger than "
                        "\"liveupdate_fetch\" allows.");
        return LU_FORBIDDEN;
    }

    file->size = size;
    plan->size += size;

    return LU_OK;
}
