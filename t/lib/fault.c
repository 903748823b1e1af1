
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A disk that fails on demand, to be preloaded into nginx.  FAULT_CONTROL is
 * a file that a test writes and all processes map: which call is to fail, the
 * how many-th, and how.  Calls are counted, and only those on names that
 * begin with FAULT_PREFIX.  Besides, calls on names with a given part in them
 * do not return while a disk hangs, cannot be opened, or are read slowly.
 */


#define _GNU_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>


#define FAULT_PATH  240


typedef enum {
    FAULT_OPEN = 0,
    FAULT_WRITE,
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_LINK,
    FAULT_UNLINK,
    FAULT_MKDIR,
    FAULT_CLOSE,
    FAULT_CALLS
} fault_call_e;


typedef enum {
    FAULT_COUNT = 0,
    FAULT_ERROR,
    FAULT_KILL,
    FAULT_SHORT,
    FAULT_WAIT
} fault_how_e;


/* As Test::LiveUpdate::Fault packs it. */

typedef struct {
    uint32_t  armed;
    uint32_t  call;
    uint32_t  nth;
    uint32_t  how;
    uint32_t  error;
    uint32_t  fired;                  /* the process */
    uint32_t  counts[FAULT_CALLS];
    char      path[FAULT_PATH];
    uint32_t  hangs;
    char      hung[FAULT_PATH];       /* a part of the names */
    uint32_t  refused;                /* the error of open() */
    char      refusal[FAULT_PATH];
    uint32_t  slow;                   /* milliseconds for each pread() */
    char      slowed[FAULT_PATH];
    char      only[FAULT_PATH];       /* what is counted; "": all */
    uint32_t  hanging;                /* calls, now */
} fault_control_t;


static int fault(fault_call_e call, const char *path);
static void fault_hang(const char *path);
static int fault_refuse(const char *path);
static int fault_path(int fd, char *path);
static int fault_fd(fault_call_e call, int fd);
static int fault_open(const char *name, const char *path, int flags,
    mode_t mode);
static int fault_mkostemp(const char *name, char *template, int flags);
static void fault_init(void) __attribute__((constructor));


static fault_control_t  *fault_control;
static const char       *fault_prefix;
static size_t            fault_prefix_len;


/* POSIX has no other way from dlsym() to a function. */

#define fault_next(function, name)                                            \
    *(void **) (&function) = dlsym(RTLD_NEXT, name)


static void
fault_init(void)
{
    int          fd;
    void        *p;
    const char  *path, *prefix;
    int        (*next)(const char *path, int flags, ...);

    path = getenv("FAULT_CONTROL");
    prefix = getenv("FAULT_PREFIX");

    if (path == NULL || prefix == NULL) {
        return;
    }

    /* nginx writes the titles of its processes over the environment */

    fault_prefix = strdup(prefix);

    if (fault_prefix == NULL) {
        abort();
    }

    fault_prefix_len = strlen(fault_prefix);

    fault_next(next, "open");

    fd = next(path, O_RDWR|O_CLOEXEC);

    if (fd == -1) {
        perror(path);
        abort();
    }

    p = mmap(NULL, sizeof(fault_control_t), PROT_READ|PROT_WRITE, MAP_SHARED,
             fd, 0);

    if (p == MAP_FAILED) {
        perror("mmap()");
        abort();
    }

    fault_control = p;
}


/* 1: the call is to fail, with errno set; 2: it is to be cut short. */

static int
fault(fault_call_e call, const char *path)
{
    uint32_t          n;
    fault_control_t  *fc;

    fc = fault_control;

    fault_hang(path);

    if (fc == NULL
        || !__atomic_load_n(&fc->armed, __ATOMIC_ACQUIRE)
        || strncmp(path, fault_prefix, fault_prefix_len) != 0
        || strstr(path, fc->only) == NULL)
    {
        return 0;
    }

    n = __atomic_add_fetch(&fc->counts[call], 1, __ATOMIC_ACQ_REL);

    if (fc->how == FAULT_COUNT || fc->call != (uint32_t) call || fc->nth != n)
    {
        return 0;
    }

    strncpy(fc->path, path + fault_prefix_len, FAULT_PATH - 1);
    __atomic_store_n(&fc->fired, (uint32_t) getpid(), __ATOMIC_RELEASE);

    if (fc->how == FAULT_KILL) {
        (void) kill(getpid(), SIGKILL);
        (void) pause();
    }

    if (fc->how == FAULT_WAIT) {

        while (__atomic_load_n(&fc->armed, __ATOMIC_ACQUIRE)) {
            (void) usleep(1000);
        }

        return 0;
    }

    if (fc->how == FAULT_SHORT) {

        /* and the rest of it is to fail */

        fc->how = FAULT_ERROR;
        fc->nth++;

        return 2;
    }

    errno = (int) fc->error;

    return 1;
}


/* Without the processor: as if the kernel waited for the disk. */

static void
fault_hang(const char *path)
{
    fault_control_t  *fc;

    fc = fault_control;

    if (fc == NULL
        || !__atomic_load_n(&fc->hangs, __ATOMIC_ACQUIRE)
        || strncmp(path, fault_prefix, fault_prefix_len) != 0
        || strstr(path, fc->hung) == NULL)
    {
        return;
    }

    __atomic_add_fetch(&fc->hanging, 1, __ATOMIC_ACQ_REL);

    while (__atomic_load_n(&fc->hangs, __ATOMIC_ACQUIRE)) {
        (void) poll(NULL, 0, 100);
    }

    __atomic_sub_fetch(&fc->hanging, 1, __ATOMIC_ACQ_REL);
}


static int
fault_refuse(const char *path)
{
    uint32_t          error;
    fault_control_t  *fc;

    fc = fault_control;

    if (fc == NULL) {
        return 0;
    }

    error = __atomic_load_n(&fc->refused, __ATOMIC_ACQUIRE);

    if (error == 0
        || strncmp(path, fault_prefix, fault_prefix_len) != 0
        || strstr(path, fc->refusal) == NULL)
    {
        return 0;
    }

    errno = (int) error;

    return 1;
}


static int
fault_fd(fault_call_e call, int fd)
{
    char  path[PATH_MAX];

    if (fault_control == NULL
        || (!__atomic_load_n(&fault_control->armed, __ATOMIC_ACQUIRE)
            && !__atomic_load_n(&fault_control->hangs, __ATOMIC_ACQUIRE)))
    {
        return 0;
    }

    return fault_path(fd, path) ? fault(call, path) : 0;
}


static int
fault_path(int fd, char *path)
{
    int      err;
    char     name[64];
    ssize_t  n;

    err = errno;

    (void) snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);

    n = readlink(name, path, PATH_MAX - 1);

    errno = err;

    if (n == -1) {
        return 0;
    }

    path[n] = '\0';

    return 1;
}


static int
fault_open(const char *name, const char *path, int flags, mode_t mode)
{
    int  (*next)(const char *path, int flags, ...);

    fault_hang(path);

    if (((flags & O_CREAT) && fault(FAULT_OPEN, path)) || fault_refuse(path)) {
        return -1;
    }

    fault_next(next, name);

    return next(path, flags, mode);
}


int
open(const char *path, int flags, ...)
{
    mode_t   mode;
    va_list  args;

    va_start(args, flags);
    mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
    va_end(args);

    return fault_open("open", path, flags, mode);
}


int
open64(const char *path, int flags, ...)
{
    mode_t   mode;
    va_list  args;

    va_start(args, flags);
    mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
    va_end(args);

    return fault_open("open64", path, flags, mode);
}


static int
fault_mkostemp(const char *name, char *template, int flags)
{
    int  (*next)(char *template, int flags);

    if (fault(FAULT_OPEN, template)) {
        return -1;
    }

    fault_next(next, name);

    return next(template, flags);
}


int
mkostemp(char *template, int flags)
{
    return fault_mkostemp("mkostemp", template, flags);
}


int
mkostemp64(char *template, int flags)
{
    return fault_mkostemp("mkostemp64", template, flags);
}


char *
mkdtemp(char *template)
{
    char  *(*next)(char *template);

    if (fault(FAULT_MKDIR, template)) {
        return NULL;
    }

    fault_next(next, "mkdtemp");

    return next(template);
}


ssize_t
write(int fd, const void *buf, size_t size)
{
    ssize_t  (*next)(int fd, const void *buf, size_t size);

    switch (fault_fd(FAULT_WRITE, fd)) {

    case 0:
        break;

    case 1:
        return -1;

    default:
        size = (size + 1) / 2;
    }

    fault_next(next, "write");

    return next(fd, buf, size);
}


ssize_t
pread64(int fd, void *buf, size_t size, off64_t offset)
{
    char      path[PATH_MAX];
    uint32_t  slow;
    ssize_t  (*next)(int fd, void *buf, size_t size, off64_t offset);

    slow = fault_control
           ? __atomic_load_n(&fault_control->slow, __ATOMIC_ACQUIRE)
           : 0;

    if (slow
        && fault_path(fd, path)
        && strncmp(path, fault_prefix, fault_prefix_len) == 0
        && strstr(path, fault_control->slowed))
    {
        (void) poll(NULL, 0, (int) slow);
    }

    fault_next(next, "pread64");

    return next(fd, buf, size, offset);
}


ssize_t
pwrite64(int fd, const void *buf, size_t size, off64_t offset)
{
    ssize_t  (*next)(int fd, const void *buf, size_t size, off64_t offset);

    switch (fault_fd(FAULT_WRITE, fd)) {

    case 0:
        break;

    case 1:
        return -1;

    default:
        size = (size + 1) / 2;
    }

    fault_next(next, "pwrite64");

    return next(fd, buf, size, offset);
}


ssize_t
pwritev64(int fd, const struct iovec *iovec, int n, off64_t offset)
{
    ssize_t  (*next)(int fd, const struct iovec *iovec, int n,
                     off64_t offset);

    switch (fault_fd(FAULT_WRITE, fd)) {

    case 0:
        break;

    case 1:
        return -1;

    default:
        n = 1;
    }

    fault_next(next, "pwritev64");

    return next(fd, iovec, n, offset);
}


/* It is processes that die here, not machines: nothing waits for a disk. */

int
fsync(int fd)
{
    return fault_fd(FAULT_FSYNC, fd) ? -1 : 0;
}


int
rename(const char *from, const char *to)
{
    int  (*next)(const char *from, const char *to);

    if (fault(FAULT_RENAME, to)) {
        return -1;
    }

    fault_next(next, "rename");

    return next(from, to);
}


int
link(const char *from, const char *to)
{
    int  (*next)(const char *from, const char *to);

    if (fault(FAULT_LINK, to)) {
        return -1;
    }

    fault_next(next, "link");

    return next(from, to);
}


int
unlink(const char *path)
{
    int  (*next)(const char *path);

    if (fault(FAULT_UNLINK, path)) {
        return -1;
    }

    fault_next(next, "unlink");

    return next(path);
}


/* Trees are removed with it; it does not come by unlink() or rmdir(). */

int
remove(const char *path)
{
    int  (*next)(const char *path);

    if (fault(FAULT_UNLINK, path)) {
        return -1;
    }

    fault_next(next, "remove");

    return next(path);
}


int
mkdir(const char *path, mode_t mode)
{
    int  (*next)(const char *path, mode_t mode);

    if (fault(FAULT_MKDIR, path)) {
        return -1;
    }

    fault_next(next, "mkdir");

    return next(path, mode);
}


/*
 * The descriptor is gone even so, as on Linux.  One that is closed twice may
 * be somebody else's the second time: that is the end.
 */

int
close(int fd)
{
    int  rc, failed;
    int  (*next)(int fd);

    failed = fault_fd(FAULT_CLOSE, fd);

    fault_next(next, "close");

    rc = next(fd);

    if (rc == -1 && errno == EBADF) {
        abort();
    }

    if (failed) {
        errno = (int) fault_control->error;
        return -1;
    }

    return rc;
}


/* What only reads does not fail, but may hang. */

DIR *
opendir(const char *path)
{
    DIR  *(*next)(const char *path);

    fault_hang(path);

    fault_next(next, "opendir");

    return next(path);
}


#define fault_reader(name, type)                                              \
                                                                              \
    int                                                                       \
    name(const char *restrict path, type restrict info)                       \
    {                                                                         \
        int  (*next)(const char *path, type info);                            \
                                                                              \
        fault_hang(path);                                                     \
                                                                              \
        fault_next(next, #name);                                              \
                                                                              \
        return next(path, info);                                              \
    }


fault_reader(stat, struct stat *)
fault_reader(stat64, struct stat64 *)
fault_reader(statvfs, struct statvfs *)
fault_reader(statvfs64, struct statvfs64 *)


int
access(const char *path, int mode)
{
    int  (*next)(const char *path, int mode);

    fault_hang(path);

    fault_next(next, "access");

    return next(path, mode);
}
