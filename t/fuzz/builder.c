
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted has unique, safe names; libyaml's own composer finds the
 * same in it; and written anew it is read as the same.
 */


#include "fuzz.h"
#include "lu_builder.h"
#include "lu_name.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <yaml.h>


static void
check_files(const lu_builder_t *builder)
{
    size_t      i, j;
    lu_error_t  err;

    require(lu_name_label_valid(&builder->version));
    require(builder->nfiles > 0
            && builder->nfiles <= LU_BUILDER_FILES);

    for (i = 0; i < builder->nfiles; i++) {
        require(lu_name_file_check(&builder->files[i].name, &err) == LU_OK);
        require(builder->files[i].size <= (uint64_t) 1 << 53
                || builder->files[i].size == UINT64_MAX);

        for (j = 0; j < i; j++) {
            require(!lu_str_eq(&builder->files[i].name,
                               &builder->files[j].name));
        }
    }
}


static const yaml_node_t *
member(yaml_document_t *document, const yaml_node_t *node, const char *key)
{
    const yaml_node_t       *name;
    const yaml_node_pair_t  *pair;

    require(node->type == YAML_MAPPING_NODE);

    for (pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top;
         pair++)
    {
        name = yaml_document_get_node(document, pair->key);
        require(name && name->type == YAML_SCALAR_NODE);

        if (name->data.scalar.length == strlen(key)
            && memcmp(name->data.scalar.value, key, strlen(key)) == 0)
        {
            return yaml_document_get_node(document, pair->value);
        }
    }

    return NULL;
}


static int
has_digest(const lu_builder_t *builder, const yaml_node_t *node)
{
    size_t         i;
    unsigned char  base64[89];

    for (i = 0; i < builder->nfiles; i++) {
        (void) EVP_EncodeBlock(base64, builder->files[i].sha512, 64);

        if (node->data.scalar.length == 88
            && memcmp(node->data.scalar.value, base64, 88) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Every file's digest in the document is that of a file we know of. */

static void
check_document(const lu_builder_t *builder, const lu_str_t *text)
{
    yaml_parser_t            parser;
    yaml_document_t          document;
    const yaml_node_t       *root, *node, *files, *sha512;
    const yaml_node_item_t  *item;

    require(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, text->data, text->len);

    require(yaml_parser_load(&parser, &document));

    root = yaml_document_get_root_node(&document);
    require(root != NULL);

    node = member(&document, root, "version");
    require(node && node->type == YAML_SCALAR_NODE);
    require(node->data.scalar.length == builder->version.len
            && memcmp(node->data.scalar.value, builder->version.data,
                      builder->version.len) == 0);

    files = member(&document, root, "files");

    if (files && files->type == YAML_SEQUENCE_NODE) {

        for (item = files->data.sequence.items.start;
             item < files->data.sequence.items.top;
             item++)
        {
            node = yaml_document_get_node(&document, *item);
            sha512 = member(&document, node, "sha512");
            require(sha512 && sha512->type == YAML_SCALAR_NODE);
            require(has_digest(builder, sha512));
        }
    }

    yaml_document_delete(&document);

    require(yaml_parser_load(&parser, &document));
    require(yaml_document_get_root_node(&document) == NULL);

    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
}


static size_t
print_escaped(char *out, const lu_str_t *str, const char *format)
{
    size_t  i, len;

    len = 0;

    for (i = 0; i < str->len; i++) {
        len += sprintf(out + len, format, str->data[i]);
    }

    return len;
}


static size_t
print_builder(char *out, const lu_builder_t *builder)
{
    size_t         i, len;
    unsigned char  base64[89];

    /* UTF-8 can't be escaped byte by byte in YAML, but quoted */

    len = sprintf(out, "version: '");

    for (i = 0; i < builder->version.len; i++) {

        if (builder->version.data[i] == '\'') {
            out[len++] = '\'';
        }

        out[len++] = (char) builder->version.data[i];
    }

    len += sprintf(out + len, "'\nfiles:\n");

    for (i = 0; i < builder->nfiles; i++) {
        (void) EVP_EncodeBlock(base64, builder->files[i].sha512, 64);

        len += sprintf(out + len, "- url: \"https://x/");
        len += print_escaped(out + len, &builder->files[i].name, "%%%02x");
        len += sprintf(out + len, "\"\n  sha512: %s\n", base64);

        if (builder->files[i].size != UINT64_MAX) {
            len += sprintf(out + len, "  size: %llu\n",
                           (unsigned long long) builder->files[i].size);
        }
    }

    return len;
}


static void
check_printed(const lu_arena_t *arena, const lu_builder_t *builder)
{
    size_t        i, size;
    lu_str_t      text;
    lu_error_t    err;
    lu_builder_t  again;

    /* U+2028 must be escaped, and U+FFFE can't be written in YAML at all */

    for (i = 0; i < builder->version.len; i++) {
        if (builder->version.data[i] > 0x7e) {
            return;
        }
    }

    size = 1024;

    for (i = 0; i < builder->nfiles; i++) {
        size += 256 + 3 * builder->files[i].name.len;
    }

    text.data = malloc(size);
    text.len = print_builder((char *) text.data, builder);

    if (text.len <= LU_BUILDER_SIZE) {
        require(lu_builder_parse(arena, &text, &again, &err) == LU_OK);

        require(lu_str_eq(&again.version, &builder->version));
        require(again.nfiles == builder->nfiles);

        for (i = 0; i < again.nfiles; i++) {
            require(lu_str_eq(&again.files[i].name, &builder->files[i].name));
            require(memcmp(again.files[i].sha512, builder->files[i].sha512,
                           64) == 0);
            require(again.files[i].size == builder->files[i].size);
        }
    }

    free(text.data);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_rc_e        rc;
    lu_str_t       text;
    lu_error_t     err;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;
    lu_builder_t   builder;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;
    err.text = NULL;

    text.len = size;
    text.data = malloc(size + 1);
    memcpy(text.data, data, size);

    rc = lu_builder_parse(&arena, &text, &builder, &err);

    if (rc == LU_OK) {
        check_document(&builder, &text);
    }

    free(text.data);

    if (rc == LU_OK) {
        require(err.text == NULL);

        check_files(&builder);
        check_printed(&arena, &builder);

    } else {
        require(rc == LU_INVALID && err.text != NULL);
        require(builder.nfiles == 0);
    }

    fuzz_free(blocks);

    return 0;
}
