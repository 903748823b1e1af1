
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <stdio.h>

#include "lu_download.h"


#define LIVEUPDATE_DOWNLOAD_PARTS  5    /* versions, {version} and three */


static int liveupdate_download_split(const liveupdate_str_t *path,
    liveupdate_str_t *parts);
static liveupdate_download_e liveupdate_download_params(
    const liveupdate_arena_t *arena, const liveupdate_str_t *parts, int n,
    const liveupdate_str_t *user_agent, liveupdate_download_t *download,
    liveupdate_str_t *reason);
static int liveupdate_download_word(const liveupdate_str_t *part);
static liveupdate_str_t liveupdate_download_reason(
    const liveupdate_arena_t *arena, const char *text,
    const liveupdate_str_t *subject);

static unsigned liveupdate_user_agent_platform(
    const liveupdate_str_t *user_agent);
static int liveupdate_user_agent_universal(
    const liveupdate_str_t *user_agent);
static unsigned liveupdate_user_agent_number(const liveupdate_str_t *text,
    size_t *i);
static size_t liveupdate_user_agent_find(const liveupdate_str_t *user_agent,
    size_t from, const char *word);

static const char *const *liveupdate_download_artifacts(
    const liveupdate_download_t *download, const liveupdate_str_t *arch);
static const char *liveupdate_download_artifact(const liveupdate_td_t *td,
    const liveupdate_download_t *download, const liveupdate_str_t *arch);
static const liveupdate_td_artifact_t *liveupdate_download_find(
    const liveupdate_td_t *td, const char *artifact,
    const liveupdate_str_t *arch);
static liveupdate_rc_e liveupdate_download_none(
    const liveupdate_arena_t *arena, const liveupdate_download_t *download,
    const char *artifact, const liveupdate_str_t *arch,
    liveupdate_str_t *reason);
static int liveupdate_same_letters(const liveupdate_str_t *str,
    const char *text);
static unsigned char liveupdate_lower(unsigned char c);


static const struct {
    const char            *name;
    unsigned               platform;
} liveupdate_download_platforms[] = {
    { "windows", LIVEUPDATE_WINDOWS },
    { "mac", LIVEUPDATE_MAC },
    { "linux", LIVEUPDATE_LINUX },
    { NULL, 0 }
};


static const char *const  liveupdate_download_archs[] = {
    "ia32", "x64", "arm64", "universal", NULL
};

static const liveupdate_str_t  liveupdate_x64 = liveupdate_string("x64");
static const liveupdate_str_t  liveupdate_arm64 = liveupdate_string("arm64");
static const liveupdate_str_t  liveupdate_universal =
    liveupdate_string("universal");


liveupdate_download_e
liveupdate_download_route(const liveupdate_arena_t *arena,
    const liveupdate_str_t *path, const liveupdate_str_t *user_agent,
    liveupdate_download_t *download, liveupdate_str_t *reason)
{
    int                n, used;
    liveupdate_str_t   parts[LIVEUPDATE_DOWNLOAD_PARTS];

    memset(download, 0, sizeof(liveupdate_download_t));

    reason->len = 0;
    reason->data = NULL;

    n = liveupdate_download_split(path, parts);
    used = 0;

    if (n >= 2 && liveupdate_str_is(&parts[0], "versions")) {
        download->version = parts[1];
        used = 2;

    } else if (n >= 2 && liveupdate_str_is(&parts[0], "builds")) {
        download->build_id = parts[1];
        used = 2;
    }

    if (n == -1 || n - used > 3) {
        return (path->len && path->data[path->len - 1] == '/')
               ? LIVEUPDATE_DOWNLOAD_SLASH : LIVEUPDATE_DOWNLOAD_NOT_FOUND;
    }

    return liveupdate_download_params(arena, parts + used, n - used,
                                      user_agent, download, reason);
}


/* How many parts there are; -1: too many, or one of them is empty. */

static int
liveupdate_download_split(const liveupdate_str_t *path,
    liveupdate_str_t *parts)
{
    int             n;
    unsigned char  *p, *slash, *last;

    if (path->len == 0 || path->data[0] != '/') {
        return -1;
    }

    if (path->len == 1) {
        return 0;
    }

    p = path->data + 1;
    last = path->data + path->len;

    for (n = 0; n < LIVEUPDATE_DOWNLOAD_PARTS; n++) {

        slash = memchr(p, '/', last - p);

        parts[n].data = p;
        parts[n].len = (slash ? slash : last) - p;

        if (parts[n].len == 0) {
            return -1;
        }

        if (slash == NULL) {
            return n + 1;
        }

        p = slash + 1;

        if (p == last) {
            return -1;
        }
    }

    return -1;
}


static liveupdate_download_e
liveupdate_download_params(const liveupdate_arena_t *arena,
    const liveupdate_str_t *parts, int n, const liveupdate_str_t *user_agent,
    liveupdate_download_t *download, liveupdate_str_t *reason)
{
    int  i;

    if (!liveupdate_download_word(&download->version)) {
        *reason = liveupdate_download_reason(arena, "Invalid version", NULL);
        return LIVEUPDATE_DOWNLOAD_REFUSED;
    }

    if (!liveupdate_download_word(&download->build_id)) {
        *reason = liveupdate_download_reason(arena, "Invalid build ID", NULL);
        return LIVEUPDATE_DOWNLOAD_REFUSED;
    }

    for (i = 0; i < n; i++) {
        if (!liveupdate_download_word(&parts[i])) {
            *reason = liveupdate_download_reason(arena, i == 0
                                                 ? "Invalid platform"
                                                 : i == 1
                                                   ? "Invalid artifact"
                                                   : "Invalid architecture",
                                                 NULL);
            return LIVEUPDATE_DOWNLOAD_REFUSED;
        }
    }

    if (n > 0) {

        for (i = 0; liveupdate_download_platforms[i].name; i++) {
            if (liveupdate_str_is(&parts[0],
                                  liveupdate_download_platforms[i].name))
            {
                break;
            }
        }

        if (liveupdate_download_platforms[i].name == NULL) {
            *reason = liveupdate_download_reason(arena,
                                                 "Unsupported platform",
                                                 &parts[0]);
            return LIVEUPDATE_DOWNLOAD_REFUSED;
        }

        download->platform = liveupdate_download_platforms[i].platform;
    }

    if (user_agent->len == 0) {
        *reason = liveupdate_download_reason(arena,
                                             "No User-Agent header", NULL);
        return LIVEUPDATE_DOWNLOAD_REFUSED;
    }

    if (n == 0) {
        download->platform = liveupdate_user_agent_platform(user_agent);
    }

    download->is_universal = liveupdate_user_agent_universal(user_agent);

    if (n > 1) {
        download->artifact = parts[1];
    }

    if (n < 3) {
        return LIVEUPDATE_DOWNLOAD_OK;
    }

    for (i = 0; liveupdate_download_archs[i]; i++) {
        if (liveupdate_str_is(&parts[2], liveupdate_download_archs[i])) {
            download->arch = parts[2];
            return LIVEUPDATE_DOWNLOAD_OK;
        }
    }

    *reason = liveupdate_download_reason(arena, "Unsupported architecture",
                                         &parts[2]);

    return LIVEUPDATE_DOWNLOAD_REFUSED;
}


static int
liveupdate_download_word(const liveupdate_str_t *part)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < part->len; i++) {
        c = liveupdate_lower(part->data[i]);

        if ((c < 'a' || c > 'z')
            && (c < '0' || c > '9')
            && c != '.'
            && c != '-')
        {
            return 0;
        }
    }

    return 1;
}


static liveupdate_str_t
liveupdate_download_reason(const liveupdate_arena_t *arena, const char *text,
    const liveupdate_str_t *subject)
{
    size_t             len;
    unsigned char     *p;
    liveupdate_str_t   reason;

    len = strlen(text);

    if (subject == NULL) {
        return liveupdate_str_dup(arena, text, len);
    }

    reason.len = 0;
    reason.data = arena->alloc(arena->data,
                               len + sizeof(" ()") + subject->len);
    if (reason.data == NULL) {
        return reason;
    }

    p = reason.data;

    memcpy(p, text, len);
    p += len;

    *p++ = ' ';
    *p++ = '(';

    memcpy(p, subject->data, subject->len);
    p += subject->len;

    *p++ = ')';
    *p = '\0';

    reason.len = p - reason.data;

    return reason;
}


/*
 * Windows Phone says that it is like Android and like iPhone; Android says
 * "Linux", and Chrome OS "CrOS", which is a part of "Microsoft", too.
 */

static unsigned
liveupdate_user_agent_platform(const liveupdate_str_t *user_agent)
{
    int  i;

    static const struct {
        const char  *word;
        unsigned     platform;
    } words[] = {
        { "windows", LIVEUPDATE_WINDOWS },
        { "linux", LIVEUPDATE_LINUX },
        { "android", LIVEUPDATE_LINUX },
        { " cros ", LIVEUPDATE_LINUX },
        { "mac os x", LIVEUPDATE_MAC },
        { "macintosh", LIVEUPDATE_MAC },
        { "iphone", LIVEUPDATE_MAC },
        { "ipad", LIVEUPDATE_MAC },
        { NULL, 0 }
    };

    for (i = 0; words[i].word; i++) {
        if (liveupdate_user_agent_find(user_agent, 0, words[i].word)
            < user_agent->len)
        {
            return words[i].platform;
        }
    }

    return LIVEUPDATE_WINDOWS;
}


/*
 * "Mac OS X 10_15" (Safari, Chrome) or "Mac OS X 10.15" (Firefox) and later;
 * macOS 11 calls itself 10.15 or 10.16 at times.
 */

static int
liveupdate_user_agent_universal(const liveupdate_str_t *user_agent)
{
    size_t    i;
    unsigned  major, minor;

    static const char  name[] = "mac os x ";

    i = 0;

    for ( ;; ) {
        i = liveupdate_user_agent_find(user_agent, i, name);

        if (i == user_agent->len) {
            return 0;
        }

        i += sizeof(name) - 1;

        major = liveupdate_user_agent_number(user_agent, &i);

        if (major > 10) {
            return 1;
        }

        if (major < 10
            || i == user_agent->len
            || (user_agent->data[i] != '_' && user_agent->data[i] != '.'))
        {
            continue;
        }

        i++;

        minor = liveupdate_user_agent_number(user_agent, &i);

        if (minor >= 15) {
            return 1;
        }
    }
}


/* What is more than a few digits long is no version of macOS. */

static unsigned
liveupdate_user_agent_number(const liveupdate_str_t *text, size_t *i)
{
    unsigned  n, digits;

    n = 0;

    for (digits = 0; *i < text->len; digits++, (*i)++) {

        if (text->data[*i] < '0' || text->data[*i] > '9') {
            break;
        }

        if (digits < 5) {
            n = n * 10 + (text->data[*i] - '0');
        }
    }

    return (digits < 5) ? n : 0;
}


/* The word is in lower case; user_agent->len: it is not there. */

static size_t
liveupdate_user_agent_find(const liveupdate_str_t *user_agent, size_t from,
    const char *word)
{
    size_t  i, k, len;

    len = strlen(word);

    for (i = from; i + len <= user_agent->len; i++) {

        for (k = 0; k < len; k++) {
            if (liveupdate_lower(user_agent->data[i + k])
                != (unsigned char) word[k])
            {
                break;
            }
        }

        if (k == len) {
            return i;
        }
    }

    return user_agent->len;
}


liveupdate_str_t
liveupdate_download_manifest(const liveupdate_arena_t *arena,
    const liveupdate_download_t *download)
{
    size_t                   size;
    const char              *platform, *infix;
    liveupdate_str_t         name;
    const liveupdate_str_t  *id;

    static const char        format[] = "td-latest%s%s%.*s.json";

    platform = (download->platform == LIVEUPDATE_MAC) ? "-mac"
               : (download->platform == LIVEUPDATE_LINUX) ? "-linux" : "";

    if (download->version.len) {
        infix = "-";
        id = &download->version;

    } else {
        infix = download->build_id.len ? "-build-" : "";
        id = &download->build_id;
    }

    size = sizeof(format) + strlen(platform) + strlen(infix) + id->len;

    name.len = 0;
    name.data = arena->alloc(arena->data, size);

    if (name.data) {
        name.len = snprintf((char *) name.data, size, format, platform, infix,
                            (int) id->len,
                            id->len ? (const char *) id->data : "");
    }

    return name;
}


liveupdate_rc_e
liveupdate_download_pick(const liveupdate_arena_t *arena,
    const liveupdate_td_t *td, const liveupdate_download_t *download,
    liveupdate_str_t *name, liveupdate_str_t *reason)
{
    const char                      *artifact;
    const liveupdate_str_t          *arch;
    const liveupdate_td_artifact_t  *found;

    arch = &download->arch;

    if (arch->len == 0) {
        arch = (download->platform == LIVEUPDATE_MAC
                && !download->is_universal)
               ? &liveupdate_x64 : &liveupdate_universal;
    }

    artifact = liveupdate_download_artifact(td, download, arch);

    if (artifact == NULL) {
        return liveupdate_download_none(arena, download, NULL, NULL, reason);
    }

    found = liveupdate_download_find(td, artifact, arch);

    if (found == NULL && download->arch.len == 0) {
        found = liveupdate_download_find(td, artifact, &liveupdate_x64);
    }

    if (found == NULL && download->arch.len == 0) {
        found = liveupdate_download_find(td, artifact, &liveupdate_arm64);
    }

    if (found == NULL) {
        return liveupdate_download_none(arena, download, artifact, arch,
                                        reason);
    }

    *name = found->name;

    return LIVEUPDATE_OK;
}


/* In the order of preference. */

static const char *const *
liveupdate_download_artifacts(const liveupdate_download_t *download,
    const liveupdate_str_t *arch)
{
    static const char *const  for_windows[] = {
        "nsis-web", "nsis", "msi", "appx", NULL
    };

    static const char *const  for_mac[] = { "dmg", "zip", "pkg", NULL };

    static const char *const  for_universal[] = {
        "installer", "dmg", "zip", "mas", NULL
    };

    static const char *const  for_linux[] = {
        "appImage", "deb", "rpm", "snap", NULL
    };

    if (download->platform == LIVEUPDATE_MAC) {
        return liveupdate_str_eq(arch, &liveupdate_universal) ? for_universal
                                                              : for_mac;
    }

    return (download->platform == LIVEUPDATE_LINUX) ? for_linux : for_windows;
}


/*
 * What was asked for, if the platform has it; else the first that the build
 * has.  The "installer" fetches the latest release, whatever was asked for.
 */

static const char *
liveupdate_download_artifact(const liveupdate_td_t *td,
    const liveupdate_download_t *download, const liveupdate_str_t *arch)
{
    const char *const  *name, *const  *names;

    names = liveupdate_download_artifacts(download, arch);

    for (name = names; *name; name++) {
        if (liveupdate_same_letters(&download->artifact, *name)) {
            return *name;
        }
    }

    for (name = names; *name; name++) {

        if (strcmp(*name, "installer") == 0
            && (download->version.len || download->build_id.len))
        {
            continue;
        }

        if (liveupdate_download_find(td, *name, &liveupdate_universal)
            || liveupdate_download_find(td, *name, &liveupdate_x64)
            || liveupdate_download_find(td, *name, &liveupdate_arm64))
        {
            return *name;
        }
    }

    return NULL;
}


static const liveupdate_td_artifact_t *
liveupdate_download_find(const liveupdate_td_t *td, const char *artifact,
    const liveupdate_str_t *arch)
{
    size_t  i;

    for (i = 0; i < td->nartifacts; i++) {
        if (liveupdate_str_is(&td->artifacts[i].artifact, artifact)
            && liveupdate_str_eq(&td->artifacts[i].arch, arch))
        {
            return &td->artifacts[i];
        }
    }

    return NULL;
}


static liveupdate_rc_e
liveupdate_download_none(const liveupdate_arena_t *arena,
    const liveupdate_download_t *download, const char *artifact,
    const liveupdate_str_t *arch, liveupdate_str_t *reason)
{
    int          n;
    size_t       size;
    const char  *platform;

    platform = (download->platform == LIVEUPDATE_MAC) ? "mac"
               : (download->platform == LIVEUPDATE_LINUX) ? "linux"
                                                          : "windows";

    size = 128 + download->build_id.len;

    reason->len = 0;
    reason->data = arena->alloc(arena->data, size);

    if (reason->data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    if (artifact == NULL) {
        reason->len = snprintf((char *) reason->data, size,
                               "Couldn't find %s app", platform);
        return LIVEUPDATE_NOT_FOUND;
    }

    n = snprintf((char *) reason->data, size, "Couldn't find %s app (%s-%.*s)",
                 platform, artifact, (int) arch->len,
                 (const char *) arch->data);

    if (download->build_id.len) {
        n += snprintf((char *) reason->data + n, size - n,
                      " and build ID %.*s", (int) download->build_id.len,
                      (const char *) download->build_id.data);
    }

    reason->len = n;

    return LIVEUPDATE_NOT_FOUND;
}


static int
liveupdate_same_letters(const liveupdate_str_t *str, const char *text)
{
    size_t  i;

    if (str->len != strlen(text)) {
        return 0;
    }

    for (i = 0; i < str->len; i++) {
        if (liveupdate_lower(str->data[i])
            != liveupdate_lower((unsigned char) text[i]))
        {
            return 0;
        }
    }

    return 1;
}


static unsigned char
liveupdate_lower(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') ? (c | 0x20) : c;
}
