
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What clients run on.
 */


#ifndef _LU_PLATFORM_H_INCLUDED_
#define _LU_PLATFORM_H_INCLUDED_


#include "lu_json.h"


/* Devices: as the plugins number them in "platform". */

typedef enum {
    LU_OS_ANDROID = 0,
    LU_OS_IOS,
    LU_OS_ELECTRON
} lu_os_e;


/*
 * Installations: the platforms of desktop apps are bits of a set.  To go
 * through them all:
 *
 *     for (bit = LU_WINDOWS; bit & LU_PLATFORMS; bit <<= 1) {
 */

#define LU_WINDOWS    0x01
#define LU_MAC        0x02
#define LU_LINUX      0x04

#define LU_PLATFORMS  (LU_WINDOWS|LU_MAC|LU_LINUX)


/* "windows", "mac", "linux"; "" if it is not one of the three bits. */

const char *lu_platform_name(unsigned platform);

/* The bit of such a name; 0: it is none. */

unsigned lu_platform(const lu_str_t *name);

/*
 * What stands for the platform in the name of a manifest: "" (Windows),
 * "-mac" and "-linux", as in "latest-mac.yml" and "td-latest-mac.json".
 */

const char *lu_platform_suffix(unsigned platform);

/*
 * The bits of an array of names.  LU_INVALID: it is no array, or has an item
 * that is no such name; the bits of the others are set even then.
 */

lu_rc_e lu_platform_list(const cJSON *array, unsigned *platforms);


#endif /* _LU_PLATFORM_H_INCLUDED_ */
