
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_plan.h"

#include <strings.h>


#define LIVEUPDATE_PLAN_FILES  32
#define LIVEUPDATE_BLOCKMAP    ".blockmap"


static liveupdate_rc_e liveupdate_plan_add(liveupdate_plan_t *plan,
    const liveupdate_str_t *name, liveupdate_plan_file_t **file,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_plan_size(liveupdate_plan_t *plan,
    liveupdate_plan_file_t *file, uint64_t size, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_plan_grow(liveupdate_plan_t *plan);


void
liveupdate_plan_init(liveupdate_plan_t *plan,
    const liveupdate_arena_t *arena, size_t max_files, uint64_t max_size)
{
    memset(plan, 0, sizeof(liveupdate_plan_t));

    plan->arena = arena;
    plan->max_files = max_files;
    plan->max_size = max_size;
}


liveupdate_rc_e
liveupdate_plan_td(liveupdate_plan_t *plan, const liveupdate_td_t *td,
    liveupdate_error_t *err)
{
    size_t                          i;
    liveupdate_rc_e                 rc;
    liveupdate_plan_file_t         *file;
    const liveupdate_td_artifact_t *artifact;

    for (i = 0; i < td->nartifacts; i++) {
        artifact = &td->artifacts[i];

        rc = liveupdate_plan_add(plan, &artifact->name, &file, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        rc = liveupdate_plan_size(plan, file, artifact->size, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        if (!artifact->is_installer) {
            file->has_blockmap = 1;
        }

        if (artifact->sha256.len == 0) {
            continue;
        }

        if (file->sha256.len
            && !liveupdate_str_eq(&file->sha256, &artifact->sha256))
        {
            return liveupdate_refuse(err, &file->name,
                                     "is listed with two SHA-256");
        }

        file->sha256 = artifact->sha256;
    }

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_plan_builder(liveupdate_plan_t *plan,
    const liveupdate_builder_t *builder, liveupdate_error_t *err)
{
    size_t                            i;
    liveupdate_rc_e                   rc;
    liveupdate_plan_file_t           *file;
    const liveupdate_builder_file_t  *built;

    for (i = 0; i < builder->nfiles; i++) {
        built = &builder->files[i];

        rc = liveupdate_plan_add(plan, &built->name, &file, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        rc = liveupdate_plan_size(plan, file, built->size, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        if (file->has_sha512
            && memcmp(file->sha512, built->sha512, sizeof(file->sha512)) != 0)
        {
            return liveupdate_refuse(err, &file->name,
                                     "is listed with two SHA-512");
        }

        memcpy(file->sha512, built->sha512, sizeof(file->sha512));

        file->has_sha512 = 1;
        file->has_blockmap = 1;
    }

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_plan_blockmaps(liveupdate_plan_t *plan, liveupdate_error_t *err)
{
    size_t                   i, n, len, nfiles;
    unsigned char           *p;
    liveupdate_rc_e          rc;
    liveupdate_str_t         name;
    liveupdate_error_t       why;
    liveupdate_plan_file_t  *file;

    n = plan->nfiles;
    len = sizeof(LIVEUPDATE_BLOCKMAP) - 1;

    for (i = 0; i < n; i++) {
        file = &plan->files[i];

        if (!file->has_blockmap) {
            continue;
        }

        name.len = file->name.len + len;

        p = plan->arena->alloc(plan->arena->data, name.len);
        if (p == NULL) {
            return LIVEUPDATE_NOMEM;
        }

        name.data = p;

        memcpy(p, file->name.data, file->name.len);
        memcpy(p + file->name.len, LIVEUPDATE_BLOCKMAP, len);

        /* too long, or ".." because the file's name ends with a dot */

        if (liveupdate_file_name_check(&name, &why) != LIVEUPDATE_OK) {
            continue;
        }

        nfiles = plan->nfiles;

        rc = liveupdate_plan_add(plan, &name, &file, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }

        /* one that a manifest lists must be there */

        if (plan->nfiles > nfiles) {
            file->is_optional = 1;
        }
    }

    return LIVEUPDATE_OK;
}


int
liveupdate_plan_needs_builder(const liveupdate_td_t *td)
{
    size_t                   i, k;
    const liveupdate_str_t  *artifact;

    static const char  *updated[] = {
        "nsis", "nsis-web", "zip", "appImage", "deb", "rpm", "pacman", NULL
    };

    for (i = 0; i < td->nartifacts; i++) {
        artifact = &td->artifacts[i].artifact;

        for (k = 0; updated[k]; k++) {
            if (artifact->len == strlen(updated[k])
                && strncasecmp((char *) artifact->data, updated[k],
                               artifact->len)
                   == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/* The file of that name, a new one if there was none. */

static liveupdate_rc_e
liveupdate_plan_add(liveupdate_plan_t *plan, const liveupdate_str_t *name,
    liveupdate_plan_file_t **file, liveupdate_error_t *err)
{
    size_t           i;
    liveupdate_rc_e  rc;

    for (i = 0; i < plan->nfiles; i++) {
        if (liveupdate_str_eq(&plan->files[i].name, name)) {
            *file = &plan->files[i];
            return LIVEUPDATE_OK;
        }
    }

    if (plan->nfiles == plan->max_files) {
        (void) liveupdate_refuse(err, NULL, "The release has more files than "
                                 "\"liveupdate_fetch\" allows.");
        return LIVEUPDATE_FORBIDDEN;
    }

    if (plan->nfiles == plan->nalloc) {
        rc = liveupdate_plan_grow(plan);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    *file = &plan->files[plan->nfiles];

    memset(*file, 0, sizeof(liveupdate_plan_file_t));

    (*file)->size = UINT64_MAX;
    (*file)->name = liveupdate_str_dup(plan->arena, name->data, name->len);

    if ((*file)->name.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    plan->nfiles++;

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_plan_grow(liveupdate_plan_t *plan)
{
    size_t                   n;
    liveupdate_plan_file_t  *files;

    n = plan->nalloc ? plan->nalloc * 2 : LIVEUPDATE_PLAN_FILES;

    files = plan->arena->alloc(plan->arena->data,
                               n * sizeof(liveupdate_plan_file_t));
    if (files == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    if (plan->nfiles) {
        memcpy(files, plan->files,
               plan->nfiles * sizeof(liveupdate_plan_file_t));
    }

    plan->files = files;
    plan->nalloc = n;

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_plan_size(liveupdate_plan_t *plan, liveupdate_plan_file_t *file,
    uint64_t size, liveupdate_error_t *err)
{
    if (size == UINT64_MAX || size == file->size) {
        return LIVEUPDATE_OK;
    }

    if (file->size != UINT64_MAX) {
        return liveupdate_refuse(err, &file->name,
                                 "is listed with two sizes");
    }

    if (size > plan->max_size - plan->size) {
        (void) liveupdate_refuse(err, NULL, "The release is larger than "
                                 "\"liveupdate_fetch\" allows.");
        return LIVEUPDATE_FORBIDDEN;
    }

    file->size = size;
    plan->size += size;

    return LIVEUPDATE_OK;
}
