
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A name is put together again from its parts, and with the id of a release it
 * is that release's, for the same platform.
 */


#include "fuzz.h"
#include "lu_update.h"


static int
has(const lu_str_t *str, const char *what)
{
    size_t  i, len;

    len = strlen(what);

    for (i = 0; i + len <= str->len; i++) {
        if (memcmp(str->data + i, what, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
check_named(const lu_update_t *update, const char *id)
{
    char         *text;
    lu_str_t      name;
    lu_update_t   named;

    text = malloc(update->stem.len + strlen(id) + 32);

    memcpy(text, update->stem.data, update->stem.len);

    name.data = (unsigned char *) text;
    name.len = update->stem.len;

    memcpy(text + name.len, "-build-", 7);
    name.len += 7;

    memcpy(text + name.len, id, strlen(id));
    name.len += strlen(id);

    memcpy(text + name.len, update->ext.data, update->ext.len);
    name.len += update->ext.len;

    require(lu_update_parse(&name, &named));

    if (!has(&update->stem, "-build")) {
        require(named.has_build);
        require(lu_str_is(&named.build_id, id));
        require(lu_str_eq(&named.stem, &update->stem));
        require(lu_str_eq(&named.channel, &update->channel));
        require(named.platform == update->platform);
        require(named.arch == update->arch);
    }

    free(text);
}


static void
check_name(const lu_str_t *name)
{
    size_t       len;
    lu_update_t  update;

    if (!lu_update_parse(name, &update)) {
        require(!lu_str_ends(name, ".yml") && !lu_str_ends(name, ".json"));
        return;
    }

    require(update.stem.data == name->data);
    require(update.ext.data + update.ext.len == name->data + name->len);
    require(!(update.has_build && update.version.len));
    require(update.has_build == has(name, "-build-"));

    len = update.stem.len + update.ext.len;

    if (update.has_build) {
        len += sizeof("-build-") - 1 + update.build_id.len;

    } else if (update.version.len) {
        len += 1 + update.version.len;
    }

    require(len == name->len);

    require(update.channel.data == name->data);
    require(update.channel.len <= update.stem.len);
    require(update.platform == LU_WINDOWS
            || update.platform == LU_MAC
            || update.platform == LU_LINUX);
    require((update.channel.len < update.stem.len)
            == (update.platform != LU_WINDOWS));

    if (update.stem.len) {
        check_named(&update, "a1");
        check_named(&update, "x-mac-1");
        check_named(&update, "1-0-0-linux");
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_str_t  name;

    name = fuzz_copy(data, size);

    check_name(&name);
    (void) lu_update_is_td(&name);

    free(name.data);

    return 0;
}
