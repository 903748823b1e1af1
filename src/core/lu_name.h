
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Names that came over the network and are about to become paths.
 */


#ifndef _LU_NAME_H_INCLUDED_
#define _LU_NAME_H_INCLUDED_


#include "lu_error.h"


/*
 * Ids of apps, releases, channels, deployments, files and uploads:
 * [A-Za-z0-9][A-Za-z0-9_-]{0,63}.  UUIDs and ToDesktop's ids are such; no
 * such id is ".", hidden or "public" in any letter case (the plugins take it
 * for the built-in bundle).  Returns 1 or 0.
 */

int lu_name_id_valid(const lu_str_t *id);

/*
 * Device ids are echoed, compared and kept, never made a path: 1 to 128
 * bytes of UTF-8 without control characters.  Returns 1 or 0.
 */

int lu_name_device_id_valid(const lu_str_t *id);

/*
 * Channel and app names: 1 to 128 bytes of UTF-8 without control characters,
 * neither beginning nor ending with a space.
 */

int lu_name_label_valid(const lu_str_t *name);

/*
 * The path of a file in a bundle, relative, with "/": UTF-8, at most 1024
 * bytes, segments of 1 to 255 bytes that are neither "." nor "..", no
 * backslash, no control byte, no drive letter ("C:" at the start).  Returns
 * LU_OK or LU_INVALID with the reason (subject: the href).
 */

lu_rc_e lu_name_href_check(const lu_str_t *href, lu_error_t *err);

/*
 * The name of a file of a desktop release: one segment of 1 to 255 bytes of
 * UTF-8 without "/", backslash, control bytes, a leading dot or "..".
 */

lu_rc_e lu_name_file_check(const lu_str_t *name, lu_error_t *err);

/*
 * The name of the file that a URL reference names, absolute or relative: the
 * last segment of its path without query and fragment, percent-decoded, in
 * the arena.  As in the URL standard a "%" without two hex digits is itself.
 * LU_INVALID: no name, or not a safe one.
 */

lu_rc_e lu_name_file_of_url(const lu_arena_t *arena, const lu_str_t *url,
    lu_str_t *name, lu_error_t *err);

/*
 * The first word (letters, digits and "_") that stands directly behind the
 * marker, not before "from": the id of a build behind "-build-".  Returns 1,
 * or 0 if there is none.
 */

int lu_name_word_after(const lu_str_t *name, size_t from, const char *marker,
    lu_str_t *word);


#endif /* _LU_NAME_H_INCLUDED_ */
