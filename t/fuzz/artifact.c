
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A name, a version and an id, a line each.  A blockmap is as its file; an
 * architecture that is put behind the version counts; an id never does.
 */


#include "fuzz.h"
#include "lu_artifact.h"


static int
same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}


static lu_str_t
join(const lu_str_t *name, const char *end)
{
    lu_str_t  str;

    str.len = name->len + strlen(end);
    str.data = malloc(str.len);

    if (name->len) {
        memcpy(str.data, name->data, name->len);
    }

    memcpy(str.data + name->len, end, strlen(end));

    return str;
}


static void
check_name(const lu_str_t *name, const lu_str_t *version, const lu_str_t *id)
{
    size_t         start, end;
    lu_str_t       other, none;
    lu_artifact_t  artifact, again;

    lu_artifact_parse(name, version, id, &artifact);

    require((artifact.platform & (artifact.platform - 1)) == 0);
    require(artifact.arch == NULL || strlen(artifact.arch) <= 9);
    require(!artifact.is_doubtful || same(artifact.arch, "universal"));

    if (!lu_str_case_ends(name, ".blockmap")) {
        other = join(name, ".blockmap");

        lu_artifact_parse(&other, version, id, &again);

        require(same(again.kind, artifact.kind));
        require(same(again.arch, artifact.arch));
        require(again.platform == artifact.platform);

        free(other.data);
    }

    if (version->len
        && version->data[0] >= '0' && version->data[0] <= '9'
        && memchr(version->data, '.', version->len))
    {
        none = fuzz_str("");
        other = join(version, "-arm64.AppImage");

        lu_artifact_parse(&other, version, &none, &again);

        require(same(again.kind, "appImage"));
        require(same(again.arch, "arm64") && again.platform == LU_LINUX);

        free(other.data);
    }

    end = lu_artifact_build_id(name, id, &start);

    if (end) {
        require(id->len > 0 && start < end && end <= name->len);
        require(memcmp(name->data + end - id->len, id->data, id->len) == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             i;
    lu_str_t        part[3];
    const uint8_t  *end, *last;

    last = data + size;

    for (i = 0; i < 3; i++) {
        end = (i < 2 && data < last) ? memchr(data, '\n', last - data) : NULL;
        end = end ? end : last;

        part[i] = fuzz_copy(data, end - data);
        data = end < last ? end + 1 : last;
    }

    check_name(&part[0], &part[1], &part[2]);

    for (i = 0; i < 3; i++) {
        free(part[i].data);
    }

    return 0;
}
