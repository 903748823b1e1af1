
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_sha256.h"
#include "lu_user.h"


static int lu_user_seen(const lu_str_t *name);
static int lu_user_same(const lu_str_t *a, const lu_str_t *b);
static lu_rc_e lu_user_apps(const lu_arena_t *arena, const lu_str_t *apps,
    lu_token_t *user, lu_error_t *err);
static int lu_user_item(lu_str_t *rest, lu_str_t *item);


/* Who else writes into audit logs. */

static const char *const  lu_user_reserved[] = {
    "cleanup", "github", "guard", "status", "todesktop", NULL
};


lu_rc_e
lu_user_name(const lu_str_t *name, const lu_token_t *tokens, size_t n,
    lu_error_t *err)
{
    size_t    i;
    lu_str_t  reserved;

    if (!lu_name_label_valid(name) || !lu_user_seen(name)) {
        return lu_error(err, NULL,
                        "The name of the user is not 1 to 128 bytes of UTF-8 "
                        "without control characters.");
    }

    for (i = 0; lu_user_reserved[i]; i++) {
        reserved = lu_str(lu_user_reserved[i]);

        if (lu_user_same(name, &reserved)) {
            (void) lu_error(err, name, "is a name of the server's own.");
            return LU_CONFLICT;
        }
    }

    for (i = 0; i < n; i++) {
        if (lu_user_same(name, &tokens[i].name)) {
            (void) lu_error(err, name, "is the name of a token.");
            return LU_CONFLICT;
        }
    }

    return LU_OK;
}


/*
 * A name of well-formed UTF-8: none of U+00AD, U+061C, U+200B to U+200F,
 * U+2028 to U+202E, U+2060 to U+206F and U+FEFF.
 */

static int
lu_user_seen(const lu_str_t *name)
{
    size_t                i;
    const unsigned char  *p;

    for (i = 0; i < name->len; i++) {
        p = name->data + i;

        if ((p[0] == 0xc2 && p[1] == 0xad)
            || (p[0] == 0xd8 && p[1] == 0x9c)
            || (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf))
        {
            return 0;
        }

        if (p[0] != 0xe2) {
            continue;
        }

        if (p[1] == 0x80
            && ((p[2] >= 0x8b && p[2] <= 0x8f)
                || (p[2] >= 0xa8 && p[2] <= 0xae)))
        {
            return 0;
        }

        if (p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf) {
            return 0;
        }
    }

    return 1;
}


static int
lu_user_same(const lu_str_t *a, const lu_str_t *b)
{
    size_t  i;

    if (a->len != b->len) {
        return 0;
    }

    for (i = 0; i < a->len; i++) {
        if (lu_str_lower(a->data[i]) != lu_str_lower(b->data[i])) {
            return 0;
        }
    }

    return 1;
}


lu_rc_e
lu_user(const lu_arena_t *arena, const lu_str_t *name, const lu_str_t *roles,
    const lu_str_t *apps, lu_token_t *user, lu_error_t *err)
{
    lu_sha256_t  sha256;

    memset(user, 0, sizeof(lu_token_t));

    user->name = *name;
    user->is_user = 1;

    /* no text whose digest is that of a token begins so */

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, "user\n", 5);
    lu_sha256_update(&sha256, name->data, name->len);
    lu_sha256_final(&sha256, user->digest);

    if (roles->len == 0) {
        (void) lu_error(err, name, "has no role here.");
        return LU_FORBIDDEN;
    }

    user->roles = lu_token_roles(roles);

    if (user->roles == 0) {
        return lu_error(err, roles,
                        "has a role that is not read, publish, approve or "
                        "admin.");
    }

    if (apps == NULL || lu_str_is(apps, "*")) {
        return LU_OK;
    }

    if (apps->len == 0) {
        (void) lu_error(err, name, "has no app here.");
        return LU_FORBIDDEN;
    }

    return lu_user_apps(arena, apps, user, err);
}


static lu_rc_e
lu_user_apps(const lu_arena_t *arena, const lu_str_t *apps, lu_token_t *user,
    lu_error_t *err)
{
    size_t    n;
    lu_str_t  rest, id;

    rest = *apps;

    for (n = 0; lu_user_item(&rest, &id); n++) {
        if (!lu_name_id_valid(&id)) {
            return lu_error(err, apps, "has an app that is not a valid id.");
        }
    }

    user->apps = arena->alloc(arena->data, n * sizeof(lu_str_t));
    if (user->apps == NULL) {
        return LU_NOMEM;
    }

    rest = *apps;

    while (lu_user_item(&rest, &id)) {
        user->apps[user->napps] = lu_str_dup(arena, id.data, id.len);

        if (user->apps[user->napps].data == NULL) {
            return LU_NOMEM;
        }

        user->napps++;
    }

    return LU_OK;
}


/* Takes the next item, which may be empty: 1, or 0 behind the last one. */

static int
lu_user_item(lu_str_t *rest, lu_str_t *item)
{
    unsigned char  *comma;

    if (rest->data == NULL) {
        return 0;
    }

    *item = *rest;
    comma = memchr(rest->data, ',', rest->len);

    if (comma == NULL) {
        rest->data = NULL;
        return 1;
    }

    item->len = (size_t) (comma - rest->data);
    rest->data = comma + 1;
    rest->len -= item->len + 1;

    return 1;
}
