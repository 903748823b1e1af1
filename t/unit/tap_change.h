
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What the tests of changes share: an app, and what is said of its tree.
 */


#ifndef _TAP_CHANGE_H_INCLUDED_
#define _TAP_CHANGE_H_INCLUDED_


#include "tap_json.h"
#include "lu_app.h"
#include "lu_change.h"
#include "lu_change_channel.h"
#include "lu_change_deployment.h"


#define NOW    "2025-02-10T13:00:25.000Z"
#define LATER  "2025-02-10T13:00:26.000Z"

#define OK          LU_OK
#define INVALID     LU_INVALID
#define NOT_FOUND   LU_NOT_FOUND
#define CONFLICT    LU_CONFLICT
#define FORBIDDEN   LU_FORBIDDEN


typedef struct {
    const char       *body;
    lu_rc_e           rc;
    const char       *expected;     /* of the result, or of the reason */
} change_case_t;


static cJSON *
new_app(void)
{
    return lu_change_app_create("app", "Demo", "capacitor", "org", "c1",
                                "default",
                                NOW);
}


/* The tree as a text, which the caller frees. */

static char *
print(const cJSON *tree)
{
    char  *text;

    text = cJSON_PrintUnformatted(tree);

    if (text == NULL) {
        printf("Bail out! no memory\n");
        exit(1);
    }

    return text;
}


static int
contains(const cJSON *tree, const char *part)
{
    int    found;
    char  *text;

    text = print(tree);
    found = (strstr(text, part) != NULL);

    cJSON_free(text);

    return found;
}


static int
parses(const cJSON *tree)
{
    char       *text;
    lu_rc_e     rc;
    lu_app_t    app;
    lu_str_t    str;
    lu_error_t  err;

    text = print(tree);
    str = tap_str(text);

    rc = lu_app_parse(&tap_arena, &str, &app, &err);

    if (rc != LU_OK) {
        printf("# \"%.*s\" %s\n", (int) err.subject.len,
               (char *) err.subject.data, err.text);
    }

    cJSON_free(text);
    tap_free();

    return rc == LU_OK;
}


#endif /* _TAP_CHANGE_H_INCLUDED_ */
