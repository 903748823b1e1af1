
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_audit.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"

#include "core/lu_json.h"
#include "core/lu_put.h"


ngx_int_t
ngx_lu_audit(ngx_lu_task_t *task, u_char *folder, double generation)
{
    char      *text;
    cJSON     *line;
    size_t     len;
    u_char    *path;
    lu_put_t   put;
    ngx_int_t  rc;

    lu_put_init(&put);

    line = cJSON_CreateObject();

    lu_put_string(&put, line, "at", task->now);
    lu_put_string(&put, line, "by", task->by);
    lu_put_string(&put, line, "change", task->change);
    lu_put_string(&put, line, "subject", task->subject);

    if (task->commit) {
        lu_put_string(&put, line, "commit", task->commit);
    }

    if (task->from) {
        lu_put_string(&put, line, "from", task->from);
    }

    if (task->to) {
        lu_put_string(&put, line, "to", task->to);
    }

    lu_put_number(&put, line, "generation", generation);

    line = lu_put_done(&put, line);
    text = line ? cJSON_PrintUnformatted(line) : NULL;

    cJSON_Delete(line);

    if (text == NULL) {
        return ngx_lu_io_nomem(&task->io);
    }

    len = ngx_strlen(text);

    /* the line feed takes the place of the terminating zero byte */

    text[len] = '\n';

    path = ngx_lu_path_in(&task->io, folder, "audit.log");

    rc = ngx_lu_file_append(&task->io, path, text, len + 1);

    cJSON_free(text);

    return rc;
}
