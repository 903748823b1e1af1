
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A file system that serves a folder, and lies about it as network file systems
 * do.  Several of them may serve the same folder: each is the mount of one
 * machine.
 *
 *     lie FOLDER CONTROL MOUNT
 *
 * The file CONTROL says how it lies; CONTROL.is repeats what is in force, and
 * CONTROL.held exists while calls are held.
 *
 *     keep=MS       names are remembered for so long: those of files that
 *                   another mount has replaced, and absent ones
 *     stale=PERCENT of the opens of a file without a name fail with ESTALE;
 *                   the others give the old bytes
 *     lost=PERCENT  of renames, links and new folders are made twice, as by a
 *                   client that got no answer: the second time tells
 *     silly=1       a file that is removed or replaced by this mount while it
 *                   is open here gets another name, until it is closed; and
 *                   listings are remembered, too
 *     nolock=1      every lock is granted
 *     hold=N        the N-th change from now, and every call after it, waits
 *                   until this is gone; the server breaks the locks
 */


#define _GNU_SOURCE

#define FUSE_USE_VERSION  35

#include <fuse_lowlevel.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>


#define BUCKETS  4096
#define TEXT     256
#define PROC     64


typedef struct node_s  node_t;
typedef struct name_s  name_t;
typedef struct file_s  file_t;
typedef struct list_s  list_t;


struct node_s {
    node_t      *next;
    int          fd;            /* O_PATH */
    dev_t        dev;
    ino_t        ino;
    uint64_t     lookups;
    unsigned     opened;        /* files that are open */
    list_t      *list;          /* of a folder, remembered; or NULL */
    double       listed;
};


/* A name that is remembered. */

struct name_s {
    name_t      *next;
    node_t      *parent;
    node_t      *node;          /* NULL: there is no such file */
    double       at;
    char         name[];
};


struct file_s {
    file_t      *next;
    file_t     **prev;
    node_t      *node;
    int          fd;
    int          silly;         /* of the folder; -1: it has its name */
    char         name[32];
};


struct list_s {
    list_t      *next;
    ino_t        ino;
    int          type;
    char         name[];
};


typedef struct {
    char         text[TEXT];
    long         keep, stale, lost, silly, nolock, hold;
} rules_t;


static pthread_mutex_t  mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t   cond = PTHREAD_COND_INITIALIZER;

static node_t   *nodes[BUCKETS], root;
static name_t   *names[BUCKETS];
static file_t   *files;
static rules_t   rules;
static long      changes;
static int       held;
static unsigned  serial;
static char     *control;


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1000.0 + ts.tv_nsec / 1000000.0;
}


static int
chance(long percent)
{
    static unsigned  seed;

    return percent && rand_r(&seed) % 100 < percent;
}


static node_t *
node_of(fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? &root : (node_t *) (uintptr_t) ino;
}


static fuse_ino_t
ino_of(node_t *node)
{
    return node == &root ? FUSE_ROOT_ID : (fuse_ino_t) (uintptr_t) node;
}


static void
proc(char *path, node_t *node)
{
    snprintf(path, PROC, "/proc/self/fd/%d", node->fd);
}


/* -- rules --------------------------------------------------------------- */

static long
rule(const char *text, const char *name)
{
    char   key[32];
    char  *p;

    snprintf(key, sizeof(key), " %s=", name);
    p = strstr(text, key);

    return p ? strtol(p + strlen(key), NULL, 10) : 0;
}


static void
tell(const char *suffix, const char *text)
{
    int   fd;
    char  path[4096], temp[4096];

    snprintf(path, sizeof(path), "%s.%s", control, suffix);

    if (text == NULL) {
        unlink(path);
        return;
    }

    snprintf(temp, sizeof(temp), "%s.new", control);

    fd = open(temp, O_WRONLY|O_CREAT|O_TRUNC, 0644);

    if (fd != -1) {
        if (write(fd, text, strlen(text)) == -1) {
            perror(temp);
        }

        close(fd);
        rename(temp, path);
    }
}


static void *
watch(void *arg)
{
    int        fd;
    ssize_t    n;
    rules_t    read_rules;
    char       text[TEXT];

    (void) arg;

    for ( ;; ) {
        usleep(2000);

        fd = open(control, O_RDONLY);
        n = -1;

        if (fd != -1) {
            n = read(fd, text + 1, TEXT - 2);
            close(fd);
        }

        if (n < 1 || text[n] != '\n') {
            continue;
        }

        text[0] = ' ';
        text[n + 1] = '\0';

        if (strcmp(text, rules.text) == 0) {
            continue;
        }

        memset(&read_rules, 0, sizeof(rules_t));
        strcpy(read_rules.text, text);

        read_rules.keep = rule(text, "keep");
        read_rules.stale = rule(text, "stale");
        read_rules.lost = rule(text, "lost");
        read_rules.silly = rule(text, "silly");
        read_rules.nolock = rule(text, "nolock");
        read_rules.hold = rule(text, "hold");

        pthread_mutex_lock(&mutex);

        rules = read_rules;
        changes = 0;

        if (rules.hold == 0 && held) {
            held = 0;
            tell("held", NULL);
            pthread_cond_broadcast(&cond);
        }

        pthread_mutex_unlock(&mutex);

        tell("is", text + 1);
    }

    return NULL;
}


/* Called with the mutex. */

static void
gate(int change)
{
    file_t        *file;
    struct flock   lock;

    if (change && rules.hold && !held && ++changes >= rules.hold) {
        held = 1;

        memset(&lock, 0, sizeof(struct flock));
        lock.l_type = F_UNLCK;

        for (file = files; file; file = file->next) {
            fcntl(file->fd, F_OFD_SETLK, &lock);
        }

        tell("held", "");
    }

    while (held) {
        pthread_cond_wait(&cond, &mutex);
    }
}


static void
enter(int change)
{
    pthread_mutex_lock(&mutex);
    gate(change);
}


static void
leave(void)
{
    pthread_mutex_unlock(&mutex);
}


/* -- nodes and names ----------------------------------------------------- */

static unsigned
bucket(uint64_t n, const char *name)
{
    for ( /* void */ ; *name; name++) {
        n = n * 31 + (unsigned char) *name;
    }

    return (n ^ n >> 17) % BUCKETS;
}


static void
forget(node_t *node)
{
    list_t  *list;

    while (node->list) {
        list = node->list;
        node->list = list->next;
        free(list);
    }
}


/*
 * What this machine does itself it knows.  A client that has silly names asks
 * for all other names in the folder, too, when it has changed one.
 */

static void
drop(node_t *parent, const char *name)
{
    unsigned   i;
    name_t    *entry, **next;

    for (i = 0; i < BUCKETS; i++) {

        for (next = &names[i]; (entry = *next) != NULL; /* void */ ) {

            if (entry->parent == parent
                && (entry->node == NULL
                    || rules.silly
                    || strcmp(entry->name, name) == 0))
            {
                *next = entry->next;
                free(entry);
                continue;
            }

            next = &entry->next;
        }
    }

    forget(parent);
}


static name_t *
remembered(node_t *parent, const char *name)
{
    unsigned   i;
    name_t    *entry, **next;

    if (rules.keep == 0) {
        return NULL;
    }

    i = bucket((uintptr_t) parent >> 4, name);

    for (next = &names[i]; (entry = *next) != NULL; /* void */ ) {

        if (now() - entry->at > rules.keep) {
            *next = entry->next;
            free(entry);
            continue;
        }

        if (entry->parent == parent && strcmp(entry->name, name) == 0) {
            return entry;
        }

        next = &entry->next;
    }

    return NULL;
}


static void
remember(node_t *parent, const char *name, node_t *node)
{
    unsigned   i;
    name_t    *entry;

    if (rules.keep == 0) {
        return;
    }

    entry = malloc(sizeof(name_t) + strlen(name) + 1);
    if (entry == NULL) {
        return;
    }

    strcpy(entry->name, name);
    entry->parent = parent;
    entry->node = node;
    entry->at = now();

    i = bucket((uintptr_t) parent >> 4, name);

    entry->next = names[i];
    names[i] = entry;
}


/* The node of what the server has; NULL with errno. */

static node_t *
find(node_t *parent, const char *name)
{
    int          fd;
    node_t      *node;
    unsigned     i;
    struct stat  st;

    fd = openat(parent->fd, name, O_PATH|O_NOFOLLOW);

    if (fd == -1) {
        return NULL;
    }

    if (fstat(fd, &st) == -1) {
        close(fd);
        return NULL;
    }

    i = bucket(st.st_ino, "");

    for (node = nodes[i]; node; node = node->next) {

        if (node->ino == st.st_ino && node->dev == st.st_dev) {
            close(fd);
            return node;
        }
    }

    node = calloc(1, sizeof(node_t));

    if (node == NULL) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }

    node->fd = fd;
    node->dev = st.st_dev;
    node->ino = st.st_ino;

    node->next = nodes[i];
    nodes[i] = node;

    return node;
}


/*
 * A node that the kernel has forgotten is not needed any more, and neither are
 * names of it and in it.
 */

static void
unused(node_t *node)
{
    unsigned   i;
    name_t    *entry, **name;
    node_t   **next;

    if (node == NULL || node == &root || node->lookups || node->opened) {
        return;
    }

    for (i = 0; i < BUCKETS; i++) {

        for (name = &names[i]; (entry = *name) != NULL; /* void */ ) {

            if (entry->parent == node || entry->node == node) {
                *name = entry->next;
                free(entry);
                continue;
            }

            name = &entry->next;
        }
    }

    for (next = &nodes[bucket(node->ino, "")];
         *next != node;
         next = &(*next)->next)
    {
        /* void */
    }

    *next = node->next;

    forget(node);
    close(node->fd);
    free(node);
}


static int
attributes(node_t *node, struct stat *st)
{
    return fstat(node->fd, st) == -1 ? errno : 0;
}


static int
entry(node_t *node, struct fuse_entry_param *e)
{
    memset(e, 0, sizeof(struct fuse_entry_param));

    e->ino = ino_of(node);

    return attributes(node, &e->attr);
}


static void
reply_entry(fuse_req_t req, node_t *node)
{
    int                      err;
    struct fuse_entry_param  e;

    err = node ? entry(node, &e) : errno;

    if (err) {
        fuse_reply_err(req, err);

    } else if (fuse_reply_entry(req, &e) == 0) {
        node->lookups++;
    }

    unused(node);
}


static void
lie_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    name_t  *known;
    node_t  *folder, *node;

    enter(0);

    folder = node_of(parent);
    known = remembered(folder, name);

    if (known) {
        node = known->node;
        errno = ENOENT;

    } else {
        node = find(folder, name);

        if (node || errno == ENOENT) {
            remember(folder, name, node);
            errno = ENOENT;
        }
    }

    reply_entry(req, node);
    leave();
}


static void
lie_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    int          err;
    struct stat  st;

    (void) fi;

    enter(0);

    err = attributes(node_of(ino), &st);

    if (err) {
        fuse_reply_err(req, err);

    } else {
        fuse_reply_attr(req, &st, 0);
    }

    leave();
}


static void
lie_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
    struct fuse_file_info *fi)
{
    int              err;
    char             path[PROC];
    struct stat      st;
    struct timespec  times[2];

    (void) fi;

    enter(1);

    proc(path, node_of(ino));
    err = 0;

    if ((to_set & FUSE_SET_ATTR_MODE) && chmod(path, attr->st_mode) == -1) {
        err = errno;
    }

    if ((to_set & FUSE_SET_ATTR_SIZE) && truncate(path, attr->st_size) == -1) {
        err = errno;
    }

    if ((to_set & (FUSE_SET_ATTR_UID|FUSE_SET_ATTR_GID))
        && chown(path,
                 (to_set & FUSE_SET_ATTR_UID) ? attr->st_uid : (uid_t) -1,
                 (to_set & FUSE_SET_ATTR_GID) ? attr->st_gid : (gid_t) -1)
           == -1)
    {
        err = errno;
    }

    if (to_set & (FUSE_SET_ATTR_ATIME|FUSE_SET_ATTR_MTIME)) {

        memset(times, 0, sizeof(times));
        times[0].tv_nsec = times[1].tv_nsec = UTIME_OMIT;

        if (to_set & FUSE_SET_ATTR_ATIME_NOW) {
            times[0].tv_nsec = UTIME_NOW;

        } else if (to_set & FUSE_SET_ATTR_ATIME) {
            times[0] = attr->st_atim;
        }

        if (to_set & FUSE_SET_ATTR_MTIME_NOW) {
            times[1].tv_nsec = UTIME_NOW;

        } else if (to_set & FUSE_SET_ATTR_MTIME) {
            times[1] = attr->st_mtim;
        }

        if (utimensat(AT_FDCWD, path, times, 0) == -1) {
            err = errno;
        }
    }

    if (err == 0) {
        err = attributes(node_of(ino), &st);
    }

    if (err) {
        fuse_reply_err(req, err);

    } else {
        fuse_reply_attr(req, &st, 0);
    }

    leave();
}


/* -- changes of names ---------------------------------------------------- */

static void
lie_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    int      rc;
    node_t  *folder, *node;

    enter(1);

    folder = node_of(parent);
    drop(folder, name);

    rc = mkdirat(folder->fd, name, mode);

    if (rc == 0 && chance(rules.lost)) {
        rc = mkdirat(folder->fd, name, mode);
    }

    node = (rc == 0) ? find(folder, name) : NULL;

    if (node) {
        remember(folder, name, node);
    }

    reply_entry(req, node);
    leave();
}


static void
lie_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    int          rc;
    char         path[PROC];
    node_t      *folder, *node;
    struct stat  st;

    enter(1);

    folder = node_of(parent);
    node = node_of(ino);
    drop(folder, name);
    proc(path, node);

    /* the kernel itself would say ENOENT here */

    if (fstat(node->fd, &st) == 0 && st.st_nlink == 0) {
        rc = -1;
        errno = ESTALE;

    } else {
        rc = linkat(AT_FDCWD, path, folder->fd, name, AT_SYMLINK_FOLLOW);

        if (rc == 0 && chance(rules.lost)) {
            rc = linkat(AT_FDCWD, path, folder->fd, name, AT_SYMLINK_FOLLOW);
        }
    }

    if (rc == 0) {
        remember(folder, name, node);
    }

    reply_entry(req, rc == 0 ? node : NULL);
    leave();
}


static int
silly_name(node_t *folder, const char *name, node_t *node, int keep)
{
    int      rc;
    char     silly[32];
    file_t  *file;

    if (strncmp(name, ".nfs", 4) == 0) {
        errno = EBUSY;
        return -1;
    }

    snprintf(silly, sizeof(silly), ".nfs%08x%08x", (unsigned) getpid(),
             ++serial);

    rc = keep ? linkat(folder->fd, name, folder->fd, silly, 0)
              : renameat(folder->fd, name, folder->fd, silly);

    for (file = files; rc == 0 && file; file = file->next) {

        if (file->node == node && file->silly == -1) {
            file->silly = dup(folder->fd);
            strcpy(file->name, silly);
            break;
        }
    }

    return rc;
}


static void
lie_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    int      rc;
    node_t  *folder, *node;

    enter(1);

    folder = node_of(parent);
    node = find(folder, name);
    drop(folder, name);

    if (node == NULL) {
        rc = -1;

    } else if (rules.silly && node->opened) {
        rc = silly_name(folder, name, node, 0);

    } else {
        rc = unlinkat(folder->fd, name, 0);
    }

    fuse_reply_err(req, rc == 0 ? 0 : errno);
    unused(node);
    leave();
}


static void
lie_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    node_t  *folder;

    enter(1);

    folder = node_of(parent);
    drop(folder, name);

    fuse_reply_err(req, unlinkat(folder->fd, name, AT_REMOVEDIR) == 0 ? 0
                                                                     : errno);
    leave();
}


static void
lie_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t newparent, const char *newname, unsigned int flags)
{
    int      rc;
    node_t  *from, *to, *node, *target;

    enter(1);

    from = node_of(parent);
    to = node_of(newparent);

    node = find(from, name);
    target = find(to, newname);

    /* a link, so that nobody else misses it meanwhile */

    if (node && target && target != node && rules.silly && target->opened) {
        (void) silly_name(to, newname, target, 1);
    }

    drop(from, name);
    drop(to, newname);

    if (flags) {
        rc = -1;
        errno = EINVAL;

    } else {
        rc = renameat(from->fd, name, to->fd, newname);

        if (rc == 0 && chance(rules.lost)) {
            rc = renameat(from->fd, name, to->fd, newname);
        }
    }

    if (rc == 0 && node) {
        remember(to, newname, node);
    }

    fuse_reply_err(req, rc == 0 ? 0 : errno);

    if (target != node) {
        unused(target);
    }

    unused(node);
    leave();
}


/* -- files --------------------------------------------------------------- */

/* Called with the mutex; takes the descriptor. */

static file_t *
file_new(node_t *node, int fd)
{
    file_t  *file;

    file = calloc(1, sizeof(file_t));

    if (file == NULL) {
        close(fd);
        return NULL;
    }

    file->node = node;
    file->fd = fd;
    file->silly = -1;

    file->next = files;
    file->prev = &files;

    if (files) {
        files->prev = &file->next;
    }

    files = file;
    node->opened++;

    return file;
}


static file_t *
file_of(struct fuse_file_info *fi)
{
    return (file_t *) (uintptr_t) fi->fh;
}


static void
lie_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    struct fuse_file_info *fi)
{
    int                      fd, err;
    file_t                  *file;
    node_t                  *folder, *node;
    struct fuse_entry_param  e;

    enter(1);

    folder = node_of(parent);
    drop(folder, name);

    fd = openat(folder->fd, name,
                (fi->flags & ~(O_NOFOLLOW|O_ACCMODE|O_APPEND))
                | O_CREAT|O_RDWR, mode);

    node = (fd == -1) ? NULL : find(folder, name);
    err = node ? entry(node, &e) : errno;

    if (err) {
        if (fd != -1) {
            close(fd);
        }

        fuse_reply_err(req, err);
        leave();
        return;
    }

    remember(folder, name, node);

    file = file_new(node, fd);

    fi->fh = (uintptr_t) file;
    fi->direct_io = 1;

    if (fuse_reply_create(req, &e, fi) == 0) {
        node->lookups++;
    }

    leave();
}


static void
lie_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    int          fd;
    char         path[PROC];
    file_t      *file;
    node_t      *node;
    struct stat  st;

    enter(0);

    node = node_of(ino);

    if (fstat(node->fd, &st) == 0 && st.st_nlink == 0 && chance(rules.stale)) {
        fuse_reply_err(req, ESTALE);
        leave();
        return;
    }

    proc(path, node);
    fd = open(path, fi->flags & ~(O_NOFOLLOW|O_APPEND|O_CREAT|O_EXCL));

    if (fd == -1) {
        fuse_reply_err(req, errno);
        leave();
        return;
    }

    file = file_new(node, fd);

    fi->fh = (uintptr_t) file;
    fi->direct_io = 1;

    fuse_reply_open(req, fi);
    leave();
}


static void
lie_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    file_t  *file;

    (void) ino;

    /* what was held is closed, too, when the process ends */

    pthread_mutex_lock(&mutex);

    file = file_of(fi);

    *file->prev = file->next;

    if (file->next) {
        file->next->prev = file->prev;
    }

    file->node->opened--;

    if (file->silly != -1) {
        unlinkat(file->silly, file->name, 0);
        close(file->silly);
    }

    close(file->fd);
    unused(file->node);
    free(file);

    pthread_mutex_unlock(&mutex);

    fuse_reply_err(req, 0);
}


static void
lie_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void) ino;
    (void) fi;

    fuse_reply_err(req, 0);
}


static void
lie_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
    char     *buf;
    ssize_t   n;

    (void) ino;

    enter(0);
    leave();

    buf = malloc(size);
    n = buf ? pread(file_of(fi)->fd, buf, size, offset) : -1;

    if (n == -1) {
        fuse_reply_err(req, errno);

    } else {
        fuse_reply_buf(req, buf, n);
    }

    free(buf);
}


static void
lie_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
    off_t offset, struct fuse_file_info *fi)
{
    ssize_t      n;
    struct stat  st;

    (void) ino;

    enter(1);

    if ((fi->flags & O_APPEND) && fstat(file_of(fi)->fd, &st) == 0) {
        offset = st.st_size;
    }

    n = pwrite(file_of(fi)->fd, buf, size, offset);

    if (n == -1) {
        fuse_reply_err(req, errno);

    } else {
        fuse_reply_write(req, n);
    }

    leave();
}


static void
lie_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
    struct fuse_file_info *fi)
{
    (void) ino;
    (void) datasync;
    (void) fi;

    enter(0);
    leave();

    fuse_reply_err(req, 0);
}


static void
lie_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
    off_t length, struct fuse_file_info *fi)
{
    (void) ino;

    enter(1);
    leave();

    fuse_reply_err(req, fallocate(file_of(fi)->fd, mode, offset, length) == 0
                        ? 0 : errno);
}


static void
lie_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
    struct flock *lock, int sleep)
{
    int  err;

    (void) ino;

    enter(0);

    err = 0;
    lock->l_pid = 0;

    if (!rules.nolock
        && fcntl(file_of(fi)->fd, F_OFD_SETLK, lock) == -1)
    {
        err = errno;
    }

    leave();

    /* nobody in the tests needs more than this */

    while (err == EAGAIN && sleep) {
        usleep(10000);

        err = (fcntl(file_of(fi)->fd, F_OFD_SETLK, lock) == -1) ? errno : 0;
    }

    fuse_reply_err(req, err);
}


static void
lie_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
    struct flock *lock)
{
    (void) ino;

    lock->l_pid = 0;

    if (fcntl(file_of(fi)->fd, F_OFD_GETLK, lock) == -1) {
        fuse_reply_err(req, errno);

    } else {
        fuse_reply_lock(req, lock);
    }
}


/* -- folders ------------------------------------------------------------- */

static void
scan(node_t *node)
{
    int             fd;
    DIR            *dir;
    list_t         *item, **next;
    struct dirent  *de;

    if (node->list
        && rules.silly
        && rules.keep
        && now() - node->listed < rules.keep)
    {
        return;
    }

    forget(node);

    fd = openat(node->fd, ".", O_RDONLY|O_DIRECTORY);
    dir = (fd == -1) ? NULL : fdopendir(fd);

    if (dir == NULL) {
        if (fd != -1) {
            close(fd);
        }

        return;
    }

    next = &node->list;
    node->listed = now();

    while ((de = readdir(dir)) != NULL) {

        item = malloc(sizeof(list_t) + strlen(de->d_name) + 1);
        if (item == NULL) {
            break;
        }

        item->next = NULL;
        item->ino = de->d_ino;
        item->type = de->d_type;
        strcpy(item->name, de->d_name);

        *next = item;
        next = &item->next;
    }

    closedir(dir);
}


static void
lie_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    list_t  *item, *copy, **next, *first;

    enter(0);

    scan(node_of(ino));

    first = NULL;
    next = &first;

    for (item = node_of(ino)->list; item; item = item->next) {

        copy = malloc(sizeof(list_t) + strlen(item->name) + 1);
        if (copy == NULL) {
            break;
        }

        *copy = *item;
        copy->next = NULL;
        strcpy(copy->name, item->name);

        *next = copy;
        next = &copy->next;
    }

    leave();

    fi->fh = (uintptr_t) first;

    fuse_reply_open(req, fi);
}


static void
lie_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
    char         *buf;
    off_t         i;
    list_t       *item;
    size_t        len, n;
    struct stat   st;

    (void) ino;

    buf = malloc(size);

    if (buf == NULL) {
        fuse_reply_err(req, ENOMEM);
        return;
    }

    len = 0;
    i = 0;

    for (item = (list_t *) (uintptr_t) fi->fh; item; item = item->next) {

        if (i++ < offset) {
            continue;
        }

        memset(&st, 0, sizeof(struct stat));
        st.st_ino = item->ino;
        st.st_mode = item->type << 12;

        n = fuse_add_direntry(req, buf + len, size - len, item->name, &st, i);

        if (n > size - len) {
            break;
        }

        len += n;
    }

    fuse_reply_buf(req, buf, len);
    free(buf);
}


static void
lie_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    list_t  *item, *next;

    (void) ino;

    for (item = (list_t *) (uintptr_t) fi->fh; item; item = next) {
        next = item->next;
        free(item);
    }

    fuse_reply_err(req, 0);
}


static void
lie_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs  vfs;

    enter(0);
    leave();

    if (fstatvfs(node_of(ino)->fd, &vfs) == -1) {
        fuse_reply_err(req, errno);

    } else {
        fuse_reply_statfs(req, &vfs);
    }
}


static void
lie_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
    pthread_mutex_lock(&mutex);

    node_of(ino)->lookups -= lookups;
    unused(node_of(ino));

    pthread_mutex_unlock(&mutex);

    fuse_reply_none(req);
}


static void
lie_init(void *data, struct fuse_conn_info *conn)
{
    (void) data;

    conn->want &= ~FUSE_CAP_READDIRPLUS;
    conn->want &= ~FUSE_CAP_HANDLE_KILLPRIV;
}


static const struct fuse_lowlevel_ops  operations = {
    .init = lie_init,
    .lookup = lie_lookup,
    .forget = lie_forget,
    .getattr = lie_getattr,
    .setattr = lie_setattr,
    .mkdir = lie_mkdir,
    .link = lie_link,
    .unlink = lie_unlink,
    .rmdir = lie_rmdir,
    .rename = lie_rename,
    .create = lie_create,
    .open = lie_open,
    .release = lie_release,
    .flush = lie_flush,
    .read = lie_read,
    .write = lie_write,
    .fsync = lie_fsync,
    .fsyncdir = lie_fsync,
    .fallocate = lie_fallocate,
    .setlk = lie_setlk,
    .getlk = lie_getlk,
    .opendir = lie_opendir,
    .readdir = lie_readdir,
    .releasedir = lie_releasedir,
    .statfs = lie_statfs
};


int
main(int argc, char *argv[])
{
    char                    *options[4];
    pthread_t                thread;
    struct fuse_args         args;
    struct fuse_session     *session;
    struct fuse_loop_config  config;

    if (argc != 4) {
        fprintf(stderr, "usage: lie FOLDER CONTROL MOUNT\n");
        return 2;
    }

    control = argv[2];
    root.fd = open(argv[1], O_PATH|O_DIRECTORY);

    if (root.fd == -1) {
        perror(argv[1]);
        return 1;
    }

    umask(0);

    options[0] = argv[0];
    options[1] = "-o";
    options[2] = getuid() ? "fsname=lie" : "fsname=lie,allow_other";
    options[3] = NULL;

    args.argc = 3;
    args.argv = options;
    args.allocated = 0;

    session = fuse_session_new(&args, &operations, sizeof(operations), NULL);

    if (session == NULL
        || fuse_set_signal_handlers(session) != 0
        || fuse_session_mount(session, argv[3]) != 0)
    {
        return 1;
    }

    if (pthread_create(&thread, NULL, watch, NULL) != 0) {
        return 1;
    }

    memset(&config, 0, sizeof(config));
    config.clone_fd = 0;
    config.max_idle_threads = 100;

    fuse_session_loop_mt(session, &config);

    fuse_session_unmount(session);

    return 0;
}
