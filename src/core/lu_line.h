
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Files of lines with fields, which are separated by spaces or tabs.  Empty
 * lines, and lines that begin with "#", are ignored; lines may end in CR LF.
 */


#ifndef _LU_LINE_H_INCLUDED_
#define _LU_LINE_H_INCLUDED_


#include "lu_error.h"


/*
 * Takes the next line that counts from the front of *rest, without blanks at
 * its beginning, and adds the lines that this takes to *number.  Returns 1, or
 * 0 at the end.
 */

int lu_line_next(lu_str_t *rest, lu_str_t *line, size_t *number);

/* Takes the next field from the front of a line: 1, or 0 at its end. */

int lu_line_field(lu_str_t *line, lu_str_t *field);

/*
 * Makes the number of a line, in the arena, the subject of the error.
 * LU_INVALID or LU_NOMEM.
 */

lu_rc_e lu_line_error(const lu_arena_t *arena, size_t number, lu_error_t *err);


#endif /* _LU_LINE_H_INCLUDED_ */
