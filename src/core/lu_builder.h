
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * latest[-mac|-linux].yml: what electron-builder writes and electron-updater
 * reads.
 */


#ifndef _LU_BUILDER_H_INCLUDED_
#define _LU_BUILDER_H_INCLUDED_


#include "lu_error.h"


#define LU_BUILDER_SIZE   (1024 * 1024)
#define LU_BUILDER_FILES  1000


typedef struct {
    lu_str_t            name;        /* decoded last segment of the URL */
    unsigned char       sha512[64];
    uint64_t            size;        /* UINT64_MAX: not said */
} lu_builder_file_t;


typedef struct {
    lu_str_t                     version;
    lu_builder_file_t           *files;
    size_t                       nfiles;
} lu_builder_t;


/*
 * Reads a manifest: "version", "files" (url, sha512, size), and also the old
 * "path" and "sha512" if they name a file that "files" does not list, and
 * "packages" ({arch: {path, sha512, size}}).  Refused with the reason: more
 * than LU_BUILDER_SIZE bytes, what lu_yaml_read() refuses
 * (aliases, duplicate keys, ...), a file without a sha512 of 64 bytes in
 * base64, a name that is not safe (lu_name_file_of_url()), the same
 * name with another digest or size, no version, no files.  Unknown keys are
 * ignored, and null is as good as missing.  All is allocated in the arena.
 */

lu_rc_e lu_builder_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_builder_t *builder, lu_error_t *err);


#endif /* _LU_BUILDER_H_INCLUDED_ */
