
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The history of an app: how many checks each hour of the last 30 days had, of
 * which releases, and how many devices ran them.  Each machine has a document
 * of its own,
 *
 *     {"serial":7,"totals":{"r1":120},
 *      "hours":[{"hour":494012,"checks":20,"releases":{"r1":[20,12]}}]}
 *
 * where "totals" are counters as they were seen last, which begin anew with
 * each serial, and an hour is one since the epoch.
 */


#ifndef _LU_HISTORY_H_INCLUDED_
#define _LU_HISTORY_H_INCLUDED_


#include "lu_json.h"


#define LU_HISTORY_HOUR      3600
#define LU_HISTORY_HOURS     720

/* Of an hour; the checks of others are in the sum only. */

#define LU_HISTORY_RELEASES  10


typedef struct {
    const char    *release;     /* empty: none */
    double         checks;      /* since the counters began */
    double         devices;     /* of the last 24 hours; below 0: not known */
} lu_history_row_t;


/* The hours of all machines; the trees belong to it. */

typedef struct {
    double         first;       /* the hour of hours[0] */
    cJSON         *hours[LU_HISTORY_HOURS];
} lu_history_t;


/*
 * Notes in a machine's document what its counters are in that hour, and forgets
 * hours that are too old, or still to come.  rows are sorted.  LU_OK, or
 * LU_NOMEM: the document is half changed.
 */

lu_rc_e lu_history_note(cJSON *document, lu_history_row_t *rows, size_t n,
    double serial, double hour);

/*
 * Adds the document of a machine to a history that was zeroed but for "first".
 * What is no hour of it is left out.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_history_add(lu_history_t *history, const cJSON *document);

/*
 * The array of the API, oldest hour first, which is the caller's, or NULL: no
 * memory.  Frees the history.
 */

cJSON *lu_history_json(lu_history_t *history);


#endif /* _LU_HISTORY_H_INCLUDED_ */
