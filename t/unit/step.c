
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_step.c"


#define HOUR   3600
#define START  1767225600           /* 2026-01-01T00:00:00Z */


static char    told[256];
static time_t  next;


static lu_rc_e
tell(void *data, const lu_step_told_t *step)
{
    size_t  len;

    (void) data;

    static const char  *what[] = { "", "expired ", "channel " };

    len = strlen(told);

    snprintf(told + len, sizeof(told) - len, "%s%.*s %.*s %zu %.2f %ld;",
             what[step->what],
             (int) step->subject.len, (char *) step->subject.data,
             (int) step->channel.len, (char *) step->channel.data,
             step->step, step->share, (long) (step->at - START) / HOUR);

    return LU_OK;
}


/* What is told of the hours from one to another one. */

static const char *
look(const char *text, int from, int to)
{
    cJSON       *app;
    lu_str_t     str;
    lu_error_t   err;

    str = tap_str(text);
    told[0] = '\0';
    next = 0;

    if (lu_json_parse(&app, &str, &err) != LU_OK
        || lu_step_look(app, START + from * HOUR, START + to * HOUR, &next,
                        tell, NULL)
           != LU_OK)
    {
        return "failed";
    }

    cJSON_Delete(app);

    return told;
}


#define CHANNEL(deployments)                                                  \
    "{\"channels\":[{\"name\":\"c\",\"deployments\":[" deployments "]}]}"

#define PLAN                                                                  \
    "\"steps\":[{\"share\":0.1,\"for\":\"2h\"},{\"share\":0.5,\"for\":"       \
    "\"2h\"},{\"share\":1}],\"start\":\"2026-01-01T00:00:00Z\""

#define ROLLOUT(made, more)                                                   \
    "{\"id\":\"d\",\"release\":\"r\",\"rollout\":0.1,\"createdAt\":"          \
    "\"" made "T00:00:00Z\",\"plan\":{" PLAN "}" more "}"


int
main(void)
{
    const char  *app;

    app = CHANNEL(ROLLOUT("2026-01-01", ""));

    ok(strcmp(look(app, -1, 1), "") == 0 && next == START + 2 * HOUR,
       "the first step is that of the rollout itself");
    ok(strcmp(look(app, 1, 2), "d c 1 0.50 2;") == 0
       && next == START + 4 * HOUR, "a step");
    ok(strcmp(look(app, 2, 3), "") == 0, "once");
    ok(strcmp(look(app, 1, 9), "d c 2 1.00 4;") == 0 && next == LU_TIME_MAX,
       "the last of several");
    ok(strcmp(look(app, 9, 3), "") == 0, "not in a time that goes back");

    ok(strcmp(look(CHANNEL(ROLLOUT("2025-12-31", "")), -1, 1), "d c 0 0.10 0;")
       == 0, "a scheduled one has begun");
    ok(strcmp(look(CHANNEL("{\"id\":\"d\",\"release\":\"r\",\"rollout\":0.1,"
                           "\"createdAt\":\"2025-12-31T00:00:00Z\",\"plan\":"
                           "{\"given\":\"2026-01-01T00:00:00Z\"," PLAN "}}"),
                   -1, 1), "") == 0,
       "not a plan that somebody has given an older one");
    ok(strcmp(look(CHANNEL(ROLLOUT("2026-01-01", ",\"halted\":{\"at\":"
                                   "\"2026-01-01T01:00:00Z\"}")), 1, 9), "")
       == 0 && next == LU_TIME_MAX, "not of one that is halted");
    ok(strcmp(look(CHANNEL("{\"id\":\"e\",\"release\":\"r\",\"rollout\":1},"
                           ROLLOUT("2026-01-01", "")), 1, 2), "") == 0,
       "nor of one that nobody gets any more");

    app = "{\"desktopBuilds\":[{\"id\":\"b\",\"createdAt\":"
          "\"2026-01-01T00:00:00Z\"}],\"desktopReleases\":{"
          "\"releaseRedirections\":[{\"rule\":\"buildByRollout\","
          "\"buildId\":\"b\",\"percentage\":10,\"plan\":{" PLAN ","
          "\"step\":1,\"begun\":\"2026-01-01T03:00:00Z\"}}]}}";

    ok(strcmp(look(app, 2, 4), "") == 0 && next == START + 5 * HOUR,
       "not what somebody has advanced");
    ok(strcmp(look(app, 4, 5), "b  2 1.00 5;") == 0, "of a desktop release");

    app = CHANNEL("{\"id\":\"d\",\"release\":\"r\",\"rollout\":1,"
                  "\"expires\":\"2026-01-01T03:00:00Z\"},"
                  ROLLOUT("2026-01-01", ""));

    ok(strcmp(look(app, 0, 1), "") == 0 && next == START + 2 * HOUR,
       "not before it expires");
    ok(strcmp(look(app, 1, 2), "d c 1 0.50 2;") == 0
       && next == START + 3 * HOUR, "nor at the step of another one");
    ok(strcmp(look(app, 2, 3), "expired d c 0 0.00 3;") == 0
       && next == START + 4 * HOUR, "it has expired");
    ok(strcmp(look(app, 3, 4), "d c 2 1.00 4;") == 0 && next == LU_TIME_MAX,
       "once");

    app = CHANNEL(ROLLOUT("2026-01-01", ",\"expires\":"
                          "\"2026-01-01T04:00:00Z\""));

    ok(strcmp(look(app, 2, 3), "") == 0 && next == START + 4 * HOUR
       && strcmp(look(app, 3, 9), "expired d c 0 0.00 4;") == 0
       && next == LU_TIME_MAX, "a step that begins then does not");

    app = "{\"channels\":[{\"id\":\"i\",\"name\":\"c\",\"expiresAt\":"
          "\"2026-01-01T03:00:00Z\",\"deployments\":["
          ROLLOUT("2026-01-01", "") "]}]}";

    ok(strcmp(look(app, 2, 2), "") == 0 && next == START + 3 * HOUR,
       "nor does a channel expire too early");
    ok(strcmp(look(app, 2, 5), "channel i c 0 0.00 3;") == 0
       && next == LU_TIME_MAX, "a channel, without the rest of it");
    ok(strcmp(look(app, 3, 5), "") == 0, "that once, too");

    app = "{\"desktopReleases\":{\"releaseRedirections\":[{\"rule\":"
          "\"buildByRollout\",\"buildId\":\"b\",\"percentage\":10,"
          "\"expires\":\"2026-01-01T03:00:00Z\"}]}}";

    ok(strcmp(look(app, 2, 4), "expired b  0 0.00 3;") == 0,
       "a desktop release has expired");

    ok(strcmp(look("{}", 0, 1), "") == 0 && next == LU_TIME_MAX, "nothing");

    tap_free();

    return tap_done();
}
