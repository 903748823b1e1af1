
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A clock that a test sets, to be preloaded into nginx: CLOCK_CONTROL is a
 * file with the seconds that it is ahead, which all processes map.
 */


#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


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

    p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

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

    tv->tv_sec = ts.tv_sec + (clock_ahead ? *clock_ahead : 0);
    tv->tv_usec = ts.tv_nsec / 1000;

    return rc;
}
