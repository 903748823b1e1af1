
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Texts for people: JSON that is laid out, and the description of a pull
 * request.
 */


#ifndef _LU_PRINT_H_INCLUDED_
#define _LU_PRINT_H_INCLUDED_


#include "lu_json.h"


/*
 * JSON with a line for each member, two spaces for each level and a line feed
 * at the end, like JSON.stringify(value, null, 2).  Text from malloc(), or
 * NULL: out of memory.
 */

char *lu_print(const cJSON *json);

/*
 * A staged release, out of its release.json and files.json, in GitHub Flavored
 * Markdown: a table of facts, one of what lu_effect() says of its promotion, if
 * that is known (else NULL), the warnings, an array of sentences or NULL, and
 * tables of signatures and files.  Characters that have a meaning in Markdown
 * or HTML are escaped.  Text from malloc(), or NULL: out of memory.
 */

char *lu_print_release(const cJSON *release, const cJSON *files,
    const cJSON *effects, const cJSON *warnings);


#endif /* _LU_PRINT_H_INCLUDED_ */
