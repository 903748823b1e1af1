
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A load generator that does not wait for the server: each request has its
 * time, and its latency counts from then on, also if it could only be sent
 * later because all connections were busy (no coordinated omission).
 *
 *     load [-c connections] [-r rate] [-d seconds] [-n requests] port paths
 *
 * The paths are the lines of a file, asked for in turns.  Without a rate each
 * connection asks again as soon as it has its reply.  Prints:
 *
 *     requests seconds errors
 *     late: the same as below, of how late the generator itself was
 *     latency microseconds:count ...
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define LOAD_BUFFER    (64 * 1024)
#define LOAD_EVENTS    256
#define LOAD_GRACE     10000000000LL   /* for the last replies */
#define LOAD_NAP       50000           /* nanoseconds */
#define LOAD_LOOK      100000000LL

/* log-linear: 32 steps for each power of two, at most 3 % wide */

#define LOAD_STEPS     32
#define LOAD_BUCKETS   (40 * LOAD_STEPS)


typedef struct {
    int         fd;
    int         busy;
    int64_t     due;
    size_t      len;                   /* of what was read */
    size_t      rest;                  /* of the body; if head is set */
    int         head;
    char       *buf;
} load_connection_t;


typedef struct {
    char       *data;
    size_t      len;
} load_request_t;


typedef struct {
    uint64_t    counts[LOAD_BUCKETS];
} load_histogram_t;


typedef struct {
    int                 epoll;
    int                 port;
    int                 nconnections;
    load_connection_t  *connections;
    load_connection_t **idle;
    int                 nidle;

    load_request_t     *requests;
    size_t              nrequests;

    double              interval;      /* nanoseconds, 0: closed loop */
    int64_t             start;
    int64_t             end;
    uint64_t            limit;         /* of requests */

    uint64_t            sent;
    uint64_t            done;
    uint64_t            errors;

    load_histogram_t    latency;
    load_histogram_t    late;
} load_t;


static void load_read_paths(load_t *load, const char *name);
static void load_connect(load_t *load);
static void load_run(load_t *load);
static int64_t load_due(load_t *load);
static void load_send_due(load_t *load);
static void load_send(load_t *load, int64_t due);
static void load_wait(load_t *load);
static void load_read(load_t *load, load_connection_t *c);
static int load_head(load_t *load, load_connection_t *c);
static void load_count(load_histogram_t *histogram, int64_t ns);
static void load_print(const char *name, load_histogram_t *histogram);
static int64_t load_now(void);
static void *load_alloc(size_t size);
static void load_die(const char *what);


int
main(int argc, char **argv)
{
    int      opt;
    double   rate, seconds;
    load_t  *load;

    load = load_alloc(sizeof(load_t));

    rate = 0;
    seconds = 1;
    load->nconnections = 32;
    load->limit = UINT64_MAX;

    while ((opt = getopt(argc, argv, "c:r:d:n:")) != -1) {
        switch (opt) {

        case 'c':
            load->nconnections = atoi(optarg);
            break;

        case 'r':
            rate = atof(optarg);
            break;

        case 'd':
            seconds = atof(optarg);
            break;

        case 'n':
            load->limit = strtoull(optarg, NULL, 10);
            break;

        default:
            return 2;
        }
    }

    if (argc - optind != 2 || load->nconnections < 1) {
        fprintf(stderr, "usage: load [-c connections] [-r rate] [-d seconds] "
                        "[-n requests] port paths\n");
        return 2;
    }

    load->port = atoi(argv[optind]);
    load->interval = rate > 0 ? 1e9 / rate : 0;

    load_read_paths(load, argv[optind + 1]);
    load_connect(load);

    load->start = load_now();
    load->end = load->start + (int64_t) (seconds * 1e9);

    load_run(load);

    printf("%llu %.6f %llu\n", (unsigned long long) load->done,
           (load_now() - load->start) / 1e9,
           (unsigned long long) load->errors);

    load_print("late", &load->late);
    load_print("latency", &load->latency);

    return 0;
}


static void
load_read_paths(load_t *load, const char *name)
{
    int              n;
    FILE            *file;
    char            *line;
    size_t           size, room;
    ssize_t          len;
    load_request_t  *request;

    file = fopen(name, "r");
    if (file == NULL) {
        load_die(name);
    }

    line = NULL;
    size = 0;
    room = 0;

    while ((len = getline(&line, &size, file)) > 0) {

        if (line[len - 1] == '\n') {
            line[--len] = '\0';
        }

        if (load->nrequests == room) {
            room = room ? 2 * room : 1024;

            load->requests = realloc(load->requests,
                                     room * sizeof(load_request_t));
            if (load->requests == NULL) {
                load_die("realloc()");
            }
        }

        request = &load->requests[load->nrequests++];

        n = asprintf(&request->data, "GET %s HTTP/1.1\r\n"
                     "Host: 127.0.0.1:%d\r\n\r\n", line, load->port);
        if (n < 0) {
            load_die("asprintf()");
        }

        request->len = n;
    }

    free(line);
    fclose(file);

    if (load->nrequests == 0) {
        errno = EINVAL;
        load_die(name);
    }
}


static void
load_connect(load_t *load)
{
    int                  i, on;
    load_connection_t   *c;
    struct epoll_event   event;
    struct sockaddr_in   addr;

    load->epoll = epoll_create1(0);
    if (load->epoll == -1) {
        load_die("epoll_create1()");
    }

    load->connections = load_alloc(load->nconnections
                                   * sizeof(load_connection_t));
    load->idle = load_alloc(load->nconnections * sizeof(load_connection_t *));

    memset(&addr, 0, sizeof(struct sockaddr_in));
    addr.sin_family = AF_INET;
    addr.sin_port = htons(load->port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    on = 1;

    for (i = 0; i < load->nconnections; i++) {
        c = &load->connections[i];
        c->buf = load_alloc(LOAD_BUFFER);

        c->fd = socket(AF_INET, SOCK_STREAM, 0);

        if (c->fd == -1
            || connect(c->fd, (struct sockaddr *) &addr,
                       sizeof(struct sockaddr_in))
               == -1
            || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int))
               == -1)
        {
            load_die("connect()");
        }

        event.events = EPOLLIN;
        event.data.ptr = c;

        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) == -1) {
            load_die("epoll_ctl()");
        }

        load->idle[load->nidle++] = c;
    }
}


static void
load_run(load_t *load)
{
    for ( ;; ) {
        load_send_due(load);

        if (load->done == load->sent
            && (load->sent == load->limit || load_now() >= load->end))
        {
            return;
        }

        if (load_now() >= load->end + LOAD_GRACE) {
            errno = ETIMEDOUT;
            load_die("replies");
        }

        load_wait(load);
    }
}


/* When the next request is to be sent. */

static int64_t
load_due(load_t *load)
{
    return load->start + (int64_t) (load->interval * load->sent);
}


static void
load_send_due(load_t *load)
{
    int64_t  due, now;

    while (load->nidle && load->sent < load->limit) {

        now = load_now();
        due = load->interval > 0 ? load_due(load) : now;

        if (due > now || due >= load->end) {
            return;
        }

        load_send(load, due);
    }
}


static void
load_send(load_t *load, int64_t due)
{
    ssize_t             n;
    load_request_t     *request;
    load_connection_t  *c;

    request = &load->requests[load->sent++ % load->nrequests];

    /* the one that is idle for longest, as the others may be slow */

    c = load->idle[0];
    load->nidle--;
    memmove(load->idle, load->idle + 1,
            load->nidle * sizeof(load_connection_t *));

    c->busy = 1;
    c->due = due;
    c->len = 0;
    c->head = 0;

    n = send(c->fd, request->data, request->len, MSG_NOSIGNAL);

    if (n < 0 || (size_t) n != request->len) {
        load_die("send()");
    }
}


/*
 * With a rate, and if there is something to send on, the load naps and then
 * does all at once, so that it does not need a core for itself.  Otherwise it
 * waits for replies.
 */

static void
load_wait(load_t *load)
{
    int                  i, n;
    int64_t              now, wait;
    struct timespec      timeout;
    struct epoll_event   events[LOAD_EVENTS];

    now = load_now();
    wait = LOAD_LOOK;

    if (load->interval > 0 && load->nidle) {
        wait = load_due(load) - now;

        if (wait < LOAD_NAP) {
            wait = LOAD_NAP;
        }
    }

    timeout.tv_sec = wait / 1000000000;
    timeout.tv_nsec = wait % 1000000000;

    n = epoll_pwait2(load->epoll, events, LOAD_EVENTS, &timeout, NULL);

    if (n == 0 && wait != LOAD_LOOK) {
        load_count(&load->late, load_now() - now - wait);
    }

    if (n == -1 && errno != EINTR) {
        load_die("epoll_pwait2()");
    }

    for (i = 0; i < n; i++) {
        load_read(load, events[i].data.ptr);
    }
}


static void
load_read(load_t *load, load_connection_t *c)
{
    ssize_t  n;

    if (c->head) {
        n = recv(c->fd, c->buf, LOAD_BUFFER, MSG_DONTWAIT);

    } else {
        n = recv(c->fd, c->buf + c->len, LOAD_BUFFER - 1 - c->len,
                 MSG_DONTWAIT);
    }

    if (n < 0 && errno == EAGAIN) {
        return;
    }

    if (n <= 0 || !c->busy) {
        load_die("connection");
    }

    if (c->head) {
        c->rest -= (size_t) n > c->rest ? c->rest : (size_t) n;

    } else {
        c->len += n;

        if (!load_head(load, c)) {
            return;
        }
    }

    if (c->rest) {
        return;
    }

    load_count(&load->latency, load_now() - c->due);

    load->done++;
    c->busy = 0;
    load->idle[load->nidle++] = c;
}


/* Whether the head of the reply is there. */

static int
load_head(load_t *load, load_connection_t *c)
{
    char    *p, *end;
    size_t   body, length;

    c->buf[c->len] = '\0';

    end = strstr(c->buf, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }

    if (c->len < sizeof("HTTP/1.1 200") || c->buf[sizeof("HTTP/1.1")] != '2') {
        load->errors++;
    }

    p = strcasestr(c->buf, "\r\nContent-Length:");

    if (p == NULL || p > end) {
        errno = EPROTO;
        load_die("reply without a length");
    }

    length = strtoul(p + sizeof("\r\nContent-Length:") - 1, NULL, 10);
    body = c->len - (end + 4 - c->buf);

    c->head = 1;
    c->rest = length > body ? length - body : 0;

    return 1;
}


static void
load_count(load_histogram_t *histogram, int64_t ns)
{
    int       power;
    size_t    bucket;
    uint64_t  us;

    us = ns > 0 ? ns / 1000 : 0;

    if (us < 2 * LOAD_STEPS) {
        bucket = us;

    } else {
        power = 63 - __builtin_clzll(us) - 5;
        bucket = power * LOAD_STEPS + (us >> power);
    }

    if (bucket >= LOAD_BUCKETS) {
        bucket = LOAD_BUCKETS - 1;
    }

    histogram->counts[bucket]++;
}


/* Each bucket by the largest value in it. */

static void
load_print(const char *name, load_histogram_t *histogram)
{
    int       power;
    size_t    i;
    uint64_t  us;

    printf("%s", name);

    for (i = 0; i < LOAD_BUCKETS; i++) {

        if (histogram->counts[i] == 0) {
            continue;
        }

        us = i;

        if (i >= 2 * LOAD_STEPS) {
            power = i / LOAD_STEPS - 1;
            us = ((i - power * LOAD_STEPS + 1ULL) << power) - 1;
        }

        printf(" %llu:%llu", (unsigned long long) us,
               (unsigned long long) histogram->counts[i]);
    }

    printf("\n");
}


static int64_t
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static void *
load_alloc(size_t size)
{
    void  *p;

    p = calloc(1, size);
    if (p == NULL) {
        load_die("calloc()");
    }

    return p;
}


static void
load_die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}
