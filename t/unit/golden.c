
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What the public workers answered, decided here again: the same status and
 * the same file, by its digest, for every recorded request (t/golden).
 */


#include "tap.h"
#include "lu_disposition.h"
#include "lu_download.h"
#include "lu_feed.h"
#include "lu_label.h"
#include "lu_query.h"
#include "lu_sha256.h"


#define GOLDEN  "t/golden/"


typedef struct {
    const char        *path;
    const char        *user_agent;
    const char        *address;
    int                status;
    const char        *disposition;
    const char        *type;
    const char        *range;
    const char        *location;
    const char        *sha256;
    double             size;
    const char        *text;
} golden_t;


typedef struct {
    int                status;
    lu_str_t           name;           /* 200 */
    lu_str_t           disposition;    /* 200 */
    lu_str_t           text;           /* else */
} decision_t;


static cJSON                *tree;
static lu_desktop_t  desktop;


static lu_str_t
read_file(const char *name)
{
    char      path[512];
    long      size;
    FILE     *file;
    lu_str_t  text;

    snprintf(path, sizeof(path), GOLDEN "%s", name);

    file = fopen(path, "rb");
    if (file == NULL) {
        printf("Bail out! cannot read %s\n", path);
        exit(1);
    }

    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);

    text.data = tap_alloc(NULL, size);
    text.len = fread(text.data, 1, size, file);

    fclose(file);

    return text;
}


static cJSON *
read_json(const char *name)
{
    cJSON      *json;
    lu_str_t    text;
    lu_error_t  err;

    text = read_file(name);

    if (lu_json_parse(&json, &text, &err) != LU_OK) {
        printf("Bail out! %s: %s\n", name, err.text);
        exit(1);
    }

    return json;
}


static const char *
member(const cJSON *object, const char *key)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}


static const cJSON *
file_of(const lu_str_t *name)
{
    char  key[256];

    snprintf(key, sizeof(key), "%.*s", (int) name->len, name->data);

    return cJSON_GetObjectItemCaseSensitive(tree, key);
}


/* The differences that are meant. */

static const char *
meant(const golden_t *golden, const char *recorded)
{
    char        *text;
    const char  *p;

    text = tap_alloc(NULL, strlen(recorded) + 16);
    strcpy(text, recorded);

    p = strstr(recorded, "0x86_64");

    if (p) {
        sprintf(text + (p - recorded), "0-%s", p + 1);
        return text;
    }

    p = strstr(recorded, "-x64.dmg");

    if (p && golden->user_agent && strstr(golden->user_agent, "OS X 26_")) {
        sprintf(text + (p - recorded), "-universal%s", p + 4);
    }

    return text;
}


static decision_t
decide_feed(const golden_t *golden)
{
    decision_t         decision;
    lu_rc_e            rc;
    lu_str_t           path, address;
    lu_feed_t          feed;
    lu_client_t        client;
    const lu_build_t  *build;

    memset(&decision, 0, sizeof(decision_t));
    memset(&client, 0, sizeof(lu_client_t));

    address = tap_str(golden->address ? golden->address : "127.0.0.1");
    lu_network_parse(&address, &client.address);

    path.len = strcspn(golden->path + 1, "?");
    path.data = tap_alloc(NULL, path.len + 1);
    memcpy(path.data, golden->path + 1, path.len);
    lu_query_decode(&path, path.data, &path, 0);

    rc = lu_feed_name(&tap_arena, &desktop, &client, &path, &feed);

    if (rc != LU_OK) {
        decision.status = (rc == LU_INVALID) ? 400 : 404;
        return decision;
    }

    build = lu_label_build(&desktop, &feed.name);

    decision.status = file_of(&feed.name) ? 200 : 404;
    decision.name = feed.name;
    decision.disposition = lu_disposition(&tap_arena, &feed.name,
                                          build ? &build->id : NULL);

    return decision;
}


static decision_t
decide_manifest(const lu_download_t *download)
{
    char         path[512];
    decision_t   decision;
    lu_rc_e      rc;
    lu_td_t      td;
    lu_str_t     text;
    lu_feed_t    feed;
    lu_error_t   err;
    lu_client_t  client;

    memset(&decision, 0, sizeof(decision_t));
    memset(&client, 0, sizeof(lu_client_t));

    decision.status = 404;

    rc = lu_download_list(&tap_arena, &desktop, &client, download, 0,
                          &feed);

    if (rc != LU_OK || file_of(&feed.name) == NULL) {
        return decision;
    }

    snprintf(path, sizeof(path), "manifest/%.*s", (int) feed.name.len,
             feed.name.data);

    text = read_file(path);

    if (lu_td_parse(&tap_arena, &text, &td, &err) != LU_OK) {
        decision.status = 500;
        return decision;
    }

    if (lu_download_pick(&tap_arena, &td, download, &decision.name,
                         &decision.text)
        != LU_OK)
    {
        return decision;
    }

    decision.status = file_of(&decision.name) ? 200 : 404;
    decision.disposition = lu_disposition(&tap_arena, &decision.name, NULL);
    return decision;
}


static decision_t
decide_download(const golden_t *golden)
{
    decision_t     decision;
    lu_str_t       path, user_agent, reason;
    lu_download_t  download;

    memset(&decision, 0, sizeof(decision_t));

    path = tap_str(golden->path);
    user_agent = tap_str(golden->user_agent ? golden->user_agent : "");

    switch (lu_download_route(&tap_arena, &path, &user_agent, &download,
                              &reason))
    {

    case LU_DOWNLOAD_OK:
        return decide_manifest(&download);

    case LU_DOWNLOAD_SLASH:
        decision.status = 301;
        return decision;

    case LU_DOWNLOAD_REFUSED:
        decision.status = 400;
        decision.text = reason;
        return decision;

    default:
        decision.status = 404;
        return decision;
    }
}


/*
 * The file is what the recorded body's digest says; of a part, the length of
 * the whole; of an answer without a body, that there is such a file.
 */

static int
same_file(const golden_t *golden, const decision_t *decision)
{
    double        size;
    const char   *expected;
    const cJSON  *file;

    file = file_of(&decision->name);
    size = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(file,
                                                                 "size"));

    if (golden->status == 304 || golden->status == 416) {
        return 1;
    }

    expected = meant(golden, golden->disposition);

    if (!lu_str_is(&decision->disposition, expected)
        || strcmp(lu_feed_type(&decision->name), golden->type) != 0)
    {
        return 0;
    }

    if (golden->status == 206) {
        return atof(strchr(golden->range, '/') + 1) == size;
    }

    /* the whole name is in the disposition, and there is such a file */

    if (strstr(expected, "-universal") && !strstr(golden->disposition,
                                                  "-universal"))
    {
        return 1;
    }

    return golden->size == size
           && strcmp(golden->sha256, member(file, "sha256")) == 0;
}


static int
same(const golden_t *golden, const decision_t *decision)
{
    int  status;

    status = golden->status;

    if (status == 206 || status == 304 || status == 416) {
        status = 200;
    }

    if (decision->status != status) {
        return 0;
    }

    if (status == 200) {
        return same_file(golden, decision);
    }

    if (status == 301) {
        return strncmp(golden->path, golden->location,
                       strlen(golden->path) - 1)
               == 0
               && strlen(golden->location) == strlen(golden->path) - 1;
    }

    return decision->text.len == 0 || lu_str_is(&decision->text, golden->text);
}


static void
test_request(const cJSON *request)
{
    golden_t      golden;
    decision_t    decision;
    const cJSON  *answer, *headers;

    memset(&golden, 0, sizeof(golden_t));

    golden.path = member(request, "path");

    headers = cJSON_GetObjectItemCaseSensitive(request, "headers");
    golden.user_agent = member(headers, "User-Agent");
    golden.address = member(headers, "cf-connecting-ip");

    answer = cJSON_GetObjectItemCaseSensitive(request, "answer");
    golden.status = (int) cJSON_GetNumberValue(
                          cJSON_GetObjectItemCaseSensitive(answer, "status"));
    golden.size = cJSON_GetNumberValue(
                            cJSON_GetObjectItemCaseSensitive(answer, "size"));
    golden.sha256 = member(answer, "sha256");
    golden.text = member(answer, "text");

    headers = cJSON_GetObjectItemCaseSensitive(answer, "headers");
    golden.disposition = member(headers, "content-disposition");
    golden.type = member(headers, "content-type");
    golden.range = member(headers, "content-range");
    golden.location = member(headers, "location");

    /* the client's address as text is no decision */

    if (strcmp(golden.path, "/my-ip") == 0) {
        return;
    }

    if (strcmp(member(request, "svc"), "cdn") == 0) {
        decision = decide_feed(&golden);

    } else {
        decision = decide_download(&golden);
    }

    if (!ok(same(&golden, &decision), "%s %s: %d", member(request, "svc"),
            golden.path, golden.status))
    {
        printf("# %s\n# got %d \"%.*s\" \"%.*s\"\n",
               golden.user_agent ? golden.user_agent : "no User-Agent",
               decision.status, (int) decision.name.len, decision.name.data,
               (int) decision.text.len, decision.text.data);
    }
}


/* What the requests are decided by is what the workers had. */

static void
test_manifests(void)
{
    char          path[512], hex[LU_SHA256_HEX + 1];
    const cJSON  *file;
    lu_str_t      text;
    lu_sha256_t   sha256;

    cJSON_ArrayForEach(file, tree) {

        if (strncmp(file->string, "td-", 3) != 0
            && strncmp(file->string, "desktop-", 8) != 0)
        {
            continue;
        }

        snprintf(path, sizeof(path), "manifest/%s", file->string);

        text = read_file(path);

        lu_sha256_init(&sha256);
        lu_sha256_update(&sha256, text.data, text.len);
        lu_sha256_hex(&sha256, hex);

        ok(strcmp(hex, member(file, "sha256")) == 0, "%s", file->string);
    }
}


int
main(void)
{
    cJSON        *requests, *builds, *releases;
    const cJSON  *request;
    lu_error_t    err;

    requests = read_json("desktop.json");
    builds = read_json("manifest/desktop-builds.json");
    releases = read_json("manifest/desktop-releases.json");
    tree = read_json("tree.json");

    test_manifests();

    ok(lu_desktop_parse(&tap_arena, builds, releases, &desktop, &err) == LU_OK
       && desktop.nbuilds == 3 && desktop.nrules == 3, "builds and rules");

    cJSON_ArrayForEach(request, requests) {
        test_request(request);
    }

    ok(cJSON_GetArraySize(requests) == 628, "all recorded requests");

    cJSON_Delete(requests);
    cJSON_Delete(builds);
    cJSON_Delete(releases);
    cJSON_Delete(tree);
    tap_free();

    return tap_done();
}
