/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_config.c - winnow config: each effective value and where it came from; the file's schema. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/help.h"
#include "rollout/options.h"

/* The options of the command that is asked about, as its own command line would give them. */
static int parse_for(const struct command *cmd, const struct options *o, struct options **ret, struct error *err)
{
	const char *const *more = options_args(o) + 1;
	size_t n_more = options_n_args(o) - 1, n = 0;
	const char *config = options_str(o, "config"), *store = options_str(o, "store");
	cleanup_mem char **argv = mem_calloc(n_more + 4, sizeof(*argv));
	cleanup_mem char *config_word = NULL, *store_word = NULL;
	int r;

	if (!argv)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (config) {
		config_word = mem_printf("--config=%s", config);
		argv[n++] = config_word;
	}
	if (options_origin(o, "store", NULL) == ORIGIN_FLAG) { /* the environment tells it anyway */
		store_word = mem_printf("--store=%s", store);
		argv[n++] = store_word;
	}
	for (size_t i = 0; i < n; i++)
		if (!argv[i])
			return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n_more; i++)
		argv[n++] = (char *)more[i]; /* options_parse() only reads them */
	r = options_parse(cmd, (int)n, argv, ret, err);
	return r;
}

static int say_value(const struct options *of, const struct option_spec *spec, struct table *table, json_t *all,
		     struct error *err)
{
	cleanup_mem char *key = options_key(spec->name);
	const char *where;
	enum origin origin = options_origin(of, spec->name, &where);
	json_t *value = options_value(of, spec->name);

	if (!key || !value) {
		json_decref(value);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	if (table) {
		table_text(table, key);
		if (spec->kind == OPTION_STRING || spec->kind == OPTION_LIST || json_is_null(value) ||
		    json_is_boolean(value))
			table_json(table, value);
		else
			table_text(table, options_str(of, spec->name));
		table_text(table, origin == ORIGIN_DEFAULT ? "default" : where);
		json_decref(value);
		return 0;
	}
	if (json_object_set_new(all, key, json_pack("{s:o, s:s, s:s}", "value", value, "origin", origin_name(origin),
						    "where", where)))
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static int show(const struct globals *g, const struct command *cmd, const struct options *o, struct error *err)
{
	static const char *const titles[] = { "key", "value", "from" };
	cleanup_options struct options *of = NULL;
	cleanup_table struct table *table = NULL;
	cleanup_json json_t *all = json_object();
	const struct option_spec *const lists[] = { cmd->options, options_globals };
	int r = parse_for(cmd, o, &of, err);

	if (r == 0 && !all)
		r = error_set(err, ERR_NOMEM, "out of memory");
	if (r == 0 && !g->json)
		r = table_new(ARRAY_SIZE(titles), titles, &table, err);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct option_spec *s = lists[i]; s && s->name && r == 0; s++)
			if (s->config)
				r = say_value(of, s, table, all, err);
	if (r < 0)
		return r;
	return g->json ? answer_json(json_incref(all), err) : table_end(table, err);
}

static int schema(const struct command *cmd, struct error *err)
{
	cleanup_json json_t *j = help_config_schema(cmd);
	cleanup_mem char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;

	if (!text)
		return error_set(err, ERR_NOMEM, "out of memory");
	(void) printf("%s\n", text);
	return 0;
}

static int config_main(const struct globals *g, const struct options *o, struct error *err)
{
	const struct command *cmd = command_find(options_str(o, "command"));
	int r = options_expect_args(o, 1, SIZE_MAX, err);
	const char *what;

	if (r < 0)
		return r;
	what = options_args(o)[0];
	if (!cmd) {
		r = command_unknown(options_str(o, "command"), err);
		return error_prefix(err, r, "--command");
	}
	if (str_eq(what, "show"))
		return show(g, cmd, o, err);
	if (!str_eq(what, "schema"))
		return error_set(err, ERR_INPUT, "'%s' is neither show nor schema", what);
	if (options_n_args(o) > 1)
		return error_set(err, ERR_INPUT, "'%s' is not wanted after 'config schema'", options_args(o)[1]);
	return schema(cmd, err);
}

static const struct option_spec config_options[] = {
	{ "command", OPTION_STRING, "NAME", "run", "the command whose configuration it is", false },
	{ "config", OPTION_STRING, "FILE", NULL, "the configuration file (YAML)", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_config = {
	.name = "config",
	.summary = "show each effective value of a configuration and where it came from",
	.usage = "show|schema [-- OPTION…]",
	.description =
		"show prints what a command would use: a flag (after --) is stronger than an environment variable WINNOW_NAME, "
		"that than the configuration file, that than the default; the last column names which it was, with file and "
		"line. An unknown key of the file is an error that names file and line.\n\n"
		"schema prints the JSON schema of the configuration file (docs/formats/config.schema.json is that of run).",
	.options = config_options,
	.main = config_main,
};
