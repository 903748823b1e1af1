
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The body of ToDesktop's release webhook.
 */


#ifndef _LU_WEBHOOK_H_INCLUDED_
#define _LU_WEBHOOK_H_INCLUDED_


#include "lu_json.h"


/* Members that are absent or null are empty. */

typedef struct {
    lu_str_t            app_id;
    lu_str_t            build_id;
    lu_str_t            app_name;
    lu_str_t            app_version;
    lu_str_t            user_id;
    lu_str_t            started;          /* buildStartedAt */
    lu_str_t            ended;
    lu_str_t            electron;         /* electronVersionUsed */
    lu_str_t            commit;
    lu_str_t            commit_message;
    lu_str_t            branch;
    lu_str_t            remote;
    const cJSON        *release_info;     /* an object, or NULL */
} lu_webhook_t;


/*
 * Reads a body.  The strings and the object are parts of the tree.  LU_OK,
 * LU_NOMEM, or LU_INVALID with the reason: appId or buildId is no valid id, a
 * member has another type, or lu_desktop_parse() or lu_builds_rules_fit()
 * refuses releaseInfo.
 */

lu_rc_e lu_webhook_parse(const lu_arena_t *arena, const cJSON *body,
    lu_webhook_t *webhook, lu_error_t *err);


#endif /* _LU_WEBHOOK_H_INCLUDED_ */
