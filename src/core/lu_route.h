
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The paths of the Capawesome API.
 */


#ifndef _LIVEUPDATE_ROUTE_H_INCLUDED_
#define _LIVEUPDATE_ROUTE_H_INCLUDED_


#include "lu_core.h"


typedef enum {
    LIVEUPDATE_ROUTE_NONE = 0,

    LIVEUPDATE_ROUTE_ME,               /* users/me */
    LIVEUPDATE_ROUTE_SESSIONS,         /* sessions, sessions/codes */
    LIVEUPDATE_ROUTE_SESSION,          /* sessions/{id} */
    LIVEUPDATE_ROUTE_ORGANIZATIONS,    /* organizations */
    LIVEUPDATE_ROUTE_ORGANIZATION,     /* organizations/{id} */
    LIVEUPDATE_ROUTE_APPS,             /* apps */
    LIVEUPDATE_ROUTE_APP,              /* apps/{app} */

    LIVEUPDATE_ROUTE_LATEST,           /* apps/{app}/bundles/latest */
    LIVEUPDATE_ROUTE_BUNDLES,          /* .../bundles */
    LIVEUPDATE_ROUTE_BUNDLE,           /* .../bundles/{id} */
    LIVEUPDATE_ROUTE_DOWNLOAD,         /* .../bundles/{id}/download */
    LIVEUPDATE_ROUTE_FILES,            /* .../bundles/{id}/files */
    LIVEUPDATE_ROUTE_UPLOAD,           /* .../bundles/{id}/files/{sub}/upload */
    LIVEUPDATE_ROUTE_CHANNELS,         /* .../channels */
    LIVEUPDATE_ROUTE_CHANNEL,          /* .../channels/{id} */
    LIVEUPDATE_ROUTE_PAUSE,            /* .../channels/{id}/pause */
    LIVEUPDATE_ROUTE_RESUME,           /* .../channels/{id}/resume */
    LIVEUPDATE_ROUTE_DEPLOYMENTS,      /* .../deployments */
    LIVEUPDATE_ROUTE_DEPLOYMENT,       /* .../deployments/{id} */
    LIVEUPDATE_ROUTE_BUILDS,           /* .../builds */
    LIVEUPDATE_ROUTE_BUILD,            /* .../builds/{id} */
    LIVEUPDATE_ROUTE_BUILD_DOWNLOAD,   /* .../builds/{id}/artifacts/{sub}/... */
    LIVEUPDATE_ROUTE_DEVICES,          /* .../devices */
    LIVEUPDATE_ROUTE_DEVICE,           /* .../devices/{id}, id may have "/" */

    LIVEUPDATE_ROUTE_RELEASES,         /* /releases/{app} */
    LIVEUPDATE_ROUTE_RULES,            /* .../rules */
    LIVEUPDATE_ROUTE_AUDIT,            /* .../audit */
    LIVEUPDATE_ROUTE_APPROVED,         /* .../github */
    LIVEUPDATE_ROUTE_ROLLBACK,         /* .../rollback */
    LIVEUPDATE_ROUTE_RELEASE,          /* .../{id} */
    LIVEUPDATE_ROUTE_PROMOTE,          /* .../{id}/promote */
    LIVEUPDATE_ROUTE_REJECT,           /* .../{id}/reject */
    LIVEUPDATE_ROUTE_WITHDRAW,         /* .../{id}/withdraw */
    LIVEUPDATE_ROUTE_STAGE,            /* .../{id}/stage */
    LIVEUPDATE_ROUTE_FETCH,            /* .../{id}/fetch */
    LIVEUPDATE_ROUTE_RETRY,            /* .../{id}/retry */

    /* of the vendor's cloud, and nothing that updates need */
    LIVEUPDATE_ROUTE_CLOUD
} liveupdate_route_e;


typedef struct {
    liveupdate_route_e   resource;
    liveupdate_str_t     app;
    liveupdate_str_t     id;
    liveupdate_str_t     sub;
} liveupdate_route_t;


/*
 * Finds what a decoded path names.  LIVEUPDATE_NOT_FOUND: nothing;
 * LIVEUPDATE_INVALID: an id in it is none.  The strings point into the path.
 */

liveupdate_rc_e liveupdate_route(const liveupdate_str_t *path,
    liveupdate_route_t *route);


#endif /* _LIVEUPDATE_ROUTE_H_INCLUDED_ */
