/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - any bytes as a configuration file, or a language's recipe.
 *
 * What is read is a tree that knows its lines, is bounded in depth, and answers every
 * question about a value with the value or with an error that names file and line;
 * what is not read says where.
 */
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_name_the_file(int r, const struct error *err)
{
	must(r == 0 || (r == err->code && strncmp(err->msg, "fuzz.yaml:", 10) == 0));
}

static size_t check(const struct config *c, const struct config_node *node, unsigned lines, unsigned depth)
{
	static const char *const none[] = { NULL };
	struct error err = ERROR_INIT;
	size_t seen = 1;
	const char *text;
	uint64_t number;
	double real;
	bool truth;

	must(depth < 10000 && node->line <= lines + 1);
	must_name_the_file(config_str(c, node, "", &text, &err), &err);
	must_name_the_file(config_u64(c, node, 0, &number, &err), &err);
	must_name_the_file(config_double(c, node, 0, &real, &err), &err);
	must_name_the_file(config_bool(c, node, false, &truth, &err), &err);
	if (node->kind == CONFIG_SCALAR) {
		must(node->scalar && node->n_items == 0);
		return seen;
	}
	if (node->kind == CONFIG_MAP) {
		int r = config_only_keys(c, node, none, &err);

		must_name_the_file(r, &err);
		must((r == 0) == (node->n_items == 0));
	}
	for (size_t i = 0; i < node->n_items; i++) {
		const struct config_node *item = &node->items[i];

		must((item->key != NULL) == (node->kind == CONFIG_MAP));
		if (item->key)
			must(config_get(node, item->key) != NULL);
		seen += check(c, item, lines, depth + 1);
	}
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;
	unsigned lines = 1;
	int r = config_parse((const char *)data, n, "fuzz.yaml", &c, &err);

	must(r == 0 || (r == err.code && err.msg[0]));
	if (r < 0) {
		must(!c && strstr(err.msg, "fuzz.yaml"));
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80; /* YAML has line breaks beyond ASCII */
	(void) check(c, &c->root, lines, 0);
	config_free(c);
	return 0;
}
