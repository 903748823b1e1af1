
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The file with the targets of notifications.  It has lines of
 *
 *     name form url [option ...]
 *
 * as lu_line.h reads them.  The options, of which all but "method" and "body"
 * may occur more than once:
 *
 *     secret=whsec_...   signs (Standard Webhooks); with several, each one does
 *     app=shop           only events of this app
 *     event=release.*    only such events
 *     header=Name:value  a header of the request
 *     method=PURGE       of a purge, POST if there is none
 *     body={"tags":[]}   of a purge
 *
 * "%XX" in a header or body is that byte.  "{app}" in the URL or body of a
 * purge is the app's id.
 */


#ifndef _LU_TARGET_H_INCLUDED_
#define _LU_TARGET_H_INCLUDED_


#include "lu_error.h"


#define LU_TARGET_OPTIONS  32       /* of a line, at most */
#define LU_TARGET_SECRET   64       /* bytes, at most; 24 at least */


typedef enum {
    LU_FORM_JSON = 0,
    LU_FORM_SLACK,
    LU_FORM_TEAMS,
    LU_FORM_DISCORD,
    LU_FORM_PURGE
} lu_form_e;


typedef struct {
    lu_str_t             key;
    lu_str_t             value;
} lu_target_header_t;


/* All strings are terminated. */

typedef struct {
    lu_str_t             name;
    lu_form_e            form;
    lu_str_t             url;
    lu_str_t             host;      /* and port, of the URL */
    lu_str_t            *secrets;   /* decoded */
    size_t               nsecrets;
    lu_str_t            *apps;      /* none: all of them */
    size_t               napps;
    lu_str_t            *events;    /* none: all, of a purge the public ones */
    size_t               nevents;
    lu_target_header_t  *headers;
    size_t               nheaders;
    lu_str_t             method;
    lu_str_t             body;      /* of a purge */
} lu_target_t;


/*
 * Reads a whole file into the arena and keeps nothing of the text.  There may
 * be no targets in it.  LU_OK, LU_NOMEM, or LU_INVALID with the reason and, as
 * the subject, the number of the line.
 */

lu_rc_e lu_target_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_target_t **targets, size_t *n, lu_error_t *err);

/* The target with that name, or NULL. */

const lu_target_t *lu_target_find(const lu_target_t *targets, size_t n,
    const lu_str_t *name);

/* "json", "slack" ... */

const char *lu_target_form(const lu_target_t *target);

/*
 * 1 if the target wants an event of that type; the app is empty if the event
 * is about none.
 */

int lu_target_wants(const lu_target_t *target, const lu_str_t *type,
    const lu_str_t *app);

/*
 * A text with the app's id, which may be part of any URL, in the place of
 * "{app}", terminated; data is NULL if the arena is exhausted.
 */

lu_str_t lu_target_fill(const lu_arena_t *arena, const lu_str_t *text,
    const lu_str_t *app);


#endif /* _LU_TARGET_H_INCLUDED_ */
