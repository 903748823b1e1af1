
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted has safe names and right digests, and written anew it is
 * read as the same.
 */


#include "fuzz.h"
#include "lu_td.h"
#include "lu_name.h"

#include <stdio.h>


static void
check_artifact(const lu_td_artifact_t *artifact)
{
    size_t      i;
    lu_error_t  err;

    require(lu_name_file_check(&artifact->name, &err) == LU_OK);
    require(artifact->name.data[artifact->name.len] == '\0');
    require(artifact->size <= (uint64_t) 1 << 53
            || artifact->size == UINT64_MAX);
    require(artifact->sha256.len == 0 || artifact->sha256.len == 64);

    for (i = 0; i < artifact->sha256.len; i++) {
        require(strchr("0123456789abcdef", artifact->sha256.data[i]) != NULL
                && artifact->sha256.data[i]);
    }
}


static cJSON *
print_artifact(const lu_td_artifact_t *artifact)
{
    char    url[1024];
    cJSON  *json;
    size_t  i, len;

    len = sprintf(url, "https://x/");

    for (i = 0; i < artifact->name.len; i++) {
        len += sprintf(url + len, "%%%02X", artifact->name.data[i]);
    }

    if (artifact->is_installer) {
        (void) sprintf(url + len, "?Mac%%20Installer/");
    }

    json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "url", url);

    if (artifact->sha256.len) {
        cJSON_AddStringToObject(json, "sha256",
                                (char *) artifact->sha256.data);
    }

    /* cJSON would print 2^53 as 9.00719925474099e+15 */

    if (artifact->size != UINT64_MAX) {
        (void) sprintf(url, "%llu", (unsigned long long) artifact->size);
        cJSON_AddRawToObject(json, "size", url);
    }

    return json;
}


static char *
print_td(const lu_td_t *td)
{
    char        *text;
    cJSON       *json, *artifacts, *artifact;
    size_t       i;
    const char  *name;

    json = cJSON_CreateObject();
    artifacts = cJSON_AddObjectToObject(json, "artifacts");

    if (td->version.len) {
        cJSON_AddStringToObject(json, "version", (char *) td->version.data);
    }

    for (i = 0; i < td->nartifacts; i++) {
        name = (char *) td->artifacts[i].artifact.data;

        artifact = cJSON_GetObjectItemCaseSensitive(artifacts, name);

        if (artifact == NULL) {
            artifact = cJSON_AddObjectToObject(artifacts, name);
        }

        cJSON_AddItemToObject(artifact, (char *) td->artifacts[i].arch.data,
                              print_artifact(&td->artifacts[i]));
    }

    text = cJSON_PrintUnformatted(json);

    cJSON_Delete(json);

    return text;
}


static void
check_printed(const lu_arena_t *arena, const lu_td_t *td)
{
    char                    *printed;
    size_t                   i;
    lu_td_t                  again;
    lu_str_t                 text;
    lu_error_t               err;
    const lu_td_artifact_t  *a, *b;

    printed = print_td(td);

    text.len = strlen(printed);
    text.data = (unsigned char *) printed;

    require(lu_td_parse(arena, &text, &again, &err) == LU_OK);

    free(printed);

    require(lu_str_eq(&again.version, &td->version));
    require(again.nartifacts == td->nartifacts);

    for (i = 0; i < again.nartifacts; i++) {
        a = &again.artifacts[i];
        b = &td->artifacts[i];

        require(lu_str_eq(&a->artifact, &b->artifact));
        require(lu_str_eq(&a->arch, &b->arch));
        require(lu_str_eq(&a->name, &b->name));
        require(lu_str_eq(&a->sha256, &b->sha256));
        require(a->size == b->size);
        require(a->is_installer == b->is_installer);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i;
    lu_td_t        td;
    lu_rc_e        rc;
    lu_str_t       text;
    lu_error_t     err;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;
    err.text = NULL;

    text.len = size;
    text.data = malloc(size + 1);
    memcpy(text.data, data, size);

    rc = lu_td_parse(&arena, &text, &td, &err);

    free(text.data);

    if (rc == LU_OK) {
        require(err.text == NULL);

        for (i = 0; i < td.nartifacts; i++) {
            check_artifact(&td.artifacts[i]);
        }

        check_printed(&arena, &td);

    } else {
        require(rc == LU_INVALID && err.text != NULL);
    }

    fuzz_free(blocks);

    return 0;
}
