
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"

#include "../../src/core/lu_print.c"


static void print_json_texts(void);
static void print_release(void);
static void print_repositories(void);
static void print_cells(void);


int
main(void)
{
    print_json_texts();
    print_release();
    print_repositories();
    print_cells();

    tap_free();

    return tap_done();
}


/* As JSON.stringify(value, null, 2) has them. */

static void
print_json_texts(void)
{
    char    *text;
    cJSON   *json;
    size_t   i;

    static const struct {
        const char  *from;
        const char  *to;
    } texts[] = {
        { "{}", "{}\n" },
        { "[ ]", "[]\n" },
        { "{\"a\":{},\"b\":[]}", "{\n  \"a\": {},\n  \"b\": []\n}\n" },
        { "[1,true,null,\"x\\\"\\n\"]",
          "[\n  1,\n  true,\n  null,\n  \"x\\\"\\n\"\n]\n" },
        { "{\"a\\\"b\":[{\"c\":1.5}]}",
          "{\n  \"a\\\"b\": [\n    {\n      \"c\": 1.5\n    }\n  ]\n}\n" },
        { NULL, NULL }
    };

    for (i = 0; texts[i].from; i++) {
        json = tap_json(texts[i].from);
        text = lu_print(json);

        ok(strcmp(text, texts[i].to) == 0, "%s", texts[i].from);

        free(text);
        cJSON_Delete(json);
    }
}


#define SHA  "dfd155b0d39d38a8945d3d89c3885a920d3f363e"


static void
print_release(void)
{
    int     i;
    char   *text;
    cJSON  *release, *files, *file, *effects;

    release = tap_json("{\"id\":\"b1\",\"name\":\"A|<b>\",\"version\":\"1.0\""
                       ",\"electron\":\"33.3.2\",\"commit\":\"" SHA "\","
                       "\"commitMessage\":\"fix\\n@all\",\"remote\":"
                       "\"https://github.com/acme/app.git\","
                       "\"updatedAt\":\"2026-11-01T10:15:06.000Z\"}");
    files = tap_json("[{\"href\":\"My App.exe\",\"size\":3000000,"
                     "\"sha256\":\"00ff\"},{\"href\":\"`x`|y\"}]");

    text = lu_print_release(release, files, NULL, NULL);

    ok(strstr(text, "| App | A&#124;&#60;b&#62; |\n") != NULL,
       "what is Markdown or HTML is text");
    ok(strstr(text, "| Version | 1.0 |\n") != NULL, "the version");
    ok(strstr(text, "| Commit | [" SHA "](https://github.com/acme/app/commit/"
                    SHA ") fix &#64;all |\n") != NULL,
       "the commit is a link, and its message mentions nobody");
    ok(strstr(text, "| My App.exe | 3000000 | `00ff` | "
                    "2026-11-01T10&#58;15&#58;06.000Z |\n") != NULL,
       "a file");
    ok(strstr(text, "| &#96;x&#96;&#124;y | 0 |  | 2026") != NULL,
       "a file of another kind");
    ok(strstr(text, "Branch") == NULL, "what is not known is left out");

    free(text);
    cJSON_Delete(release);

    release = tap_json("{\"commit\":\"main\",\"remote\":"
                       "\"https://github.com/acme/app\"}");
    text = lu_print_release(release, NULL, NULL, NULL);
    ok(strstr(text, "| Commit | main |\n") != NULL, "no commit, no link");

    free(text);

    effects = tap_json("[{\"manifest\":\"latest.yml\",\"from\":null,\"to\":"
                       "{\"version\":\"1.0\"},\"share\":0.07,"
                       "\"effect\":\"new\"}]");
    text = lu_print_release(release, NULL, effects, NULL);
    ok(strstr(text, "| latest.yml |  | 1.0 | 7 % | new |\n") != NULL,
       "who gets it");

    free(text);
    cJSON_Delete(effects);

    effects = tap_json("[]");
    text = lu_print_release(release, NULL, effects, NULL);
    ok(strstr(text, "Nobody gets another version.") != NULL, "nobody does");
    ok(strstr(text, "Signature") == NULL, "nothing of signatures");
    ok(strstr(text, "notes") == NULL, "nor of notes");

    free(text);
    cJSON_Delete(effects);

    /* notes */

    (void) cJSON_AddStringToObject(release, "releaseNotes",
                                   "# New\n\n<img src=x>\r\n[a](b) *c*");
    text = lu_print_release(release, NULL, NULL, NULL);
    ok(strstr(text, "\nRelease notes:\n\n> &#35; New  \n>   \n"
                    "> &#60;img src=x&#62;   \n"
                    "> &#91;a&#93;&#40;b&#41; &#42;c&#42;  \n\n") != NULL,
       "notes are text, line by line");

    free(text);
    cJSON_DeleteItemFromObject(release, "releaseNotes");

    effects = cJSON_CreateArray();

    for (i = 0; i < 100; i++) {
        char  line[4001];

        memset(line, i % 2 ? '<' : '\n', 4000);
        line[4000] = '\0';

        if (i < 10) {
            (void) cJSON_AddItemToArray(effects, cJSON_CreateString(line));
        }

        if (i == 0) {
            (void) cJSON_AddStringToObject(release, "releaseNotes", line);
        }
    }

    text = lu_print_release(release, files, NULL, effects);
    ok(strlen(text) < 65536 && strstr(text, "\n> ...\n") != NULL
       && strstr(text, "And more.") != NULL, "not too much");

    free(text);
    cJSON_Delete(effects);
    cJSON_DeleteItemFromObject(release, "releaseNotes");

    /* who has signed it */

    effects = tap_json("[\"\\\"a.exe\\\" is <odd>\"]");
    (void) cJSON_AddItemToObject(release, "signatures", tap_json(
        "[{\"href\":\"a.exe\",\"state\":\"signed\",\"signers\":["
        "{\"publisher\":\"A|b\",\"timestamped\":true}]},"
        "{\"href\":\"b.exe\",\"state\":\"unsigned\"}]"));
    text = lu_print_release(release, NULL, NULL, effects);

    ok(strstr(text, "\n**Warning:** \"a.exe\" is &#60;odd&#62;\n") != NULL,
       "a warning");
    ok(strstr(text, "| a.exe | signed by A&#124;b, with a timestamp |\n")
       != NULL, "a signature");
    ok(strstr(text, "| b.exe | not signed |\n\nWhether Windows") != NULL,
       "none");

    free(text);
    cJSON_Delete(effects);

    /* more than GitHub takes */

    file = files->child;

    for (i = 0; i < 2000; i++) {
        (void) cJSON_AddItemToArray(files, cJSON_Duplicate(file, 1));
    }

    text = lu_print_release(release, files, NULL, NULL);
    ok(strlen(text) > 59000 && strlen(text) < 65536
       && strstr(text, " more files.\n") != NULL, "not too many files");

    free(text);
    cJSON_Delete(release);
    cJSON_Delete(files);
}


static void
print_repositories(void)
{
    size_t       i, len;
    const char  *repository;
    lu_str_t     remote;

    static const struct {
        const char  *remote;
        const char  *repository;
    } remotes[] = {
        { "https://github.com/acme/app.git", "acme/app" },
        { "https://github.com/acme/app", "acme/app" },
        { "git@github.com:acme/a-p_p.x.git", "acme/a-p_p.x" },
        { "ssh://git@github.com/acme/app.git", "acme/app" },
        { "https://github.com/acme", NULL },
        { "https://github.com/acme/app/x", NULL },
        { "https://github.com/acme/app?x", NULL },
        { "https://github.com/acme/a)b", NULL },
        { "https://github.com.evil/acme/app", NULL },
        { "https://gitlab.com/acme/app.git", NULL },
        { "", NULL },
        { NULL, NULL }
    };

    for (i = 0; remotes[i].remote; i++) {
        remote = tap_str(remotes[i].remote);
        len = lu_print_repository(&remote, &repository);

        ok(remotes[i].repository
           ? len == strlen(remotes[i].repository)
             && memcmp(repository, remotes[i].repository, len) == 0
           : len == 0, "remote %s", remotes[i].remote);
    }
}


static void
print_cells(void)
{
    char       long_text[700];
    size_t     i;
    lu_str_t   value;
    lu_text_t  text;

    for (i = 0; i < sizeof(long_text) - 2; i += 2) {
        long_text[i] = '\xc3';
        long_text[i + 1] = '\xbc';
    }

    long_text[i] = '\0';

    lu_text_init(&text);
    value = tap_str(long_text + 1);

    /* one that begins within a character, so that the cut is in another */

    lu_print_cell(&text, &value);
    ok(text.len < 310 && strcmp(text.data + text.len - 3, "...") == 0,
       "a long value is cut");
    ok((text.data[text.len - 4] & 0xc0) == 0x80, "behind a character");

    free(text.data);
}
