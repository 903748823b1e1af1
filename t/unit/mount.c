
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_mount.c"


static const char  mountinfo[] =
    "22 28 0:21 / /proc rw,nosuid - proc proc rw\n"
    "28 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw\n"
    "30 28 0:40 / /srv/a\\040b rw - nfs4 10.0.0.1:/ rw,vers=4.1,hard\n"
    "31 28 0:40 /x /srv/two ro - nfs4 10.0.0.1:/ rw,vers=4.1,hard,nolock\n"
    "32 28 0:41 / /none rw,relatime - tmpfs  rw,size=1k\n"
    "33 28 0:42 / /half rw - ceph\n"
    "34 28 0:43 / /cut";


static void
test_find(void)
{
    lu_str_t    text;
    lu_mount_t  mount;

    text = lu_str(mountinfo);

    ok(lu_mount_find(&text, 254, 0, &mount)
       && mount.kind == LU_MOUNT_LOCAL
       && lu_str_is(&mount.type, "ext4")
       && lu_str_is(&mount.options, "rw,relatime")
       && lu_str_is(&mount.super, "rw"),
       "behind optional fields");
    ok(lu_mount_find(&text, 0, 40, &mount)
       && mount.kind == LU_MOUNT_NFS
       && lu_str_is(&mount.options, "ro")
       && lu_str_is(&mount.super, "rw,vers=4.1,hard,nolock"),
       "the last mount of a file system");
    ok(!lu_mount_find(&text, 0, 4, &mount), "a part of a number is none");
    ok(!lu_mount_find(&text, 0, 41, &mount), "an empty source");
    ok(!lu_mount_find(&text, 0, 42, &mount), "without a source");
    ok(!lu_mount_find(&text, 0, 43, &mount), "a line that was cut");

    text.len = 0;
    ok(!lu_mount_find(&text, 0, 40, &mount), "no text");

    text = lu_str("1 1 0:40x / / rw - ext4 / rw\n"
                  "1 1 :40 / / rw - ext4 / rw\n"
                  "1 1 4294967296:40 / / rw - ext4 / rw\n"
                  "\n  \n- - - - - - - - -\n");
    ok(!lu_mount_find(&text, 0, 40, &mount), "devices that are none");
}


static void
test_kind(void)
{
    size_t    i;
    lu_str_t  type;

    static const struct {
        const char  *type;
        lu_mount_e   kind;
    } cases[] = {
        { "ext4", LU_MOUNT_LOCAL },
        { "xfs", LU_MOUNT_LOCAL },
        { "overlay", LU_MOUNT_LOCAL },
        { "fuseblk", LU_MOUNT_LOCAL },
        { "tmpfs", LU_MOUNT_MEMORY },
        { "nfs", LU_MOUNT_NFS },
        { "nfs4", LU_MOUNT_NFS },
        { "nfsd", LU_MOUNT_LOCAL },
        { "ceph", LU_MOUNT_CEPH },
        { "fuse.ceph-fuse", LU_MOUNT_CEPH },
        { "fuse.glusterfs", LU_MOUNT_GLUSTER },
        { "fuse.sshfs", LU_MOUNT_OTHER },
        { "fuse", LU_MOUNT_OTHER },
        { "cifs", LU_MOUNT_OTHER },
        { "9p", LU_MOUNT_OTHER }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        type = lu_str(cases[i].type);
        ok(lu_mount_kind(&type) == cases[i].kind, "%s", cases[i].type);
    }
}


static void
test_warnings(void)
{
    size_t       i, n;
    const char  *texts[LU_MOUNT_WARNINGS];
    lu_mount_t   mount;

    static const struct {
        lu_mount_e   kind;
        const char  *options;
        const char  *super;
        const char  *warning;                  /* NULL: none */
    } cases[] = {
        { LU_MOUNT_LOCAL, "rw", "rw,soft", NULL },
        { LU_MOUNT_MEMORY, "rw", "rw", "when the machine restarts" },
        { LU_MOUNT_OTHER, "rw", "rw", "is not supported" },
        { LU_MOUNT_GLUSTER, "rw", "rw", "attribute-timeout=0" },
        { LU_MOUNT_CEPH, "rw", "rw,acl", NULL },
        { LU_MOUNT_CEPH, "rw", "rw,recover_session=clean", "cut off" },
        { LU_MOUNT_NFS, "rw", "rw,vers=4.1,hard,lookupcache=none", NULL },
        { LU_MOUNT_NFS, "rw", "rw,vers=4.2,acregmax=0,acdirmax=0", NULL },
        { LU_MOUNT_NFS, "rw", "rw,vers=4.2,noac,local_lock=none", NULL },
        { LU_MOUNT_NFS, "rw", "rw,vers=4.1,hard", "lookupcache=none" },
        { LU_MOUNT_NFS, "rw", "vers=4.1,lookupcache=positive",
          "lookupcache=none" },
        { LU_MOUNT_NFS, "rw", "vers=4.1,acregmax=0", "lookupcache=none" },
        { LU_MOUNT_NFS, "rw", "vers=4.0,noac", "before 4.1" },
        { LU_MOUNT_NFS, "rw", "vers=3,noac", "before 4.1" },
        { LU_MOUNT_NFS, "rw", "noac", "before 4.1" },
        { LU_MOUNT_NFS, "rw", "vers=4.1,noac,nolock", "nolock" },
        { LU_MOUNT_NFS, "rw", "vers=4.1,noac,local_lock=all", "local_lock" },
        { LU_MOUNT_NFS, "rw", "vers=4.1,noac,soft", "\"hard\"" },
        { LU_MOUNT_NFS, "rw", "vers=4.1,noac,softerr", "\"hard\"" },
        { LU_MOUNT_NFS, "ro", "vers=4.1,noac,soft", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&mount, 0, sizeof(lu_mount_t));

        mount.kind = cases[i].kind;
        mount.options = lu_str(cases[i].options);
        mount.super = lu_str(cases[i].super);

        n = lu_mount_warnings(&mount, texts);

        ok(cases[i].warning
           ? n == 1 && strstr(texts[0], cases[i].warning) != NULL
           : n == 0,
           "%s: %s", cases[i].super,
           cases[i].warning ? cases[i].warning : "nothing");
    }

    mount.kind = LU_MOUNT_NFS;
    mount.options = lu_str("rw");
    mount.super = lu_str("soft,nolock");

    ok(lu_mount_warnings(&mount, texts) == 4, "all at once");
}


int
main(void)
{
    test_find();
    test_kind();
    test_warnings();

    return tap_done();
}
