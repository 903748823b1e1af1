
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Names that came over the network and are about to become paths.
 */


#ifndef _LU_NAME_H_INCLUDED_
#define _LU_NAME_H_INCLUDED_


#include "lu_error.h"


#define LU_MACHINE_LEN  64


/*
 * 1 if it is an id of an app, bundle, channel, deployment, file or upload:
 * [A-Za-z0-9][A-Za-z0-9_-]{0,63}, such as a UUID or an id of ToDesktop's, but
 * not "public" in any letter case, which the plugins use for the bundle that
 * is built into an app.
 */

int lu_name_id_valid(const lu_str_t *id);

/*
 * 1 if it is an id of a release, which may be a version as well:
 * [A-Za-z0-9][A-Za-z0-9._+-]{0,63}, but not "public", and without "..", or a
 * "." or ".lock" at its end, which branches of Git cannot have.
 */

int lu_name_release_valid(const lu_str_t *id);

/*
 * 1 if it is a name of a machine, which becomes that of a folder:
 * [A-Za-z0-9][A-Za-z0-9._-]{0,63}, but not "body" or "fetch", folders of older
 * versions.  1 if a name may have this character.
 */

int lu_name_machine_valid(const lu_str_t *name);
int lu_name_machine_char(unsigned char c);

/*
 * 1 if it is a device id: 1 to 128 bytes of UTF-8 without control characters.
 * Device ids are compared, kept and sent back, but never become paths.
 */

int lu_name_device_id_valid(const lu_str_t *id);

/*
 * Makes the letters of an id lower-case if it is a UUID: the plugin sends it
 * so, versions for iOS before 6.0.4 and Apple's tools write it in upper case.
 * Other ids are compared as they are.
 */

void lu_name_device_id_fold(lu_str_t *id);

/*
 * 1 if it is a name of a channel or an app: 1 to 128 bytes of UTF-8 without
 * control characters, and without a space at either end.
 */

int lu_name_label_valid(const lu_str_t *name);

/*
 * Checks the path of a file in a bundle: a relative path of at most 1024 bytes
 * of UTF-8, with segments of 1 to 255 bytes between "/" that are neither "."
 * nor "..", without backslashes, control characters, or a drive letter ("C:")
 * at its beginning.  LU_OK, or LU_INVALID with the reason and the href as the
 * subject.
 */

lu_rc_e lu_name_href_check(const lu_str_t *href, lu_error_t *err);

/*
 * Checks the name of a file of a desktop release: one segment of 1 to 255 bytes
 * of UTF-8, without slashes, backslashes, control characters, ".." or a dot at
 * its beginning.  LU_OK, or LU_INVALID with the reason and the name as the
 * subject.
 */

lu_rc_e lu_name_file_check(const lu_str_t *name, lu_error_t *err);

/*
 * The name of the file that an absolute or relative URL refers to: the last
 * segment of its path, without query and fragment, percent-decoded, in the
 * arena.  As in the URL standard, a "%" without two hex digits stands for
 * itself.  LU_OK, LU_NOMEM, or LU_INVALID with the reason: there is no name,
 * or lu_name_file_check() refuses it.
 */

lu_rc_e lu_name_file_of_url(const lu_arena_t *arena, const lu_str_t *url,
    lu_str_t *name, lu_error_t *err);

/*
 * The name of the file that electron-updater asks the feed for, if an update
 * manifest has this URL.  The URL is resolved as the URL standard does, which
 * takes "./a.exe" for "a.exe", and must lead to a file in the folder of the
 * manifest.  An absolute URL may lead anywhere: *is_absolute is set, and the
 * name is that of lu_name_file_of_url().  In the arena.
 *
 * LU_OK, LU_NOMEM, or LU_INVALID with the reason: it leads to another folder
 * or server; the client, or nginx, would read it in another way than it looks;
 * or lu_name_file_check() refuses the name.
 */

lu_rc_e lu_name_file_of_manifest(const lu_arena_t *arena, const lu_str_t *url,
    lu_str_t *name, unsigned *is_absolute, lu_error_t *err);


#endif /* _LU_NAME_H_INCLUDED_ */
