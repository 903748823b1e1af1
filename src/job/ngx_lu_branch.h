
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The branch of a pull request, with a commit for each of the two files.
 */


#ifndef _NGX_LU_BRANCH_H_INCLUDED_
#define _NGX_LU_BRANCH_H_INCLUDED_


#include "ngx_lu_github.h"
#include "ngx_lu_job.h"


/*
 * Creates github->branch at the commit github->sha, unless an earlier try has
 * created it, adds the build of github->release to one file and its rules to
 * the other, and calls committed().
 *
 * If the branch is somebody else's, github->branch becomes another name, and
 * taken() is called.  Any other failure ends the job.
 */

void ngx_lu_branch(ngx_lu_github_t *github, ngx_lu_github_pt committed,
    ngx_lu_github_pt taken);


#endif /* _NGX_LU_BRANCH_H_INCLUDED_ */
