
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is sent of an event: the body in the form of its target, and the
 * signature of Standard Webhooks (standardwebhooks.com).
 */


#ifndef _LU_NOTICE_H_INCLUDED_
#define _LU_NOTICE_H_INCLUDED_


#include "lu_json.h"
#include "lu_target.h"


/*
 * The body as text from malloc(), or NULL: out of memory.  Slack: "text", of
 * which nothing is formatted or mentions anybody.  Teams: a message with an
 * Adaptive Card, as the trigger of Workflows takes it.  Discord: "content" of
 * up to 2000 characters that mentions nobody.  A purge has the text of its
 * line.
 */

char *lu_notice_body(const lu_target_t *target, const cJSON *event);

/*
 * The value of "webhook-signature": "v1," and base64, for each of the target's
 * secrets, separated by spaces.  Terminated; data is NULL if the arena is
 * exhausted.
 */

lu_str_t lu_notice_signature(const lu_arena_t *arena,
    const lu_target_t *target, const char *id, const char *timestamp,
    const char *body);


#endif /* _LU_NOTICE_H_INCLUDED_ */
