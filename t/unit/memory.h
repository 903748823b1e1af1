
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * cJSON's memory: memory_left limits it to test NOMEM, memory_used tells what
 * was not freed.
 */


#ifndef _MEMORY_H_INCLUDED_
#define _MEMORY_H_INCLUDED_


#include <stdlib.h>

#include <cjson/cJSON.h>


static long  memory_left = -1;
static long  memory_used;


static void *
memory_alloc(size_t size)
{
    if (memory_left == 0) {
        return NULL;
    }

    if (memory_left > 0) {
        memory_left--;
    }

    memory_used++;

    return malloc(size);
}


static void
memory_free(void *p)
{
    if (p) {
        memory_used--;
    }

    free(p);
}


static void
memory_init(void)
{
    cJSON_Hooks  hooks;

    hooks.malloc_fn = memory_alloc;
    hooks.free_fn = memory_free;

    cJSON_InitHooks(&hooks);
}


#endif /* _MEMORY_H_INCLUDED_ */
