
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_history.h"
#include "lu_put.h"
#include "lu_time.h"

#include <stdlib.h>


static int lu_history_compare(const void *one, const void *two);
static cJSON *lu_history_entry(lu_put_t *put, cJSON *document, double hour);
static void lu_history_count(lu_put_t *put, cJSON *entry,
    const lu_history_row_t *row, double checks);
static void lu_history_sum(lu_put_t *put, cJSON *entry, const char *release,
    double checks, double devices);
static double lu_history_value(const cJSON *pair, int i);
static double lu_history_number(const cJSON *object, const char *key);


lu_rc_e
lu_history_note(cJSON *document, lu_history_row_t *rows, size_t n,
    double serial, double hour)
{
    cJSON     *entry, *before, *totals;
    double     checks, old, was;
    size_t     i;
    lu_put_t   put;

    lu_put_init(&put);

    before = cJSON_DetachItemFromObjectCaseSensitive(document, "totals");
    was = lu_history_number(document, "serial");

    entry = lu_history_entry(&put, document, hour);
    totals = lu_put_object(&put, document, "totals");

    lu_put_number(&put, document, "serial", serial);

    qsort(rows, n, sizeof(lu_history_row_t), lu_history_compare);

    for (i = 0; i < n; i++) {
        old = (was == serial) ? lu_history_number(before, rows[i].release) : 0;

        /* a counter that lost its place began anew */

        checks = (old > rows[i].checks) ? rows[i].checks
                                        : rows[i].checks - old;

        lu_put_number(&put, totals, rows[i].release, rows[i].checks);
        lu_history_count(&put, entry, &rows[i], checks);
    }

    cJSON_Delete(before);

    return put.failed ? LU_NOMEM : LU_OK;
}


/* Those with most devices, and most checks, come first. */

static int
lu_history_compare(const void *one, const void *two)
{
    const lu_history_row_t *a = one;
    const lu_history_row_t *b = two;

    if (a->devices != b->devices) {
        return a->devices > b->devices ? -1 : 1;
    }

    return a->checks > b->checks ? -1 : a->checks < b->checks;
}


static cJSON *
lu_history_entry(lu_put_t *put, cJSON *document, double hour)
{
    cJSON   *hours, *item, *next;
    double   at;

    hours = lu_json_get(document, "hours");

    if (!cJSON_IsArray(hours)) {
        hours = lu_put_array(put, document, "hours");
    }

    for (item = hours ? hours->child : NULL; item; item = next) {
        next = item->next;

        at = lu_history_number(item, "hour");

        if (at > hour || at <= hour - LU_HISTORY_HOURS
            || !cJSON_IsObject(lu_json_get(item, "releases")))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(hours, item));

        } else if (at == hour) {
            return item;
        }
    }

    item = lu_put_object(put, hours, NULL);

    lu_put_number(put, item, "hour", hour);
    lu_put_number(put, item, "checks", 0);
    (void) lu_put_object(put, item, "releases");

    return item;
}


static void
lu_history_count(lu_put_t *put, cJSON *entry, const lu_history_row_t *row,
    double checks)
{
    cJSON   *releases, *pair;
    double   devices;

    lu_put_number(put, entry, "checks",
                  lu_history_number(entry, "checks") + checks);

    releases = lu_json_get(entry, "releases");
    pair = lu_json_get(releases, row->release);
    devices = (row->devices < 0) ? 0 : row->devices;

    if (pair == NULL
        && ((checks == 0 && devices == 0)
            || cJSON_GetArraySize(releases) >= LU_HISTORY_RELEASES))
    {
        return;
    }

    checks += lu_history_value(pair, 0);

    pair = lu_put_array(put, releases, row->release);

    lu_put_number(put, pair, NULL, checks);

    if (row->devices >= 0) {
        lu_put_number(put, pair, NULL, row->devices);
    }
}


lu_rc_e
lu_history_add(lu_history_t *history, const cJSON *document)
{
    cJSON        *entry, *releases;
    double        slot;
    lu_put_t      put;
    const cJSON  *item, *pair;

    lu_put_init(&put);

    cJSON_ArrayForEach(item, lu_json_get(document, "hours")) {

        slot = lu_history_number(item, "hour") - history->first;
        releases = lu_json_get(item, "releases");

        if (!(slot >= 0 && slot < LU_HISTORY_HOURS)
            || !cJSON_IsObject(releases))
        {
            continue;
        }

        entry = history->hours[(int) slot];

        if (entry == NULL) {
            entry = cJSON_CreateObject();
            history->hours[(int) slot] = entry;

            lu_put_number(&put, entry, "checks", 0);
            (void) lu_put_array(&put, entry, "releases");
        }

        lu_put_number(&put, entry, "checks",
                      lu_history_number(entry, "checks")
                      + lu_history_number(item, "checks"));

        cJSON_ArrayForEach(pair, releases) {
            lu_history_sum(&put, entry, pair->string,
                           lu_history_value(pair, 0),
                           cJSON_GetArraySize(pair) > 1
                           ? lu_history_value(pair, 1) : -1);
        }
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


/* No more than a few machines with a few releases each. */

static void
lu_history_sum(lu_put_t *put, cJSON *entry, const char *release,
    double checks, double devices)
{
    cJSON  *releases, *item;

    releases = lu_json_get(entry, "releases");
    item = lu_json_find(releases, "release", release);

    if (item == NULL) {
        item = lu_put_object(put, releases, NULL);
        lu_put_string(put, item, "release", release);
    }

    lu_put_number(put, item, "checks",
                  lu_history_number(item, "checks") + checks);

    if (devices >= 0) {
        lu_put_number(put, item, "devices",
                      lu_history_number(item, "devices") + devices);
    }
}


cJSON *
lu_history_json(lu_history_t *history)
{
    char      at[LU_TIME_SIZE];
    int       i;
    cJSON    *json, *entry;
    lu_put_t  put;

    lu_put_init(&put);

    json = cJSON_CreateArray();

    for (i = 0; i < LU_HISTORY_HOURS; i++) {

        entry = history->hours[i];
        history->hours[i] = NULL;

        if (entry == NULL) {
            continue;
        }

        lu_time_print(at, (time_t) (history->first + i) * LU_HISTORY_HOUR, 0);

        lu_put_string(&put, entry, "at", at);
        lu_put_item(&put, json, NULL, entry);
    }

    return lu_put_done(&put, json);
}


static double
lu_history_value(const cJSON *pair, int i)
{
    const cJSON  *item;

    item = cJSON_IsArray(pair) ? cJSON_GetArrayItem(pair, i) : NULL;

    return (cJSON_IsNumber(item) && item->valuedouble > 0) ? item->valuedouble
                                                           : 0;
}


static double
lu_history_number(const cJSON *object, const char *key)
{
    double  value;

    if (lu_json_number(object, key, &value) != LU_OK || !(value > 0)) {
        return 0;
    }

    return value;
}
