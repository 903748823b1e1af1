
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_audit.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"

#include "core/lu_json.h"


ngx_int_t
ngx_lu_audit(ngx_lu_task_t *task, u_char *folder, double generation)
{
    char      *text;
    cJSON     *line;
    size_t     len;
    u_char    *path;
    ngx_int_t  rc;

    text = NULL;
    rc = NGX_ERROR;

    line = cJSON_CreateObject();

    if (line == NULL
        || cJSON_AddStringToObject(line, "at", task->now) == NULL
        || cJSON_AddStringToObject(line, "by", task->by) == NULL
        || cJSON_AddStringToObject(line, "change", task->change) == NULL
        || cJSON_AddStringToObject(line, "subject", task->subject) == NULL
        || (task->from
            && cJSON_AddStringToObject(line, "from", task->from) == NULL)
        || (task->to
            && cJSON_AddStringToObject(line, "to", task->to) == NULL)
        || cJSON_AddNumberToObject(line, "generation", generation) == NULL)
    {
        (void) ngx_lu_io_nomem(&task->io);
        goto done;
    }

    text = cJSON_PrintUnformatted(line);
    if (text == NULL) {
        (void) ngx_lu_io_nomem(&task->io);
        goto done;
    }

    len = ngx_strlen(text);

    /* the terminating zero byte gives way to the line's end */

    text[len] = '\n';

    path = ngx_lu_path_in(&task->io, folder, "audit.log");

    rc = ngx_lu_file_append(&task->io, path, text, len + 1);

done:

    cJSON_free(text);
    cJSON_Delete(line);

    return rc;
}
