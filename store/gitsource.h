/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gitsource.h - files of a git commit, read from its objects and never checked out.
 *
 * A local repository (bare or with a work tree) is opened where it is; a URL is
 * cloned bare into a temporary folder that gitsource_close() removes.  Nothing
 * of the repository is executed: no hook, no filter, no checkout.
 */
#ifndef WINNOW_STORE_GITSOURCE_H
#define WINNOW_STORE_GITSOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include "core/buf.h"
#include "core/error.h"

struct gitsource;

/*
 * spec is SOURCE@REVISION[:PATH]: SOURCE a folder or a URL (https, ssh, file,
 * git, user@host:path), REVISION whatever names a commit (branch, tag, id,
 * HEAD~2), PATH a file, a folder or a glob below the root.  ERR_INPUT: not of
 * this form, or no such revision; ERR_NOTFOUND: no repository there;
 * ERR_REMOTE: the clone failed; ERR_IO.
 */
int gitsource_open(const char *spec, struct gitsource **ret, struct error *err);
void gitsource_close(struct gitsource *g);

const char *gitsource_url(const struct gitsource *g);      /* SOURCE, without a password */
const char *gitsource_commit(const struct gitsource *g);   /* 40 hexadecimal digits */
const char *gitsource_path(const struct gitsource *g);     /* PATH, or NULL */

/* Append the file at path of the commit's tree.  ERR_NOTFOUND, ERR_INPUT (not a file), ERR_LIMIT, ERR_NOMEM. */
int gitsource_read(struct gitsource *g, const char *path, struct buf *out, struct error *err);

/* Each regular file that PATH chooses (all without it), in tree order.  A negative answer of fn stops. */
typedef int gitsource_fn(void *ctx, const char *path, struct error *err);
int gitsource_each(struct gitsource *g, gitsource_fn *fn, void *ctx, struct error *err);

#endif
