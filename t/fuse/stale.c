
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A shared file system whose caches lie, as those of network file systems do:
 *
 *     stale FOLDER PLACE [SECONDS] [squash|local|late]
 *
 * mounts the folder at the place, in the foreground.  Mounted at two places it
 * is a folder that two machines share.  For so many seconds, 1 by default, each
 * of them believes what it knows of names and attributes: a name that was
 * replaced through the other one still leads to the replaced file, whose bytes
 * can be read, and a name that did not exist still does not.  Locks, links and
 * exclusive creation are those of the folder.  With "squash", root may create
 * nothing, as with the root_squash of NFS; with "local" no machine sees the
 * locks of others, as with its "nolock".  With "late", a file is opened when it
 * is read or locked, and is not found if it has lost its names: as GlusterFS's.
 */


#define FUSE_USE_VERSION  35
#define _GNU_SOURCE


#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>


#define STALE_HASH  4096


/* An inode that the kernel knows: its descriptor, opened with O_PATH. */

typedef struct stale_inode_s  stale_inode_t;

struct stale_inode_s {
    stale_inode_t   *next;
    int            fd;
    dev_t          dev;
    ino_t          ino;
    uint64_t       lookups;
};


typedef struct {
    DIR   *dir;
    off_t  offset;
} stale_dir_t;


static stale_inode_t       stale_root;
static stale_inode_t      *stale_inodes[STALE_HASH];
static pthread_mutex_t   stale_mutex = PTHREAD_MUTEX_INITIALIZER;
static double            stale_timeout = 1;
static int               stale_squash;
static int               stale_late;


static stale_inode_t *
stale_inode(fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? &stale_root
                               : (stale_inode_t *) (uintptr_t) ino;
}


static int
stale_fd(fuse_ino_t ino)
{
    return stale_inode(ino)->fd;
}


static void
stale_proc(fuse_ino_t ino, char *path)
{
    (void) sprintf(path, "/proc/self/fd/%d", stale_fd(ino));
}


/* Fills the entry of a name, which counts as one look-up.  0, or an errno. */

static int
stale_entry(fuse_ino_t parent, const char *name, struct fuse_entry_param *e)
{
    int           fd;
    stale_inode_t  *inode, **bucket;

    memset(e, 0, sizeof(struct fuse_entry_param));

    e->attr_timeout = stale_timeout;
    e->entry_timeout = stale_timeout;

    fd = openat(stale_fd(parent), name, O_PATH|O_NOFOLLOW|O_CLOEXEC);

    if (fd == -1) {
        return errno;
    }

    if (fstatat(fd, "", &e->attr, AT_EMPTY_PATH|AT_SYMLINK_NOFOLLOW) == -1) {
        (void) close(fd);
        return errno;
    }

    (void) pthread_mutex_lock(&stale_mutex);

    bucket = &stale_inodes[e->attr.st_ino % STALE_HASH];

    for (inode = *bucket; inode; inode = inode->next) {
        if (inode->ino == e->attr.st_ino && inode->dev == e->attr.st_dev) {
            (void) close(fd);
            break;
        }
    }

    if (inode == NULL) {
        inode = calloc(1, sizeof(stale_inode_t));

        if (inode) {
            inode->fd = fd;
            inode->ino = e->attr.st_ino;
            inode->dev = e->attr.st_dev;
            inode->next = *bucket;
            *bucket = inode;
        }
    }

    if (inode) {
        inode->lookups++;
        e->ino = (uintptr_t) inode;
    }

    (void) pthread_mutex_unlock(&stale_mutex);

    return inode ? 0 : ENOMEM;
}


static void
stale_forgotten(fuse_ino_t ino, uint64_t lookups)
{
    stale_inode_t  *inode, **p;

    if (ino == FUSE_ROOT_ID) {
        return;
    }

    inode = stale_inode(ino);

    (void) pthread_mutex_lock(&stale_mutex);

    inode->lookups -= lookups;

    if (inode->lookups == 0) {
        p = &stale_inodes[inode->ino % STALE_HASH];

        while (*p != inode) {
            p = &(*p)->next;
        }

        *p = inode->next;

        (void) close(inode->fd);
        free(inode);
    }

    (void) pthread_mutex_unlock(&stale_mutex);
}


static void
stale_reply_entry(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    int                      err;
    struct fuse_entry_param  e;

    err = stale_entry(parent, name, &e);

    if (err) {
        fuse_reply_err(req, err);
        return;
    }

    fuse_reply_entry(req, &e);
}


static void
stale_reply(fuse_req_t req, int rc)
{
    fuse_reply_err(req, rc == -1 ? errno : 0);
}


static int
stale_is_refused(fuse_req_t req)
{
    return stale_squash && fuse_req_ctx(req)->uid == 0;
}


/* What was made belongs to whoever has made it. */

static void
stale_give(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    const struct fuse_ctx  *ctx;

    ctx = fuse_req_ctx(req);

    (void) !fchownat(stale_fd(parent), name, ctx->uid, ctx->gid,
                     AT_SYMLINK_NOFOLLOW);
}


/* A name that is not there is remembered, too. */

static void
stale_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    int                      err;
    struct fuse_entry_param  e;

    err = stale_entry(parent, name, &e);

    if (err && err != ENOENT) {
        fuse_reply_err(req, err);
        return;
    }

    fuse_reply_entry(req, &e);
}


static void
stale_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
    stale_forgotten(ino, lookups);
    fuse_reply_none(req);
}


static void
stale_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat  st;

    (void) fi;

    if (fstatat(stale_fd(ino), "", &st, AT_EMPTY_PATH|AT_SYMLINK_NOFOLLOW)
        == -1)
    {
        fuse_reply_err(req, errno);
        return;
    }

    fuse_reply_attr(req, &st, stale_timeout);
}


static void
stale_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int set,
    struct fuse_file_info *fi)
{
    int              rc;
    char             path[64];
    struct timespec  times[2];

    rc = 0;
    stale_proc(ino, path);

    if (set & FUSE_SET_ATTR_MODE) {
        rc = chmod(path, attr->st_mode);
    }

    if (rc == 0 && (set & (FUSE_SET_ATTR_UID|FUSE_SET_ATTR_GID))) {
        rc = fchownat(stale_fd(ino), "",
                      (set & FUSE_SET_ATTR_UID) ? attr->st_uid : (uid_t) -1,
                      (set & FUSE_SET_ATTR_GID) ? attr->st_gid : (gid_t) -1,
                      AT_EMPTY_PATH|AT_SYMLINK_NOFOLLOW);
    }

    if (rc == 0 && (set & FUSE_SET_ATTR_SIZE)) {
        rc = fi ? ftruncate((int) fi->fh, attr->st_size)
                : truncate(path, attr->st_size);
    }

    if (rc == 0 && (set & (FUSE_SET_ATTR_ATIME|FUSE_SET_ATTR_MTIME))) {

        times[0].tv_nsec = UTIME_OMIT;
        times[1].tv_nsec = UTIME_OMIT;

        if (set & FUSE_SET_ATTR_ATIME_NOW) {
            times[0].tv_nsec = UTIME_NOW;

        } else if (set & FUSE_SET_ATTR_ATIME) {
            times[0] = attr->st_atim;
        }

        if (set & FUSE_SET_ATTR_MTIME_NOW) {
            times[1].tv_nsec = UTIME_NOW;

        } else if (set & FUSE_SET_ATTR_MTIME) {
            times[1] = attr->st_mtim;
        }

        rc = utimensat(AT_FDCWD, path, times, 0);
    }

    if (rc == -1) {
        fuse_reply_err(req, errno);
        return;
    }

    stale_getattr(req, ino, fi);
}


static void
stale_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    if (stale_is_refused(req)) {
        fuse_reply_err(req, EACCES);
        return;
    }

    if (mkdirat(stale_fd(parent), name, mode) == -1) {
        fuse_reply_err(req, errno);
        return;
    }

    stale_give(req, parent, name);
    stale_reply_entry(req, parent, name);
}


static void
stale_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    stale_reply(req, unlinkat(stale_fd(parent), name, 0));
}


static void
stale_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    stale_reply(req, unlinkat(stale_fd(parent), name, AT_REMOVEDIR));
}


static void
stale_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t newparent, const char *newname, unsigned int flags)
{
    stale_reply(req, renameat2(stale_fd(parent), name, stale_fd(newparent),
                               newname, flags));
}


static void
stale_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent,
    const char *newname)
{
    if (linkat(stale_fd(ino), "", stale_fd(newparent), newname, AT_EMPTY_PATH)
        == -1)
    {
        fuse_reply_err(req, errno);
        return;
    }

    stale_reply_entry(req, newparent, newname);
}


static void
stale_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    struct fuse_file_info *fi)
{
    int                      fd, err;
    struct fuse_entry_param  e;

    if (stale_is_refused(req)) {
        fuse_reply_err(req, EACCES);
        return;
    }

    fd = openat(stale_fd(parent), name,
                (fi->flags | O_CREAT | O_CLOEXEC) & ~(O_NOFOLLOW|O_APPEND),
                mode);

    if (fd == -1) {
        fuse_reply_err(req, errno);
        return;
    }

    stale_give(req, parent, name);

    err = stale_entry(parent, name, &e);

    if (err) {
        (void) close(fd);
        fuse_reply_err(req, err);
        return;
    }

    fi->fh = fd;
    fuse_reply_create(req, &e, fi);
}


/* Of the inode that the name has led to, wherever it leads by now. */

static void
stale_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    int   fd;
    char  path[64];

    stale_proc(ino, path);

    fd = open(path, (fi->flags | O_CLOEXEC) & ~(O_NOFOLLOW|O_APPEND));

    if (fd == -1) {
        fuse_reply_err(req, errno);
        return;
    }

    fi->fh = fd;
    fuse_reply_open(req, fi);
}


/* Whether it would be opened only now, and is not there any more. */

static int
stale_is_late(int fd)
{
    struct stat  st;

    return stale_late && fstat(fd, &st) == 0 && st.st_nlink == 0;
}


static void
stale_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
    struct fuse_bufvec  buf = FUSE_BUFVEC_INIT(size);

    (void) ino;

    if (stale_is_late((int) fi->fh)) {
        fuse_reply_err(req, ENOENT);
        return;
    }

    buf.buf[0].flags = FUSE_BUF_IS_FD|FUSE_BUF_FD_SEEK;
    buf.buf[0].fd = (int) fi->fh;
    buf.buf[0].pos = offset;

    fuse_reply_data(req, &buf, 0);
}


static void
stale_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
    off_t offset, struct fuse_file_info *fi)
{
    ssize_t  n;

    (void) ino;

    n = pwrite((int) fi->fh, data, size, offset);

    if (n == -1) {
        fuse_reply_err(req, errno);
        return;
    }

    fuse_reply_write(req, n);
}


static void
stale_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void) ino;
    (void) close((int) fi->fh);

    fuse_reply_err(req, 0);
}


static void
stale_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
    struct fuse_file_info *fi)
{
    (void) ino;

    stale_reply(req, datasync ? fdatasync((int) fi->fh) : fsync((int) fi->fh));
}


static void
stale_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    int         fd;
    stale_dir_t  *dir;

    dir = calloc(1, sizeof(stale_dir_t));
    fd = openat(stale_fd(ino), ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd != -1 && dir) {
        dir->dir = fdopendir(fd);
    }

    if (fd == -1 || dir == NULL || dir->dir == NULL) {
        fuse_reply_err(req, fd == -1 ? errno : ENOMEM);
        free(dir);
        return;
    }

    fi->fh = (uintptr_t) dir;
    fuse_reply_open(req, fi);
}


static void
stale_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
    char           *buf;
    size_t          len, n;
    stale_dir_t      *dir;
    struct stat     st;
    struct dirent  *entry;

    (void) ino;

    dir = (stale_dir_t *) (uintptr_t) fi->fh;
    buf = malloc(size);

    if (buf == NULL) {
        fuse_reply_err(req, ENOMEM);
        return;
    }

    if (offset != dir->offset) {
        seekdir(dir->dir, offset);
        dir->offset = offset;
    }

    len = 0;

    for ( ;; ) {
        entry = readdir(dir->dir);
        if (entry == NULL) {
            break;
        }

        memset(&st, 0, sizeof(struct stat));
        st.st_ino = entry->d_ino;
        st.st_mode = (mode_t) entry->d_type << 12;

        n = fuse_add_direntry(req, buf + len, size - len, entry->d_name, &st,
                              entry->d_off);

        if (n > size - len) {
            seekdir(dir->dir, dir->offset);
            break;
        }

        len += n;
        dir->offset = entry->d_off;
    }

    fuse_reply_buf(req, buf, len);
    free(buf);
}


static void
stale_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    stale_dir_t  *dir;

    (void) ino;

    dir = (stale_dir_t *) (uintptr_t) fi->fh;

    (void) closedir(dir->dir);
    free(dir);

    fuse_reply_err(req, 0);
}


static void
stale_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
    struct fuse_file_info *fi)
{
    stale_dir_t  *dir;

    (void) ino;
    (void) datasync;

    dir = (stale_dir_t *) (uintptr_t) fi->fh;

    stale_reply(req, fsync(dirfd(dir->dir)));
}


static void
stale_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs  fs;

    if (fstatvfs(stale_fd(ino), &fs) == -1) {
        fuse_reply_err(req, errno);
        return;
    }

    fuse_reply_statfs(req, &fs);
}


static void
stale_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
    struct flock *lock)
{
    (void) ino;

    lock->l_pid = 0;

    if (fcntl((int) fi->fh, F_OFD_GETLK, lock) == -1) {
        fuse_reply_err(req, errno);
        return;
    }

    fuse_reply_lock(req, lock);
}


/* Each open has a description of its own, and so has its lock. */

static void
stale_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
    struct flock *lock, int waits)
{
    int  rc;

    (void) ino;

    if (lock->l_type != F_UNLCK && stale_is_late((int) fi->fh)) {
        fuse_reply_err(req, ENOENT);
        return;
    }

    lock->l_pid = 0;

    do {
        rc = fcntl((int) fi->fh, waits ? F_OFD_SETLKW : F_OFD_SETLK, lock);
    } while (rc == -1 && errno == EINTR && waits);

    stale_reply(req, rc);
}


static struct fuse_lowlevel_ops  stale_ops = {
    .lookup = stale_lookup,
    .forget = stale_forget,
    .getattr = stale_getattr,
    .setattr = stale_setattr,
    .mkdir = stale_mkdir,
    .unlink = stale_unlink,
    .rmdir = stale_rmdir,
    .rename = stale_rename,
    .link = stale_link,
    .create = stale_create,
    .open = stale_open,
    .read = stale_read,
    .write = stale_write,
    .release = stale_release,
    .fsync = stale_fsync,
    .opendir = stale_opendir,
    .readdir = stale_readdir,
    .releasedir = stale_releasedir,
    .fsyncdir = stale_fsyncdir,
    .statfs = stale_statfs,
    .getlk = stale_getlk,
    .setlk = stale_setlk
};


int
main(int argc, char **argv)
{
    int                      rc;
    char                    *args[4];
    struct fuse_args         fuse;
    struct fuse_session     *session;
    struct fuse_loop_config  loop;

    if (argc < 3) {
        fprintf(stderr, "usage: stale FOLDER PLACE [SECONDS] "
                "[squash|local|late]\n");
        return 2;
    }

    if (argc > 3) {
        stale_timeout = atof(argv[3]);
    }

    stale_squash = (argc > 4 && strcmp(argv[4], "squash") == 0);
    stale_late = (argc > 4 && strcmp(argv[4], "late") == 0);

    if (argc > 4 && strcmp(argv[4], "local") == 0) {
        stale_ops.getlk = NULL;
        stale_ops.setlk = NULL;
    }

    stale_root.fd = open(argv[1], O_PATH|O_CLOEXEC);

    if (stale_root.fd == -1) {
        perror(argv[1]);
        return 1;
    }

    (void) umask(0);

    args[0] = argv[0];
    args[1] = "-o";
    args[2] = "fsname=stale,subtype=stale,allow_other,default_permissions";
    args[3] = NULL;

    memset(&fuse, 0, sizeof(struct fuse_args));
    fuse.argc = 3;
    fuse.argv = args;

    session = fuse_session_new(&fuse, &stale_ops, sizeof(stale_ops), NULL);

    if (session == NULL
        || fuse_set_signal_handlers(session) != 0
        || fuse_session_mount(session, argv[2]) != 0)
    {
        return 1;
    }

    loop.clone_fd = 0;
    loop.max_idle_threads = 16;

    rc = fuse_session_loop_mt(session, &loop);

    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);

    return rc ? 1 : 0;
}
