
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bound.h"
#include "ngx_lu_mount.h"

#include "core/lu_mount.h"

#include <sys/statvfs.h>
#include <sys/sysmacros.h>


#define NGX_LU_MOUNT_INFO  (1024 * 1024)


typedef struct {
    ngx_uint_t            found;
    ngx_uint_t            read_only;
    ngx_err_t             refused;      /* root may not write */
    dev_t                 device;
    lu_mount_t            mount;
    u_char               *path;         /* the store, or what it will lie in */
    u_char               *info;
} ngx_lu_mount_t;


static ngx_lu_mount_t *ngx_lu_mount_create(ngx_str_t *path);
static void ngx_lu_mount_free(void *data);
static void ngx_lu_mount_run(void *data);
static ngx_uint_t ngx_lu_mount_info(ngx_lu_mount_t *look, ngx_file_info_t *fi);
static ngx_err_t ngx_lu_mount_root(ngx_lu_mount_t *look);


ngx_int_t
ngx_lu_mount_look(ngx_conf_t *cf, ngx_lu_store_t *store)
{
    size_t           i, n;
    ngx_int_t        rc;
    ngx_str_t        type;
    const char      *texts[LU_MOUNT_WARNINGS];
    ngx_lu_mount_t  *look;

    look = ngx_lu_mount_create(&store->path);

    rc = look ? ngx_lu_bound(ngx_lu_mount_run, ngx_lu_mount_free, look)
              : NGX_ERROR;

    switch (rc) {

    case NGX_OK:
        break;

    case NGX_BUSY:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the store \"%V\" has not answered for %d seconds: "
                           "its file system hangs",
                           &store->path, NGX_LU_BOUND_WAIT);
        return NGX_ERROR;

    case NGX_DECLINED:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the store \"%V\" is not looked at: %d threads "
                           "hang in file systems",
                           &store->path, NGX_LU_BOUND_THREADS);
        ngx_lu_mount_free(look);
        return NGX_ERROR;

    default:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the store \"%V\" could not be looked at",
                           &store->path);
        ngx_lu_mount_free(look);
        return NGX_ERROR;
    }

    type = ngx_lu_from_core(&look->mount.type);

    store->device = look->device;
    store->is_read_only = look->read_only;
    store->is_remote = look->found
                       && look->mount.kind != LU_MOUNT_LOCAL
                       && look->mount.kind != LU_MOUNT_MEMORY;

    if (look->refused) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, look->refused,
                           "root may not write to the store \"%V\" on %V: "
                           "nginx makes folders there as root and gives them "
                           "to its workers; export it without "
                           "\"root_squash\", or start nginx as the user of "
                           "its workers",
                           &store->path, &type);
        ngx_lu_mount_free(look);
        return NGX_ERROR;
    }

    n = look->found ? lu_mount_warnings(&look->mount, texts) : 0;

    for (i = 0; i < n; i++) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the store \"%V\" lies on %V, %s",
                           &store->path, &type, texts[i]);
    }

    ngx_lu_mount_free(look);

    return NGX_OK;
}


static ngx_lu_mount_t *
ngx_lu_mount_create(ngx_str_t *path)
{
    ngx_lu_mount_t  *look;

    look = calloc(1, sizeof(ngx_lu_mount_t));
    if (look == NULL) {
        return NULL;
    }

    look->path = (u_char *) strndup((char *) path->data, path->len);
    look->info = malloc(NGX_LU_MOUNT_INFO);

    if (look->path == NULL || look->info == NULL) {
        free(look->path);
        free(look->info);
        free(look);
        return NULL;
    }

    return look;
}


static void
ngx_lu_mount_free(void *data)
{
    ngx_lu_mount_t *look = data;

    if (look == NULL) {
        return;
    }

    free(look->path);
    free(look->info);
    free(look);
}


static void
ngx_lu_mount_run(void *data)
{
    ngx_lu_mount_t *look = data;

    u_char           *slash;
    struct statvfs    fs;
    ngx_file_info_t   fi;

    if (ngx_file_info(look->path, &fi) == NGX_FILE_ERROR
        && ngx_errno == NGX_ENOENT)
    {
        slash = (u_char *) strrchr((char *) look->path, '/');

        if (slash == look->path) {
            slash++;
        }

        *slash = '\0';
    }

    if (ngx_file_info(look->path, &fi) != NGX_FILE_ERROR) {

        look->device = fi.st_dev;
        look->found = ngx_lu_mount_info(look, &fi);

        if (statvfs((char *) look->path, &fs) == 0) {
            look->read_only = (fs.f_flag & ST_RDONLY) ? 1 : 0;
        }

        if (look->found
            && look->mount.kind != LU_MOUNT_LOCAL
            && !look->read_only
            && geteuid() == 0)
        {
            look->refused = ngx_lu_mount_root(look);
        }
    }
}


static ngx_uint_t
ngx_lu_mount_info(ngx_lu_mount_t *look, ngx_file_info_t *fi)
{
    size_t    len;
    ssize_t   n;
    lu_str_t  text;
    ngx_fd_t  fd;

    fd = open("/proc/self/mountinfo", O_RDONLY|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    for (len = 0; len < NGX_LU_MOUNT_INFO; len += n) {
        n = read(fd, look->info + len, NGX_LU_MOUNT_INFO - len);

        if (n <= 0) {
            break;
        }
    }

    (void) ngx_close_file(fd);

    text.data = look->info;
    text.len = len;

    return lu_mount_find(&text, major(fi->st_dev), minor(fi->st_dev),
                         &look->mount);
}


/* A server that takes root for somebody else may refuse root, or not. */

static ngx_err_t
ngx_lu_mount_root(ngx_lu_mount_t *look)
{
    u_char           path[NGX_MAX_PATH];
    ngx_err_t        err;
    ngx_file_info_t  fi;

    (void) ngx_snprintf(path, NGX_MAX_PATH, "%s/.root.%P%Z", look->path,
                        ngx_pid);

    if (ngx_create_dir(path, 0700) == NGX_FILE_ERROR) {
        err = ngx_errno;

        return (err == NGX_EACCES || err == NGX_EPERM) ? err : 0;
    }

    err = (ngx_link_info(path, &fi) != NGX_FILE_ERROR && fi.st_uid != 0)
          ? NGX_EPERM
          : 0;

    (void) ngx_delete_dir(path);

    return err;
}
