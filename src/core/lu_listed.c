
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_growth.h"
#include "lu_listed.h"
#include "lu_name.h"

#include <stdlib.h>


static int lu_listed_compare(const void *one, const void *two);
static const cJSON *lu_listed_find(const cJSON *array, const cJSON *item);
static int lu_listed_append(cJSON *groups, const cJSON *item);
static cJSON *lu_listed_group(cJSON *groups, const cJSON *item);
static cJSON *lu_listed_flat(cJSON *groups);


lu_rc_e
lu_listed_parse(const lu_arena_t *arena, const cJSON *builds,
    lu_listed_t *listed)
{
    int           released;
    size_t        i, n;
    lu_rc_e       rc;
    lu_str_t      id;
    const cJSON  *build;

    memset(listed, 0, sizeof(lu_listed_t));

    n = (size_t) cJSON_GetArraySize(builds);

    listed->ids = arena->alloc(arena->data, (n + 1) * sizeof(lu_str_t));
    if (listed->ids == NULL) {
        return LU_NOMEM;
    }

    i = 0;

    cJSON_ArrayForEach(build, builds) {

        i++;

        rc = cJSON_IsString(build) ? lu_json_value(build, &id)
                                   : lu_json_string(build, "id", &id);

        if (rc != LU_OK || !lu_name_release_valid(&id)) {

            if (listed->invalid++ == 0) {
                listed->first = i;
            }

            continue;
        }

        released = 1;
        (void) lu_json_bool(build, "isReleased", &released);

        if (released) {
            listed->ids[listed->n++] = id;
        }
    }

    if (listed->n == 0) {
        return LU_OK;
    }

    qsort(listed->ids, listed->n, sizeof(lu_str_t), lu_listed_compare);

    n = 1;

    for (i = 1; i < listed->n; i++) {
        if (!lu_str_eq(&listed->ids[i], &listed->ids[n - 1])) {
            listed->ids[n++] = listed->ids[i];
        }
    }

    listed->n = n;

    return LU_OK;
}


static int
lu_listed_compare(const void *one, const void *two)
{
    const lu_str_t *a = one, *b = two;

    return strcmp((const char *) a->data, (const char *) b->data);
}


int
lu_listed_has(const lu_listed_t *listed, const lu_str_t *id)
{
    return listed->n
           && bsearch(id, listed->ids, listed->n, sizeof(lu_str_t),
                      lu_listed_compare)
              != NULL;
}


int
lu_listed_holds(const cJSON *array, const cJSON *item)
{
    return lu_listed_find(array, item) != NULL;
}


static const cJSON *
lu_listed_find(const cJSON *array, const cJSON *item)
{
    const cJSON  *other;

    cJSON_ArrayForEach(other, array) {
        if (lu_growth_is_alike(other, item)) {
            return other;
        }
    }

    return NULL;
}


/*
 * Each item of "now" is the first of a group, with the items that somebody else
 * has added behind it; the first group is for those in front of all.
 */

cJSON *
lu_listed_merge(const cJSON *current, const cJSON *was, const cJSON *now)
{
    cJSON        *groups, *merged;
    const cJSON  *item, *found;

    groups = cJSON_CreateArray();

    if (!lu_listed_append(groups, NULL)) {
        goto failed;
    }

    cJSON_ArrayForEach(item, now) {

        found = lu_listed_find(current, item);

        if (found == NULL && lu_listed_holds(was, item)) {
            continue;
        }

        /* the one that is there knows where its plan is */

        if (!lu_listed_append(groups, found ? found : item)) {
            goto failed;
        }
    }

    cJSON_ArrayForEach(item, current) {

        if (lu_listed_holds(was, item) || lu_listed_holds(now, item)) {
            continue;
        }

        if (!cJSON_AddItemToArray(lu_listed_group(groups, item),
                                  cJSON_Duplicate(item, 1)))
        {
            goto failed;
        }
    }

    merged = lu_listed_flat(groups);

    cJSON_Delete(groups);

    return merged;

failed:

    cJSON_Delete(groups);

    return NULL;
}


/* Appends a group, with a copy of the item, or without one. */

static int
lu_listed_append(cJSON *groups, const cJSON *item)
{
    cJSON  *group;

    group = cJSON_CreateArray();

    if (group == NULL
        || (item && !cJSON_AddItemToArray(group, cJSON_Duplicate(item, 1)))
        || !cJSON_AddItemToArray(groups, group))
    {
        cJSON_Delete(group);
        return 0;
    }

    return 1;
}


/* The group of the nearest item before this one that is still there. */

static cJSON *
lu_listed_group(cJSON *groups, const cJSON *item)
{
    cJSON  *group;

    /* the first item's "prev" is the last one */

    while (item->prev->next) {
        item = item->prev;

        for (group = groups->child->next; group; group = group->next) {
            if (cJSON_Compare(group->child, item, 1)) {
                return group;
            }
        }
    }

    return groups->child;
}


static cJSON *
lu_listed_flat(cJSON *groups)
{
    cJSON  *flat, *group, *item;

    flat = cJSON_CreateArray();
    if (flat == NULL) {
        return NULL;
    }

    cJSON_ArrayForEach(group, groups) {
        while ((item = cJSON_DetachItemFromArray(group, 0)) != NULL) {
            cJSON_AddItemToArray(flat, item);
        }
    }

    return flat;
}
