
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_artifact.h"


#define LU_ARTIFACT_BLOCKMAP  ".blockmap"


/* A name without its extension, and what in it is no word. */

typedef struct {
    lu_str_t            text;
    size_t              version;        /* where it begins; text.len: nowhere */
    size_t              behind;         /* and ends */
    size_t              id;             /* where "-build-{id}" begins */
    size_t              id_end;         /* 0: it is not there */
} lu_artifact_ctx_t;


typedef struct {
    const char         *ending;
    const char         *kind;
    unsigned            platform;
} lu_artifact_kind_t;


static const lu_artifact_kind_t *lu_artifact_kind(const lu_str_t *name);
static void lu_artifact_version(lu_artifact_ctx_t *ctx,
    const lu_str_t *version);
static void lu_artifact_number(lu_artifact_ctx_t *ctx);
static void lu_artifact_behind(const lu_artifact_ctx_t *ctx,
    lu_artifact_t *artifact);
static void lu_artifact_before(const lu_artifact_ctx_t *ctx,
    lu_artifact_t *artifact);
static int lu_artifact_next(const lu_artifact_ctx_t *ctx, size_t i,
    lu_str_t *word);
static int lu_artifact_prev(const lu_artifact_ctx_t *ctx, size_t i,
    lu_str_t *word);
static int lu_artifact_is_plain(const lu_str_t *word);
static unsigned lu_artifact_platform(const lu_str_t *word);
static int lu_artifact_is_filler(const lu_str_t *word);
static int lu_artifact_is_digit(unsigned char c);


/* Kinds without a name are not in ToDesktop's lists. */

static const lu_artifact_kind_t  lu_artifact_kinds[] = {
    { ".exe",         "nsis",     LU_WINDOWS },
    { ".msi",         "msi",      LU_WINDOWS },
    { ".appx",        "appx",     LU_WINDOWS },
    { ".msix",        NULL,       LU_WINDOWS },
    { ".msixbundle",  NULL,       LU_WINDOWS },
    { ".msixupload",  NULL,       LU_WINDOWS },
    { ".nupkg",       NULL,       LU_WINDOWS },
    { ".nsis.7z",     NULL,       LU_WINDOWS },
    { ".dmg",         "dmg",      LU_MAC },
    { ".pkg",         "pkg",      LU_MAC },
    { ".AppImage",    "appImage", LU_LINUX },
    { ".deb",         "deb",      LU_LINUX },
    { ".rpm",         "rpm",      LU_LINUX },
    { ".pacman",      "pacman",   LU_LINUX },
    { ".snap",        "snap",     LU_LINUX },
    { ".flatpak",     NULL,       LU_LINUX },
    { ".apk",         NULL,       LU_LINUX },
    { ".zip",         "zip",      0 },
    { ".7z",          NULL,       0 },
    { ".tar.gz",      NULL,       0 },
    { ".tar.xz",      NULL,       0 },
    { ".tar.bz2",     NULL,       0 },
    { ".tar.lz",      NULL,       0 },
    { NULL,           NULL,       0 }
};


static const struct {
    lu_str_t            word;
    const char         *arch;
} lu_artifact_archs[] = {
    { lu_string("x64"),       "x64" },
    { lu_string("amd64"),     "x64" },
    { lu_string("x86_64"),    "x64" },
    { lu_string("win64"),     "x64" },
    { lu_string("arm64"),     "arm64" },
    { lu_string("aarch64"),   "arm64" },
    { lu_string("ia32"),      "ia32" },
    { lu_string("i386"),      "ia32" },
    { lu_string("i686"),      "ia32" },
    { lu_string("x86"),       "ia32" },
    { lu_string("armv7l"),    "armv7l" },
    { lu_string("armhf"),     "armv7l" },
    { lu_string("arm"),       "armv7l" },
    { lu_string("universal"), "universal" },
    { lu_string("loong64"),   "loong64" },
    { lu_string("riscv64"),   "riscv64" },
    { lu_string("ppc64"),     "ppc64" },
    { lu_string("s390x"),     "s390x" },
    { lu_string("mips"),      "mips" },
    { lu_string("mipsel"),    "mipsel" },
    { lu_string("x86-64"),    "x64" },
    { lu_string(""),          NULL }
};


void
lu_artifact_parse(const lu_str_t *name, const lu_str_t *version,
    const lu_str_t *build_id, lu_artifact_t *artifact)
{
    lu_artifact_ctx_t          ctx;
    const lu_artifact_kind_t  *kind;

    memset(artifact, 0, sizeof(lu_artifact_t));
    memset(&ctx, 0, sizeof(lu_artifact_ctx_t));

    ctx.text = *name;

    if (lu_str_case_ends(&ctx.text, LU_ARTIFACT_BLOCKMAP)) {
        ctx.text.len -= sizeof(LU_ARTIFACT_BLOCKMAP) - 1;
    }

    kind = lu_artifact_kind(&ctx.text);

    if (kind) {
        artifact->kind = kind->kind;
        artifact->platform = kind->platform;

        ctx.text.len -= strlen(kind->ending);
    }

    ctx.id_end = lu_artifact_build_id(&ctx.text, build_id, &ctx.id);

    lu_artifact_version(&ctx, version);
    lu_artifact_behind(&ctx, artifact);
    lu_artifact_before(&ctx, artifact);
}


static const lu_artifact_kind_t *
lu_artifact_kind(const lu_str_t *name)
{
    const lu_artifact_kind_t  *kind;

    for (kind = lu_artifact_kinds; kind->ending; kind++) {
        if (name->len > strlen(kind->ending)
            && lu_str_case_ends(name, kind->ending))
        {
            return kind;
        }
    }

    return NULL;
}


size_t
lu_artifact_build_id(const lu_str_t *name, const lu_str_t *build_id,
    size_t *start)
{
    int     m;
    size_t  i, end;

    static const char *const  markers[] = { "-build-", "Build ", NULL };

    if (build_id->len == 0) {
        return 0;
    }

    for (m = 0; markers[m]; m++) {

        for (i = lu_str_find(name, 0, markers[m]);
             i < name->len;
             i = lu_str_find(name, i + 1, markers[m]))
        {
            *start = i;
            i += strlen(markers[m]);
            end = i + build_id->len;

            if (end <= name->len
                && memcmp(name->data + i, build_id->data, build_id->len) == 0
                && (end == name->len
                    || (!lu_str_is_alnum(name->data[end])
                        && name->data[end] != '_')))
            {
                return end;
            }

            i = *start;
        }
    }

    return 0;
}


/* The last place counts: the product may have the number in its name. */

static void
lu_artifact_version(lu_artifact_ctx_t *ctx, const lu_str_t *version)
{
    size_t                i, end;
    const unsigned char  *p;

    p = ctx->text.data;

    for (i = ctx->text.len; version->len && i > 0; i--) {
        end = i - 1 + version->len;

        if (end <= ctx->text.len
            && memcmp(p + i - 1, version->data, version->len) == 0
            && (i == 1 || !lu_artifact_is_digit(p[i - 2]))
            && (end == ctx->text.len || !lu_artifact_is_digit(p[end])))
        {
            ctx->version = i - 1;
            ctx->behind = end;
            return;
        }
    }

    lu_artifact_number(ctx);
}


/* The last "{n}.{n}" or "{n}.{n}.{n}". */

static void
lu_artifact_number(lu_artifact_ctx_t *ctx)
{
    int                   dots;
    size_t                i, end;
    const unsigned char  *p;

    p = ctx->text.data;
    end = ctx->text.len;

    while (end > 0) {

        if (!lu_artifact_is_digit(p[end - 1])) {
            end--;
            continue;
        }

        dots = 0;

        for (i = end; i > 0; i--) {

            if (lu_artifact_is_digit(p[i - 1])) {
                continue;
            }

            if (p[i - 1] != '.' || i < 2 || !lu_artifact_is_digit(p[i - 2])) {
                break;
            }

            dots++;
        }

        if (dots) {
            ctx->version = i;
            ctx->behind = end;
            return;
        }

        end = i;
    }

    ctx->version = ctx->text.len;
    ctx->behind = ctx->text.len;
}


static void
lu_artifact_behind(const lu_artifact_ctx_t *ctx, lu_artifact_t *artifact)
{
    size_t       i;
    unsigned     platform;
    lu_str_t     word;
    const char  *arch;

    for (i = ctx->behind;
         lu_artifact_next(ctx, i, &word);
         i = word.data + word.len - ctx->text.data)
    {
        arch = lu_artifact_arch(&word);

        if (arch) {
            artifact->arch = arch;
        }

        platform = lu_artifact_platform(&word);

        if (platform && artifact->platform == 0) {
            artifact->platform = platform;
        }
    }
}


/*
 * Words like "mac" or "Setup" may stand between the architecture and the
 * version.  Further in front is the product's name.
 */

static void
lu_artifact_before(const lu_artifact_ctx_t *ctx, lu_artifact_t *artifact)
{
    size_t       i;
    unsigned     platform, setup, named;
    lu_str_t     word;
    const char  *arch;

    named = 0;
    setup = 0;

    for (i = ctx->version;
         lu_artifact_prev(ctx, i, &word);
         i = word.data - ctx->text.data)
    {
        platform = lu_artifact_platform(&word);

        if (platform && artifact->platform == 0) {
            artifact->platform = platform;
        }

        if (artifact->kind
            && strcmp(artifact->kind, "nsis") == 0
            && ((setup && lu_str_case_is(&word, "web"))
                || lu_str_case_is(&word, "websetup")))
        {
            artifact->kind = "nsis-web";
        }

        setup = lu_str_case_is(&word, "setup");

        if (platform || lu_artifact_is_filler(&word)) {
            continue;
        }

        arch = lu_artifact_arch(&word);

        if (named || arch == NULL || !lu_artifact_is_plain(&word)) {
            return;
        }

        named = 1;

        if (artifact->arch) {
            continue;
        }

        if (strcmp(arch, "universal") == 0) {

            /* of electron-builder's platforms, only macOS has it */

            if (artifact->platform != LU_MAC) {
                return;
            }

            artifact->is_doubtful = 1;
        }

        artifact->arch = arch;
    }
}


/* The first word that does not begin before i; "x86_64" is one. */

static int
lu_artifact_next(const lu_artifact_ctx_t *ctx, size_t i, lu_str_t *word)
{
    size_t                end;
    const unsigned char  *p;

    p = ctx->text.data;

    for ( ;; ) {

        if (i < ctx->id_end && i >= ctx->id) {
            i = ctx->id_end;
        }

        if (i >= ctx->text.len) {
            return 0;
        }

        if (lu_str_is_alnum(p[i])) {
            break;
        }

        i++;
    }

    for (end = i; end < ctx->text.len && lu_str_is_alnum(p[end]); end++) {
        /* void */
    }

    word->data = ctx->text.data + i;
    word->len = end - i;

    if (lu_str_case_is(word, "x86")
        && ctx->text.len - end >= 3
        && (p[end] == '_' || p[end] == '-')
        && memcmp(p + end + 1, "64", 2) == 0
        && (ctx->text.len - end == 3 || !lu_str_is_alnum(p[end + 3])))
    {
        word->len += 3;
    }

    return 1;
}


/* The last word that ends at i or before. */

static int
lu_artifact_prev(const lu_artifact_ctx_t *ctx, size_t i, lu_str_t *word)
{
    size_t                end;
    lu_str_t              pair;
    const unsigned char  *p;

    p = ctx->text.data;

    for ( ;; ) {

        if (i <= ctx->id_end && i > ctx->id) {
            i = ctx->id;
        }

        if (i == 0) {
            return 0;
        }

        if (lu_str_is_alnum(p[i - 1])) {
            break;
        }

        i--;
    }

    for (end = i; i > 0 && lu_str_is_alnum(p[i - 1]); i--) {
        /* void */
    }

    word->data = ctx->text.data + i;
    word->len = end - i;

    if (lu_str_is(word, "64") && i >= 4) {
        pair.data = ctx->text.data + i - 4;
        pair.len = 6;

        if (lu_artifact_arch(&pair)
            && (i == 4 || !lu_str_is_alnum(p[i - 5])))
        {
            *word = pair;
        }
    }

    return 1;
}


const char *
lu_artifact_arch(const lu_str_t *word)
{
    int              i;
    const lu_str_t  *known;

    for (i = 0; lu_artifact_archs[i].arch; i++) {
        known = &lu_artifact_archs[i].word;

        /* most words are none, and this is asked for each request of a feed */

        if (known->len == word->len
            && lu_str_case_is(word, (const char *) known->data))
        {
            return lu_artifact_archs[i].arch;
        }
    }

    return NULL;
}


/*
 * Architectures are written in lower case, products rarely so.  "arm" alone is
 * too common a word.
 */

static int
lu_artifact_is_plain(const lu_str_t *word)
{
    size_t  i;

    for (i = 0; i < word->len; i++) {
        if (lu_str_lower(word->data[i]) != word->data[i]) {
            return 0;
        }
    }

    return !lu_str_is(word, "arm");
}


static unsigned
lu_artifact_platform(const lu_str_t *word)
{
    int  i;

    static const struct {
        const char  *word;
        unsigned     platform;
    } words[] = {
        { "win", LU_WINDOWS },
        { "win32", LU_WINDOWS },
        { "win64", LU_WINDOWS },
        { "windows", LU_WINDOWS },
        { "mac", LU_MAC },
        { "macos", LU_MAC },
        { "osx", LU_MAC },
        { "darwin", LU_MAC },
        { "linux", LU_LINUX },
        { NULL, 0 }
    };

    for (i = 0; words[i].word; i++) {
        if (lu_str_case_is(word, words[i].word)) {
            break;
        }
    }

    return words[i].platform;
}


static int
lu_artifact_is_filler(const lu_str_t *word)
{
    return lu_str_case_is(word, "setup")
           || lu_str_case_is(word, "web")
           || lu_str_case_is(word, "websetup")
           || lu_str_case_is(word, "installer")
           || lu_str_case_is(word, "v");
}


static int
lu_artifact_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}
