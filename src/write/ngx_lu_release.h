
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_RELEASE_H_INCLUDED_
#define _NGX_LU_RELEASE_H_INCLUDED_


#include "api/ngx_lu_call.h"


/*
 * Bundle, promote: call->data is a release, staged or live.  deploy() puts it
 * into its channel (NGX_OK, or a status); promote() also under live/, with
 * the app locked and its tree given, and rename() only that (200, or a
 * status).  release() promotes one as the approval API asks for it, which may
 * change its tree.  answer() describes it and returns the status that it is
 * given, or another one.
 */

ngx_int_t ngx_lu_bundle_deploy(ngx_lu_call_t *call, cJSON *app);
ngx_int_t ngx_lu_bundle_promote(ngx_lu_call_t *call, cJSON *app);
ngx_int_t ngx_lu_bundle_release(ngx_lu_call_t *call, cJSON *app,
    cJSON *release, ngx_uint_t is_live);
ngx_int_t ngx_lu_bundle_rename(ngx_lu_call_t *call, const char *id);
ngx_int_t ngx_lu_bundle_answer(ngx_lu_call_t *call, const cJSON *release,
    const char *artifact_status, ngx_int_t status);

/*
 * 1 if the channel, or one of the app's that has the release (NULL: one of the
 * app's), is protected and whoever calls may not approve; and the status of
 * what is refused for that.  protect() makes a bundle that is for such a
 * channel wait for approval.
 */

ngx_uint_t ngx_lu_protected(ngx_lu_call_t *call, const cJSON *channel);
ngx_uint_t ngx_lu_app_protected(ngx_lu_call_t *call, const cJSON *app,
    const char *release);
ngx_int_t ngx_lu_refuse_protected(ngx_lu_call_t *call);
void ngx_lu_protect(ngx_lu_call_t *call, const cJSON *app,
    const cJSON *release);

/*
 * The lock of the call's release in staging: NGX_OK, with NGX_INVALID_FILE if
 * there is no such release in staging, or a status.
 */

ngx_int_t ngx_lu_bundle_hold(ngx_lu_call_t *call, ngx_fd_t *lock);

/* A string member, copied into the call's pool; NULL: none, or no memory. */

char *ngx_lu_member(ngx_lu_call_t *call, const cJSON *object, const char *key);


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

const char *ngx_lu_release_state(const cJSON *app, const cJSON *release,
    const char *place);

ngx_uint_t ngx_lu_release_is_live(ngx_lu_call_t *call, u_char *folder);

ngx_int_t ngx_lu_release_change(ngx_lu_call_t *call, ngx_lu_change_pt change);
u_char *ngx_lu_job_path(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_promote(ngx_lu_call_t *call, cJSON *app);
ngx_int_t ngx_lu_release_rollout(ngx_lu_call_t *call, double *rollout);
ngx_int_t ngx_lu_release_done(ngx_lu_call_t *call, const char *state);
ngx_int_t ngx_lu_desktop_promote(ngx_lu_call_t *call, cJSON *app,
    const cJSON *release, u_char *folder);
ngx_int_t ngx_lu_desktop_withdraw(ngx_lu_call_t *call);


/*
 * Form: a body with one file, which is read into a temporary file, and fields,
 * which are terminated; others are ignored.  read() returns NGX_OK or a
 * status; discard() must follow in either case.  Who takes the temporary file
 * over sets has_file to 0.
 */

enum {
    NGX_LU_FIELD_CHECKSUM = 0,
    NGX_LU_FIELD_HREF,
    NGX_LU_FIELD_TYPE,
    NGX_LU_FIELD_NAME,
    NGX_LU_FIELD_SIGNATURE,
    NGX_LU_FIELD_SIZE,
    NGX_LU_FIELD_PART,
    NGX_LU_FIELDS
};

typedef struct {
    ngx_lu_call_t                  *call;
    const char                     *file_name;   /* of the file's field */
    ngx_lu_temp_t                   temp;
    char                            sha256[LU_SHA256_HEX + 1];
    lu_str_t                        fields[NGX_LU_FIELDS];
    lu_str_t                       *field;       /* that is being read */
    unsigned                        has_file:1;
    unsigned                        in_file:1;
    unsigned                        failed:1;    /* the disk did */
} ngx_lu_form_t;

ngx_int_t ngx_lu_form_read(ngx_lu_call_t *call, ngx_lu_form_t *form,
    const char *file_name);
void ngx_lu_form_discard(ngx_lu_form_t *form);


/*
 * Bundle: an upload's folder, the table of what was uploaded so far (sorted by
 * href), and the lock that its changes need.  lock(): NGX_OK with the lock, or
 * a status if it is not open for uploads.  staged(): the tree in a folder of
 * staging, to be freed by the caller; NGX_DECLINED: there is no bundle there.
 */

ngx_int_t ngx_lu_bundle_staged(ngx_lu_call_t *call, u_char *folder,
    cJSON **release);
ngx_int_t ngx_lu_bundle_lock(ngx_lu_call_t *call, ngx_fd_t *lock,
    cJSON **release, u_char **folder);

/*
 * Verify, stage: make a staged release of what was uploaded, or write down
 * why not: a bundle of the CLI, and a desktop release.  NGX_OK, or a status.
 * Digests (of digest_t) that are known spare the reading of files that are
 * still the same; NULL: none are.
 */

typedef struct {
    lu_str_t                        name;
    uint64_t                        size;
    ngx_file_uniq_t                 uniq;
    time_t                          mtime;
    char                            sha256[LU_SHA256_HEX + 1];
    unsigned char                   sha512[SHA512_DIGEST_LENGTH];
} ngx_lu_digest_t;

ngx_int_t ngx_lu_digest(ngx_lu_io_t *io, u_char *path,
    ngx_lu_digest_t *digest);

ngx_int_t ngx_lu_verify(ngx_lu_call_t *call, u_char *folder, cJSON *release);
ngx_int_t ngx_lu_stage(ngx_lu_call_t *call, u_char *folder, cJSON *release,
    ngx_array_t *digests);

/*
 * Staging: what these have in common.  clean() removes what a try before this
 * one has left, place() links a file into files/, complete() writes the file
 * table and that the release is staged, refuse() that it is not, and returns
 * the status.
 */

ngx_int_t ngx_lu_staging_clean(ngx_lu_call_t *call, u_char *folder,
    const char *name);
ngx_int_t ngx_lu_staging_place(ngx_lu_call_t *call, u_char *folder,
    u_char *data, const lu_str_t *href);
ngx_int_t ngx_lu_staging_complete(ngx_lu_call_t *call, u_char *folder,
    cJSON *release, const lu_file_t *files, size_t n);
ngx_int_t ngx_lu_staging_refuse(ngx_lu_call_t *call, u_char *folder,
    cJSON *release, ngx_int_t status);

/*
 * Gzip: makes the compressed twin of a file of a release, if it is of a kind
 * that compresses, and says so in file->gzip.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_gzip(ngx_lu_call_t *call, u_char *folder, u_char *data,
    lu_file_t *file);


#endif /* _NGX_LU_RELEASE_H_INCLUDED_ */
