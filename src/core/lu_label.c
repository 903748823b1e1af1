
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_label.h"
#include "lu_name.h"


static int lu_label_at(const lu_str_t *name, size_t i, const lu_str_t *word);
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
 * Of several ids, the first one counts, as it does for the feed; of several
 * versions, the longest, so that "1.1.0-beta.1" is not "1.1.0".
 */

const lu_build_t *
lu_label_build(const lu_desktop_t *desktop, const lu_str_t *name)
{
    size_t             i, n;
    const lu_build_t  *build, *found;

    found = NULL;

    for (i = 0; i < name->len; i++) {

        if (i > 0
            && (lu_label_is_word(name->data[i - 1])
                || name->data[i - 1] == '.'))
        {
            continue;
        }

        for (n = 0; n < desktop->nbuilds; n++) {
            build = &desktop->builds[n];

            if (lu_label_at(name, i, &build->id)) {
                return build;
            }

            if (lu_label_at(name, i, &build->version)
                && (found == NULL
                    || found->version.len <= build->version.len))
            {
                found = build;
            }
        }
    }

    return found;
}


/* Whether the word stands there, and ends there. */

static int
lu_label_at(const lu_str_t *name, size_t i, const lu_str_t *word)
{
    size_t  end;

    end = i + word->len;

    if (word->len == 0
        || end > name->len
        || memcmp(name->data + i, word->data, word->len) != 0)
    {
        return 0;
    }

    if (end < name->len && name->data[end] == '.') {
        end++;

        /* "1.1.0.exe", but not "1.1.0.1" */

        return end == name->len
               || name->data[end] < '0' || name->data[end] > '9';
    }

    return end == name->len || !lu_label_is_word(name->data[end]);
}


unsigned
lu_label_platform(const lu_str_t *name)
{
    size_t    i;
    lu_str_t  file;

    static const struct {
        const char  *end;
        unsigned     platform;
    } kinds[] = {
        { ".exe",      LU_WINDOWS },
        { ".msi",      LU_WINDOWS },
        { ".appx",     LU_WINDOWS },
        { ".nsis.7z",  LU_WINDOWS },
        { ".dmg",      LU_MAC },
        { ".pkg",      LU_MAC },
        { ".appimage", LU_LINUX },
        { ".deb",      LU_LINUX },
        { ".rpm",      LU_LINUX },
        { ".snap",     LU_LINUX },
        { ".flatpak",  LU_LINUX }
    };

    file = *name;

    if (lu_str_case_ends(&file, ".blockmap")) {
        file.len -= sizeof(".blockmap") - 1;
    }

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (lu_str_case_ends(&file, kinds[i].end)) {
            return kinds[i].platform;
        }
    }

    if (lu_str_case_has(&file, "-mac") || lu_str_case_has(&file, "darwin")) {
        return LU_MAC;
    }

    if (lu_str_case_has(&file, "-linux")) {
        return LU_LINUX;
    }

    /* a manifest that names no system is that of Windows */

    if (lu_str_case_ends(&file, ".yml")
        || lu_str_case_ends(&file, ".json")
        || lu_str_case_has(&file, "-win"))
    {
        return LU_WINDOWS;
    }

    return 0;
}


static int
lu_label_is_word(unsigned char c)
{
    return c == '_' || lu_str_is_alnum(c);
}
