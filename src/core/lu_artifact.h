
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The names that electron-builder and ToDesktop give to installers, packages
 * and archives: what a file is, and for which computer.
 */


#ifndef _LU_ARTIFACT_H_INCLUDED_
#define _LU_ARTIFACT_H_INCLUDED_


#include "lu_platform.h"


typedef struct {
    const char         *kind;       /* "nsis", "dmg", ..., or NULL */
    const char         *arch;       /* "x64", "arm64", ...; NULL: not named */
    unsigned            platform;   /* 0: the name does not tell */
    unsigned            is_doubtful:1;  /* arch may be a part of the product */
} lu_artifact_t;


/*
 * Reads the name of a file, or of its blockmap.  The version and the id of the
 * release, each of which may be empty, tell apart what else is in the name: the
 * architecture stands behind the version, or directly in front of it, where
 * the product's name may end.  With an empty version, what looks like one
 * counts.
 *
 * The kind is one of those of ToDesktop's lists.  An architecture is that of
 * electron-builder, whatever the name calls it ("amd64" is "x64").
 */

void lu_artifact_parse(const lu_str_t *name, const lu_str_t *version,
    const lu_str_t *build_id, lu_artifact_t *artifact);

/* The architecture that a word names, in any letter case; NULL: none. */

const char *lu_artifact_arch(const lu_str_t *word);

/*
 * Where "-build-{id}" or "Build {id}" is in a name, and is no part of a longer
 * id.  Returns the end of it, and sets *start; 0: it is not there.
 */

size_t lu_artifact_build_id(const lu_str_t *name, const lu_str_t *build_id,
    size_t *start);


#endif /* _LU_ARTIFACT_H_INCLUDED_ */
