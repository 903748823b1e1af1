
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include <stdio.h>

#include "lu_download.h"
#include "lu_offer.h"


#define LU_DOWNLOAD_PARTS  5    /* versions, {version} and three */


static int lu_download_split(const lu_str_t *path, lu_str_t *parts);
static lu_download_e lu_download_params(const lu_arena_t *arena,
    const lu_str_t *parts, int n, const lu_str_t *user_agent,
    lu_download_t *download, lu_str_t *reason);
static int lu_download_word(const lu_str_t *part, const char *also);
static lu_str_t lu_download_reason(const lu_arena_t *arena, const char *text,
    const lu_str_t *subject);

static unsigned lu_download_agent_platform(const lu_str_t *user_agent);
static int lu_download_agent_universal(const lu_str_t *user_agent);
static unsigned lu_download_agent_number(const lu_str_t *text, size_t *i);
static void lu_download_agent_arch(const lu_str_t *user_agent,
    lu_str_t *arch);

static const char *const *lu_download_artifacts(const lu_download_t *download,
    const lu_str_t *arch);
static const char *lu_download_artifact(const lu_td_t *td,
    const lu_download_t *download, const lu_str_t *arch);
static const char *lu_download_first(const lu_td_t *td,
    const lu_download_t *download, const char *const *names,
    const lu_str_t *archs);
static int lu_download_has(const lu_td_t *td, const char *artifact);
static const lu_td_artifact_t *lu_download_find(const lu_td_t *td,
    const char *artifact, const lu_str_t *arch);
static const lu_td_artifact_t *lu_download_find_any(const lu_td_t *td,
    const char *artifact, const lu_str_t *archs);
static const lu_td_artifact_t *lu_download_stand_in(const lu_td_t *td,
    const lu_download_t *download, const char *artifact, const lu_str_t *arch);
static lu_rc_e lu_download_none(const lu_arena_t *arena,
    const lu_download_t *download, const char *artifact, const lu_str_t *arch,
    lu_str_t *reason);


static const char *const  lu_download_archs[] = {
    "ia32", "x64", "arm64", "armv7l", "universal", NULL
};

static const lu_str_t  lu_download_x64 = lu_string("x64");
static const lu_str_t  lu_download_universal = lu_string("universal");

/* What runs on most computers; what is usual; all, by how many it runs on. */

static const lu_str_t  lu_download_most[] = {
    lu_string("universal"), lu_string("x64"), { 0, NULL }
};

static const lu_str_t  lu_download_usual[] = {
    lu_string("universal"), lu_string("x64"), lu_string("arm64"), { 0, NULL }
};

static const lu_str_t  lu_download_any[] = {
    lu_string("universal"), lu_string("x64"), lu_string("ia32"),
    lu_string("arm64"), lu_string("armv7l"), { 0, NULL }
};


lu_download_e
lu_download_route(const lu_arena_t *arena, const lu_str_t *path,
    const lu_str_t *user_agent, lu_download_t *download, lu_str_t *reason)
{
    int       n, used;
    lu_str_t  parts[LU_DOWNLOAD_PARTS];

    memset(download, 0, sizeof(lu_download_t));

    reason->len = 0;
    reason->data = NULL;

    n = lu_download_split(path, parts);
    used = 0;

    if (n >= 2 && lu_str_is(&parts[0], "versions")) {
        download->version = parts[1];
        used = 2;

    } else if (n >= 2 && lu_str_is(&parts[0], "builds")) {
        download->build_id = parts[1];
        used = 2;
    }

    if (n == -1 || n - used > 3) {
        return (path->len && path->data[path->len - 1] == '/')
               ? LU_DOWNLOAD_SLASH : LU_DOWNLOAD_NOT_FOUND;
    }

    return lu_download_params(arena, parts + used, n - used, user_agent,
                              download, reason);
}


/* Returns the number of parts; -1: too many, or one of them is empty. */

static int
lu_download_split(const lu_str_t *path, lu_str_t *parts)
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

    for (n = 0; n < LU_DOWNLOAD_PARTS; n++) {

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


static lu_download_e
lu_download_params(const lu_arena_t *arena, const lu_str_t *parts, int n,
    const lu_str_t *user_agent, lu_download_t *download, lu_str_t *reason)
{
    int  i;

    if (!lu_download_word(&download->version, "+")) {
        *reason = lu_download_reason(arena, "Invalid version", NULL);
        return LU_DOWNLOAD_REFUSED;
    }

    if (!lu_download_word(&download->build_id, "_+")) {
        *reason = lu_download_reason(arena, "Invalid build ID", NULL);
        return LU_DOWNLOAD_REFUSED;
    }

    for (i = 0; i < n; i++) {
        if (!lu_download_word(&parts[i], "")) {
            *reason = lu_download_reason(arena, i == 0
                                         ? "Invalid platform"
                                         : i == 1
                                           ? "Invalid artifact"
                                           : "Invalid architecture", NULL);
            return LU_DOWNLOAD_REFUSED;
        }
    }

    if (n > 0) {
        download->platform = lu_platform(&parts[0]);

        if (download->platform == 0) {
            *reason = lu_download_reason(arena, "Unsupported platform",
                                         &parts[0]);
            return LU_DOWNLOAD_REFUSED;
        }
    }

    if (user_agent->len == 0) {
        *reason = lu_download_reason(arena, "No User-Agent header", NULL);
        return LU_DOWNLOAD_REFUSED;
    }

    if (n == 0) {
        download->platform = lu_download_agent_platform(user_agent);
    }

    download->is_universal = lu_download_agent_universal(user_agent);

    if (n > 1) {
        download->artifact = parts[1];
    }

    if (n < 3) {
        if (download->platform == LU_LINUX) {
            lu_download_agent_arch(user_agent, &download->own[0]);
        }

        return LU_DOWNLOAD_OK;
    }

    for (i = 0; lu_download_archs[i]; i++) {
        if (lu_str_is(&parts[2], lu_download_archs[i])) {
            download->arch = parts[2];
            return LU_DOWNLOAD_OK;
        }
    }

    *reason = lu_download_reason(arena, "Unsupported architecture", &parts[2]);

    return LU_DOWNLOAD_REFUSED;
}


static int
lu_download_word(const lu_str_t *part, const char *also)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < part->len; i++) {
        c = part->data[i];

        if (!lu_str_is_alnum(c)
            && c != '.' && c != '-' && (c == '\0' || !strchr(also, c)))
        {
            return 0;
        }
    }

    return 1;
}


static lu_str_t
lu_download_reason(const lu_arena_t *arena, const char *text,
    const lu_str_t *subject)
{
    size_t          len;
    lu_str_t        reason;
    unsigned char  *p;

    len = strlen(text);

    if (subject == NULL) {
        return lu_str_dup(arena, text, len);
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
 * Windows Phone claims to be like Android and iPhone, and Android contains
 * "Linux"; "CrOS" of Chrome OS is a part of "Microsoft".
 */

static unsigned
lu_download_agent_platform(const lu_str_t *user_agent)
{
    int  i;

    static const struct {
        const char  *word;
        unsigned     platform;
    } words[] = {
        { "windows", LU_WINDOWS },
        { "linux", LU_LINUX },
        { "android", LU_LINUX },
        { " cros ", LU_LINUX },
        { "mac os x", LU_MAC },
        { "macintosh", LU_MAC },
        { "iphone", LU_MAC },
        { "ipad", LU_MAC },
        { NULL, 0 }
    };

    for (i = 0; words[i].word; i++) {
        if (lu_str_case_has(user_agent, words[i].word)) {
            return words[i].platform;
        }
    }

    return LU_WINDOWS;
}


/*
 * Looks for "Mac OS X 10_15" (Safari, Chrome) or "Mac OS X 10.15" (Firefox)
 * and later; macOS 11 may call itself 10.15 or 10.16.
 */

static int
lu_download_agent_universal(const lu_str_t *user_agent)
{
    size_t    i;
    unsigned  major, minor;

    static const char  name[] = "mac os x ";

    i = 0;

    for ( ;; ) {
        i = lu_str_case_find(user_agent, i, name);

        if (i == user_agent->len) {
            return 0;
        }

        i += sizeof(name) - 1;

        major = lu_download_agent_number(user_agent, &i);

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

        minor = lu_download_agent_number(user_agent, &i);

        if (minor >= 15) {
            return 1;
        }
    }
}


/* A number of more than a few digits is no version of macOS. */

static unsigned
lu_download_agent_number(const lu_str_t *text, size_t *i)
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


/* On other systems browsers say the same for all computers. */

static void
lu_download_agent_arch(const lu_str_t *user_agent, lu_str_t *arch)
{
    int  i;

    static const struct {
        const char  *word;
        lu_str_t     arch;
    } words[] = {
        { "linux aarch64", lu_string("arm64") },
        { "cros aarch64", lu_string("arm64") },
        { "linux armv7", lu_string("armv7l") },
        { "cros armv7", lu_string("armv7l") },
        { NULL, { 0, NULL } }
    };

    for (i = 0; words[i].word; i++) {
        if (lu_str_case_has(user_agent, words[i].word)) {
            *arch = words[i].arch;
            return;
        }
    }
}


lu_str_t
lu_download_manifest(const lu_arena_t *arena, const lu_download_t *download)
{
    size_t           size;
    lu_str_t         name;
    const char      *platform, *infix;
    const lu_str_t  *id;

    static const char        format[] = "td-latest%s%s%.*s.json";

    platform = lu_platform_suffix(download->platform);

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


lu_rc_e
lu_download_list(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_download_t *download, size_t n,
    lu_feed_t *feed)
{
    lu_str_t         name, channel;
    lu_download_t    list;
    const lu_str_t  *id;

    memset(feed, 0, sizeof(lu_feed_t));

    if (n && (download->version.len || download->build_id.len)) {
        return LU_NOT_FOUND;
    }

    if (download->version.len) {
        feed->build = lu_desktop_build_of_version(desktop, &download->version);

        if (feed->build == NULL) {
            feed->build = lu_desktop_build_of_id(desktop, &download->version);
        }

    } else if (download->build_id.len) {
        feed->build = lu_desktop_build_of_id(desktop, &download->build_id);

        if (feed->build == NULL) {
            feed->build = lu_desktop_build_of_version(desktop,
                                                      &download->build_id);
        }

    } else {
        channel = download->channel.len ? download->channel : lu_str("latest");

        name = lu_offer_list(arena, &channel, download->platform);
        if (name.data == NULL) {
            return LU_NOMEM;
        }

        if (lu_str_is(&channel, "latest")) {
            name = lu_offer_any_list(desktop, &name, download->platform);
        }

        id = lu_desktop_choose(desktop, client, &name, download->platform, n);
        feed->build = id ? lu_desktop_build_of_id(desktop, id) : NULL;
    }

    if (feed->build == NULL) {
        return LU_NOT_FOUND;
    }

    memset(&list, 0, sizeof(lu_download_t));

    list.platform = download->platform;
    list.build_id = feed->build->id;

    feed->is_manifest = 1;
    feed->name = lu_download_manifest(arena, &list);

    return feed->name.data ? LU_OK : LU_NOMEM;
}


int
lu_download_suits(const lu_td_t *td, const lu_download_t *download)
{
    size_t           i;
    const lu_str_t  *arch, *wanted;

    wanted = download->arch.len ? &download->arch
             : download->own[0].len ? &download->own[0] : &lu_download_x64;

    for (i = 0; i < td->nartifacts; i++) {
        arch = &td->artifacts[i].arch;

        if (lu_str_eq(arch, wanted)
            || lu_str_eq(arch, &lu_download_universal))
        {
            return 1;
        }
    }

    return 0;
}


lu_rc_e
lu_download_pick(const lu_arena_t *arena, const lu_td_t *td,
    const lu_download_t *download, lu_str_t *name, lu_str_t *reason)
{
    const char              *artifact;
    const lu_str_t          *arch;
    const lu_td_artifact_t  *found;

    arch = &download->arch;

    if (arch->len == 0) {
        arch = (download->platform == LU_MAC
                && !download->is_universal)
               ? &lu_download_x64 : &lu_download_universal;
    }

    artifact = lu_download_artifact(td, download, arch);

    if (artifact == NULL) {
        return lu_download_none(arena, download, NULL, NULL, reason);
    }

    found = lu_download_find_any(td, artifact, download->own);

    if (found == NULL) {
        found = lu_download_find(td, artifact, arch);
    }

    if (found == NULL && download->arch.len == 0) {
        found = lu_download_find_any(td, artifact, lu_download_any);
    }

    if (found == NULL) {
        found = lu_download_stand_in(td, download, artifact, arch);
    }

    if (found == NULL) {
        return lu_download_none(arena, download, artifact, arch, reason);
    }

    *name = found->name;

    return LU_OK;
}


/* In the order of preference. */

static const char *const *
lu_download_artifacts(const lu_download_t *download, const lu_str_t *arch)
{
    static const char *const  for_windows[] = {
        "nsis-web", "nsis", "msi", "appx", "portable", NULL
    };

    static const char *const  for_mac[] = { "dmg", "zip", "pkg", NULL };

    static const char *const  for_universal[] = {
        "installer", "dmg", "zip", "mas", NULL
    };

    static const char *const  for_linux[] = {
        "appImage", "deb", "rpm", "pacman", "snap", NULL
    };

    if (download->platform == LU_MAC) {
        return lu_str_eq(arch, &lu_download_universal) ? for_universal
                                                       : for_mac;
    }

    return (download->platform == LU_LINUX) ? for_linux : for_windows;
}


/*
 * The artifact in the path, if the platform has such; else the first one that
 * the build has.  The "installer" always fetches the latest release, so that
 * it is not chosen for a certain version or build.
 */

static const char *
lu_download_artifact(const lu_td_t *td, const lu_download_t *download,
    const lu_str_t *arch)
{
    const char         *found;
    const char *const  *name, *const  *names;

    /* ToDesktop's downloads know them on other platforms only */

    static const char *const  more[] = { "zip", "pkg", NULL };

    names = lu_download_artifacts(download, arch);

    for (name = names; *name; name++) {
        if (lu_str_case_is(&download->artifact, *name)
            && (strcmp(*name, "portable") != 0
                || lu_download_has(td, *name)))
        {
            return *name;
        }
    }

    for (name = more; *name; name++) {
        if (lu_str_case_is(&download->artifact, *name)
            && lu_download_has(td, *name))
        {
            return *name;
        }
    }

    found = lu_download_first(td, download, names, download->own);

    /* one for arm64 only runs nowhere else: others are looked for first */

    if (found == NULL) {
        found = lu_download_first(td, download, names,
                                  download->arch.len ? lu_download_usual
                                                     : lu_download_most);
    }

    return found ? found
                 : lu_download_first(td, download, names, lu_download_any);
}


/*
 * The first artifact for one of the architectures.  An artifact of the Mac App
 * Store comes last, as only the store installs it.
 */

static const char *
lu_download_first(const lu_td_t *td, const lu_download_t *download,
    const char *const *names, const lu_str_t *archs)
{
    const char *const  *name;

    for (name = names; *name; name++) {

        if (strcmp(*name, "installer") == 0
            && (download->version.len || download->build_id.len))
        {
            continue;
        }

        if (strcmp(*name, "mas") == 0
            && (archs == lu_download_most || archs == download->own))
        {
            continue;
        }

        if (lu_download_find_any(td, *name, archs)) {
            return *name;
        }
    }

    return NULL;
}


static int
lu_download_has(const lu_td_t *td, const char *artifact)
{
    size_t  i;

    for (i = 0; i < td->nartifacts; i++) {
        if (lu_str_is(&td->artifacts[i].artifact, artifact)) {
            return 1;
        }
    }

    return 0;
}


static const lu_td_artifact_t *
lu_download_find(const lu_td_t *td, const char *artifact, const lu_str_t *arch)
{
    size_t  i;

    for (i = 0; i < td->nartifacts; i++) {
        if (lu_str_is(&td->artifacts[i].artifact, artifact)
            && lu_str_eq(&td->artifacts[i].arch, arch))
        {
            return &td->artifacts[i];
        }
    }

    return NULL;
}


/* For the first of the architectures, of which the last one is empty. */

static const lu_td_artifact_t *
lu_download_find_any(const lu_td_t *td, const char *artifact,
    const lu_str_t *archs)
{
    const lu_td_artifact_t  *found;

    for (found = NULL; found == NULL && archs->len; archs++) {
        found = lu_download_find(td, artifact, archs);
    }

    return found;
}


/*
 * What runs on the architecture as well: a universal build for macOS has both,
 * an installer of electron-builder for Windows has all that it was built for,
 * with no architecture in its name, and Windows on arm64 runs what is for x64.
 */

static const lu_td_artifact_t *
lu_download_stand_in(const lu_td_t *td, const lu_download_t *download,
    const char *artifact, const lu_str_t *arch)
{
    const lu_td_artifact_t  *found;

    if (download->platform == LU_LINUX
        || !(lu_str_is(arch, "x64") || lu_str_is(arch, "arm64")))
    {
        return NULL;
    }

    found = lu_download_find(td, artifact, &lu_download_universal);

    if (found == NULL
        && download->platform == LU_WINDOWS
        && lu_str_is(arch, "arm64"))
    {
        found = lu_download_find(td, artifact, &lu_download_x64);
    }

    return found;
}


static lu_rc_e
lu_download_none(const lu_arena_t *arena, const lu_download_t *download,
    const char *artifact, const lu_str_t *arch, lu_str_t *reason)
{
    int          n;
    size_t       size;
    const char  *platform;

    platform = lu_platform_name(download->platform);
    size = 128 + download->build_id.len;

    reason->len = 0;
    reason->data = arena->alloc(arena->data, size);

    if (reason->data == NULL) {
        return LU_NOMEM;
    }

    if (artifact == NULL) {
        reason->len = snprintf((char *) reason->data, size,
                               "Couldn't find %s app", platform);
        return LU_NOT_FOUND;
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

    return LU_NOT_FOUND;
}
