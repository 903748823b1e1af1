
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A file system that hangs or fails on demand: it passes each operation on to
 * a folder, as a network file system does to a server, and no attribute or name
 * is kept in the kernel.  HANG_CONTROL is a file outside that a test writes:
 *
 *     ok              all operations are done
 *     all             none of them returns until the file says otherwise
 *     read            those that change nothing
 *     write           those that change something
 *     path {part}     those on names with that in them
 *     error {errno}   all of them fail
 *
 *     HANG_CONTROL=file hang {folder} {mount point} [-o options]
 */


#define _GNU_SOURCE
#define FUSE_USE_VERSION  31

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>


#define HANG_READ   0
#define HANG_WRITE  1


static const char  *hang_control;
static int          hang_root;


/* Returns 0 when the operation may be done, or the error with which it ends. */

static int
hang(int writes, const char *path)
{
    int      fd;
    char     text[512];
    ssize_t  n;

    for ( ;; ) {
        fd = open(hang_control, O_RDONLY|O_CLOEXEC);

        if (fd == -1) {
            return 0;
        }

        n = read(fd, text, sizeof(text) - 1);
        (void) close(fd);

        if (n <= 0) {
            return 0;
        }

        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';

        if (strncmp(text, "error ", 6) == 0) {
            return -atoi(text + 6);
        }

        if (strcmp(text, "all") != 0
            && (strcmp(text, "read") != 0 || writes)
            && (strcmp(text, "write") != 0 || !writes)
            && (strncmp(text, "path ", 5) != 0
                || path == NULL
                || strstr(path, text + 5) == NULL))
        {
            return 0;
        }

        (void) usleep(10000);
    }
}


/* "/a/b" is "a/b" in the folder. */

static const char *
hang_name(const char *path)
{
    return path[1] ? path + 1 : ".";
}


static int
hang_rc(int rc)
{
    return rc == -1 ? -errno : 0;
}


static void *
hang_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
    (void) conn;

    cfg->use_ino = 1;
    cfg->entry_timeout = 0;
    cfg->attr_timeout = 0;
    cfg->negative_timeout = 0;

    return NULL;
}


static int
hang_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    int  rc;

    rc = hang(HANG_READ, path);

    if (rc) {
        return rc;
    }

    if (fi) {
        return hang_rc(fstat((int) fi->fh, st));
    }

    return hang_rc(fstatat(hang_root, hang_name(path), st,
                           AT_SYMLINK_NOFOLLOW));
}


static int
hang_mkdir(const char *path, mode_t mode)
{
    int  rc;

    rc = hang(HANG_WRITE, path);

    return rc ? rc : hang_rc(mkdirat(hang_root, hang_name(path), mode));
}


static int
hang_unlink(const char *path)
{
    int  rc;

    rc = hang(HANG_WRITE, path);

    return rc ? rc : hang_rc(unlinkat(hang_root, hang_name(path), 0));
}


static int
hang_rmdir(const char *path)
{
    int  rc;

    rc = hang(HANG_WRITE, path);

    return rc ? rc : hang_rc(unlinkat(hang_root, hang_name(path),
                                      AT_REMOVEDIR));
}


static int
hang_rename(const char *from, const char *to, unsigned flags)
{
    int  rc;

    rc = hang(HANG_WRITE, to);

    return rc ? rc : hang_rc(renameat2(hang_root, hang_name(from), hang_root,
                                       hang_name(to), flags));
}


static int
hang_link(const char *from, const char *to)
{
    int  rc;

    rc = hang(HANG_WRITE, to);

    return rc ? rc : hang_rc(linkat(hang_root, hang_name(from), hang_root,
                                    hang_name(to), 0));
}


static int
hang_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
    int  rc;

    (void) fi;

    rc = hang(HANG_WRITE, path);

    return rc ? rc : hang_rc(fchmodat(hang_root, hang_name(path), mode, 0));
}


static int
hang_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
    int  rc;

    (void) fi;

    rc = hang(HANG_WRITE, path);

    return rc ? rc : hang_rc(fchownat(hang_root, hang_name(path), uid, gid,
                                      AT_SYMLINK_NOFOLLOW));
}


static int
hang_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
    int  fd, rc;

    rc = hang(HANG_WRITE, path);

    if (rc) {
        return rc;
    }

    if (fi) {
        return hang_rc(ftruncate((int) fi->fh, size));
    }

    fd = openat(hang_root, hang_name(path), O_WRONLY|O_CLOEXEC);

    if (fd == -1) {
        return -errno;
    }

    rc = hang_rc(ftruncate(fd, size));
    (void) close(fd);

    return rc;
}


static int
hang_utimens(const char *path, const struct timespec times[2],
    struct fuse_file_info *fi)
{
    int  rc;

    (void) fi;

    rc = hang(HANG_WRITE, path);

    return rc ? rc : hang_rc(utimensat(hang_root, hang_name(path), times,
                                       AT_SYMLINK_NOFOLLOW));
}


static int
hang_open(const char *path, struct fuse_file_info *fi)
{
    int  fd, rc;

    rc = hang(HANG_READ, path);

    if (rc) {
        return rc;
    }

    fd = openat(hang_root, hang_name(path), fi->flags|O_CLOEXEC);

    if (fd == -1) {
        return -errno;
    }

    fi->fh = (uint64_t) fd;

    return 0;
}


static int
hang_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
    int  fd, rc;

    rc = hang(HANG_WRITE, path);

    if (rc) {
        return rc;
    }

    fd = openat(hang_root, hang_name(path), fi->flags|O_CREAT|O_CLOEXEC, mode);

    if (fd == -1) {
        return -errno;
    }

    fi->fh = (uint64_t) fd;

    return 0;
}


static int
hang_read(const char *path, char *buf, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
    int      rc;
    ssize_t  n;

    rc = hang(HANG_READ, path);

    if (rc) {
        return rc;
    }

    n = pread((int) fi->fh, buf, size, offset);

    return n == -1 ? -errno : (int) n;
}


static int
hang_write(const char *path, const char *buf, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
    int      rc;
    ssize_t  n;

    rc = hang(HANG_WRITE, path);

    if (rc) {
        return rc;
    }

    n = pwrite((int) fi->fh, buf, size, offset);

    return n == -1 ? -errno : (int) n;
}


static int
hang_statfs(const char *path, struct statvfs *fs)
{
    int  rc;

    rc = hang(HANG_READ, path);

    return rc ? rc : hang_rc(fstatvfs(hang_root, fs));
}


/* Is called by close(), which waits for it. */

static int
hang_flush(const char *path, struct fuse_file_info *fi)
{
    (void) fi;

    return hang(HANG_READ, path);
}


static int
hang_release(const char *path, struct fuse_file_info *fi)
{
    (void) path;

    (void) close((int) fi->fh);

    return 0;
}


static int
hang_fsync(const char *path, int data, struct fuse_file_info *fi)
{
    int  rc;

    (void) data;

    rc = hang(HANG_WRITE, path);

    return rc ? rc : hang_rc(fsync((int) fi->fh));
}


static int
hang_fsyncdir(const char *path, int data, struct fuse_file_info *fi)
{
    (void) data;
    (void) fi;

    return hang(HANG_WRITE, path);
}


static int
hang_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
    int             fd, rc;
    DIR            *dir;
    struct dirent  *entry;

    (void) offset;
    (void) fi;
    (void) flags;

    rc = hang(HANG_READ, path);

    if (rc) {
        return rc;
    }

    fd = openat(hang_root, hang_name(path), O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {
        return -errno;
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        rc = -errno;
        (void) close(fd);

        return rc;
    }

    for ( ;; ) {
        entry = readdir(dir);

        if (entry == NULL || fill(buf, entry->d_name, NULL, 0, 0)) {
            break;
        }
    }

    (void) closedir(dir);

    return 0;
}


static const struct fuse_operations  hang_operations = {
    .init = hang_init,
    .getattr = hang_getattr,
    .mkdir = hang_mkdir,
    .unlink = hang_unlink,
    .rmdir = hang_rmdir,
    .rename = hang_rename,
    .link = hang_link,
    .chmod = hang_chmod,
    .chown = hang_chown,
    .truncate = hang_truncate,
    .utimens = hang_utimens,
    .open = hang_open,
    .create = hang_create,
    .read = hang_read,
    .write = hang_write,
    .statfs = hang_statfs,
    .flush = hang_flush,
    .release = hang_release,
    .fsync = hang_fsync,
    .fsyncdir = hang_fsyncdir,
    .readdir = hang_readdir,
};


int
main(int argc, char *argv[])
{
    hang_control = getenv("HANG_CONTROL");

    if (argc < 3 || hang_control == NULL) {
        (void) fprintf(stderr, "HANG_CONTROL=file hang {folder} "
                               "{mount point} [-o options]\n");
        return 1;
    }

    hang_root = open(argv[1], O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (hang_root == -1) {
        perror(argv[1]);
        return 1;
    }

    (void) umask(0);

    /* each operation that hangs has a thread */

    argv[1] = argv[0];

    return fuse_main(argc - 1, argv + 1, &hang_operations, NULL);
}
