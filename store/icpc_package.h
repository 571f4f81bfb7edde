/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icpc_package.h - a problem package while it is read: what its configuration
 * files say (icpc_package.c), and what import_icpc.c makes of it.
 */
#ifndef WINNOW_STORE_ICPC_PACKAGE_H
#define WINNOW_STORE_ICPC_PACKAGE_H

#include <stdbool.h>
#include "core/buf.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"

struct icpc_package {
	const char *path;
	const char *id;              /* the folder's name */
	json_t *task, *cases;        /* borrowed by whoever builds them */
	json_t *params;              /* info.toml [params]: name -> text */
	struct config *yaml;
	char *flags;                 /* of the output validator; NULL: none given */
	bool custom;
	double time_s, memory_mib, output_mib; /* 0: not given */
	char *license;
};

/* problem.yaml, info.toml, .timelimit, testdata.yaml: each where it is there.  ERR_INPUT names the file. */
int icpc_package_configure(struct icpc_package *k, struct error *err);
/* Frees what icpc_package_configure() made; task, cases and params are the caller's. */
void icpc_package_clear(struct icpc_package *k);

/* Text of a file of the package; ERR_INPUT names it where it is no UTF-8. */
int icpc_read_text(const char *path, struct buf *b, struct error *err);
/* path/name; NULL: no memory, and *err says so. */
char *icpc_path(const struct icpc_package *k, const char *name, struct error *err);

#endif
