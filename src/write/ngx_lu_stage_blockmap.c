
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_blockmap.h"
#include "ngx_lu_task.h"

#include "core/lu_gzip.h"


#define NGX_LU_BLOCKMAP  ".blockmap"


static ngx_lu_stage_blockmap_t *ngx_lu_stage_blockmap_note(
    ngx_lu_stage_t *stage, ngx_lu_stage_file_t *whole);
static ngx_uint_t ngx_lu_stage_blockmap_wanted(
    const ngx_lu_stage_file_t *file);
static lu_rc_e ngx_lu_stage_blockmap_made(ngx_lu_stage_blockmap_t *blockmap,
    const lu_arena_t *arena, const lu_arena_t *kept);
static ngx_int_t ngx_lu_stage_blockmap_wrong(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *whole, ngx_lu_stage_blockmap_t *blockmap);


ngx_int_t
ngx_lu_stage_blockmap(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *map,
    ngx_lu_stage_file_t *whole)
{
    ngx_lu_stage_blockmap_t  *blockmap;

    if (map->size > LU_BLOCKMAP_TEXT) {
        return NGX_OK;
    }

    blockmap = ngx_lu_stage_blockmap_note(stage, whole);
    if (blockmap == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    blockmap->upload = map->upload;
    blockmap->path = map->path;

    return NGX_OK;
}


ngx_int_t
ngx_lu_stage_blockmap_inside(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *whole, uint64_t size)
{
    ngx_lu_stage_blockmap_t  *blockmap;

    if (size > LU_BLOCKMAP_TEXT) {
        return NGX_OK;
    }

    blockmap = ngx_lu_stage_blockmap_note(stage, whole);
    if (blockmap == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    blockmap->inside = size;

    return NGX_OK;
}


static ngx_lu_stage_blockmap_t *
ngx_lu_stage_blockmap_note(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *whole)
{
    ngx_lu_stage_blockmap_t  *blockmap;

    blockmap = ngx_pcalloc(stage->task->io.pool,
                           sizeof(ngx_lu_stage_blockmap_t));

    if (blockmap) {
        blockmap->next = whole->blockmaps;
        whole->blockmaps = blockmap;
    }

    return blockmap;
}


ngx_int_t
ngx_lu_stage_blockmap_make(ngx_lu_stage_t *stage)
{
    lu_str_t                  name;
    ngx_uint_t                i;
    ngx_lu_stage_file_t      *file;
    ngx_lu_stage_blockmap_t  *blockmap;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {

        if (!ngx_lu_stage_blockmap_wanted(&file[i])) {
            continue;
        }

        name.len = file[i].name.len + sizeof(NGX_LU_BLOCKMAP) - 1;
        name.data = ngx_lu_format(stage->task->io.pool, "%*s" NGX_LU_BLOCKMAP,
                                  file[i].name.len, file[i].name.data);

        if (name.data == NULL) {
            return ngx_lu_task_nomem(stage->task);
        }

        if (ngx_lu_stage_files_find(stage, &name)) {
            continue;
        }

        blockmap = ngx_lu_stage_blockmap_note(stage, &file[i]);
        if (blockmap == NULL) {
            return ngx_lu_task_nomem(stage->task);
        }

        blockmap->name = name;
    }

    return NGX_OK;
}


/* Updaters ask for blockmaps of these beside them, and of no others. */

static ngx_uint_t
ngx_lu_stage_blockmap_wanted(const ngx_lu_stage_file_t *file)
{
    return file->is_listed
           && !file->is_extra
           && !file->is_mapped
           && file->size
           && (lu_str_ends(&file->name, ".exe")
               || lu_str_ends(&file->name, ".zip"));
}


lu_rc_e
ngx_lu_stage_blockmap_begin(ngx_lu_stage_blockmap_t *blockmap,
    const lu_arena_t *arena, uint64_t size, const lu_str_t *packed)
{
    int         is_raw;
    lu_rc_e     rc;
    lu_str_t    text;
    lu_error_t  err;

    if (blockmap->name.len) {
        return lu_blockmap_make(arena, size, &blockmap->maker);
    }

    is_raw = (blockmap->inside != 0);

    (void) lu_error(&err, NULL, "is damaged");

    rc = lu_gzip_unpack(arena, packed, is_raw, LU_BLOCKMAP_TEXT, &text);

    if (rc == LU_OK) {
        rc = lu_blockmap_begin(&blockmap->map, &text, &err);
    }

    switch (rc) {

    case LU_OK:
        blockmap->left = size;
        blockmap->is_compared = 1;

        return LU_OK;

    case LU_NOT_FOUND:
        return LU_OK;

    case LU_NOMEM:
        return LU_NOMEM;

    default: /* LU_INVALID */
        blockmap->wrong = err.text;

        return LU_OK;
    }
}


void
ngx_lu_stage_blockmap_piece(ngx_lu_stage_blockmap_t *blockmap, u_char *bytes,
    size_t len)
{
    lu_error_t  err;

    if (blockmap->wrong) {
        return;
    }

    if (blockmap->maker) {

        if (lu_blockmap_add(blockmap->maker, bytes, len) != LU_OK) {
            blockmap->wrong = "has grown while it was read: stage the release "
                              "when all files are there";
        }

        return;
    }

    if (!blockmap->is_compared) {
        return;
    }

    len = (size_t) ngx_min((uint64_t) len, blockmap->left);

    blockmap->left -= len;

    if (lu_blockmap_compare(&blockmap->map, bytes, len, &err) != LU_OK) {
        blockmap->wrong = err.text;
        blockmap->block = blockmap->map.block;
        blockmap->offset = blockmap->map.offset;
    }
}


lu_rc_e
ngx_lu_stage_blockmap_end(ngx_lu_stage_blockmap_t *blockmap,
    const lu_arena_t *arena, const lu_arena_t *kept)
{
    lu_error_t  err;

    if (blockmap->wrong) {
        return LU_OK;
    }

    if (blockmap->maker) {
        return ngx_lu_stage_blockmap_made(blockmap, arena, kept);
    }

    if (blockmap->is_compared
        && lu_blockmap_end(&blockmap->map, &err) != LU_OK)
    {
        blockmap->wrong = err.text;
        blockmap->block = blockmap->map.block;
        blockmap->offset = blockmap->map.offset;
    }

    return LU_OK;
}


static lu_rc_e
ngx_lu_stage_blockmap_made(ngx_lu_stage_blockmap_t *blockmap,
    const lu_arena_t *arena, const lu_arena_t *kept)
{
    lu_rc_e   rc;
    lu_str_t  text;

    rc = lu_blockmap_made(arena, blockmap->maker, &text);

    return rc == LU_OK ? lu_gzip_stored(kept, &text, &blockmap->gzip) : rc;
}


ngx_int_t
ngx_lu_stage_blockmap_check(ngx_lu_stage_t *stage)
{
    ngx_int_t                 status;
    ngx_uint_t                i;
    ngx_lu_stage_file_t      *file;
    ngx_lu_stage_blockmap_t  *blockmap;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        for (blockmap = file->blockmaps; blockmap; blockmap = blockmap->next) {

            if (blockmap->wrong) {
                return ngx_lu_stage_blockmap_wrong(stage, file, blockmap);
            }

            if (blockmap->gzip.len == 0) {
                continue;
            }

            status = ngx_lu_stage_files_add(stage, &blockmap->name,
                                            &blockmap->gzip);
            if (status != NGX_OK) {
                return status;
            }

            file = (ngx_lu_stage_file_t *) stage->files.elts + i;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_blockmap_wrong(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *whole,
    ngx_lu_stage_blockmap_t *blockmap)
{
    u_char         *where, *text;
    ngx_lu_task_t  *task;

    task = stage->task;

    if (blockmap->name.len) {
        (void) lu_error(&task->error, &whole->upload, blockmap->wrong);
        return 422;
    }

    where = (u_char *) "";

    if (blockmap->block) {
        where = ngx_lu_format(task->io.pool,
                              ", in block %uL, which begins at byte %uL of "
                              "\"%*s\"", blockmap->block, blockmap->offset,
                              whole->name.len, whole->name.data);
    }

    text = where ? ngx_lu_format(task->io.pool,
                                 "%s %s%s: %s",
                                 blockmap->inside
                                 ? "has a blockmap inside that"
                                 : "is a blockmap that",
                                 blockmap->wrong, where,
                                 blockmap->inside
                                 ? "build it again"
                                 : "upload the one that was built with the "
                                   "file, or none")
                 : NULL;

    if (text == NULL) {
        return ngx_lu_task_nomem(task);
    }

    (void) lu_error(&task->error,
                    blockmap->inside ? &whole->upload : &blockmap->upload,
                    (char *) text);

    return 422;
}
