
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_artifact.h"
#include "lu_label.h"
#include "lu_update.h"


static int lu_label_is_word(unsigned char c);


unsigned char *
lu_label_escape(unsigned char *dst, const lu_str_t *value)
{
    int            is_utf8;
    size_t         i;
    unsigned char  c;

    is_utf8 = lu_str_utf8_valid(value);

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        if (c == '\\' || c == '"') {
            *dst++ = '\\';

        } else if (c == '\n') {
            *dst++ = '\\';
            c = 'n';

        } else if (c < 0x20 || c == 0x7f || (c > 0x7f && !is_utf8)) {
            c = '?';
        }

        *dst++ = c;
    }

    return dst;
}


/*
 * Of several ids, the first one counts, as in the feed; of several versions,
 * the longest one does, so that "1.1.0-beta.1" is not "1.1.0".
 */

const lu_build_t *
lu_label_build(const lu_desktop_t *desktop, const lu_str_t *name)
{
    size_t             i;
    lu_str_t           rest;
    const lu_build_t  *build, *found;

    found = NULL;

    for (i = 0; i < name->len; i++) {

        if (i > 0
            && (lu_label_is_word(name->data[i - 1])
                || name->data[i - 1] == '.'))
        {
            continue;
        }

        rest.data = name->data + i;
        rest.len = name->len - i;

        build = lu_desktop_id_at(desktop, &rest);

        if (build) {
            return build;
        }

        build = lu_desktop_version_at(desktop, &rest);

        if (build
            && (found == NULL || found->version.len <= build->version.len))
        {
            found = build;
        }
    }

    return found;
}


void
lu_label_parse(const lu_str_t *name, const lu_build_t *build,
    lu_label_t *label)
{
    lu_str_t       none;
    lu_update_t    update;
    lu_artifact_t  artifact;

    memset(&none, 0, sizeof(lu_str_t));

    label->channel = none;

    if (lu_update_parse(name, &update)) {
        label->platform = update.platform;
        label->arch = update.arch;

        if (!lu_update_is_td(name)) {
            label->channel = lu_update_channel(&update);
        }

        return;
    }

    lu_artifact_parse(name, build ? &build->version : &none,
                      build ? &build->id : &none, &artifact);

    label->platform = artifact.platform;
    label->arch = artifact.arch;
}


static int
lu_label_is_word(unsigned char c)
{
    return c == '_' || lu_str_is_alnum(c);
}
