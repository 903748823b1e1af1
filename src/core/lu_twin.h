
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Names of artifacts of one version, built for several architectures.
 */


#ifndef _LU_TWIN_H_INCLUDED_
#define _LU_TWIN_H_INCLUDED_


#include "lu_str.h"


/*
 * 1 if two different names differ in nothing but the architecture that they
 * say, or that one of them does not say: "A-1.0.0-arm64.dmg" and
 * "A-1.0.0.dmg".
 */

int lu_twin_is(const lu_str_t *one, const lu_str_t *two);

/*
 * 1 if a name has the version: "1.0.0" is in "A-1.0.0-mac.zip", but neither in
 * "A-11.0.0.zip" nor in "A-1.0.0-beta.2.zip".
 */

int lu_twin_has_version(const lu_str_t *name, const char *version);

/*
 * 1 if the names are the same but for the characters that electron-builder
 * replaces in the names of files on GitHub: "A Setup.exe" and "A-Setup.exe".
 */

int lu_twin_is_safe(const lu_str_t *one, const lu_str_t *two);


#endif /* _LU_TWIN_H_INCLUDED_ */
