
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A file of a release, and files.json, the table of all of them.
 */


#ifndef _LU_FILE_H_INCLUDED_
#define _LU_FILE_H_INCLUDED_


#include "lu_json.h"


/* A file as it was announced, and as it is. */

typedef struct {
    lu_str_t           href;
    uint64_t           size;          /* bytes */
    lu_str_t           sha256;        /* 64 lower-case hex digits */
    lu_str_t           signature;     /* base64; empty if unsigned */
    lu_str_t           type;          /* media type; may be empty */
    unsigned           gzip:1;        /* has a compressed twin */
} lu_file_t;


/*
 * 1 if it is what the CLI sends as a signature, and what a device may be able
 * to verify: standard base64 with padding and no line breaks (RFC 4648,
 * section 4) of as many bytes as an RSA key of 1024 to 8192 bits gives.
 */

int lu_file_signature_valid(const lu_str_t *signature);

/*
 * 1 if it is a media type, parameters included (RFC 9110, section 8.3.1), as
 * far as it takes to be a header's value: at most 128 bytes of printable
 * ASCII with a "/".
 */

int lu_file_type_valid(const lu_str_t *type);


/* For qsort() and bsearch() of lu_file_t: by the bytes of the href. */

int lu_file_cmp(const void *one, const void *two);

/* The file of that href in an array that is sorted so, or NULL. */

const lu_file_t *lu_file_find(const lu_file_t *files, size_t n,
    const lu_str_t *href);

/*
 * Sorts the names of a bundle's files, and of directories with a "/" behind,
 * and refuses those that no disk can hold together: LU_INVALID with a name as
 * the subject that is there twice, or that is a file and a directory as well.
 */

lu_rc_e lu_file_tree_check(lu_str_t *names, size_t n, lu_error_t *err);


/*
 * One entry of a files.json, and back.  parse() allocates in the arena and
 * keeps nothing of the tree; LU_INVALID with the reason, or LU_NOMEM.
 * json() returns a tree to be freed by the caller, or NULL: out of memory.
 */

lu_rc_e lu_file_parse(const lu_arena_t *arena, const cJSON *item,
    lu_file_t *file, lu_error_t *err);
cJSON *lu_file_json(const lu_file_t *file);

/*
 * A whole files.json, sorted by the bytes of the href, and back.  On anything
 * but LU_OK there are no files.  print() returns text for cJSON_free(), or
 * NULL: out of memory.
 */

lu_rc_e lu_file_table_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_file_t **files, size_t *n, lu_error_t *err);
char *lu_file_table_print(const lu_file_t *files, size_t n);


#endif /* _LU_FILE_H_INCLUDED_ */
