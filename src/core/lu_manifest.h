
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * capawesome-live-update-manifest.json: the list of a bundle's files that the
 * plugin compares with the one it has (array of {checksum, href,
 * sizeInBytes}).
 */


#ifndef _LU_MANIFEST_H_INCLUDED_
#define _LU_MANIFEST_H_INCLUDED_


#include "lu_error.h"


#define LU_MANIFEST_NAME   "capawesome-live-update-manifest.json"
#define LU_MANIFEST_FILES  20000


/* A file of a bundle, as it was announced and as it is. */

typedef struct {
    lu_str_t           href;
    uint64_t           size;
    lu_str_t           sha256;        /* 64 lower-case hex digits */
    lu_str_t           signature;     /* base64; empty if unsigned */
    lu_str_t           type;          /* media type; may be empty */
    unsigned           gzip:1;        /* has a compressed twin */
} lu_file_t;


/*
 * 1 if it is what the CLI sends as a signature: standard base64 with padding
 * and no line breaks (RFC 4648, section 4) of 64 to 1024 bytes.
 */

int lu_file_signature_valid(const lu_str_t *signature);

/*
 * 1 if it is a media type, parameters included (RFC 9110, section 8.3.1), as
 * far as it takes to be a header's value: at most 128 bytes of printable
 * ASCII with a "/".
 */

int lu_file_type_valid(const lu_str_t *type);

/*
 * Reads a manifest.  Every entry must have the three members, a safe href
 * (lu_name_href_check()) and a digest in lower-case hex; hrefs must be
 * unique, and none may be a directory of another.  Unknown members are
 * ignored.  The result, sorted by the bytes of the href, is allocated in the
 * arena and keeps nothing of the text.
 */

lu_rc_e lu_manifest_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_file_t **entries, size_t *n, lu_error_t *err);

/*
 * Checks that a bundle is what its manifest says.  Both arrays are sorted by
 * the bytes of the href (lu_file_cmp() for qsort()).  Each entry must
 * have a file with the same size and digest, there must be an index.html at
 * the root, and if one file is signed then all that the manifest lists must
 * be, and the manifest too.  Files that no entry lists are no error.
 * LU_INVALID with the reason, naming the file.
 */

lu_rc_e lu_manifest_check(const lu_file_t *entries, size_t n,
    const lu_file_t *files, size_t nfiles, lu_error_t *err);

int lu_file_cmp(const void *one, const void *two);

/* The file of that href in a sorted array, or NULL. */

const lu_file_t *lu_file_find(const lu_file_t *files, size_t n,
    const lu_str_t *href);

/*
 * Sorts the names of a bundle's files, and of directories with a "/" behind,
 * and refuses those that no disk can hold together: one that is there twice,
 * or that is a file and a directory as well.
 */

lu_rc_e lu_file_tree_check(lu_str_t *names, size_t n, lu_error_t *err);


#endif /* _LU_MANIFEST_H_INCLUDED_ */
