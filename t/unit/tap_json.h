
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * JSON that a test writes itself, as a tree that the test frees.
 */


#ifndef _TAP_JSON_H_INCLUDED_
#define _TAP_JSON_H_INCLUDED_


#include "tap.h"
#include "lu_json.h"


static cJSON *
tap_json(const char *text)
{
    cJSON      *json;
    lu_str_t    str;
    lu_error_t  err;

    str = tap_str(text);

    if (lu_json_parse(&json, &str, &err) != LU_OK) {
        printf("Bail out! %s: %s\n", text, err.text);
        exit(1);
    }

    return json;
}


#endif /* _TAP_JSON_H_INCLUDED_ */
