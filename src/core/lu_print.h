
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Texts for people: JSON as an editor would leave it, and what is said of a
 * release in a pull request.
 */


#ifndef _LU_PRINT_H_INCLUDED_
#define _LU_PRINT_H_INCLUDED_


#include "lu_json.h"


/*
 * JSON with a line for each member, two spaces for each level and a line feed
 * at the end, as JSON.stringify(value, null, 2) has it.  From malloc(), or
 * NULL: out of memory.
 */

char *lu_print(const cJSON *json);

/*
 * A staged release (release.json and files.json) as GitHub flavoured Markdown:
 * a table of facts and a table of files.  From malloc(), or NULL.  Bytes that
 * mean something in Markdown or HTML are escaped.
 */

char *lu_print_release(const cJSON *release, const cJSON *files);


#endif /* _LU_PRINT_H_INCLUDED_ */
