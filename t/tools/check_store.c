
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Whether storage does what a store needs that several machines share:
 *
 *     check-store [-n CHANGES] [-w SECONDS] FOLDER FOLDER ...
 *
 * Each folder is a mount of the same file system, and shows the same folder.
 * Prints what holds and what does not, with times, and exits with 0 if all
 * holds that the module relies on, with 1 if not, and with 2 if it could not
 * find out.  What it makes lies in a folder of its own, which it removes.  It
 * waits for so many seconds for what has to happen at some time.
 */


#define _GNU_SOURCE


#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define CHECK_DIRS     16
#define CHECK_WRITERS  2        /* for each folder */
#define CHECK_CHANGES  50       /* of each writer */
#define CHECK_WAIT     120      /* seconds, for what must happen some time */
#define CHECK_ROUNDS   10
#define CHECK_PATH     4096

#define CHECK_LOCKS    1
#define CHECK_TURNS    2


static const char  *check_dirs[CHECK_DIRS];
static int          check_ndirs;
static int          check_changes = CHECK_CHANGES;
static int          check_wait = CHECK_WAIT;
static int          check_failed;
static char         check_name[64];


static double
now(void)
{
    struct timespec  t;

    (void) clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


static void
pause_ms(int ms)
{
    struct timespec  t;

    t.tv_sec = ms / 1000;
    t.tv_nsec = (long) (ms % 1000) * 1000000;

    (void) nanosleep(&t, NULL);
}


static void
give_up(const char *what)
{
    fprintf(stderr, "check-store: %s: %s\n", what, strerror(errno));
    exit(2);
}


static void
clean(const char *path)
{
    DIR            *dir;
    char            entry[CHECK_PATH];
    struct dirent  *e;

    dir = opendir(path);
    if (dir == NULL) {
        return;
    }

    while ((e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }

        (void) snprintf(entry, sizeof(entry), "%.2000s/%s", path, e->d_name);

        if (unlink(entry) == -1) {
            clean(entry);
            (void) rmdir(entry);
        }
    }

    (void) closedir(dir);
    (void) rmdir(path);
}


/* The path of a name through the n-th folder; the last 16 of them are kept. */

static char *
at(int n, const char *format, ...)
{
    int      len;
    char    *path;
    va_list  args;

    static char      paths[16][CHECK_PATH];
    static unsigned  next;

    path = paths[next++ % 16];

    len = snprintf(path, CHECK_PATH, "%s/%s/", check_dirs[n], check_name);

    va_start(args, format);
    (void) vsnprintf(path + len, (size_t) (CHECK_PATH - len), format, args);
    va_end(args);

    return path;
}


/* The folder that all of it lies in; or gives up. */

static void
make_folder(int n)
{
    char  *path;

    (void) snprintf(check_name, sizeof(check_name), ".check-store.%ld.%d",
                    (long) getpid(), n);

    path = at(0, "");
    path[strlen(path) - 1] = '\0';

    if (mkdir(path, 0700) == -1) {
        give_up(path);
    }
}


static void
say(int holds, int needed, const char *name, const char *format, ...)
{
    va_list  args;

    printf("%-4s %s", holds ? "yes" : needed ? "NO" : "no", name);

    if (format) {
        printf(": ");

        va_start(args, format);
        vprintf(format, args);
        va_end(args);
    }

    printf("\n");
    (void) fflush(stdout);

    if (!holds && needed) {
        check_failed = 1;
    }
}


static int
lock_try(int fd)
{
    struct flock  lock;

    memset(&lock, 0, sizeof(struct flock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;

    return fcntl(fd, F_OFD_SETLK, &lock);
}


/* Opens the lock file of a folder; -1 if that fails, or it is locked. */

static int
lock_open(int n, const char *name)
{
    int  fd, err;

    fd = open(at(n, "%s", name), O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (fd != -1 && lock_try(fd) == -1) {
        err = errno;
        (void) close(fd);
        errno = err;
        return -1;
    }

    return fd;
}


static int
lock_wait(int n, const char *name)
{
    int     fd;
    double  from;

    from = now();

    for ( ;; ) {
        fd = lock_open(n, name);

        if (fd != -1 || now() - from > check_wait) {
            return fd;
        }

        pause_ms(2);
    }
}


static int
put(const char *path, const char *text)
{
    int      fd, rc;
    ssize_t  n;

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0600);
    if (fd == -1) {
        return -1;
    }

    n = write(fd, text, strlen(text));
    rc = fsync(fd);

    if (close(fd) == -1) {
        return -1;
    }

    return n == (ssize_t) strlen(text) ? rc : -1;
}


static int
get(const char *path, char *text, size_t size)
{
    int      fd, err;
    ssize_t  n;

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return -1;
    }

    n = read(fd, text, size - 1);
    err = errno;

    (void) close(fd);

    errno = err;
    text[n > 0 ? n : 0] = '\0';

    return n > 0 ? 0 : -1;
}


static int
sync_folder(const char *path)
{
    int  fd, rc;

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return -1;
    }

    rc = fsync(fd);

    (void) close(fd);

    return rc;
}


static int
compare(const void *one, const void *two)
{
    double  a = *(const double *) one, b = *(const double *) two;

    return a < b ? -1 : a > b;
}


static void
check_same(int n)
{
    char    text[64];
    double  from;

    if (put(at(0, "same"), "same") == -1) {
        give_up(at(0, "same"));
    }

    text[0] = '\0';
    from = now();

    while (get(at(n, "same"), text, sizeof(text)) == -1
           && now() - from < check_wait)
    {
        pause_ms(10);
    }

    say(strcmp(text, "same") == 0, 1, "both folders are the same",
        "after %.0f ms", (now() - from) * 1e3);

    if (check_failed) {
        clean(at(0, ""));
        exit(2);
    }
}


static void
check_locks(int b)
{
    int     one, two, held;
    double  from;
    pid_t   pid;
    int     ready[2];
    char    byte;

    one = lock_open(0, "lock");
    say(one != -1, 1, "a file is locked (F_OFD_SETLK)", NULL);

    two = lock_open(0, "lock");
    say(two == -1, 1, "not twice by one process", NULL);

    two = lock_open(b, "lock");
    say(two == -1, 1, "nor by another machine", NULL);

    from = now();
    (void) close(one);
    one = two == -1 ? lock_wait(b, "lock") : two;
    say(one != -1, 1, "who closes it gives it up", "after %.1f ms",
        (now() - from) * 1e3);

    two = lock_open(0, "lock");
    say(two == -1, 1, "and the other machine has it", NULL);
    (void) close(one);

    /* the holder dies */

    if (pipe(ready) == -1 || (pid = fork()) == -1) {
        give_up("fork");
    }

    if (pid == 0) {
        (void) !write(ready[1], lock_wait(b, "lock") == -1 ? "n" : "y", 1);
        (void) pause();
        _exit(0);
    }

    byte = 'n';
    (void) !read(ready[0], &byte, 1);

    held = (byte == 'y' && lock_open(0, "lock") == -1);
    from = now();
    (void) kill(pid, SIGKILL);
    (void) waitpid(pid, NULL, 0);

    one = lock_wait(0, "lock");
    say(held && one != -1, 1, "kill -9 of the holder gives it up",
        "after %.1f ms", (now() - from) * 1e3);

    (void) close(one);
    (void) close(ready[0]);
    (void) close(ready[1]);
}


static void
check_names(int b)
{
    int          fd, two, rc;
    char         text[64];
    struct stat  st;

    fd = open(at(0, "once"), O_RDWR|O_CREAT|O_EXCL, 0600);
    two = open(at(b, "once"), O_RDWR|O_CREAT|O_EXCL, 0600);
    say(fd != -1 && two == -1 && errno == EEXIST, 1,
        "a name is created once (O_EXCL)", NULL);
    (void) close(fd);

    rc = link(at(0, "once"), at(0, "twice"));
    say(rc == 0 && stat(at(0, "twice"), &st) == 0 && st.st_nlink == 2, 1,
        "hard links", rc ? "%s" : NULL, strerror(errno));

    rc = link(at(b, "once"), at(b, "twice"));
    say(rc == -1 && errno == EEXIST, 1, "a link replaces nothing", NULL);

    (void) mkdir(at(0, "folder"), 0700);
    (void) put(at(0, "folder/file"), "x");
    rc = rename(at(0, "folder"), at(0, "moved"));
    say(rc == 0 && get(at(0, "moved/file"), text, sizeof(text)) == 0, 1,
        "a folder is renamed", NULL);

    /* a name that the other machine knows */

    (void) put(at(0, "turn"), "x");
    (void) stat(at(b, "turn"), &st);
    (void) rename(at(0, "turn"), at(0, "turn.0"));
    rc = rename(at(b, "turn"), at(b, "turn.1"));
    say(rc == -1, 1, "a name that was renamed cannot be renamed again", "%s",
        rc ? strerror(errno) : "it could");

    rc = rename(at(b, "turn.0"), at(b, "turn.2"));
    say(rc == 0, 1, "the new name can", rc ? "%s" : NULL, strerror(errno));

    say(sync_folder(at(0, ".")) == 0, 1, "fsync of a folder", NULL);
}


/*
 * A file that the other machine knows is replaced: its name must not link the
 * file of before, which the turns of the module rely on.
 */

static void
check_links(int b)
{
    int   i, rc, old, refused, current;
    char  text[64], want[64];

    old = refused = current = 0;

    for (i = 0; i < CHECK_ROUNDS; i++) {
        (void) snprintf(want, sizeof(want), "%d", i);

        (void) put(at(0, "doc"), "old");
        (void) get(at(b, "doc"), text, sizeof(text));
        (void) put(at(0, "new"), want);
        (void) rename(at(0, "new"), at(0, "doc"));

        rc = link(at(b, "doc"), at(b, "look.%d", i));

        if (rc == -1) {
            refused++;

        } else if (get(at(b, "look.%d", i), text, sizeof(text)) == 0
                   && strcmp(text, want) == 0)
        {
            current++;

        } else {
            old++;
        }

        (void) unlink(at(b, "look.%d", i));
    }

    say(old == 0, 1, "a link is never that of a replaced file",
        "%d current, %d refused, %d replaced", current, refused, old);
}


/* What was replaced, or made, is seen by the other machine. */

static void
check_visible(int b, int is_new)
{
    int     i, seen;
    char    text[64], want[64], name[64];
    double  from, times[CHECK_ROUNDS];

    seen = 1;

    for (i = 0; i < CHECK_ROUNDS && seen; i++) {
        (void) snprintf(want, sizeof(want), "%d", i);
        (void) snprintf(name, sizeof(name), is_new ? "made.%d" : "replaced",
                        i);

        (void) get(at(b, "%s", name), text, sizeof(text));
        (void) put(at(0, "new"), want);
        (void) rename(at(0, "new"), at(0, "%s", name));

        from = now();

        do {
            text[0] = '\0';
            (void) get(at(b, "%s", name), text, sizeof(text));
            seen = (strcmp(text, want) == 0);

            if (!seen) {
                pause_ms(1);
            }
        } while (!seen && now() - from < check_wait);

        times[i] = (now() - from) * 1e3;
    }

    qsort(times, (size_t) i, sizeof(double), compare);

    say(seen, 1, is_new ? "a new name is seen" : "a replaced file is seen",
        "median %.1f ms, worst %.1f ms", times[i / 2], times[i - 1]);
}


/* -- a counter, changed as the module changes its documents ---------------- */

/* Takes the turn of whoever had it.  -1: somebody was faster. */

static int
turn_take(int n, const char *mine)
{
    DIR            *dir;
    int             rc;
    struct dirent  *entry;
    char            before[CHECK_PATH];

    before[0] = '\0';

    dir = opendir(at(n, "turns"));
    if (dir == NULL) {
        return -1;
    }

    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void) snprintf(before, sizeof(before), "turns/%s", entry->d_name);
        }
    }

    (void) closedir(dir);

    rc = before[0] ? rename(at(n, "%s", before), at(n, "turns/%s", mine)) : -1;

    return rc;
}


/* Through a name that nobody has looked at before. */

static int
turn_read(int n, const char *mine, char *text, size_t size)
{
    int     rc;
    double  from;

    from = now();

    do {
        rc = link(at(n, "count"), at(n, "look.%s", mine));

        if (rc == 0) {
            rc = get(at(n, "look.%s", mine), text, size);
            (void) unlink(at(n, "look.%s", mine));
        }

        if (rc == -1) {
            (void) put(at(n, "ask.%s", mine), "x");
            (void) unlink(at(n, "ask.%s", mine));
            pause_ms(5);
        }
    } while (rc == -1 && now() - from < 3);

    return rc;
}


static int
count_up(int n, int how, const char *id, int *serial)
{
    int   rc;
    char  text[64], mine[128], proved[128];

    (void) snprintf(mine, sizeof(mine), "%s.%d", id, (*serial)++);

    if (how & CHECK_TURNS) {
        if (turn_take(n, mine) == -1
            || turn_read(n, mine, text, sizeof(text)) == -1)
        {
            return -1;
        }

    } else if (get(at(n, "count"), text, sizeof(text)) == -1) {
        return -1;
    }

    (void) snprintf(text, sizeof(text), "%d", atoi(text) + 1);

    if (put(at(n, "new.%s", mine), text) == -1) {
        return -1;
    }

    if (how & CHECK_TURNS) {
        (void) snprintf(proved, sizeof(proved), "%s.%d", id, (*serial)++);

        if (rename(at(n, "turns/%s", mine), at(n, "turns/%s", proved)) == -1) {
            (void) unlink(at(n, "new.%s", mine));
            return -1;
        }
    }

    rc = rename(at(n, "new.%s", mine), at(n, "count"));

    (void) sync_folder(at(n, "."));

    return rc;
}


static int
count_writer(int n, int writer, int how)
{
    int     i, fd, rc, serial;
    char    id[64];
    double  from;

    serial = 0;
    (void) snprintf(id, sizeof(id), "%d.%d", n, writer);
    srand((unsigned) (n * 100 + writer));

    for (i = 0; i < check_changes; i++) {
        from = now();

        do {
            fd = -1;

            if (how & CHECK_LOCKS) {
                fd = lock_wait(n, "lock");
            }

            rc = count_up(n, how, id, &serial);

            if (fd != -1) {
                (void) close(fd);
            }

            if (rc == -1) {
                pause_ms(1 + rand() % 20);
            }
        } while (rc == -1 && now() - from < check_wait);

        if (rc == -1) {
            return 1;
        }
    }

    return 0;
}


/*
 * Without a lock two machines can be between the proof and the rename: who is
 * behind is fenced in the module, by the removal of what it has prepared.  Here
 * it is not, so turns are counted together with the lock.
 */

static void
check_count(int how, int needed, const char *name)
{
    int     n, writer, failed, status, want;
    char    text[64];
    double  from, took;
    pid_t   pid;

    (void) put(at(0, "count"), "0");

    if (how & CHECK_TURNS) {
        (void) mkdir(at(0, "turns"), 0700);
        (void) put(at(0, "turns/0"), "x");
    }

    from = now();
    failed = 0;
    want = check_ndirs * CHECK_WRITERS * check_changes;

    for (n = 0; n < check_ndirs; n++) {
        for (writer = 0; writer < CHECK_WRITERS; writer++) {
            pid = fork();

            if (pid == 0) {
                _exit(count_writer(n, writer, how));
            }
        }
    }

    while (wait(&status) > 0) {
        failed |= status;
    }

    took = now() - from;
    text[0] = '\0';

    while (atoi(text) != want && now() - from < took + 3) {
        (void) get(at(0, "count"), text, sizeof(text));
        pause_ms(10);
    }

    say(atoi(text) == want && !failed, needed, name,
        "%s of %d%s, %.1f a second", text, want,
        failed ? ", a writer gave up" : "", want / took);
}


/* -- times ----------------------------------------------------------------- */

static int
time_create(int i)
{
    return put(at(0, "time.%d", i), "x");
}


static int
time_rename(int i)
{
    return rename(at(0, "time.%d", i), at(0, "time"));
}


static int
time_link(int i)
{
    return link(at(0, "time"), at(0, "linked.%d", i));
}


static int
time_sync(int i)
{
    (void) i;

    return sync_folder(at(0, "."));
}


static int
time_lock(int i)
{
    int  fd;

    (void) i;

    fd = lock_wait(0, "lock");

    return fd == -1 ? -1 : close(fd);
}


static int
time_mkdir(int i)
{
    return mkdir(at(0, "dir.%d", i), 0700);
}


static void
check_time(const char *name, int (*operation)(int i))
{
    int     i, failed;
    double  from, times[CHECK_ROUNDS];

    failed = 0;

    for (i = 0; i < CHECK_ROUNDS; i++) {
        from = now();
        failed |= operation(i);
        times[i] = (now() - from) * 1e3;
    }

    qsort(times, CHECK_ROUNDS, sizeof(double), compare);

    say(!failed, 1, name, "median %.2f ms, worst %.2f ms",
        times[CHECK_ROUNDS / 2], times[CHECK_ROUNDS - 1]);
}


int
main(int argc, char **argv)
{
    int  n, option;

    while ((option = getopt(argc, argv, "n:w:")) != -1) {

        if (option == 'n') {
            check_changes = atoi(optarg);

        } else if (option == 'w') {
            check_wait = atoi(optarg);

        } else {
            check_changes = 0;
        }
    }

    check_ndirs = argc - optind;

    if (check_ndirs < 2
        || check_ndirs > CHECK_DIRS
        || check_changes <= 0
        || check_wait <= 0)
    {
        fprintf(stderr, "usage: check-store [-n CHANGES] [-w SECONDS] "
                        "FOLDER FOLDER ...\n"
                        "Each folder is a mount of the same file system.\n");
        return 2;
    }

    for (n = 0; n < check_ndirs; n++) {
        check_dirs[n] = argv[optind + n];

        if (strlen(check_dirs[n]) > CHECK_PATH / 4) {
            errno = ENAMETOOLONG;
            give_up("folder");
        }
    }

    for (n = 1; n < check_ndirs; n++) {
        if (check_ndirs > 2) {
            printf("\nfolders 1 and %d\n", n + 1);
        }

        make_folder(n);
        check_same(n);
        check_locks(n);
        check_names(n);
        check_links(n);
        check_visible(n, 0);
        check_visible(n, 1);
        clean(at(0, ""));
    }

    printf("\na counter, %d writers\n", check_ndirs * CHECK_WRITERS);

    make_folder(0);
    check_count(CHECK_LOCKS, 0, "with a lock (not relied on)");
    clean(at(0, ""));

    make_folder(check_ndirs);
    check_count(CHECK_LOCKS|CHECK_TURNS, 1, "with a lock and turns");

    printf("\ntimes\n");

    check_time("create, write, fsync", time_create);
    check_time("rename", time_rename);
    check_time("link", time_link);
    check_time("mkdir", time_mkdir);
    check_time("fsync of the folder", time_sync);
    check_time("lock", time_lock);

    clean(at(0, ""));

    printf("\n%s\n", check_failed
           ? "Do not share a store on this: see the lines with NO."
           : "All holds that a shared store relies on.");

    return check_failed;
}
