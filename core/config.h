/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - YAML that remembers where each value came from.
 *
 * A tree of scalars, lists and maps; each node knows file, line and column, so
 * that a bad or unknown key is reported as "file:line: unknown key 'x'".
 * Used for run configuration and for the language recipes.
 */
#ifndef WINNOW_CORE_CONFIG_H
#define WINNOW_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"

enum config_kind { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };
struct config_node {
	enum config_kind kind;
	unsigned line;             /* 1-based */
	char *key;                 /* within a map; NULL elsewhere */
	unsigned key_line;
	char *scalar;              /* CONFIG_SCALAR: the text; "" for null */
	bool plain;                /* not quoted: may be a number, true, false, null */
	struct config_node *items; /* CONFIG_LIST, CONFIG_MAP: n_items of them, file order */
	size_t n_items;
};
struct config {
	char *path;
	struct config_node root;
};

int config_load(const char *path, struct config **ret, struct error *err);
int config_parse(const char *text, size_t n, const char *name, struct config **ret, struct error *err);
void config_free(struct config *c);
void config_cleanup(struct config **c);
#define cleanup_config __attribute__((cleanup(config_cleanup)))

const struct config_node *config_get(const struct config_node *map, const char *key); /* NULL: absent */
/* ERR_INPUT "file:line: unknown key 'x'" for the first key of map not in keys (NULL-terminated). */
int config_only_keys(const struct config *c, const struct config_node *map, const char *const *keys, struct error *err);
/* Each: ERR_INPUT with file and line when of another type; NULL node gives the fallback. */
int config_str(const struct config *c, const struct config_node *n, const char *fallback, const char **ret, struct error *err);
int config_u64(const struct config *c, const struct config_node *n, uint64_t fallback, uint64_t *ret, struct error *err);
int config_double(const struct config *c, const struct config_node *n, double fallback, double *ret, struct error *err);
int config_bool(const struct config *c, const struct config_node *n, bool fallback, bool *ret, struct error *err);

#endif
