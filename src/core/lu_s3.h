
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What S3 clients ask for when they upload, and what they are answered.
 */


#ifndef _LU_S3_H_INCLUDED_
#define _LU_S3_H_INCLUDED_


#include "lu_error.h"


#define LU_S3_PARTS  10000      /* of a file, at most */


typedef enum {
    LU_S3_PUT = 0,              /* PUT: a whole file */
    LU_S3_CREATE,               /* POST ?uploads: a file in parts begins */
    LU_S3_PART,                 /* PUT ?partNumber=&uploadId= */
    LU_S3_COMPLETE,             /* POST ?uploadId=: its parts are joined */
    LU_S3_ABORT                 /* DELETE ?uploadId= */
} lu_s3_op_e;


/* In the arena, terminated. */

typedef struct {
    lu_s3_op_e       op;
    lu_str_t         app;       /* the bucket */
    lu_str_t         release;   /* the first part of the key */
    lu_str_t         file;      /* "{file}" or "{folder}/{file}" */
    lu_str_t         key;       /* as it was sent, decoded */
    lu_str_t         upload;    /* empty unless the file comes in parts */
    unsigned         part;      /* from 1; 0: none */

    /* of a refused request */
    unsigned         status;
    const char      *code;
} lu_s3_t;


typedef struct {
    unsigned         number;
    lu_str_t         etag;      /* without quotes, in the text */
} lu_s3_part_t;


/*
 * Reads a request: /{bucket}/{release}/[{folder}/]{file}, path and query as
 * they were sent.  Empty parts of the path do not count.  LU_OK, LU_NOMEM, or
 * LU_INVALID with the reason and s3->status and s3->code.
 */

lu_rc_e lu_s3_read(const lu_arena_t *arena, const lu_str_t *method,
    const lu_str_t *path, const lu_str_t *query, lu_s3_t *s3,
    lu_error_t *err);

/*
 * Reads the body of a completion: the parts, in the arena.  LU_OK, LU_NOMEM,
 * or LU_INVALID with the reason: it is no such body; or there are no parts,
 * more than LU_S3_PARTS, or some that are not in ascending order.
 */

lu_rc_e lu_s3_parts(const lu_arena_t *arena, const lu_str_t *text,
    lu_s3_part_t **parts, size_t *n, lu_error_t *err);

/* The code of an error that has no other one, and its status in S3's terms. */

const char *lu_s3_code(unsigned status);
unsigned lu_s3_status(unsigned status);

/*
 * The body of an answer, in the arena; data is NULL if that is exhausted.  The
 * upload is that of a file in parts, the etag that of a whole file.
 */

lu_str_t lu_s3_error(const lu_arena_t *arena, const char *code,
    const char *message);
lu_str_t lu_s3_created(const lu_arena_t *arena, const lu_str_t *bucket,
    const lu_str_t *key, const char *upload);
lu_str_t lu_s3_completed(const lu_arena_t *arena, const lu_str_t *bucket,
    const lu_str_t *key, const char *etag);


#endif /* _LU_S3_H_INCLUDED_ */
