
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Blockmaps of electron-builder: the sizes and digests of the blocks that a
 * file consists of, so that electron-updater gets those that it does not have.
 * JSON, which is compressed:
 *
 *     {"version":"2","files":[{"name":"file","offset":0,
 *      "checksums":["..."],"sizes":[8192]}]}
 *
 * A checksum is a BLAKE2b of 18 bytes, in base64.
 */


#ifndef _LU_BLOCKMAP_H_INCLUDED_
#define _LU_BLOCKMAP_H_INCLUDED_


#include "lu_blake2b.h"
#include "lu_error.h"


#define LU_BLOCKMAP_TEXT    (32 * 1024 * 1024)  /* bytes of JSON, at most */
#define LU_BLOCKMAP_DIGEST  18
#define LU_BLOCKMAP_WINDOW  64
#define LU_BLOCKMAP_MIN     8192                /* bytes of a block */
#define LU_BLOCKMAP_AVG     16384
#define LU_BLOCKMAP_MAX     32768


/* The bytes of a file beside its blockmap. */

typedef struct {
    lu_str_t        checksums;      /* what is left of the lists */
    lu_str_t        sizes;
    uint64_t        offset;         /* of the bytes that come next */
    uint64_t        block;          /* number, from 1 */
    uint64_t        left;           /* bytes of it that are missing */
    unsigned char   digest[LU_BLOCKMAP_DIGEST];
    lu_blake2b_t    blake2b;
    unsigned        has_block:1;
} lu_blockmap_t;


/* A block that was found. */

typedef struct {
    uint32_t        size;
    unsigned char   digest[LU_BLOCKMAP_DIGEST];
} lu_blockmap_block_t;


/* A blockmap that is made. */

typedef struct {
    lu_blockmap_block_t  *blocks;
    size_t                nblocks;
    size_t                max;

    uint64_t              hash;     /* Rabin's, of the window */
    size_t                size;     /* bytes of the block so far */
    unsigned char         window[LU_BLOCKMAP_WINDOW];
    uint64_t              push[256];
    uint64_t              pop[256];
    lu_blake2b_t          blake2b;
} lu_blockmap_maker_t;


/*
 * Reads a blockmap, of whose text pointers are kept, and begins to compare.
 * LU_OK; LU_NOT_FOUND: it is of another kind; or LU_INVALID with the reason.
 */

lu_rc_e lu_blockmap_begin(lu_blockmap_t *map, const lu_str_t *text,
    lu_error_t *err);

/*
 * Compares the next bytes of the file, and its end.  LU_OK, or LU_INVALID with
 * the reason: they have another checksum, or there are more or fewer of them;
 * map->block is the number of the block, and map->offset where it begins.
 */

lu_rc_e lu_blockmap_compare(lu_blockmap_t *map, const unsigned char *p,
    size_t len, lu_error_t *err);
lu_rc_e lu_blockmap_end(lu_blockmap_t *map, lu_error_t *err);

/*
 * Makes the blockmap that electron-builder makes of the file: begin, with the
 * size of the file; the bytes, piece by piece; and the text, terminated.  The
 * maker and the text are in the arena.  LU_OK; LU_NOMEM; LU_INVALID: there
 * were more bytes.
 */

lu_rc_e lu_blockmap_make(const lu_arena_t *arena, uint64_t size,
    lu_blockmap_maker_t **maker);
lu_rc_e lu_blockmap_add(lu_blockmap_maker_t *maker, const unsigned char *p,
    size_t len);
lu_rc_e lu_blockmap_made(const lu_arena_t *arena, lu_blockmap_maker_t *maker,
    lu_str_t *text);


#endif /* _LU_BLOCKMAP_H_INCLUDED_ */
