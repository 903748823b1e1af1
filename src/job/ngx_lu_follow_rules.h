
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The rules of desktop-releases.json: what has changed in them is changed in
 * the apps that they are about.
 */


#ifndef _NGX_LU_FOLLOW_RULES_H_INCLUDED_
#define _NGX_LU_FOLLOW_RULES_H_INCLUDED_


#include "ngx_lu_follow.h"


/*
 * Changes the rules of each app, and puts "rules" into follow->now.  The rules
 * of an app stay as they are while one of their builds is on its way.  NGX_OK,
 * perhaps with errors; or a status: 500, 507.
 */

ngx_int_t ngx_lu_follow_rules(ngx_lu_follow_t *follow);

/* 1 if the file is not the one that was followed before. */

ngx_uint_t ngx_lu_follow_rules_changed(ngx_lu_follow_t *follow);

/* 1 if the build is named by a rule that was not followed before. */

ngx_uint_t ngx_lu_follow_rules_name(ngx_lu_follow_t *follow,
    const lu_str_t *id);


#endif /* _NGX_LU_FOLLOW_RULES_H_INCLUDED_ */
