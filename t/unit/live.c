
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"
#include "../../src/core/lu_live.c"


static int live_has(const lu_live_t *live, const char *id);


int
main(void)
{
    cJSON       *app;
    lu_live_t    live;

    app = tap_json("{\"desktopBuilds\":[{\"id\":\"d2\"},{\"id\":\"d1\"},"
                   "{\"id\":7},{}],\"channels\":[{\"deployments\":["
                   "{\"id\":\"x\",\"release\":\"r2\"},{\"release\":\"r1\"},"
                   "{\"release\":\"r2\"},{\"release\":null}]},{},"
                   "{\"deployments\":[{\"release\":\"r3\"}]}]}");

    ok(lu_live(&tap_arena, app, &live) == LU_OK && live.n == 6,
       "all that it has");
    ok(live_has(&live, "d1") && live_has(&live, "d2")
       && live_has(&live, "r1") && live_has(&live, "r2")
       && live_has(&live, "r3"), "from everywhere");
    ok(!live_has(&live, "x") && !live_has(&live, "r")
       && !live_has(&live, "r11") && !live_has(&live, ""),
       "and nothing else");

    cJSON_Delete(app);

    app = tap_json("{}");

    ok(lu_live(&tap_arena, app, &live) == LU_OK && live.n == 0
       && !live_has(&live, "r1"), "an app without releases");

    tap_left = 0;

    ok(lu_live(&tap_arena, app, &live) == LU_NOMEM, "no memory");

    tap_left = -1;

    cJSON_Delete(app);
    tap_free();

    return tap_done();
}


static int
live_has(const lu_live_t *live, const char *id)
{
    lu_str_t  str;

    str = tap_str(id);

    return lu_live_has(live, &str);
}
