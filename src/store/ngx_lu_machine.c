
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bound.h"
#include "ngx_lu_machine.h"
#include "ngx_lu_path.h"
#include "ngx_lu_tree.h"

#include "core/lu_name.h"


#define NGX_LU_MACHINE_WAIT    5000     /* milliseconds */
#define NGX_LU_MACHINE_REMOTE  80000    /* until a crash is noticed */
#define NGX_LU_MACHINE_RETRY   100
#define NGX_LU_MACHINE_LOCKS   64       /* stores */
#define NGX_LU_MACHINE_FDS     65536


/* Of this process, and not of a configuration. */

typedef struct {
    ngx_fd_t           fd;
    ngx_file_info_t    info;
    u_char            *folder;          /* of ngx_alloc(); NULL: no lock */
} ngx_lu_machine_lock_t;


/* A lock file, looked at; of malloc(). */

typedef struct {
    ngx_lu_machine_lock_t   lock;
    ngx_uint_t              same;
    u_char                  path[NGX_MAX_PATH];
} ngx_lu_machine_look_t;


static ngx_int_t ngx_lu_machine_move(ngx_conf_t *cf,
    ngx_lu_main_conf_t *lumcf, ngx_path_t *path);
static ngx_int_t ngx_lu_machine_keep(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_str_t *machine);
static ngx_int_t ngx_lu_machine_has(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_lu_machine_lock_t *lock);
static void ngx_lu_machine_look(void *data);
static void ngx_lu_machine_leave(void *data);
static ngx_int_t ngx_lu_machine_open(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_str_t *machine, ngx_uint_t again, ngx_fd_t *fd);
static ngx_int_t ngx_lu_machine_take(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_uint_t again, ngx_fd_t fd);
static ngx_int_t ngx_lu_machine_try(ngx_fd_t fd);
static ngx_fd_t ngx_lu_machine_inherited(ngx_fd_t opened);
static ngx_int_t ngx_lu_machine_empty(ngx_lu_io_t *io, u_char *path,
    ngx_uint_t keeps);
static ngx_int_t ngx_lu_machine_empty_old(ngx_lu_io_t *io,
    ngx_lu_store_t *store, ngx_str_t *host);


static ngx_lu_machine_lock_t  ngx_lu_machine_locks[NGX_LU_MACHINE_LOCKS];


char *
ngx_lu_machine_init(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf)
{
    size_t      i, len;
    u_char     *p;
    lu_str_t    name;
    ngx_str_t  *host;

    if (lumcf->machine.data) {
        name = ngx_lu_to_core(&lumcf->machine);

    } else {
        host = &cf->cycle->hostname;
        len = ngx_min(host->len, LU_MACHINE_LEN);

        p = ngx_pcalloc(cf->pool, len + 1);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        name.len = len;
        name.data = p;

        for (i = 0; i < len; i++) {
            p[i] = lu_name_machine_char(host->data[i]) ? host->data[i] : '-';
        }

        lumcf->machine = ngx_lu_from_core(&name);
    }

    if (!lu_name_machine_valid(&name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid machine name \"%V\": \"liveupdate_machine\""
                           " takes up to 64 letters, digits, \"-\", \"_\" and "
                           "\".\", of which the first is a letter or a digit, "
                           "but not \"body\" or \"fetch\"", &lumcf->machine);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_lu_machine_paths(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf)
{
    u_char           *p;
    ngx_uint_t        i, n, nmoved;
    ngx_path_t      **paths, **moved;
    ngx_lu_store_t   *store, **stores;

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        store = stores[i];

        p = ngx_pnalloc(cf->pool, store->path.len + sizeof("/tmp/")
                                  + lumcf->machine.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        store->temp.data = p;
        store->temp.len = ngx_sprintf(p, "%V/tmp/%V%Z", &store->path,
                                      &lumcf->machine)
                          - p - 1;

        if (store->folder) {
            store->folder->name = store->temp;
        }
    }

    /* nginx creates the folders in their order */

    paths = cf->cycle->paths.elts;

    moved = ngx_palloc(cf->temp_pool,
                       cf->cycle->paths.nelts * sizeof(ngx_path_t *));
    if (moved == NULL) {
        return NGX_ERROR;
    }

    n = 0;
    nmoved = 0;

    for (i = 0; i < cf->cycle->paths.nelts; i++) {

        switch (ngx_lu_machine_move(cf, lumcf, paths[i])) {

        case NGX_OK:
            moved[nmoved++] = paths[i];
            break;

        case NGX_DECLINED:
            paths[n++] = paths[i];
            break;

        default:
            return NGX_ERROR;
        }
    }

    ngx_memcpy(&paths[n], moved, nmoved * sizeof(ngx_path_t *));

    return NGX_OK;
}


/*
 * Moves a temporary folder of nginx's from tmp/ of a store into that of the
 * machine.  NGX_DECLINED: it lies elsewhere.
 */

static ngx_int_t
ngx_lu_machine_move(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf,
    ngx_path_t *path)
{
    u_char           *p;
    size_t            len;
    ngx_str_t         rest;
    ngx_uint_t        i;
    ngx_lu_store_t   *store, **stores;

    if (path->manager || path->loader) {
        return NGX_DECLINED;
    }

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        store = stores[i];
        len = store->temp.len - lumcf->machine.len;

        if (store->folder == NULL
            || store->folder == path
            || path->name.len <= len
            || ngx_memcmp(path->name.data, store->temp.data, len) != 0)
        {
            continue;
        }

        if (path->name.len > store->temp.len
            && path->name.data[store->temp.len] == '/'
            && ngx_memcmp(path->name.data, store->temp.data, store->temp.len)
               == 0)
        {
            return NGX_OK;
        }

        rest.len = path->name.len - len;
        rest.data = path->name.data + len;

        p = ngx_pnalloc(cf->pool, store->temp.len + rest.len + 2);
        if (p == NULL) {
            return NGX_ERROR;
        }

        path->name.len = ngx_sprintf(p, "%V/%V%Z", &store->temp, &rest)
                         - p - 1;
        path->name.data = p;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_lu_machine_lock(ngx_cycle_t *cycle, ngx_lu_main_conf_t *lumcf)
{
    ngx_uint_t        i;
    ngx_lu_store_t  **stores;

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        if (stores[i]->folder
            && ngx_lu_machine_keep(cycle, stores[i], &lumcf->machine)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_machine_keep(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_str_t *machine)
{
    ngx_fd_t                fd;
    ngx_int_t               rc;
    ngx_uint_t              i, again;
    ngx_lu_machine_lock_t  *lock, *locks;

    lock = NULL;
    again = 0;
    locks = ngx_lu_machine_locks;

    for (i = 0; i < NGX_LU_MACHINE_LOCKS; i++) {

        if (locks[i].folder == NULL) {
            lock = &locks[i];
            continue;
        }

        if (ngx_strcmp(locks[i].folder, store->temp.data) != 0) {
            continue;
        }

        rc = ngx_lu_machine_has(cycle, store, &locks[i]);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        lock = &locks[i];
        again = 1;
        break;
    }

    if (lock == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "there are more than %d stores", NGX_LU_MACHINE_LOCKS);
        return NGX_ERROR;
    }

    rc = ngx_lu_machine_open(cycle, store, machine, again, &fd);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (ngx_fd_info(fd, &lock->info) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      ngx_fd_info_n " \"%V/.lock\" failed", &store->temp);
        (void) ngx_close_file(fd);
        return NGX_ERROR;
    }

    if (!again) {
        lock->folder = ngx_alloc(store->temp.len + 1, cycle->log);

        if (lock->folder == NULL) {
            (void) ngx_close_file(fd);
            return NGX_ERROR;
        }

        ngx_memcpy(lock->folder, store->temp.data, store->temp.len + 1);
    }

    lock->fd = fd;

    return NGX_OK;
}


/*
 * NGX_DECLINED: what the path leads to now is another file: the file system was
 * mounted anew, or the folder was replaced.
 */

static ngx_int_t
ngx_lu_machine_has(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_lu_machine_lock_t *lock)
{
    ngx_int_t               rc;
    ngx_lu_machine_look_t  *look;

    if (lock->fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    look = malloc(sizeof(ngx_lu_machine_look_t));
    if (look == NULL) {
        return NGX_ERROR;
    }

    look->lock = *lock;
    (void) ngx_snprintf(look->path, NGX_MAX_PATH, "%V/.lock%Z", &store->temp);

    rc = ngx_lu_bound(ngx_lu_machine_look, free, look);

    if (rc == NGX_BUSY) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "\"%V/.lock\" has not answered for %d seconds: its file "
                      "system hangs", &store->temp, NGX_LU_BOUND_WAIT);
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "\"%V/.lock\" could not be looked at", &store->temp);
        free(look);
        return NGX_ERROR;
    }

    if (look->same) {
        free(look);
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                  "\"%V/.lock\" is another file than before: it is locked "
                  "again", &store->temp);

    lock->fd = NGX_INVALID_FILE;

    if (ngx_lu_bound(ngx_lu_machine_leave, free, look) != NGX_BUSY) {
        free(look);
    }

    return NGX_DECLINED;
}


static void
ngx_lu_machine_look(void *data)
{
    ngx_lu_machine_look_t *look = data;

    ngx_file_info_t  fi;

    look->same = ngx_file_info(look->path, &fi) != NGX_FILE_ERROR
                 && ngx_file_uniq(&fi) == ngx_file_uniq(&look->lock.info)
                 && fi.st_dev == look->lock.info.st_dev;
}


/*
 * The old file system may still be there, without a name, and its lock would
 * exclude the new one.  Old workers share the lock, so that it does not end
 * when the descriptor is closed.
 */

static void
ngx_lu_machine_leave(void *data)
{
    ngx_lu_machine_look_t *look = data;

    struct flock  lock;

    ngx_memzero(&lock, sizeof(struct flock));
    lock.l_type = F_UNLCK;
    lock.l_whence = SEEK_SET;

    (void) fcntl(look->lock.fd, F_OFD_SETLK, &lock);
    (void) ngx_close_file(look->lock.fd);
}


/* NGX_DECLINED: nobody can write to the store, so nobody has to be kept out. */

static ngx_int_t
ngx_lu_machine_open(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_str_t *machine, ngx_uint_t again, ngx_fd_t *fd)
{
    u_char           *path;
    ngx_fd_t          opened;
    ngx_int_t         rc;
    ngx_core_conf_t  *ccf;

    path = ngx_lu_format(cycle->pool, "%V/.lock", &store->temp);
    if (path == NULL) {
        return NGX_ERROR;
    }

    /* without O_CLOEXEC: who upgrades the binary hands the lock over */

    opened = open((char *) path, O_RDWR|O_CREAT, 0600);

    if (opened == NGX_INVALID_FILE) {
        if (ngx_errno == EROFS) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed", path);
        return NGX_ERROR;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->user != (ngx_uid_t) NGX_CONF_UNSET_UINT
        && fchown(opened, ccf->user, -1) == -1)
    {
        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      "fchown() \"%s\" failed", path);
    }

    rc = ngx_lu_machine_take(cycle, store, again, opened);

    if (rc == NGX_BUSY) {
        *fd = ngx_lu_machine_inherited(opened);

        if (*fd != NGX_INVALID_FILE) {
            (void) ngx_close_file(opened);
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "another nginx has the machine name \"%V\" in the store "
                      "\"%V\": give each machine a name of its own with "
                      "\"liveupdate_machine\", or stop that nginx first",
                      machine, &store->path);

    } else if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "fcntl() \"%s\" failed", path);
    }

    if (rc != NGX_OK) {
        (void) ngx_close_file(opened);
        return NGX_ERROR;
    }

    *fd = opened;

    return NGX_OK;
}


/*
 * An nginx that was just stopped has workers that end what they do, and so has
 * a configuration before the last one that had this store, too.  When the
 * binary is upgraded, nobody is expected to end.  The client of a file system
 * that was mounted anew is, even at a reload.
 */

static ngx_int_t
ngx_lu_machine_take(ngx_cycle_t *cycle, ngx_lu_store_t *store,
    ngx_uint_t again, ngx_fd_t fd)
{
    ngx_int_t   rc;
    ngx_uint_t  told, is_first;
    ngx_msec_t  from, limit;

    is_first = ngx_is_init_cycle(cycle->old_cycle);
    limit = NGX_LU_MACHINE_WAIT;

    if (ngx_inherited && is_first) {
        limit = 0;

    } else if (store->is_remote && (again || is_first)) {
        limit = NGX_LU_MACHINE_REMOTE;
    }

    told = 0;
    from = ngx_lu_thread_msec();

    for ( ;; ) {
        rc = ngx_lu_machine_try(fd);

        if (rc != NGX_BUSY || ngx_lu_thread_msec() - from >= limit) {
            return rc;
        }

        if (!told) {
            told = 1;

            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "\"%V\" is locked: nginx waits for up to %M seconds "
                          "for the one that has the machine's name",
                          &store->temp, limit / 1000);
        }

        ngx_msleep(NGX_LU_MACHINE_RETRY);
    }
}


static ngx_int_t
ngx_lu_machine_try(ngx_fd_t fd)
{
    struct flock  lock;

    ngx_memzero(&lock, sizeof(struct flock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;

    while (fcntl(fd, F_OFD_SETLK, &lock) == -1) {

        if (ngx_errno == NGX_EINTR) {
            continue;
        }

        return (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EACCES)
               ? NGX_BUSY
               : NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * The process whose binary is upgraded has handed the lock over with the
 * descriptor, whose number nobody has told.
 */

static ngx_fd_t
ngx_lu_machine_inherited(ngx_fd_t opened)
{
    ngx_fd_t         fd;
    ngx_file_info_t  fi, other;

    if (!ngx_inherited || ngx_fd_info(opened, &fi) == NGX_FILE_ERROR) {
        return NGX_INVALID_FILE;
    }

    for (fd = 3; fd < NGX_LU_MACHINE_FDS; fd++) {

        if (fd != opened
            && ngx_fd_info(fd, &other) != NGX_FILE_ERROR
            && ngx_is_file(&other)
            && ngx_file_uniq(&other) == ngx_file_uniq(&fi)
            && other.st_dev == fi.st_dev
            && ngx_lu_machine_try(fd) == NGX_OK)
        {
            return fd;
        }
    }

    return NGX_INVALID_FILE;
}


void
ngx_lu_machine_release(ngx_lu_main_conf_t *lumcf)
{
    ngx_uint_t              i, j;
    ngx_lu_store_t        **stores;
    ngx_lu_machine_lock_t  *lock;

    stores = lumcf ? lumcf->stores.elts : NULL;

    for (i = 0; i < NGX_LU_MACHINE_LOCKS; i++) {
        lock = &ngx_lu_machine_locks[i];

        if (lock->folder == NULL) {
            continue;
        }

        for (j = 0; lumcf && j < lumcf->stores.nelts; j++) {
            if (ngx_strcmp(stores[j]->temp.data, lock->folder) == 0) {
                break;
            }
        }

        if (lumcf && j < lumcf->stores.nelts) {
            continue;
        }

        if (lock->fd != NGX_INVALID_FILE) {
            (void) ngx_close_file(lock->fd);
        }

        ngx_free(lock->folder);
        lock->folder = NULL;
    }
}


ngx_int_t
ngx_lu_machine_clean(ngx_lu_store_t *store, ngx_cycle_t *cycle)
{
    ngx_int_t    rc;
    ngx_pool_t  *pool;
    ngx_lu_io_t  io;

    pool = ngx_create_pool(4096, cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&io, sizeof(ngx_lu_io_t));
    io.pool = pool;

    rc = ngx_lu_machine_empty(&io, store->temp.data, 1);

    if (rc != NGX_ERROR) {
        rc = ngx_lu_machine_empty_old(&io, store, &cycle->hostname);
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, io.err,
                      "%s \"%s\" failed", io.operation, io.path);
    }

    ngx_destroy_pool(pool);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* The folders of nginx's own stay: it has just made them. */

static ngx_int_t
ngx_lu_machine_empty(ngx_lu_io_t *io, u_char *path, ngx_uint_t keeps)
{
    u_char       *entry;
    ngx_int_t     rc;
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;

    rc = ngx_lu_tree_list(io, path, &names);
    if (rc != NGX_OK) {
        return rc;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        entry = ngx_lu_path_in(io, path, "%V", &name[i]);

        if (keeps && ngx_lu_machine_pid(&name[i]) == 0) {
            rc = ngx_lu_machine_empty(io, entry, 0);

        } else {
            rc = ngx_lu_tree_delete(io, entry);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Older versions wrote "{host}.{process}.{...}" into tmp/ itself. */

static ngx_int_t
ngx_lu_machine_empty_old(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_str_t *host)
{
    u_char       *path;
    ngx_int_t     rc;
    ngx_str_t    *name, rest;
    ngx_uint_t    i;
    ngx_array_t   names;

    path = ngx_lu_path(io, "%V/tmp", &store->path);

    rc = ngx_lu_tree_list(io, path, &names);
    if (rc != NGX_OK) {
        return rc;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        if (name[i].len <= host->len + 1
            || name[i].data[host->len] != '.'
            || ngx_memcmp(name[i].data, host->data, host->len) != 0)
        {
            continue;
        }

        rest.len = name[i].len - host->len - 1;
        rest.data = name[i].data + host->len + 1;

        if (ngx_lu_machine_pid(&rest)
            && ngx_lu_tree_delete(io, ngx_lu_path_in(io, path, "%V",
                                                     &name[i]))
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The rest is "XXXXXX", "{n}" or "{n}.gone". */

ngx_pid_t
ngx_lu_machine_pid(const ngx_str_t *name)
{
    size_t      len;
    u_char     *dot, *rest;
    ngx_int_t   pid;

    dot = ngx_strlchr(name->data, name->data + name->len, '.');
    if (dot == NULL) {
        return 0;
    }

    pid = ngx_atoi(name->data, dot - name->data);
    if (pid <= 0) {
        return 0;
    }

    rest = dot + 1;
    len = name->data + name->len - rest;

    dot = ngx_strlchr(rest, rest + len, '.');

    if (dot) {
        if (ngx_strcmp(dot, ".gone") != 0) {
            return 0;
        }

        len = dot - rest;

        return ngx_atoi(rest, len) == NGX_ERROR ? 0 : (ngx_pid_t) pid;
    }

    return len ? (ngx_pid_t) pid : 0;
}
