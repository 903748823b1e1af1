
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_mount.h"


typedef struct {
    const char   *type;
    lu_mount_e    kind;
} lu_mount_type_t;


static int lu_mount_line(const lu_str_t *line, unsigned major, unsigned minor,
    lu_mount_t *mount);
static int lu_mount_word(lu_str_t *line, lu_str_t *word);
static int lu_mount_number(lu_str_t *word, unsigned *n);
static lu_mount_e lu_mount_kind(const lu_str_t *type);
static size_t lu_mount_nfs(const lu_mount_t *mount, const char **texts);
static int lu_mount_has(const lu_mount_t *mount, const char *option);
static int lu_mount_option(const lu_str_t *options, const char *name,
    lu_str_t *value);


static const lu_mount_type_t  lu_mount_types[] = {
    { "tmpfs", LU_MOUNT_MEMORY },
    { "ramfs", LU_MOUNT_MEMORY },
    { "nfs", LU_MOUNT_NFS },
    { "nfs4", LU_MOUNT_NFS },
    { "ceph", LU_MOUNT_CEPH },
    { "fuse.ceph", LU_MOUNT_CEPH },
    { "fuse.ceph-fuse", LU_MOUNT_CEPH },
    { "fuse.glusterfs", LU_MOUNT_GLUSTER },
    { "fuse", LU_MOUNT_OTHER },
    { "cifs", LU_MOUNT_OTHER },
    { "smb3", LU_MOUNT_OTHER },
    { "9p", LU_MOUNT_OTHER },
    { "virtiofs", LU_MOUNT_OTHER },
    { "afs", LU_MOUNT_OTHER },
    { "coda", LU_MOUNT_OTHER },
    { "lustre", LU_MOUNT_OTHER },
    { "beegfs", LU_MOUNT_OTHER },
    { "gpfs", LU_MOUNT_OTHER },
    { "gfs2", LU_MOUNT_OTHER },
    { "ocfs2", LU_MOUNT_OTHER },
    { "vboxsf", LU_MOUNT_OTHER },
    { NULL, LU_MOUNT_LOCAL }
};


int
lu_mount_find(const lu_str_t *text, unsigned major, unsigned minor,
    lu_mount_t *mount)
{
    int             found;
    size_t          rest;
    lu_str_t        line;
    unsigned char  *p, *end;

    found = 0;
    p = text->data;
    rest = text->len;

    while (rest) {
        end = memchr(p, '\n', rest);

        line.data = p;
        line.len = end ? (size_t) (end - p) : rest;

        if (lu_mount_line(&line, major, minor, mount)) {
            found = 1;
        }

        if (end == NULL) {
            break;
        }

        rest -= line.len + 1;
        p = end + 1;
    }

    return found;
}


/*
 * "36 35 98:0 /root /mnt rw,noatime [optional ...] - ext4 /dev/x rw": id,
 * parent, device, root, place, options, type, source, options of all mounts.
 */

static int
lu_mount_line(const lu_str_t *line, unsigned major, unsigned minor,
    lu_mount_t *mount)
{
    size_t    i;
    unsigned  n[2];
    lu_str_t  rest, word, device, options, type, super;

    rest = *line;

    memset(&device, 0, sizeof(lu_str_t));
    memset(&options, 0, sizeof(lu_str_t));
    memset(&super, 0, sizeof(lu_str_t));

    for (i = 0; i < 6; i++) {
        if (!lu_mount_word(&rest, &word)) {
            return 0;
        }

        if (i == 2) {
            device = word;
        }

        options = word;
    }

    if (!lu_mount_number(&device, &n[0])
        || device.len == 0
        || device.data[0] != ':')
    {
        return 0;
    }

    device.data++;
    device.len--;

    if (!lu_mount_number(&device, &n[1])
        || device.len
        || n[0] != major
        || n[1] != minor)
    {
        return 0;
    }

    do {
        if (!lu_mount_word(&rest, &word)) {
            return 0;
        }
    } while (!lu_str_is(&word, "-"));

    if (!lu_mount_word(&rest, &type) || !lu_mount_word(&rest, &word)) {
        return 0;
    }

    (void) lu_mount_word(&rest, &super);

    mount->type = type;
    mount->options = options;
    mount->super = super;
    mount->kind = lu_mount_kind(&type);

    return 1;
}


/* Cuts off the next word; a space in one is written as "\040". */

static int
lu_mount_word(lu_str_t *line, lu_str_t *word)
{
    size_t  i;

    for (i = 0; i < line->len && line->data[i] != ' '; i++) { /* void */ }

    word->data = line->data;
    word->len = i;

    if (i < line->len) {
        i++;
    }

    line->data += i;
    line->len -= i;

    return word->len != 0;
}


/* Cuts off the number that it begins with. */

static int
lu_mount_number(lu_str_t *word, unsigned *n)
{
    size_t  i;

    *n = 0;

    for (i = 0; i < word->len; i++) {
        if (word->data[i] < '0' || word->data[i] > '9') {
            break;
        }

        if (i == 9) {
            return 0;
        }

        *n = *n * 10 + (word->data[i] - '0');
    }

    word->data += i;
    word->len -= i;

    return i != 0;
}


static lu_mount_e
lu_mount_kind(const lu_str_t *type)
{
    const lu_mount_type_t  *known;

    for (known = lu_mount_types; known->type; known++) {
        if (lu_str_is(type, known->type)) {
            return known->kind;
        }
    }

    return type->len > 5 && memcmp(type->data, "fuse.", 5) == 0
           ? LU_MOUNT_OTHER
           : LU_MOUNT_LOCAL;
}


size_t
lu_mount_warnings(const lu_mount_t *mount,
    const char *texts[LU_MOUNT_WARNINGS])
{
    size_t  n;

    n = 0;

    switch (mount->kind) {

    case LU_MOUNT_LOCAL:
        break;

    case LU_MOUNT_MEMORY:
        texts[n++] = "and will be gone when the machine restarts";
        break;

    case LU_MOUNT_NFS:
        n = lu_mount_nfs(mount, texts);
        break;

    case LU_MOUNT_CEPH:
        if (lu_mount_has(mount, "recover_session=clean")) {
            texts[n++] = "with \"recover_session=clean\": a machine that was "
                         "cut off goes on without the locks that it had; "
                         "mount it without that option";
        }

        break;

    case LU_MOUNT_GLUSTER:
        texts[n++] = "whose caches nginx cannot see: mount it with "
                     "\"attribute-timeout=0,entry-timeout=0\", or what other "
                     "machines change is seen a second late and calls are "
                     "repeated";
        break;

    case LU_MOUNT_OTHER:
        texts[n++] = "which is not supported for several machines: run "
                     "\"make check-store\" before you share the store";
        break;
    }

    return n;
}


static size_t
lu_mount_nfs(const lu_mount_t *mount, const char **texts)
{
    size_t    n;
    lu_str_t  value;

    n = 0;

    if (!lu_mount_option(&mount->super, "vers", &value)
        || value.len != 3
        || memcmp(value.data, "4.1", 3) < 0)
    {
        texts[n++] = "of a version before 4.1: a lock may outlive its machine, "
                     "or end before it; mount it with \"vers=4.1\"";
    }

    if (lu_mount_has(mount, "nolock")
        || (lu_mount_option(&mount->super, "local_lock", &value)
            && !lu_str_is(&value, "none")))
    {
        texts[n++] = "with \"nolock\" or \"local_lock\": other machines do not "
                     "see the locks, and changes are lost; mount it without "
                     "these";
    }

    if ((lu_mount_has(mount, "soft") || lu_mount_has(mount, "softerr"))
        && !lu_mount_has(mount, "ro"))
    {
        texts[n++] = "with \"soft\": a change may be made although it was "
                     "answered with an error; mount it with \"hard\"";
    }

    if (!lu_mount_has(mount, "lookupcache=none")
        && !lu_mount_has(mount, "noac")
        && !(lu_mount_has(mount, "acregmax=0")
             && lu_mount_has(mount, "acdirmax=0")))
    {
        texts[n++] = "without \"lookupcache=none\": what other machines change "
                     "is seen late, and calls are repeated; mount it with that "
                     "option";
    }

    return n;
}


static int
lu_mount_has(const lu_mount_t *mount, const char *option)
{
    return lu_mount_option(&mount->options, option, NULL)
           || lu_mount_option(&mount->super, option, NULL);
}


/* Without a value to set, the whole option has to be the name. */

static int
lu_mount_option(const lu_str_t *options, const char *name, lu_str_t *value)
{
    size_t          len, i, end;
    unsigned char  *p;

    len = strlen(name);

    for (i = 0; i < options->len; i = end + 1) {

        for (end = i; end < options->len; end++) {
            if (options->data[end] == ',') {
                break;
            }
        }

        p = options->data + i;

        if (end - i < len || memcmp(p, name, len) != 0) {
            continue;
        }

        if (value == NULL) {
            if (end - i == len) {
                return 1;
            }

        } else if (end - i > len && p[len] == '=') {
            value->data = p + len + 1;
            value->len = end - i - len - 1;

            return 1;
        }
    }

    return 0;
}
