
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * All of what is refused is tested with lu_json_parse(), which comes behind.
 */


#include "tap.h"
#include "../../src/core/lu_json_scan.c"


static lu_error_t  error;


/* A text of exactly that size, so that a byte too far is noticed. */

static lu_rc_e
scan(const char *text, size_t len)
{
    lu_rc_e    rc;
    lu_str_t   str;

    str.len = len;
    str.data = malloc(len);
    memcpy(str.data, text, len);

    error.text = NULL;

    rc = lu_json_scan(&str, &error);

    free(str.data);

    return rc;
}


int
main(void)
{
    int     wrong;
    size_t  i;

    static const char  text[] =
        " {\"a\\u00e9\\ud83d\\ude00\" : [ 1, -2.5e+3 , true,false,null ],"
        "\"\":{}, \"b\":[[],[\"\xc3\xbc\\n\"]]}\r\n";

    ok(scan(text, sizeof(text) - 1) == LU_OK && error.text == NULL, "a text");

    wrong = 0;

    for (i = 0; i < sizeof(text) - 4; i++) {
        wrong += (scan(text, i) != LU_INVALID || error.text == NULL);
    }

    ok(wrong == 0, "none of its beginnings");

    ok(scan("{\"a\":1,\"a\":2}", 13) == LU_OK
       && scan("1e999", 5) == LU_OK, "what only shows in the tree passes");

    return tap_done();
}
