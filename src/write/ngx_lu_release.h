
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_HTTP_LIVEUPDATE_RELEASE_H_INCLUDED_
#define _NGX_HTTP_LIVEUPDATE_RELEASE_H_INCLUDED_


#include "api/ngx_lu_call.h"


/*
 * Bundle, promote: call->data is a release, staged or live.  deploy() puts it
 * into its channel (NGX_OK, or a status); promote() also under live/, with
 * the app locked and its tree given, and rename() only that (200, or a
 * status).  release() promotes one as the approval API asks for it, which may
 * change its tree.  answer() describes it and returns the status that it is
 * given, or another one.
 */

ngx_int_t ngx_http_liveupdate_bundle_deploy(ngx_http_liveupdate_call_t *call,
    cJSON *app);
ngx_int_t ngx_http_liveupdate_bundle_promote(ngx_http_liveupdate_call_t *call,
    cJSON *app);
ngx_int_t ngx_http_liveupdate_bundle_release(ngx_http_liveupdate_call_t *call,
    cJSON *app, cJSON *release, ngx_uint_t is_live);
ngx_int_t ngx_http_liveupdate_bundle_rename(ngx_http_liveupdate_call_t *call,
    const char *id);
ngx_int_t ngx_http_liveupdate_bundle_answer(ngx_http_liveupdate_call_t *call,
    const cJSON *release, const char *artifact_status, ngx_int_t status);

/*
 * 1 if the channel, or one of the app's that has the release (NULL: one of the
 * app's), is protected and whoever calls may not approve; and the status of
 * what is refused for that.  protect() makes a bundle that is for such a
 * channel wait for approval.
 */

ngx_uint_t ngx_http_liveupdate_protected(ngx_http_liveupdate_call_t *call,
    const cJSON *channel);
ngx_uint_t ngx_http_liveupdate_app_protected(ngx_http_liveupdate_call_t *call,
    const cJSON *app, const char *release);
ngx_int_t ngx_http_liveupdate_refuse_protected(
    ngx_http_liveupdate_call_t *call);
void ngx_http_liveupdate_protect(ngx_http_liveupdate_call_t *call,
    const cJSON *app, const cJSON *release);

/*
 * The lock of the call's release in staging: NGX_OK, with NGX_INVALID_FILE if
 * there is no such release in staging, or a status.
 */

ngx_int_t ngx_http_liveupdate_bundle_hold(ngx_http_liveupdate_call_t *call,
    ngx_fd_t *lock);

/* A string member, copied into the call's pool; NULL: none, or no memory. */

char *ngx_http_liveupdate_member(ngx_http_liveupdate_call_t *call,
    const cJSON *object, const char *key);


/*
 * Release, desktop: promote() makes a release visible; the app is locked and
 * its tree given.  rollout() is the part of the devices that the call asks
 * for: NGX_OK, NGX_DECLINED if it asks for none, or a status.  done() is the
 * answer to a change of call->subject.  withdraw() takes its files out of the
 * feed.  state() of a release that lies in "staging" or in "live" is a literal
 * or a part of it; is_live() tells by its folder where it lies.
 *
 * release_change() is change() of the release that the call names, while
 * nobody verifies or completes it.  job_path() is the file of the job that
 * call->subject has, if it has one; NULL: out of memory.
 */

const char *ngx_http_liveupdate_release_state(const cJSON *app,
    const cJSON *release, const char *place);

ngx_uint_t ngx_http_liveupdate_release_is_live(
    ngx_http_liveupdate_call_t *call, u_char *folder);

ngx_int_t ngx_http_liveupdate_release_change(
    ngx_http_liveupdate_call_t *call, ngx_http_liveupdate_change_pt change);
u_char *ngx_http_liveupdate_job_path(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_promote(
    ngx_http_liveupdate_call_t *call, cJSON *app);
ngx_int_t ngx_http_liveupdate_release_rollout(
    ngx_http_liveupdate_call_t *call, double *rollout);
ngx_int_t ngx_http_liveupdate_release_done(ngx_http_liveupdate_call_t *call,
    const char *state);
ngx_int_t ngx_http_liveupdate_desktop_promote(
    ngx_http_liveupdate_call_t *call, cJSON *app, const cJSON *release,
    u_char *folder);
ngx_int_t ngx_http_liveupdate_desktop_withdraw(
    ngx_http_liveupdate_call_t *call);


/*
 * Form: a body with one file, which is read into a temporary file, and fields,
 * which are terminated; others are ignored.  read() returns NGX_OK or a
 * status; discard() must follow in either case.  Who takes the temporary file
 * over sets has_file to 0.
 */

enum {
    NGX_HTTP_LIVEUPDATE_FIELD_CHECKSUM = 0,
    NGX_HTTP_LIVEUPDATE_FIELD_HREF,
    NGX_HTTP_LIVEUPDATE_FIELD_TYPE,
    NGX_HTTP_LIVEUPDATE_FIELD_NAME,
    NGX_HTTP_LIVEUPDATE_FIELD_SIGNATURE,
    NGX_HTTP_LIVEUPDATE_FIELD_SIZE,
    NGX_HTTP_LIVEUPDATE_FIELD_PART,
    NGX_HTTP_LIVEUPDATE_FIELDS
};

typedef struct {
    ngx_http_liveupdate_call_t     *call;
    const char                     *file_name;   /* of the file's field */
    ngx_http_liveupdate_temp_t      temp;
    char                            sha256[LIVEUPDATE_SHA256_HEX + 1];
    liveupdate_str_t                fields[NGX_HTTP_LIVEUPDATE_FIELDS];
    liveupdate_str_t               *field;       /* that is being read */
    unsigned                        has_file:1;
    unsigned                        in_file:1;
    unsigned                        failed:1;    /* the disk did */
} ngx_http_liveupdate_form_t;

ngx_int_t ngx_http_liveupdate_form_read(ngx_http_liveupdate_call_t *call,
    ngx_http_liveupdate_form_t *form, const char *file_name);
void ngx_http_liveupdate_form_discard(ngx_http_liveupdate_form_t *form);


/*
 * Bundle: an upload's folder, the table of what was uploaded so far (sorted by
 * href), and the lock that its changes need.  lock(): NGX_OK with the lock, or
 * a status if it is not open for uploads.  staged(): the tree in a folder of
 * staging, to be freed by the caller; NGX_DECLINED: there is no bundle there.
 */

ngx_int_t ngx_http_liveupdate_bundle_staged(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON **release);
ngx_int_t ngx_http_liveupdate_bundle_lock(ngx_http_liveupdate_call_t *call,
    ngx_fd_t *lock, cJSON **release, u_char **folder);

/*
 * Verify, stage: make a staged release of what was uploaded, or write down
 * why not: a bundle of the CLI, and a desktop release.  NGX_OK, or a status.
 * Digests (of digest_t) that are known spare the reading of files that are
 * still the same; NULL: none are.
 */

typedef struct {
    liveupdate_str_t                name;
    uint64_t                        size;
    ngx_file_uniq_t                 uniq;
    time_t                          mtime;
    char                            sha256[LIVEUPDATE_SHA256_HEX + 1];
    unsigned char                   sha512[SHA512_DIGEST_LENGTH];
} ngx_http_liveupdate_digest_t;

ngx_int_t ngx_http_liveupdate_digest(ngx_http_liveupdate_io_t *io,
    u_char *path, ngx_http_liveupdate_digest_t *digest);

ngx_int_t ngx_http_liveupdate_verify(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release);
ngx_int_t ngx_http_liveupdate_stage(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release, ngx_array_t *digests);

/*
 * Staging: what these have in common.  clean() removes what a try before this
 * one has left, place() links a file into files/, complete() writes the file
 * table and that the release is staged, refuse() that it is not, and returns
 * the status.
 */

ngx_int_t ngx_http_liveupdate_staging_clean(ngx_http_liveupdate_call_t *call,
    u_char *folder, const char *name);
ngx_int_t ngx_http_liveupdate_staging_place(ngx_http_liveupdate_call_t *call,
    u_char *folder, u_char *data, const liveupdate_str_t *href);
ngx_int_t ngx_http_liveupdate_staging_complete(
    ngx_http_liveupdate_call_t *call, u_char *folder, cJSON *release,
    const liveupdate_file_t *files, size_t n);
ngx_int_t ngx_http_liveupdate_staging_refuse(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release, ngx_int_t status);

/*
 * Gzip: makes the compressed twin of a file of a release, if it is of a kind
 * that compresses, and says so in file->gzip.  NGX_OK, or a status.
 */

ngx_int_t ngx_http_liveupdate_gzip(ngx_http_liveupdate_call_t *call,
    u_char *folder, u_char *data, liveupdate_file_t *file);


#endif /* _NGX_HTTP_LIVEUPDATE_RELEASE_H_INCLUDED_ */
