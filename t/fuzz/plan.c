
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A line with two limits and manifests, each behind a form feed: the plan
 * never has more files or bytes than it may, nor less than was listed; names
 * are safe and there once; and only for its limits is it refused what a plan
 * without them is not.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_plan.h"


#define BLOCKMAP  ".blockmap"


static lu_plan_file_t *
find(const lu_plan_t *plan, const lu_str_t *name)
{
    size_t  i;

    for (i = 0; i < plan->nfiles; i++) {
        if (lu_str_eq(&plan->files[i].name, name)) {
            return &plan->files[i];
        }
    }

    return NULL;
}


static void
check_plan(const lu_plan_t *plan)
{
    size_t                 i;
    uint64_t               size;
    lu_error_t             err;
    const lu_plan_file_t  *file;

    require(plan->nfiles <= plan->max_files && plan->nfiles <= plan->nalloc);

    size = 0;

    for (i = 0; i < plan->nfiles; i++) {
        file = &plan->files[i];

        require(lu_name_file_check(&file->name, &err) == LU_OK);
        require(file->name.data[file->name.len] == '\0');
        require(find(plan, &file->name) == file);
        require(file->sha256.len == 0 || file->sha256.len == 64);

        if (file->size != UINT64_MAX) {
            size += file->size;
        }
    }

    require(size == plan->size && size <= plan->max_size);
}


static void
check_td(const lu_plan_t *plan, const lu_td_t *td)
{
    size_t                   i;
    const lu_plan_file_t    *file;
    const lu_td_artifact_t  *artifact;

    for (i = 0; i < td->nartifacts; i++) {
        artifact = &td->artifacts[i];

        file = find(plan, &artifact->name);

        require(file != NULL);
        require(artifact->size == UINT64_MAX || artifact->size == file->size);
        require(artifact->sha256.len == 0
                || lu_str_eq(&artifact->sha256, &file->sha256));
        require(artifact->is_installer || file->has_blockmap);
    }
}


static void
check_builder(const lu_plan_t *plan, const lu_builder_t *builder)
{
    size_t                    i;
    const lu_plan_file_t     *file;
    const lu_builder_file_t  *built;

    for (i = 0; i < builder->nfiles; i++) {
        built = &builder->files[i];

        file = find(plan, &built->name);

        require(file != NULL && file->has_sha512 && file->has_blockmap);
        require(memcmp(built->sha512, file->sha512, sizeof(file->sha512))
                == 0);
        require(built->size == UINT64_MAX || built->size == file->size);
    }
}


/* Of the files, the first n were listed. */

static void
check_blockmaps(const lu_arena_t *arena, const lu_plan_t *plan, size_t n)
{
    size_t                 i, len;
    lu_str_t               name;
    lu_error_t             err;
    const lu_plan_file_t  *file;

    len = sizeof(BLOCKMAP) - 1;

    for (i = 0; i < n; i++) {
        file = &plan->files[i];

        require(!file->is_optional);

        if (!file->has_blockmap) {
            continue;
        }

        name.len = file->name.len + len;
        name.data = arena->alloc(arena->data, name.len);

        memcpy(name.data, file->name.data, file->name.len);
        memcpy(name.data + file->name.len, BLOCKMAP, len);

        require(find(plan, &name) != NULL
                || lu_name_file_check(&name, &err) != LU_OK);
    }

    for (i = n; i < plan->nfiles; i++) {
        file = &plan->files[i];

        require(file->is_optional && !file->has_blockmap);
        require(file->size == UINT64_MAX && !file->has_sha512
                && file->sha256.len == 0);
        require(file->name.len > len
                && memcmp(file->name.data + file->name.len - len, BLOCKMAP,
                          len)
                   == 0);

        name = file->name;
        name.len -= len;
        file = find(plan, &name);

        require(file != NULL && file < &plan->files[n]
                && file->has_blockmap);
    }
}


static lu_rc_e
add(lu_plan_t *plan, const lu_str_t *text, lu_error_t *err)
{
    lu_td_t       td;
    lu_rc_e       rc;
    lu_builder_t  builder;

    if (text->len && text->data[0] == '{') {

        if (lu_td_parse(plan->arena, text, &td, err)
            != LU_OK)
        {
            return LU_OK;
        }

        rc = lu_plan_td(plan, &td, err);

        if (rc == LU_OK) {
            check_td(plan, &td);
        }

        if (td.nartifacts == 0) {
            require(!lu_plan_needs_builder(&td));
        }

        return rc;
    }

    if (lu_builder_parse(plan->arena, text, &builder, err) != LU_OK) {
        return LU_OK;
    }

    rc = lu_plan_builder(plan, &builder, err);

    if (rc == LU_OK) {
        check_builder(plan, &builder);
    }

    return rc;
}


static lu_rc_e
make(lu_plan_t *plan, const uint8_t *data, const uint8_t *last)
{
    size_t          n;
    lu_rc_e         rc;
    lu_str_t        text;
    lu_error_t      err;
    const uint8_t  *end;

    for ( /* void */ ; data; data = end ? end + 1 : NULL) {
        end = memchr(data, '\f', last - data);

        text = fuzz_copy(data, (end ? end : last) - data);
        err.text = NULL;

        rc = add(plan, &text, &err);

        if (rc != LU_OK) {
            fuzz_refused(rc, &err);
        }

        free(text.data);
        check_plan(plan);

        if (rc != LU_OK) {
            return rc;
        }
    }

    n = plan->nfiles;
    err.text = NULL;

    rc = lu_plan_blockmaps(plan, &err);

    check_plan(plan);

    if (rc != LU_OK) {
        require(rc == LU_FORBIDDEN);
        fuzz_refused(rc, &err);
        return rc;
    }

    check_blockmaps(plan->arena, plan, n);

    return LU_OK;
}


static uint64_t
number(const uint8_t **data, const uint8_t *last)
{
    uint64_t  value;

    value = 0;

    for ( /* void */ ; *data < last && **data >= '0' && **data <= '9';
          (*data)++)
    {
        value = value * 10 + (**data - '0');
    }

    if (*data < last) {
        (*data)++;
    }

    return value;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          files;
    lu_rc_e         rc, free_rc;
    uint64_t        bytes;
    lu_plan_t       plan, free_plan;
    lu_arena_t      arena;
    fuzz_block_t   *blocks;
    const uint8_t  *last;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    last = data + size;
    files = number(&data, last);
    bytes = number(&data, last);

    lu_plan_init(&plan, &arena, files, bytes);
    rc = make(&plan, data, last);

    lu_plan_init(&free_plan, &arena, SIZE_MAX, UINT64_MAX);
    free_rc = make(&free_plan, data, last);

    require(free_rc == LU_OK || free_rc == LU_INVALID);

    if (rc == LU_FORBIDDEN) {
        require(free_rc == LU_INVALID
                || free_plan.nfiles > files
                || free_plan.size > bytes);

    } else {
        require(rc == free_rc);
        require(plan.nfiles == free_plan.nfiles
                && plan.size == free_plan.size);
    }

    fuzz_free(blocks);

    return 0;
}
