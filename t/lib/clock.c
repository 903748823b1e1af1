
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Clocks that a test sets, to be preloaded into nginx: CLOCK_CONTROL is a file
 * that all processes map, with the seconds that the time of day is ahead, those
 * that the time since the machine was started is, and the time of day at which
 * its clock stands still, or 0.  Time that goes by is added to both.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


/* of the day, and since start; and the time of day that stays */

static volatile int64_t  *clock_ahead;


__attribute__((constructor))
static void
clock_init(void)
{
    int          fd;
    void        *p;
    const char  *path;

    path = getenv("CLOCK_CONTROL");
    if (path == NULL) {
        return;
    }

    fd = open(path, O_RDONLY);
    if (fd == -1) {
        return;
    }

    p = mmap(NULL, 3 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        clock_ahead = p;
    }

    close(fd);
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    int              rc;
    struct timespec  ts;

    (void) tz;

    rc = clock_gettime(CLOCK_REALTIME, &ts);

    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;

    return rc;
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int          rc;
    static int (*next)(clockid_t id, struct timespec *ts);

    if (next == NULL) {
        *(void **) (&next) = dlsym(RTLD_NEXT, "clock_gettime");
    }

    rc = next(id, ts);

    if (clock_ahead == NULL) {
        return rc;
    }

    switch (id) {

    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        ts->tv_sec += clock_ahead[0];

        if (clock_ahead[2]) {
            ts->tv_sec = clock_ahead[2];
            ts->tv_nsec = 0;
        }

        break;

    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
        ts->tv_sec += clock_ahead[1];
        break;

    default:
        break;
    }

    return rc;
}
