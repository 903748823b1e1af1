
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_platform.h"


static const struct {
    const char  *name;
    const char  *suffix;
    unsigned     platform;
} lu_platform_table[] = {
    { "windows", "", LU_WINDOWS },
    { "mac", "-mac", LU_MAC },
    { "linux", "-linux", LU_LINUX },
    { "", "", 0 }
};


const char *
lu_platform_name(unsigned platform)
{
    int  i;

    for (i = 0; lu_platform_table[i].platform; i++) {
        if (lu_platform_table[i].platform == platform) {
            break;
        }
    }

    return lu_platform_table[i].name;
}


unsigned
lu_platform(const lu_str_t *name)
{
    int  i;

    for (i = 0; lu_platform_table[i].platform; i++) {
        if (lu_str_is(name, lu_platform_table[i].name)) {
            break;
        }
    }

    return lu_platform_table[i].platform;
}


const char *
lu_platform_suffix(unsigned platform)
{
    int  i;

    for (i = 0; lu_platform_table[i].platform; i++) {
        if (lu_platform_table[i].platform == platform) {
            break;
        }
    }

    return lu_platform_table[i].suffix;
}


lu_rc_e
lu_platform_list(const cJSON *array, unsigned *platforms)
{
    lu_rc_e       rc;
    unsigned      platform;
    lu_str_t      name;
    const cJSON  *item;

    *platforms = 0;

    if (!cJSON_IsArray(array)) {
        return LU_INVALID;
    }

    rc = LU_OK;

    cJSON_ArrayForEach(item, array) {

        platform = (lu_json_value(item, &name) == LU_OK)
                   ? lu_platform(&name) : 0;

        if (platform == 0) {
            rc = LU_INVALID;
        }

        *platforms |= platform;
    }

    return rc;
}
