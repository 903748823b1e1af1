
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Names that came over the network and are about to become paths.
 */


#ifndef _LIVEUPDATE_NAME_H_INCLUDED_
#define _LIVEUPDATE_NAME_H_INCLUDED_


#include "lu_core.h"


/* 1 if the bytes are well-formed UTF-8 (RFC 3629: no surrogates, shortest). */

int liveupdate_utf8_valid(const liveupdate_str_t *str);

/*
 * Ids of apps, releases, channels, deployments, files and uploads:
 * [A-Za-z0-9][A-Za-z0-9_-]{0,63}.  UUIDs and ToDesktop's ids are such; no
 * such id is ".", hidden or "public" in any letter case (the plugins take it
 * for the built-in bundle).  Returns 1 or 0.
 */

int liveupdate_id_valid(const liveupdate_str_t *id);

/*
 * Device ids are echoed, compared and kept, never made a path: 1 to 128
 * bytes of UTF-8 without control characters.  Returns 1 or 0.
 */

int liveupdate_device_id_valid(const liveupdate_str_t *id);

/*
 * Channel and app names: 1 to 128 bytes of UTF-8 without control characters,
 * neither beginning nor ending with a space.
 */

int liveupdate_label_valid(const liveupdate_str_t *name);

/*
 * The path of a file in a bundle, relative, with "/": UTF-8, at most 1024
 * bytes, segments of 1 to 255 bytes that are neither "." nor "..", no
 * backslash, no control byte, no drive letter ("C:" at the start).  Returns
 * LIVEUPDATE_OK or LIVEUPDATE_INVALID with the reason (subject: the href).
 */

liveupdate_rc_e liveupdate_href_check(const liveupdate_str_t *href,
    liveupdate_error_t *err);

/*
 * The name of a file of a desktop release: one segment of 1 to 255 bytes of
 * UTF-8 without "/", backslash, control bytes, a leading dot or "..".
 */

liveupdate_rc_e liveupdate_file_name_check(const liveupdate_str_t *name,
    liveupdate_error_t *err);

/*
 * The name of the file that a URL reference names, absolute or relative: the
 * last segment of its path without query and fragment, percent-decoded, in
 * the arena.  As in the URL standard a "%" without two hex digits is itself.
 * LIVEUPDATE_INVALID: no name, or not a safe one.
 */

liveupdate_rc_e liveupdate_file_name_of_url(const liveupdate_arena_t *arena,
    const liveupdate_str_t *url, liveupdate_str_t *name,
    liveupdate_error_t *err);


#endif /* _LIVEUPDATE_NAME_H_INCLUDED_ */
