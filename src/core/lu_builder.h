
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * latest[-mac|-linux].yml, the update manifest that electron-builder writes
 * and electron-updater reads.
 */


#ifndef _LU_BUILDER_H_INCLUDED_
#define _LU_BUILDER_H_INCLUDED_


#include "lu_release.h"


#define LU_BUILDER_SIZE   (1024 * 1024)     /* bytes */
#define LU_BUILDER_FILES  1000
#define LU_BUILDER_SHA512  64         /* bytes of the digest */


typedef struct {
    lu_str_t            name;        /* that the URL leads to */
    unsigned char       sha512[LU_BUILDER_SHA512];
    uint64_t            size;        /* bytes; UINT64_MAX: unknown */
    uint64_t            blockmap;    /* bytes at its end; 0: none */
    unsigned            is_absolute:1;  /* it has a URL with a host */
} lu_builder_file_t;


typedef struct {
    lu_str_t                     version;
    lu_str_t                     notes;     /* or empty */
    lu_str_t                     system;    /* the oldest; empty: any */
    unsigned                     percent;   /* that updates; 100: all */
    lu_origin_t                  origin;    /* out of "vendor" */
    lu_builder_file_t           *files;
    size_t                       nfiles;
} lu_builder_t;


/*
 * Reads an update manifest into the arena: "version"; "files" (url, sha512,
 * size, blockMapSize); "packages" ({arch: {path, ...}}); and "path" with
 * "sha512", from before there were "files", if it names a file that they do not
 * list.  "minimumSystemVersion" and "stagingPercentage" are what clients make
 * of them: a percentage is what its text begins with, and none is 100.
 * "releaseNotes" are a text, or those of several versions, of which one is
 * made; if there are too many, the end is missing, maybe within a character.
 * "vendor" has what a publisher says of the build beside the rest.  All other
 * keys are ignored; null counts as absent.
 *
 * LU_OK, LU_NOMEM, or LU_INVALID with the reason: more than LU_BUILDER_SIZE
 * bytes or LU_BUILDER_FILES files; a YAML text that lu_yaml_read() refuses; no
 * version, or no files; a file without a sha512 of 64 bytes in base64, or
 * whose URL lu_name_file_of_manifest() refuses; two files of the same name with
 * different digests or sizes.
 */

lu_rc_e lu_builder_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_builder_t *builder, lu_error_t *err);

/*
 * 1 if the package "semver" reads it: "1.2.3[-{prerelease}][+{build}]", with a
 * "v" in front or not.  The numbers have no leading zeros.
 */

int lu_builder_version_valid(const lu_str_t *version);


#endif /* _LU_BUILDER_H_INCLUDED_ */
