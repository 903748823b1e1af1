
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * libyaml's documents keep the style of each scalar, so that what was a string
 * or a number for JavaScript stays one.
 */


#include "lu_merge.h"
#include "lu_name.h"

#include <yaml.h>


#define LU_MERGE_DEPTH  32


#define LU_MERGE_ROOT   1


/* Nodes are numbers, since they move when their document grows. */

typedef struct {
    yaml_document_t    *document;
    int                 files;      /* the value of "files" */
    int                 rank;       /* of the first file */
} lu_merge_t;


/* An item of "files". */

typedef struct {
    lu_merge_t         *from;
    int                 node;
    int                 rank;
} lu_merge_file_t;


/* Where the text is written; pieces of an arena cannot grow. */

typedef struct {
    unsigned char      *data;
    size_t              len;
    size_t              size;
    const lu_arena_t   *arena;
} lu_merge_text_t;


static lu_rc_e lu_merge_load(const lu_str_t *texts, size_t n,
    yaml_document_t *documents, size_t *loaded, lu_error_t *err);
static lu_rc_e lu_merge_documents(const lu_arena_t *arena,
    yaml_document_t *documents, size_t n, lu_str_t *merged, lu_error_t *err);
static lu_rc_e lu_merge_open(const lu_arena_t *arena, lu_merge_t *manifest,
    yaml_document_t *document, lu_error_t *err);
static lu_rc_e lu_merge_path(const lu_arena_t *arena,
    const lu_merge_t *manifest, lu_error_t *err);
static lu_rc_e lu_merge_compare(const lu_arena_t *arena,
    const lu_merge_t *one, const lu_merge_t *two, lu_error_t *err);
static int lu_merge_is_own(const lu_str_t *key);
static lu_rc_e lu_merge_files(const lu_arena_t *arena, lu_merge_t *manifests,
    size_t n, lu_merge_t *base, lu_error_t *err);
static const lu_merge_file_t *lu_merge_find(const lu_merge_file_t *files,
    size_t n, const lu_merge_t *manifest, int node);
static int lu_merge_rank(const lu_merge_t *manifest, int node);
static lu_rc_e lu_merge_packages(const lu_arena_t *arena,
    const lu_merge_t *manifest, lu_merge_t *base, lu_error_t *err);
static lu_rc_e lu_merge_print(const lu_arena_t *arena, lu_merge_t *base,
    lu_str_t *merged);
static int lu_merge_write(void *data, unsigned char *buffer, size_t size);

static int lu_merge_member(const lu_merge_t *manifest, int mapping,
    const char *key);
static void lu_merge_set(lu_merge_t *manifest, const char *key, int value);
static int lu_merge_eq(const lu_merge_t *one, int node1,
    const lu_merge_t *two, int node2, int depth);
static int lu_merge_copy(const lu_merge_t *from, int node, lu_merge_t *to,
    int depth);
static lu_str_t lu_merge_scalar(const lu_merge_t *manifest, int node);


lu_rc_e
lu_merge(const lu_arena_t *arena, const lu_str_t *texts, size_t n,
    lu_str_t *merged, lu_error_t *err)
{
    size_t            i, loaded;
    lu_rc_e           rc;
    yaml_document_t   documents[LU_MERGE_MAX];

    if (n == 0 || n > LU_MERGE_MAX) {
        return lu_error(err, NULL, "more than " lu_value(LU_MERGE_MAX)
                                   " manifests cannot be merged");
    }

    loaded = 0;

    rc = lu_merge_load(texts, n, documents, &loaded, err);

    if (rc == LU_OK) {
        rc = lu_merge_documents(arena, documents, n, merged, err);
    }

    for (i = 0; i < loaded; i++) {
        yaml_document_delete(&documents[i]);
    }

    return rc;
}


static lu_rc_e
lu_merge_load(const lu_str_t *texts, size_t n, yaml_document_t *documents,
    size_t *loaded, lu_error_t *err)
{
    int            done;
    yaml_parser_t  parser;

    for (*loaded = 0; *loaded < n; (*loaded)++) {

        if (!yaml_parser_initialize(&parser)) {
            return LU_NOMEM;
        }

        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, texts[*loaded].data,
                                     texts[*loaded].len);

        done = yaml_parser_load(&parser, &documents[*loaded]);

        yaml_parser_delete(&parser);

        if (!done) {
            return lu_error(err, NULL, "the manifest is not YAML");
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_merge_documents(const lu_arena_t *arena, yaml_document_t *documents,
    size_t n, lu_str_t *merged, lu_error_t *err)
{
    size_t       i;
    lu_rc_e      rc;
    lu_merge_t   manifests[LU_MERGE_MAX], *base;

    base = &manifests[0];

    for (i = 0; i < n; i++) {
        rc = lu_merge_open(arena, &manifests[i], &documents[i], err);
        if (rc != LU_OK) {
            return rc;
        }

        if (manifests[i].rank < base->rank) {
            base = &manifests[i];
        }
    }

    for (i = 0; i < n; i++) {

        if (&manifests[i] == base) {
            continue;
        }

        rc = lu_merge_compare(arena, base, &manifests[i], err);

        if (rc == LU_OK) {
            rc = lu_merge_compare(arena, &manifests[i], base, err);
        }

        if (rc == LU_OK) {
            rc = lu_merge_packages(arena, &manifests[i], base, err);
        }

        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_merge_files(arena, manifests, n, base, err);

    return rc == LU_OK ? lu_merge_print(arena, base, merged) : rc;
}


static lu_rc_e
lu_merge_open(const lu_arena_t *arena, lu_merge_t *manifest,
    yaml_document_t *document, lu_error_t *err)
{
    yaml_node_t  *files;

    memset(manifest, 0, sizeof(lu_merge_t));

    manifest->document = document;
    manifest->files = lu_merge_member(manifest, LU_MERGE_ROOT, "files");

    files = yaml_document_get_node(document, manifest->files);

    if (files == NULL
        || files->type != YAML_SEQUENCE_NODE
        || files->data.sequence.items.start == files->data.sequence.items.top)
    {
        return lu_error(err, NULL, "a manifest without \"files\", as "
                        "electron-builder wrote it before 2018, cannot be "
                        "merged with another one");
    }

    manifest->rank = lu_merge_rank(manifest,
                                   *files->data.sequence.items.start);

    return lu_merge_path(arena, manifest, err);
}


/* A file that only "path" lists would be lost. */

static lu_rc_e
lu_merge_path(const lu_arena_t *arena, const lu_merge_t *manifest,
    lu_error_t *err)
{
    int                i;
    lu_rc_e            rc;
    lu_str_t           path, url, name, other;
    lu_error_t         why;
    yaml_node_t       *node;
    yaml_node_item_t  *item;

    static const char  *null[] = { "", "~", "null", "Null", "NULL", NULL };

    path = lu_merge_scalar(manifest, lu_merge_member(manifest, LU_MERGE_ROOT,
                                                     "path"));

    for (i = 0; null[i]; i++) {
        if (lu_str_is(&path, null[i])) {
            return LU_OK;
        }
    }

    /* the reason must outlive the document */

    path = lu_str_dup(arena, path.data, path.len);
    if (path.data == NULL) {
        return LU_NOMEM;
    }

    rc = lu_name_file_of_url(arena, &path, &name, err);
    if (rc != LU_OK) {
        return rc;
    }

    node = yaml_document_get_node(manifest->document, manifest->files);

    for (item = node->data.sequence.items.start;
         item < node->data.sequence.items.top;
         item++)
    {
        url = lu_merge_scalar(manifest, lu_merge_member(manifest, *item,
                                                        "url"));

        rc = lu_name_file_of_url(arena, &url, &other, &why);

        if (rc == LU_NOMEM) {
            return rc;
        }

        if (rc == LU_OK && lu_str_eq(&name, &other)) {
            return LU_OK;
        }
    }

    return lu_error(err, &name, "is the file in \"path\", and not one of "
                    "\"files\", so that the manifest cannot be merged");
}


/* Whether two has all members of one but those that each build has its own. */

static lu_rc_e
lu_merge_compare(const lu_arena_t *arena, const lu_merge_t *one,
    const lu_merge_t *two, lu_error_t *err)
{
    int                value;
    lu_str_t           key;
    yaml_node_t       *root;
    yaml_node_pair_t  *pair;

    root = yaml_document_get_root_node(one->document);

    for (pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top;
         pair++)
    {
        key = lu_merge_scalar(one, pair->key);

        if (lu_merge_is_own(&key)) {
            continue;
        }

        key = lu_str_dup(arena, key.data, key.len);
        if (key.data == NULL) {
            return LU_NOMEM;
        }

        value = lu_merge_member(two, LU_MERGE_ROOT, (char *) key.data);

        if (!lu_merge_eq(one, pair->value, two, value, 0)) {
            return lu_error(err, &key, "differs between manifests of the same "
                                       "name, which can only be merged if it "
                                       "is the same in all of them");
        }
    }

    return LU_OK;
}


static int
lu_merge_is_own(const lu_str_t *key)
{
    int  i;

    static const char  *keys[] = {
        "files", "packages", "path", "sha512", "sha2", "releaseDate", NULL
    };

    for (i = 0; keys[i]; i++) {
        if (lu_str_is(key, keys[i])) {
            return 1;
        }
    }

    return 0;
}


/* Sorts by insertion, since what has the same rank stays in its order. */

static lu_rc_e
lu_merge_files(const lu_arena_t *arena, lu_merge_t *manifests, size_t n,
    lu_merge_t *base, lu_error_t *err)
{
    int                     sequence, copy;
    size_t                  i, k, nfiles;
    lu_str_t                url;
    yaml_node_t            *node;
    lu_merge_file_t        *files, file;
    yaml_node_item_t       *item;
    const lu_merge_file_t  *same;

    nfiles = 0;

    for (i = 0; i < n; i++) {
        node = yaml_document_get_node(manifests[i].document,
                                      manifests[i].files);
        nfiles += node->data.sequence.items.top
                  - node->data.sequence.items.start;
    }

    files = arena->alloc(arena->data, nfiles * sizeof(lu_merge_file_t));
    if (files == NULL) {
        return LU_NOMEM;
    }

    nfiles = 0;

    for (i = 0; i < n; i++) {
        node = yaml_document_get_node(manifests[i].document,
                                      manifests[i].files);

        for (item = node->data.sequence.items.start;
             item < node->data.sequence.items.top;
             item++)
        {
            same = lu_merge_find(files, nfiles, &manifests[i], *item);

            if (same && lu_merge_eq(same->from,
                                    lu_merge_member(same->from, same->node,
                                                    "sha512"),
                                    &manifests[i],
                                    lu_merge_member(&manifests[i], *item,
                                                    "sha512"),
                                    0))
            {
                continue;
            }

            if (same) {
                url = lu_merge_scalar(&manifests[i],
                                      lu_merge_member(&manifests[i], *item,
                                                      "url"));
                url = lu_str_dup(arena, url.data, url.len);

                return url.data ? lu_error(err, &url, "is in two manifests of "
                                           "the same name, with two different "
                                           "SHA-512 digests")
                                : LU_NOMEM;
            }

            file.from = &manifests[i];
            file.node = *item;
            file.rank = lu_merge_rank(&manifests[i], *item);

            for (k = nfiles; k > 0 && files[k - 1].rank > file.rank; k--) {
                files[k] = files[k - 1];
            }

            files[k] = file;
            nfiles++;
        }
    }

    sequence = yaml_document_add_sequence(base->document, NULL,
                                          YAML_BLOCK_SEQUENCE_STYLE);
    if (sequence == 0) {
        return LU_NOMEM;
    }

    for (k = 0; k < nfiles; k++) {
        copy = lu_merge_copy(files[k].from, files[k].node, base, 0);

        if (copy == 0
            || !yaml_document_append_sequence_item(base->document, sequence,
                                                   copy))
        {
            return LU_NOMEM;
        }
    }

    lu_merge_set(base, "files", sequence);

    return LU_OK;
}


/* The same file may be in several manifests. */

static const lu_merge_file_t *
lu_merge_find(const lu_merge_file_t *files, size_t n,
    const lu_merge_t *manifest, int node)
{
    size_t    i;
    lu_str_t  url, other;

    url = lu_merge_scalar(manifest, lu_merge_member(manifest, node, "url"));

    for (i = 0; i < n; i++) {
        other = lu_merge_scalar(files[i].from,
                                lu_merge_member(files[i].from, files[i].node,
                                                "url"));

        if (lu_str_eq(&url, &other)) {
            return &files[i];
        }
    }

    return NULL;
}


/* As electron-builder sorts the files of one build. */

static int
lu_merge_rank(const lu_merge_t *manifest, int node)
{
    int       i, rank;
    lu_str_t  url;

    static const char  *arm[] = { "arm64", "aarch64", "armv7l", NULL };

    url = lu_merge_scalar(manifest, lu_merge_member(manifest, node, "url"));

    rank = lu_str_case_ends(&url, ".zip") ? 0 : 2;

    for (i = 0; arm[i]; i++) {
        if (lu_str_case_has(&url, arm[i])) {
            return rank + 1;
        }
    }

    return rank;
}


/* What the installers of nsis-web download, one for each architecture. */

static lu_rc_e
lu_merge_packages(const lu_arena_t *arena, const lu_merge_t *manifest,
    lu_merge_t *base, lu_error_t *err)
{
    int                key, value, theirs, ours, old;
    lu_str_t           name;
    yaml_node_t       *node;
    yaml_node_pair_t  *pair;

    theirs = lu_merge_member(manifest, LU_MERGE_ROOT, "packages");
    node = yaml_document_get_node(manifest->document, theirs);

    if (node == NULL || node->type != YAML_MAPPING_NODE) {
        return LU_OK;
    }

    ours = lu_merge_member(base, LU_MERGE_ROOT, "packages");
    node = yaml_document_get_node(base->document, ours);

    if (node == NULL || node->type != YAML_MAPPING_NODE) {

        /* there are none, or null */

        value = lu_merge_copy(manifest, theirs, base, 0);

        if (value == 0) {
            return LU_NOMEM;
        }

        if (ours) {
            lu_merge_set(base, "packages", value);
            return LU_OK;
        }

        key = yaml_document_add_scalar(base->document, NULL,
                                       (yaml_char_t *) "packages", -1,
                                       YAML_PLAIN_SCALAR_STYLE);

        return key && yaml_document_append_mapping_pair(base->document,
                                                        LU_MERGE_ROOT, key,
                                                        value)
               ? LU_OK : LU_NOMEM;
    }

    node = yaml_document_get_node(manifest->document, theirs);

    for (pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top;
         pair++)
    {
        name = lu_merge_scalar(manifest, pair->key);

        name = lu_str_dup(arena, name.data, name.len);
        if (name.data == NULL) {
            return LU_NOMEM;
        }

        old = lu_merge_member(base, ours, (char *) name.data);

        if (old) {

            if (lu_merge_eq(base, old, manifest, pair->value, 0)) {
                continue;
            }

            return lu_error(err, &name, "is an architecture in \"packages\" "
                            "of two manifests of the same name, with two "
                            "different files");
        }

        key = lu_merge_copy(manifest, pair->key, base, 0);
        value = lu_merge_copy(manifest, pair->value, base, 0);

        if (key == 0
            || value == 0
            || !yaml_document_append_mapping_pair(base->document, ours, key,
                                                  value))
        {
            return LU_NOMEM;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_merge_print(const lu_arena_t *arena, lu_merge_t *base, lu_str_t *merged)
{
    int               done;
    yaml_emitter_t    emitter;
    lu_merge_text_t   text;

    memset(&text, 0, sizeof(lu_merge_text_t));

    text.arena = arena;

    if (!yaml_emitter_initialize(&emitter)) {
        return LU_NOMEM;
    }

    yaml_emitter_set_output(&emitter, lu_merge_write, &text);
    yaml_emitter_set_encoding(&emitter, YAML_UTF8_ENCODING);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);

    base->document->start_implicit = 1;
    base->document->end_implicit = 1;

    /* yaml_emitter_dump() frees the document, whether or not it fails */

    done = yaml_emitter_open(&emitter);

    if (done) {
        done = yaml_emitter_dump(&emitter, base->document)
               && yaml_emitter_close(&emitter);

        memset(base->document, 0, sizeof(yaml_document_t));
    }

    yaml_emitter_delete(&emitter);

    if (!done || text.data == NULL) {
        return LU_NOMEM;
    }

    text.data[text.len] = '\0';

    merged->data = text.data;
    merged->len = text.len;

    return LU_OK;
}


static int
lu_merge_write(void *data, unsigned char *buffer, size_t size)
{
    size_t            room;
    unsigned char    *p;
    lu_merge_text_t  *text;

    text = data;

    if (text->data == NULL || size >= text->size - text->len) {

        room = 2 * (text->len + size) + 4096;

        p = text->arena->alloc(text->arena->data, room);
        if (p == NULL) {
            return 0;
        }

        if (text->len) {
            memcpy(p, text->data, text->len);
        }

        text->data = p;
        text->size = room;
    }

    memcpy(text->data + text->len, buffer, size);
    text->len += size;

    return 1;
}


/* The value of a member; 0: there is none. */

static int
lu_merge_member(const lu_merge_t *manifest, int mapping, const char *key)
{
    lu_str_t           name;
    yaml_node_t       *node;
    yaml_node_pair_t  *pair;

    node = yaml_document_get_node(manifest->document, mapping);

    if (node == NULL || node->type != YAML_MAPPING_NODE) {
        return 0;
    }

    for (pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top;
         pair++)
    {
        name = lu_merge_scalar(manifest, pair->key);

        if (lu_str_is(&name, key)) {
            return pair->value;
        }
    }

    return 0;
}


/* Gives a member of the root another value. */

static void
lu_merge_set(lu_merge_t *manifest, const char *key, int value)
{
    lu_str_t           name;
    yaml_node_t       *root;
    yaml_node_pair_t  *pair;

    root = yaml_document_get_root_node(manifest->document);

    for (pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top;
         pair++)
    {
        name = lu_merge_scalar(manifest, pair->key);

        if (lu_str_is(&name, key)) {
            pair->value = value;
        }
    }
}


static int
lu_merge_eq(const lu_merge_t *one, int node1, const lu_merge_t *two,
    int node2, int depth)
{
    size_t             i, n;
    lu_str_t           text1, text2;
    yaml_node_t       *a, *b;

    a = yaml_document_get_node(one->document, node1);
    b = yaml_document_get_node(two->document, node2);

    if (a == NULL || b == NULL || a->type != b->type
        || depth > LU_MERGE_DEPTH)
    {
        return 0;
    }

    switch (a->type) {

    case YAML_SCALAR_NODE:
        text1 = lu_merge_scalar(one, node1);
        text2 = lu_merge_scalar(two, node2);

        /* null is not "null" */

        return lu_str_eq(&text1, &text2)
               && (a->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
                  == (b->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);

    case YAML_SEQUENCE_NODE:
        n = a->data.sequence.items.top - a->data.sequence.items.start;

        if (n != (size_t) (b->data.sequence.items.top
                           - b->data.sequence.items.start))
        {
            return 0;
        }

        for (i = 0; i < n; i++) {
            if (!lu_merge_eq(one, a->data.sequence.items.start[i],
                             two, b->data.sequence.items.start[i], depth + 1))
            {
                return 0;
            }
        }

        return 1;

    case YAML_MAPPING_NODE:
        n = a->data.mapping.pairs.top - a->data.mapping.pairs.start;

        if (n != (size_t) (b->data.mapping.pairs.top
                           - b->data.mapping.pairs.start))
        {
            return 0;
        }

        for (i = 0; i < n; i++) {
            if (!lu_merge_eq(one, a->data.mapping.pairs.start[i].key,
                             two, b->data.mapping.pairs.start[i].key,
                             depth + 1)
                || !lu_merge_eq(one, a->data.mapping.pairs.start[i].value,
                                two, b->data.mapping.pairs.start[i].value,
                                depth + 1))
            {
                return 0;
            }
        }

        return 1;

    default:
        return 0;
    }
}


/* The new node; 0: no memory, or too deep. */

static int
lu_merge_copy(const lu_merge_t *from, int node, lu_merge_t *to, int depth)
{
    int           copy, key, value;
    size_t        i, n;
    yaml_node_t  *a;

    a = yaml_document_get_node(from->document, node);

    if (a == NULL || depth > LU_MERGE_DEPTH) {
        return 0;
    }

    switch (a->type) {

    case YAML_SCALAR_NODE:
        return yaml_document_add_scalar(to->document, NULL,
                                        a->data.scalar.value,
                                        (int) a->data.scalar.length,
                                        a->data.scalar.style);

    case YAML_SEQUENCE_NODE:
        n = a->data.sequence.items.top - a->data.sequence.items.start;
        copy = yaml_document_add_sequence(to->document, NULL,
                                          a->data.sequence.style);

        for (i = 0; copy && i < n; i++) {

            /* the nodes move when the document that has them grows */

            a = yaml_document_get_node(from->document, node);
            value = lu_merge_copy(from, a->data.sequence.items.start[i], to,
                                  depth + 1);

            if (value == 0
                || !yaml_document_append_sequence_item(to->document, copy,
                                                       value))
            {
                return 0;
            }
        }

        return copy;

    case YAML_MAPPING_NODE:
        n = a->data.mapping.pairs.top - a->data.mapping.pairs.start;
        copy = yaml_document_add_mapping(to->document, NULL,
                                         a->data.mapping.style);

        for (i = 0; copy && i < n; i++) {

            a = yaml_document_get_node(from->document, node);
            key = lu_merge_copy(from, a->data.mapping.pairs.start[i].key, to,
                                depth + 1);

            a = yaml_document_get_node(from->document, node);
            value = lu_merge_copy(from, a->data.mapping.pairs.start[i].value,
                                  to, depth + 1);

            if (key == 0
                || value == 0
                || !yaml_document_append_mapping_pair(to->document, copy, key,
                                                      value))
            {
                return 0;
            }
        }

        return copy;

    default:
        return 0;
    }
}


static lu_str_t
lu_merge_scalar(const lu_merge_t *manifest, int node)
{
    lu_str_t      text;
    yaml_node_t  *scalar;

    text.len = 0;
    text.data = (unsigned char *) "";

    scalar = yaml_document_get_node(manifest->document, node);

    if (scalar && scalar->type == YAML_SCALAR_NODE) {
        text.data = scalar->data.scalar.value;
        text.len = scalar->data.scalar.length;
    }

    return text;
}
