
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap_json.h"
#include "../../src/core/lu_put.c"


static void put_kinds(void);
static void put_places(void);
static void put_copies(void);
static void put_nothing(void);
static void put_memory(void);
static cJSON *put_build(lu_put_t *put);
static int put_is(const cJSON *json, const char *text);


int
main(void)
{
    put_kinds();
    put_places();
    put_copies();
    put_nothing();
    put_memory();

    tap_free();

    return tap_done();
}


static void
put_kinds(void)
{
    cJSON     *json;
    lu_put_t   put;
    lu_str_t   cut, empty;

    cut.len = 3;
    cut.data = (unsigned char *) "cut here";

    empty.len = 0;
    empty.data = NULL;

    lu_put_init(&put);
    json = cJSON_CreateObject();

    lu_put_string(&put, json, "string", "\"x\"");
    lu_put_str(&put, json, "str", &cut);
    lu_put_str(&put, json, "empty", &empty);
    lu_put_str_or_null(&put, json, "str?", &cut);
    lu_put_str_or_null(&put, json, "null?", &empty);
    lu_put_number(&put, json, "number", 0.5);
    lu_put_bool(&put, json, "true", 1);
    lu_put_bool(&put, json, "false", 0);
    lu_put_null(&put, json, "null");
    (void) lu_put_object(&put, json, "object");
    (void) lu_put_array(&put, json, "array");
    lu_put_item(&put, json, "item", cJSON_CreateRaw("[1]"));

    ok(!put.failed
       && put_is(json, "{\"string\":\"\\\"x\\\"\",\"str\":\"cut\","
                 "\"empty\":\"\",\"str?\":\"cut\",\"null?\":null,"
                 "\"number\":0.5,\"true\":true,\"false\":false,"
                 "\"null\":null,\"object\":{},\"array\":[],\"item\":[1]}"),
       "a value of each kind, in the order of the calls");

    ok(lu_put_done(&put, json) == json, "the tree is the caller's");

    cJSON_Delete(json);
}


static void
put_places(void)
{
    cJSON       *json, *array, *object;
    lu_put_t     put;
    const char  *part;

    json = tap_json("{\"a\":\"old\",\"b\":2,\"c\":[1]}");

    lu_put_init(&put);

    part = cJSON_GetObjectItemCaseSensitive(json, "a")->valuestring;

    lu_put_string(&put, json, "a", part + 1);
    lu_put_null(&put, json, "b");

    array = lu_put_array(&put, json, "A");

    lu_put_number(&put, array, NULL, 1);
    lu_put_string(&put, array, NULL, "x");
    lu_put_null(&put, array, NULL);

    object = lu_put_object(&put, array, NULL);

    lu_put_bool(&put, object, "", 1);

    ok(!put.failed
       && put_is(json, "{\"a\":\"ld\",\"b\":null,\"c\":[1],"
                 "\"A\":[1,\"x\",null,{\"\":true}]}"),
       "values replace others, are added, or are appended to an array");

    cJSON_Delete(json);
}


static void
put_copies(void)
{
    cJSON     *json, *from;
    lu_put_t   put;

    from = tap_json("{\"a\":{\"b\":[1,\"x\"]},\"n\":null}");
    json = cJSON_CreateObject();

    lu_put_init(&put);

    lu_put_copy(&put, json, "a", from, "a");
    lu_put_copy(&put, json, "n", from, "n");
    lu_put_copy(&put, json, "none", from, "none");
    lu_put_copy(&put, json, "none", NULL, "none");
    lu_put_copy_or_null(&put, json, "c", from, "a");
    lu_put_copy_or_null(&put, json, "d", from, "A");
    lu_put_copy(&put, json, "n", from, "a");

    cJSON_Delete(from);

    ok(!put.failed
       && put_is(json, "{\"a\":{\"b\":[1,\"x\"]},\"n\":{\"b\":[1,\"x\"]},"
                 "\"c\":{\"b\":[1,\"x\"]},\"d\":null}"),
       "copies of members, of which an absent one stays absent or is null");

    cJSON_Delete(json);
}


/* A NULL among the arguments is a lack of memory before the call. */

static void
put_nothing(void)
{
    cJSON     *json;
    lu_put_t   put;

    json = cJSON_CreateObject();

    lu_put_init(&put);
    lu_put_number(&put, NULL, "a", 1);
    ok(put.failed, "a tree that is not there");

    lu_put_number(&put, json, "a", 1);
    lu_put_item(&put, json, "b", cJSON_CreateTrue());
    lu_put_copy(&put, json, "c", json, "a");
    ok(lu_put_object(&put, json, "d") == NULL
       && lu_put_array(&put, json, "e") == NULL
       && put_is(json, "{}"), "after a failure nothing is put");

    lu_put_init(&put);
    lu_put_string(&put, json, "a", NULL);
    ok(put.failed && put_is(json, "{}"), "a string that is not there");

    lu_put_init(&put);
    lu_put_item(&put, json, "a", NULL);
    ok(put.failed && put_is(json, "{}"), "an item that is not there");

    lu_put_init(&put);
    lu_put_copy(&put, NULL, "a", json, "a");
    ok(put.failed, "a copy to nowhere");

    lu_put_init(&put);
    ok(lu_put_done(&put, NULL) == NULL && put.failed,
       "no tree is a failure at the end, too");

    lu_put_init(&put);
    lu_put_string(&put, json, "a", NULL);
    ok(lu_put_done(&put, json) == NULL, "a tree that failed is freed");
}


static void
put_memory(void)
{
    long       n;
    size_t     wrong;
    cJSON     *json;
    lu_put_t   put;

    memory_init();

    wrong = 0;

    for (n = 0; /* void */ ; n++) {
        memory_left = n;
        json = put_build(&put);
        memory_left = -1;

        if (json) {
            break;
        }

        wrong += (!put.failed || memory_used != 0);
    }

    ok(n > 20 && wrong == 0 && !put.failed,
       "out of memory at each of %ld allocations", n);

    ok(put_is(json, "{\"s\":{\"t\":\"x\"},\"a\":[\"y\",{},[]],"
              "\"n\":null,\"c\":[\"y\",{},[]],\"r\":0}"),
       "and then the tree is complete");

    cJSON_Delete(json);

    ok(memory_used == 0, "all freed");
}


static cJSON *
put_build(lu_put_t *put)
{
    cJSON     *json, *object, *array;
    lu_str_t   value = lu_string("x");

    lu_put_init(put);

    json = cJSON_CreateObject();

    object = lu_put_object(put, json, "s");
    lu_put_str(put, object, "t", &value);

    array = lu_put_array(put, json, "a");
    lu_put_string(put, array, NULL, "y");
    (void) lu_put_object(put, array, NULL);
    (void) lu_put_array(put, array, NULL);

    lu_put_null(put, json, "n");
    lu_put_copy(put, json, "c", json, "a");

    lu_put_bool(put, json, "r", 1);
    lu_put_number(put, json, "r", 0);

    return lu_put_done(put, json);
}


static int
put_is(const cJSON *json, const char *text)
{
    int    same;
    char  *printed;

    printed = cJSON_PrintUnformatted(json);
    same = printed && strcmp(printed, text) == 0;

    if (!same) {
        printf("# %s\n", printed ? printed : "out of memory");
    }

    cJSON_free(printed);

    return same;
}
