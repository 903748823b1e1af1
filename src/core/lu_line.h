
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
 * Reads the lines that count into a list in the arena, with n elements of that
 * size, or NULL if there is none.  The reader makes element i of a line; those
 * before it are there.  Returns LU_OK, LU_NOMEM, or what the reader returned;
 * with LU_INVALID the number of the line is the subject of the error.
 */

typedef lu_rc_e (*lu_line_pt)(void *data, void *list, size_t i, lu_str_t *line,
    lu_error_t *err);

lu_rc_e lu_line_list(const lu_arena_t *arena, const lu_str_t *text,
    size_t size, lu_line_pt reader, void *data, void **list, size_t *n,
    lu_error_t *err);


#endif /* _LU_LINE_H_INCLUDED_ */
