
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * latest[-mac|-linux].yml: what electron-builder writes and electron-updater
 * reads.
 */


#ifndef _LIVEUPDATE_BUILDER_H_INCLUDED_
#define _LIVEUPDATE_BUILDER_H_INCLUDED_


#include "lu_core.h"


#define LIVEUPDATE_BUILDER_SIZE   (1024 * 1024)
#define LIVEUPDATE_BUILDER_FILES  1000


typedef struct {
    liveupdate_str_t    name;        /* decoded last segment of the URL */
    unsigned char       sha512[64];
    uint64_t            size;        /* UINT64_MAX: not said */
} liveupdate_builder_file_t;


typedef struct {
    liveupdate_str_t             version;
    liveupdate_builder_file_t   *files;
    size_t                       nfiles;
} liveupdate_builder_t;


/*
 * Reads a manifest: "version", "files" (url, sha512, size), and also the old
 * "path" and "sha512" if they name a file that "files" does not list, and
 * "packages" ({arch: {path, sha512, size}}).  Refused with the reason: more
 * than LIVEUPDATE_BUILDER_SIZE bytes, what liveupdate_yaml_read() refuses
 * (aliases, duplicate keys, ...), a file without a sha512 of 64 bytes in
 * base64, a name that is not safe (liveupdate_file_name_of_url()), the same
 * name with another digest or size, no version, no files.  Unknown keys are
 * ignored, and null is as good as missing.  All is allocated in the arena.
 */

liveupdate_rc_e liveupdate_builder_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_builder_t *builder,
    liveupdate_error_t *err);


#endif /* _LIVEUPDATE_BUILDER_H_INCLUDED_ */
