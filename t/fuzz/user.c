
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Three lines: a name, roles and apps.  A name that is taken is one line of
 * text that is seen as it is; what a user is made of was asked for.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_origin.h"
#include "lu_user.h"


static lu_str_t
line(const uint8_t **data, size_t *size)
{
    size_t          len;
    lu_str_t        text;
    const uint8_t  *end;

    end = *size ? memchr(*data, '\n', *size) : NULL;
    len = end ? (size_t) (end - *data) : *size;

    /* a copy of its very size */

    text.len = len;
    text.data = malloc(len ? len : 1);

    if (len) {
        memcpy(text.data, *data, len);
    }

    len += (end != NULL);
    *data += len;
    *size -= len;

    return text;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i;
    lu_rc_e        rc;
    lu_str_t       name, roles, apps;
    lu_arena_t     arena;
    lu_error_t     err;
    lu_token_t     user;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    name = line(&data, &size);
    roles = line(&data, &size);
    apps = line(&data, &size);

    err.text = NULL;
    rc = lu_user_name(&name, NULL, 0, &err);

    require((rc == LU_OK) == (err.text == NULL));

    if (rc != LU_INVALID) {
        require(name.len > 0 && name.len <= 128 && lu_str_utf8_valid(&name));
    }

    err.text = NULL;
    rc = lu_user(&arena, &name, &roles, &apps, &user, &err);

    require((rc == LU_OK) == (err.text == NULL));

    if (rc == LU_OK) {
        require(user.roles & LU_ROLE_READ);
        require(user.napps || lu_str_is(&apps, "*"));

        for (i = 0; i < user.napps; i++) {
            require(lu_name_id_valid(&user.apps[i]));
        }
    }

    if (lu_origin_is(&name, &roles)) {
        require(name.len > roles.len && roles.len > 0);
    }

    free(name.data);
    free(roles.data);
    free(apps.data);

    fuzz_free(blocks);

    return 0;
}
