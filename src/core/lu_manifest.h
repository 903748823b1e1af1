
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * capawesome-live-update-manifest.json, the manifest of a bundle: an array of
 * {checksum, href, sizeInBytes}, which the plugin compares with that of the
 * bundle it has.
 */


#ifndef _LU_MANIFEST_H_INCLUDED_
#define _LU_MANIFEST_H_INCLUDED_


#include "lu_file.h"


#define LU_MANIFEST_NAME   "capawesome-live-update-manifest.json"
#define LU_MANIFEST_FILES  20000


/*
 * Reads a manifest into the arena, sorted by lu_file_cmp(), and keeps nothing
 * of the text.  Each entry must have the three members, a href that
 * lu_name_href_check() accepts, and a checksum of lower-case hex digits.  No
 * href may occur twice, or be a directory of another one.  Other members are
 * ignored.  LU_OK, LU_INVALID with the reason, or LU_NOMEM.
 */

lu_rc_e lu_manifest_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_file_t **entries, size_t *n, lu_error_t *err);

/*
 * Compares a bundle with its manifest; both arrays are sorted by
 * lu_file_cmp().  Each entry must have a file of the same size and digest;
 * there must be an index.html at the root; if one file is signed, then all
 * files that the manifest lists must be, and the manifest itself.  Files that
 * no entry lists are allowed.  LU_OK, or LU_INVALID with the reason and the
 * file as the subject.
 */

lu_rc_e lu_manifest_check(const lu_file_t *entries, size_t n,
    const lu_file_t *files, size_t nfiles, lu_error_t *err);

/*
 * Compares two manifests, sorted by lu_file_cmp(), as a plugin does that has
 * the older bundle.  It copies a file whose checksum is anywhere in the older
 * manifest, and copies it from the same href: where there was another file,
 * it keeps that one.  LU_OK; LU_NOMEM; or LU_INVALID with the file.
 */

lu_rc_e lu_manifest_check_update(const lu_arena_t *arena,
    const lu_file_t *older, size_t nolder, const lu_file_t *newer,
    size_t nnewer, lu_error_t *err);

/*
 * Reads a manifest that is packed into a zip archive, and compares it with
 * the files there, which are sorted by lu_file_cmp(): a device believes it at
 * the next update.  Files that no entry lists are allowed.  LU_OK, LU_NOMEM,
 * or LU_INVALID with the reason and the file as the subject.
 */

lu_rc_e lu_manifest_check_packed(const lu_arena_t *arena,
    const lu_str_t *text, const lu_file_t *files, size_t n, lu_error_t *err);


#endif /* _LU_MANIFEST_H_INCLUDED_ */
