
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The paths of the Capawesome API, and of the API for releases.
 */


#ifndef _LU_ROUTE_H_INCLUDED_
#define _LU_ROUTE_H_INCLUDED_


#include "lu_error.h"


typedef enum {
    LU_ROUTE_NONE = 0,

    LU_ROUTE_ME,                       /* users/me */
    LU_ROUTE_SESSIONS,                 /* sessions, sessions/codes */
    LU_ROUTE_SESSION,                  /* sessions/{id} */
    LU_ROUTE_ORGANIZATIONS,            /* organizations */
    LU_ROUTE_ORGANIZATION,             /* organizations/{id} */
    LU_ROUTE_APPS,                     /* apps */
    LU_ROUTE_APP,                      /* apps/{app} */

    LU_ROUTE_LATEST,                   /* apps/{app}/bundles/latest */
    LU_ROUTE_BUNDLES,                  /* .../bundles */
    LU_ROUTE_BUNDLE,                   /* .../bundles/{id} */
    LU_ROUTE_DOWNLOAD,                 /* .../bundles/{id}/download */
    LU_ROUTE_FILES,                    /* .../bundles/{id}/files */
    LU_ROUTE_UPLOAD,                   /* .../bundles/{id}/files/{sub}/upload */
    LU_ROUTE_CHANNELS,                 /* .../channels */
    LU_ROUTE_CHANNEL,                  /* .../channels/{id} */
    LU_ROUTE_HEALTH,                   /* .../channels/{id}/health */
    LU_ROUTE_HISTORY,                  /* .../history */
    LU_ROUTE_PAUSE,                    /* .../channels/{id}/pause */
    LU_ROUTE_RESUME,                   /* .../channels/{id}/resume */
    LU_ROUTE_DEPLOYMENTS,              /* .../deployments */
    LU_ROUTE_DEPLOYMENT,               /* .../deployments/{id} */
    LU_ROUTE_DEPLOYMENT_GROWTH,        /* .../deployments/{id}/{sub} */
    LU_ROUTE_BUILDS,                   /* .../builds */
    LU_ROUTE_BUILD,                    /* .../builds/{id} */
    LU_ROUTE_BUILD_DOWNLOAD,           /* .../builds/{id}/artifacts/{sub}/... */
    LU_ROUTE_DEVICES,                  /* .../devices */
    LU_ROUTE_DEVICE,                   /* .../devices/{id}, id may have "/" */

    LU_ROUTE_TARGETS,                  /* notifications */
    LU_ROUTE_TARGET,                   /* notifications/{id} */
    LU_ROUTE_TARGET_PAUSE,             /* notifications/{id}/pause */
    LU_ROUTE_TARGET_RESUME,            /* notifications/{id}/resume */
    LU_ROUTE_TARGET_TEST,              /* notifications/{id}/test */
    LU_ROUTE_TARGET_AGAIN,             /* notifications/{id}/again */

    LU_ROUTE_RELEASES,                 /* /releases/{app} */
    LU_ROUTE_RULES,                    /* .../rules */
    LU_ROUTE_AUDIT,                    /* .../audit */
    LU_ROUTE_APPROVED,                 /* .../github */
    LU_ROUTE_ROLLBACK,                 /* .../rollback */
    LU_ROUTE_CLEANUP,                  /* .../cleanup */
    LU_ROUTE_RELEASE,                  /* .../{id} */
    LU_ROUTE_PROMOTE,                  /* .../{id}/promote */
    LU_ROUTE_REJECT,                   /* .../{id}/reject */
    LU_ROUTE_WITHDRAW,                 /* .../{id}/withdraw */
    LU_ROUTE_STAGE,                    /* .../{id}/stage */
    LU_ROUTE_FETCH,                    /* .../{id}/fetch */
    LU_ROUTE_LINK,                     /* .../{id}/link */
    LU_ROUTE_RETRY,                    /* .../{id}/retry */
    LU_ROUTE_RELEASE_HEALTH,           /* .../{id}/health */
    LU_ROUTE_GROWTH,                   /* .../{id}/{sub}, e.g. "halt" */

    /* of the vendor's cloud, and not needed for updates */
    LU_ROUTE_CLOUD
} lu_route_e;


typedef struct {
    lu_route_e           resource;
    lu_str_t             app;
    lu_str_t             id;
    lu_str_t             sub;
} lu_route_t;


/*
 * Finds the resource of a decoded path.  The strings point into the path.
 * LU_OK; LU_NOT_FOUND: there is none; LU_INVALID: an id in the path is not
 * valid.
 */

lu_rc_e lu_route(const lu_str_t *path, lu_route_t *route);

/*
 * 1 if a release cannot have that id, since /releases/{app}/{id} would be the
 * path of something else.
 */

int lu_route_takes(const lu_str_t *id);


#endif /* _LU_ROUTE_H_INCLUDED_ */
