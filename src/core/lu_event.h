
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Events: what people are told of.  An event is an object with the members
 * "id", "type" and "at", and, where they mean something, "app", "appName",
 * "by", "release", "version", "subject", "from", "to", "channel", "share",
 * "start", "reason", and "target", the only one that is told.
 */


#ifndef _LU_EVENT_H_INCLUDED_
#define _LU_EVENT_H_INCLUDED_


#include "lu_json.h"
#include "lu_text.h"


/* "evt_" and 32 hex digits */

#define LU_EVENT_ID      36
#define LU_EVENT_REASON  1000       /* bytes, at most */


/*
 * The id of what happened, as a terminated string: the same for the same n
 * texts.
 */

void lu_event_id(char id[LU_EVENT_ID + 1], const lu_str_t *texts, size_t n);

/*
 * Makes the event of an entry of the audit log of an app; *event is the
 * caller's, and NULL unless LU_OK.  approval says whether releases wait for
 * it.  LU_NOT_FOUND: nobody is told of such a change; LU_INVALID: it is no
 * entry; LU_NOMEM.
 */

lu_rc_e lu_event_of(cJSON **event, const cJSON *entry, const char *app,
    const char *id, int approval);

/*
 * Makes an event of that type; reason may be NULL, and is cut to
 * LU_EVENT_REASON bytes.  The caller's, or NULL: out of memory.
 */

cJSON *lu_event_make(const char *id, const char *type, const char *at,
    const char *app, const char *by, const char *release, const char *reason);

/*
 * 1 if a pattern, a type or "*", or a type that ends with ".*", is about some
 * type that there is; and if it is about this one.
 */

int lu_event_known(const lu_str_t *pattern);
int lu_event_matches(const lu_str_t *pattern, const lu_str_t *type);

/* 1 if what clients get may be another thing after it. */

int lu_event_is_public(const lu_str_t *type);

/*
 * A disk of which less than a limit is free, in per cent, is told of once,
 * until so much is free: twice as much, but not more than halfway to an empty
 * disk.
 */

double lu_event_enough(double limit);

/* Adds a sentence about the event, for people, in plain text of one line. */

void lu_event_sentence(lu_text_t *text, const cJSON *event);

/* The length of the text, cut to so many bytes, but not in a character. */

size_t lu_event_cut(const char *text, size_t len, size_t max);


#endif /* _LU_EVENT_H_INCLUDED_ */
