
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The input is what GitHub delivers, what it answers, a header of that, and a
 * file of the repository: nothing is read beyond, what is refused has a reason,
 * and a file that was edited can be read again and says what it was edited for.
 */


#include "lu_github.h"
#include "lu_listed.h"
#include "lu_print.h"
#include "lu_time.h"

#include "fuzz.h"


static void fuzz_event(const cJSON *json);
static void fuzz_answer(const lu_arena_t *arena, const cJSON *json);
static void fuzz_files(const lu_str_t *text, const cJSON *json);
static void fuzz_listed(const lu_arena_t *arena, const cJSON *json);
static void fuzz_print(const cJSON *json);
static void fuzz_until(const lu_str_t *text);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON         *json;
    lu_str_t       text;
    lu_error_t     err;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    text = fuzz_copy(data, size);

    if (lu_json_parse(&json, &text, &err) == LU_OK) {
        fuzz_event(json);
        fuzz_answer(&arena, json);
        fuzz_listed(&arena, json);
        fuzz_print(json);

    } else {
        json = NULL;
    }

    fuzz_files(&text, json);
    fuzz_until(&text);

    cJSON_Delete(json);
    free(text.data);
    fuzz_free(blocks);

    return 0;
}


static void
fuzz_event(const cJSON *json)
{
    lu_rc_e            rc;
    lu_error_t         err;
    lu_github_event_t  event;

    err.text = NULL;
    rc = lu_github_push(json, &event, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);

    } else {
        require(event.after.len <= 64 && event.before.len <= 64);
        require(memchr(event.after.data ? (void *) event.after.data : "", ' ',
                       event.after.len)
                == NULL);
    }

    err.text = NULL;
    rc = lu_github_pull_request(json, &event, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
    }
}


static void
fuzz_answer(const lu_arena_t *arena, const cJSON *json)
{
    lu_rc_e     rc;
    lu_str_t    text, sha, copy;
    lu_error_t  err;

    err.text = NULL;
    rc = lu_github_content(arena, json, &text, &sha, &err);

    if (rc == LU_NOT_FOUND) {
        copy = fuzz_copy(sha.data, sha.len);
        free(copy.data);
        return;
    }

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
        return;
    }

    copy = fuzz_copy(text.data, text.len);
    free(copy.data);
}


static void
fuzz_files(const lu_str_t *text, const cJSON *json)
{
    char       *out, *again;
    cJSON      *builds;
    lu_rc_e     rc;
    lu_str_t    edited;
    lu_error_t  err;

    err.text = NULL;
    rc = lu_github_add_build(text, "fuzz", "1.0", "t", &out, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);

    } else if (out) {
        edited = fuzz_str(out);

        require(lu_github_builds(&edited, &builds, &err) == LU_OK);
        require(lu_github_has_build(builds, "fuzz"));
        cJSON_Delete(builds);

        require(lu_github_add_build(&edited, "fuzz", "1.0", "t",
                                    &again, &err)
                == LU_OK);
        require(again == NULL);
    }

    free(out);

    err.text = NULL;
    rc = lu_github_set_rules(text, json, &out, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
    }

    free(out);
}


/* Three lists: what nobody else has changed becomes what it is now. */

static void
fuzz_listed(const lu_arena_t *arena, const cJSON *json)
{
    size_t        i;
    cJSON        *merged;
    lu_listed_t   listed;
    const cJSON  *one, *two;

    require(lu_listed_parse(arena, json, &listed) == LU_OK);

    for (i = 0; i < listed.n; i++) {
        require(lu_listed_has(&listed, &listed.ids[i]));
        require(i == 0 || strcmp((char *) listed.ids[i - 1].data,
                                 (char *) listed.ids[i].data) < 0);
    }

    one = cJSON_GetArrayItem(json, 0);
    two = cJSON_GetArrayItem(json, 1);

    if (!cJSON_IsArray(one) || !cJSON_IsArray(two)) {
        return;
    }

    merged = lu_listed_merge(one, one, two);
    require(merged && cJSON_Compare(merged, two, 1));
    cJSON_Delete(merged);

    merged = lu_listed_merge(one, two, two);
    require(merged != NULL);
    require(cJSON_GetArraySize(merged) <= cJSON_GetArraySize(one)
                                          + cJSON_GetArraySize(two));
    cJSON_Delete(merged);
}


/*
 * Whatever a release is made of: no line is begun and no tag by it.  The lines
 * of its notes are quoted.
 */

static void
fuzz_print(const cJSON *json)
{
    char     *text, *p;
    lu_str_t  copy;

    text = lu_print_release(json, json, json, json);
    require(text != NULL);

    for (p = text; *p; p++) {
        require(*p != '<' && (*p != '>' || p[-1] == '\n'));
        require(*p != '\n' || p[1] == '\0' || strchr("|\nEANRW>", p[1])
                || memcmp(p + 1, "**Warning:** ", 13) == 0);
    }

    copy = fuzz_copy(text, strlen(text));
    free(copy.data);
    free(text);
}


static void
fuzz_until(const lu_str_t *text)
{
    time_t   until;
    lu_rc_e  rc;

    until = -1;
    rc = lu_github_until(text, &until);

    require(rc == LU_OK ? until >= 0 && until <= LU_TIME_MAX
                        : rc == LU_INVALID && until == -1);
}
