
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_await.h"


#define NGX_LU_AWAIT_MAX  16     /* the newest deliveries */
#define NGX_LU_AWAIT_SHA  64


static ngx_int_t ngx_lu_await_parse(ngx_lu_github_t *github, u_char *line,
    u_char *end);
static u_char *ngx_lu_await_word(ngx_pool_t *pool, u_char **p, u_char *end);
static void ngx_lu_await_link(ngx_lu_await_t *await);
static ngx_uint_t ngx_lu_await_is(const u_char *one, const u_char *two);
static ngx_lu_wait_t *ngx_lu_await_last(ngx_lu_await_t *await);
static u_char *ngx_lu_await_commit(ngx_lu_github_t *github);
static void ngx_lu_await_next(ngx_lu_github_t *github);
static void ngx_lu_await_compared(ngx_lu_github_t *github);
static void ngx_lu_await_end(ngx_lu_github_t *github);


u_char *
ngx_lu_await_line(ngx_lu_io_t *io, const lu_github_event_t *event)
{
    const lu_str_t  *after, *before;

    static const lu_str_t  none = lu_string("-");

    if (event == NULL || event->after.len == 0) {
        return ngx_lu_format(io->pool, "\n");
    }

    after = &event->after;
    before = event->before.len ? &event->before : &none;

    return ngx_lu_format(io->pool, "%*s %*s %s%s\n", after->len, after->data,
                         before->len, before->data,
                         event->builds ? "b" : "",
                         event->rules ? "r" : "");
}


ngx_int_t
ngx_lu_await_read(ngx_lu_github_t *github, const lu_str_t *text,
    u_char *followed)
{
    u_char          *line, *end, *last;
    ngx_uint_t       i, n;
    ngx_pool_t      *pool;
    ngx_lu_wait_t   *wait;
    ngx_lu_await_t  *await;

    pool = github->job->pool;

    await = ngx_pcalloc(pool, sizeof(ngx_lu_await_t));

    if (await == NULL
        || ngx_array_init(&await->waits, pool, 4, sizeof(ngx_lu_wait_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    github->await = await;

    await->followed = followed;

    /* older ones are in the history of the newer ones, most likely */

    line = text->data;
    last = text->data + text->len;
    n = 0;

    for (end = last; end > line && n <= NGX_LU_AWAIT_MAX; end--) {
        n += (end[-1] == LF);
    }

    for (line = (n > NGX_LU_AWAIT_MAX) ? end + 1 : line;
         line < last;
         line = end + 1)
    {
        end = ngx_strlchr(line, last, LF);

        if (end == NULL) {
            break;
        }

        if (ngx_lu_await_parse(github, line, end) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    wait = await->waits.elts;

    for (i = 0; i < await->waits.nelts && await->before == NULL; i++) {
        await->before = wait[i].before;
    }

    ngx_lu_await_link(await);

    return NGX_OK;
}


/* Two events may tell of one commit. */

static ngx_int_t
ngx_lu_await_parse(ngx_lu_github_t *github, u_char *line, u_char *end)
{
    u_char          *after, *before;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    ngx_lu_wait_t   *wait;
    ngx_lu_await_t  *await;

    pool = github->job->pool;
    await = github->await;

    if (line == end) {
        return NGX_OK;
    }

    after = ngx_lu_await_word(pool, &line, end);
    before = ngx_lu_await_word(pool, &line, end);

    if (after == NULL || before == NULL) {
        return NGX_ERROR;
    }

    wait = await->waits.elts;

    for (i = 0; i < await->waits.nelts; i++) {
        if (ngx_lu_await_is(wait[i].after, after)) {
            break;
        }
    }

    if (i < await->waits.nelts) {
        wait = &wait[i];

    } else {
        wait = ngx_array_push(&await->waits);
        if (wait == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(wait, sizeof(ngx_lu_wait_t));
        wait->after = after;
    }

    if (ngx_strcmp(before, "-") != 0) {
        wait->before = before;
    }

    for ( /* void */ ; line < end; line++) {
        wait->builds |= (*line == 'b');
        wait->rules |= (*line == 'r');
    }

    return NGX_OK;
}


static u_char *
ngx_lu_await_word(ngx_pool_t *pool, u_char **p, u_char *end)
{
    u_char  *from, *to;

    from = *p;
    to = ngx_strlchr(from, end, ' ');

    if (to == NULL) {
        to = end;
    }

    *p = ngx_min(to + 1, end);

    return ngx_lu_format(pool, "%*s",
                         (size_t) ngx_min(to - from, NGX_LU_AWAIT_SHA), from);
}


/* A commit that another push began with is in the history of that push. */

static void
ngx_lu_await_link(ngx_lu_await_t *await)
{
    ngx_uint_t      i, k;
    ngx_lu_wait_t  *wait;

    wait = await->waits.elts;

    for (i = 0; i < await->waits.nelts; i++) {

        for (k = 0; k < await->waits.nelts; k++) {
            if (k != i && ngx_lu_await_is(wait[k].before, wait[i].after)) {
                wait[i].over = 1;
            }
        }

        await->nwaits += !wait[i].over;
    }

    if (await->waits.nelts == 0 || await->nwaits) {
        return;
    }

    /* back by force, and forth again: the last one counts */

    wait[await->waits.nelts - 1].over = 0;
    await->nwaits = 1;
}


static ngx_uint_t
ngx_lu_await_is(const u_char *one, const u_char *two)
{
    return one && two && ngx_strcmp(one, two) == 0;
}


static ngx_lu_wait_t *
ngx_lu_await_last(ngx_lu_await_t *await)
{
    ngx_uint_t      i;
    ngx_lu_wait_t  *wait;

    wait = await->waits.elts;

    for (i = await->waits.nelts; i; i--) {
        if (!wait[i - 1].over) {
            return &wait[i - 1];
        }
    }

    return NULL;
}


void
ngx_lu_await(ngx_lu_github_t *github, ngx_lu_github_pt handler)
{
    github->await->handler = handler;

    ngx_lu_await_next(github);
}


/*
 * The commit to compare, or NULL behind the last one.  The commit that was
 * followed last is awaited, too, unless a delivery tells of this head, or of a
 * push that began with it.
 */

static u_char *
ngx_lu_await_commit(ngx_lu_github_t *github)
{
    u_char          *head;
    ngx_uint_t       i;
    ngx_lu_wait_t   *wait;
    ngx_lu_await_t  *await;

    await = github->await;
    wait = await->waits.elts;
    head = github->approved.commit;

    while (await->next < await->waits.nelts) {
        i = await->next++;

        if (!wait[i].over && !ngx_lu_await_is(wait[i].after, head)) {
            return wait[i].after;
        }
    }

    if (await->next++ > await->waits.nelts
        || await->followed == NULL
        || ngx_lu_await_is(await->followed, head))
    {
        return NULL;
    }

    for (i = 0; i < await->waits.nelts; i++) {
        if (ngx_lu_await_is(wait[i].after, head)
            || ngx_lu_await_is(wait[i].after, await->followed)
            || ngx_lu_await_is(wait[i].before, await->followed))
        {
            return NULL;
        }
    }

    return await->followed;
}


static void
ngx_lu_await_next(ngx_lu_github_t *github)
{
    u_char          *commit;
    ngx_lu_await_t  *await;

    await = github->await;

    commit = await->stale ? NULL : ngx_lu_await_commit(github);

    if (commit == NULL) {
        ngx_lu_await_end(github);
        return;
    }

    /* nothing is listed of a commit that the head contains */

    ngx_lu_github_ask(github, 0, NULL, ngx_lu_await_compared,
                      "/compare/%s...%s?per_page=1", github->approved.commit,
                      commit);
}


static void
ngx_lu_await_compared(ngx_lu_github_t *github)
{
    lu_str_t         status;
    ngx_lu_await_t  *await;

    await = github->await;

    switch (github->code) {

    case NGX_HTTP_OK:

        if (lu_json_string(github->answer, "status", &status) == LU_OK
            && (lu_str_is(&status, "behind")
                || lu_str_is(&status, "identical")))
        {
            break;
        }

        /* also an answer that is too long: it lists what the head lacks */

        await->stale = 1;
        break;

    case NGX_HTTP_NOT_FOUND:
    case 422:
        await->nunknown++;
        break;

    default:
        ngx_lu_github_unexpected(github);
        return;
    }

    ngx_lu_await_next(github);
}


static void
ngx_lu_await_end(ngx_lu_github_t *github)
{
    u_char          *head;
    ngx_lu_wait_t   *last;
    ngx_lu_await_t  *await;

    await = github->await;
    head = github->approved.commit;
    last = ngx_lu_await_last(await);

    /* the last delivery tells of this head: what else may there be */

    if (last && ngx_lu_await_is(last->after, head)) {
        await->nunknown = 0;
    }

    /* nothing new is to be seen there */

    if (await->nunknown && ngx_lu_await_is(await->followed, head)) {
        await->stale = 1;
    }

    await->handler(github);
}
