/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - flag > environment > file > default, each value with its origin.
 *
 * Invariants: (1) values[i] belongs to the i-th option of the command, followed by
 * an implied --config and the globals; (2) a value is set by the strongest origin that gives it, since
 * origins are read strongest first and a set value is never set again from a
 * weaker one (flags among themselves: the last wins, lists gather); (3) a
 * weaker origin is checked all the same: a bad configuration file is an error
 * even where every key of it is overridden.
 */
#include "rollout/options.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/suggest.h"

/* clang-format off */
const struct option_spec options_globals[] = {
	{ "store", OPTION_STRING, "FILE", "winnow.db", "the store", true },
	{ "json", OPTION_FLAG, NULL, NULL, "answer in JSON, for programs", false },
	{ "directory", OPTION_STRING, "DIR", NULL, "work in this folder (also -C DIR)", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};
static const struct option_spec config_option = {
	"config", OPTION_STRING, "FILE", NULL, "configuration file (YAML)", false
};
/* clang-format on */

struct setting {
	const struct option_spec *spec;
	bool set;
	enum origin origin;
	char *where;
	char *text;   /* not FLAG and LIST */
	char **list;  /* LIST: NULL-terminated */
	size_t n_list;
	bool flag;
	uint64_t u64;
	double num;
};

struct options {
	const struct command *cmd;
	struct setting *values;
	size_t n;
	char **args; /* NULL-terminated */
	size_t n_args, args_cap;
	bool help;
};

static const char *const no_list[] = { NULL };

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for options");
}

char *options_key(const char *name)
{
	char *key = mem_strdup(name);

	for (char *p = key; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return key;
}

char *options_variable(const char *name)
{
	char *var = mem_printf("WINNOW_%s", name);

	for (char *p = var; p && *p; p++)
		*p = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
	return var;
}

const char *origin_name(enum origin origin)
{
	switch (origin) {
	case ORIGIN_FLAG:
		return "flag";
	case ORIGIN_ENVIRONMENT:
		return "environment";
	case ORIGIN_FILE:
		return "file";
	case ORIGIN_DEFAULT:
	default:
		return "default";
	}
}

static struct setting *find(const struct options *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->values[i].spec->name, name) == 0)
			return &o->values[i];
	return NULL;
}

/* --- setting --- */

static int parse_bool(const char *text, const char *what, bool *ret, struct error *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*ret = strcasecmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return error_set(err, ERR_INPUT, "%s: '%s' is neither true nor false", what, text);
}

/* Check text as a value of the kind and fill *v with it; v->text is not touched. */
static int parse_value(struct setting *v, const char *text, const char *what, struct error *err)
{
	switch (v->spec->kind) {
	case OPTION_FLAG:
		return parse_bool(text, what, &v->flag, err);
	case OPTION_UINT:
		return str_parse_u64(text, what, 0, INT64_MAX, &v->u64, err);
	case OPTION_NUMBER:
		return str_parse_double(text, what, -1e300, 1e300, &v->num, err);
	case OPTION_SIZE:
		return str_parse_size(text, what, &v->u64, err);
	case OPTION_DURATION:
		return str_parse_duration(text, what, &v->u64, err);
	case OPTION_STRING:
	case OPTION_LIST:
	default:
		return 0;
	}
}

static int list_add(struct setting *v, const char *text, struct error *err)
{
	char **list = mem_realloc_array(v->list, v->n_list + 2, sizeof(*list));

	if (!list)
		return no_memory(err);
	v->list = list;
	list[v->n_list] = mem_strdup(text);
	if (!list[v->n_list])
		return no_memory(err);
	list[++v->n_list] = NULL;
	return 0;
}

/*
 * Give v the value text.  where names the origin for people and, followed by
 * the key where that is another (a file's), begins messages.  Where a stronger
 * origin gave v already, text is checked and dropped.
 */
static int set_value(struct setting *v, enum origin origin, const char *where, const char *what,
		     const char *text, struct error *err)
{
	struct setting fresh = { .spec = v->spec };
	bool weaker = v->set && v->origin > origin;
	int r = parse_value(&fresh, text, what, err);

	if (r < 0 || weaker)
		return r;
	if (v->spec->kind == OPTION_LIST) {
		r = list_add(v, text, err);
		if (r < 0)
			return r;
	} else {
		mem_free(v->text);
		v->text = mem_strdup(text);
		if (!v->text)
			return no_memory(err);
		v->flag = fresh.flag;
		v->u64 = fresh.u64;
		v->num = fresh.num;
	}
	mem_free(v->where);
	v->where = mem_strdup(where);
	if (!v->where)
		return no_memory(err);
	v->set = true;
	v->origin = origin;
	return 0;
}

/* --- the command line --- */

static int unknown_option(const struct options *o, const char *name, struct error *err)
{
	const char *near;
	cleanup_mem const char **words = mem_calloc(o->n + 1, sizeof(*words));

	if (!words)
		return no_memory(err);
	for (size_t i = 0; i < o->n; i++)
		words[i] = o->values[i].spec->name;
	words[o->n] = "help";
	near = suggest(name, words, o->n + 1);
	if (near)
		return error_set(err, ERR_INPUT, "unknown option '--%s'; did you mean '--%s'?", name,
				 near);
	return error_set(err, ERR_INPUT, "unknown option '--%s'", name);
}

static int add_arg(struct options *o, const char *arg, struct error *err)
{
	if (!mem_grow(&o->args, &o->args_cap, o->n_args + 2, sizeof(*o->args)))
		return no_memory(err);
	o->args[o->n_args] = mem_strdup(arg);
	if (!o->args[o->n_args])
		return no_memory(err);
	o->args[++o->n_args] = NULL;
	return 0;
}

static bool is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

/* "--out --json": a value was forgotten, since --json is an option itself. */
static bool is_known_option(const struct options *o, const char *arg)
{
	cleanup_mem char *name = NULL;

	if (!str_starts(arg, "--") || !arg[2])
		return false;
	name = mem_strndup(arg + 2, strcspn(arg + 2, "="));
	return name && (find(o, name) || strcmp(name, "help") == 0);
}

/* One option at argv[i]; *ret_used is how many words of argv it took. */
static int parse_option(struct options *o, int argc, char **argv, int i, int *ret_used,
			struct error *err)
{
	const char *arg = argv[i], *equals = strchr(arg, '='), *text;
	cleanup_mem char *name = NULL, *shown = NULL;
	struct setting *v;

	*ret_used = 1;
	if (str_starts(arg, "-C")) {
		name = mem_strdup("directory");
		shown = mem_strdup("-C");
		equals = arg[2] ? arg + 1 : NULL;
	} else if (!str_starts(arg, "--")) {
		return error_set(err, ERR_INPUT, "unknown option '%s'", arg);
	} else {
		name = mem_strndup(arg + 2, equals ? (size_t)(equals - arg - 2) : strlen(arg + 2));
		shown = name ? mem_printf("--%s", name) : NULL;
	}
	if (!name || !shown)
		return no_memory(err);
	v = find(o, name);
	if (!v)
		return unknown_option(o, name, err);
	if (v->spec->kind == OPTION_FLAG) {
		text = equals ? equals + 1 : "true";
	} else if (equals) {
		text = equals + 1;
	} else {
		if (i + 1 >= argc || is_known_option(o, argv[i + 1]))
			return error_set(err, ERR_INPUT, "%s needs a value (%s)", shown,
					 v->spec->arg ? v->spec->arg : "VALUE");
		text = argv[i + 1];
		*ret_used = 2;
	}
	return set_value(v, ORIGIN_FLAG, shown, shown, text, err);
}

static int parse_argv(struct options *o, int argc, char **argv, struct error *err)
{
	bool ended = false;

	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		o->help |= is_help(argv[i]);
	if (o->help)
		return 0;
	for (int i = 0; i < argc;) {
		const char *arg = argv[i];
		int used = 1, r;

		if (ended || arg[0] != '-' || !arg[1]) {
			r = add_arg(o, arg, err);
		} else if (strcmp(arg, "--") == 0) {
			ended = true;
			r = 0;
		} else {
			r = parse_option(o, argc, argv, i, &used, err);
		}
		if (r < 0)
			return r;
		i += used;
	}
	return 0;
}

/* --- environment --- */

static int parse_variable(struct setting *v, const char *name, const char *text, struct error *err)
{
	cleanup_mem char *lines = NULL;
	char *save = NULL;

	if (v->spec->kind != OPTION_LIST)
		return set_value(v, ORIGIN_ENVIRONMENT, name, name, text, err);
	lines = mem_strdup(text);
	if (!lines)
		return no_memory(err);
	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int r = set_value(v, ORIGIN_ENVIRONMENT, name, name, line, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_environment(struct options *o, struct error *err)
{
	for (size_t i = 0; i < o->n; i++) {
		struct setting *v = &o->values[i];
		cleanup_mem char *name = NULL;
		const char *text;
		int r;

		/* The file's own name cannot stand in the file, but may in the environment. */
		if (!v->spec->config &&
		    !(strcmp(v->spec->name, "config") == 0 && options_configurable(o->cmd)))
			continue;
		name = options_variable(v->spec->name);
		if (!name)
			return no_memory(err);
		text = getenv(name);
		if (!text || !*text)
			continue;
		r = parse_variable(v, name, text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- the configuration file --- */

static int unknown_key(const struct options *o, const struct config *c, const struct config_node *n,
		       struct error *err)
{
	const char *near = NULL;
	size_t n_words = 0;
	cleanup_mem char **words = mem_calloc(o->n + 1, sizeof(*words));

	if (!words)
		return no_memory(err);
	for (size_t i = 0; i < o->n; i++)
		if (o->values[i].spec->config)
			words[n_words++] = options_key(o->values[i].spec->name);
	for (size_t i = 0; i < n_words; i++)
		if (!words[i])
			n_words = i; /* no memory: suggest from what there is */
	near = suggest(n->key, (const char *const *)words, n_words);
	if (near)
		(void) error_set(err, ERR_INPUT, "%s:%u: unknown key '%s'; did you mean '%s'?",
				 c->path, n->key_line, n->key, near);
	else
		(void) error_set(err, ERR_INPUT, "%s:%u: unknown key '%s'", c->path, n->key_line,
				 n->key);
	for (size_t i = 0; i < o->n; i++)
		mem_free(words[i]);
	return ERR_INPUT;
}

static int apply_scalar(struct setting *v, const struct config *c, const struct config_node *n,
			const char *key, struct error *err)
{
	cleanup_mem char *where = mem_printf("%s:%u", c->path, n->line);
	cleanup_mem char *what = mem_printf("%s:%u: %s", c->path, n->line, key);

	if (!where || !what)
		return no_memory(err);
	if (n->kind != CONFIG_SCALAR)
		return error_set(err, ERR_INPUT, "%s: one value is wanted here, not a %s", what,
				 n->kind == CONFIG_LIST ? "list" : "map");
	return set_value(v, ORIGIN_FILE, where, what, n->scalar, err);
}

static int apply_node(struct options *o, const struct config *c, const struct config_node *n,
		      struct error *err)
{
	struct setting *v = NULL;
	bool stronger;
	int r;

	for (size_t i = 0; i < o->n && !v; i++) {
		cleanup_mem char *key = options_key(o->values[i].spec->name);

		if (!key)
			return no_memory(err);
		if (strcmp(key, n->key) == 0)
			v = &o->values[i];
	}
	if (v && !v->spec->config)
		return error_set(err, ERR_INPUT,
				 "%s:%u: '%s' cannot stand in a configuration file; give it as --%s",
				 c->path, n->key_line, n->key, v->spec->name);
	if (!v)
		return unknown_key(o, c, n, err);
	if (n->kind == CONFIG_SCALAR && n->plain && !*n->scalar)
		return 0; /* "key:" or null: as if it were not there */
	if (v->spec->kind != OPTION_LIST || n->kind != CONFIG_LIST)
		return apply_scalar(v, c, n, n->key, err);
	stronger = v->set;
	for (size_t i = 0; i < n->n_items; i++) {
		r = apply_scalar(v, c, &n->items[i], n->key, err);
		if (r < 0)
			return r;
	}
	if (!stronger && !v->set) { /* an empty list is a value */
		v->where = mem_printf("%s:%u", c->path, n->key_line);
		v->set = true;
		v->origin = ORIGIN_FILE;
	}
	return 0;
}

static int parse_file(struct options *o, struct error *err)
{
	cleanup_config struct config *c = NULL;
	cleanup_mem char *path = NULL;
	const struct setting *file = find(o, "config"), *dir = find(o, "directory");
	int r;

	if (!file || !file->set || !options_configurable(o->cmd))
		return 0;
	path = dir->set ? fs_join(dir->text, file->text) : mem_strdup(file->text);
	if (!path)
		return no_memory(err);
	r = config_load(path, &c, err);
	if (r < 0)
		return r;
	if (c->root.kind == CONFIG_SCALAR && !*c->root.scalar)
		return 0; /* an empty file */
	if (c->root.kind != CONFIG_MAP)
		return error_set(err, ERR_INPUT, "%s:%u: a map of keys is wanted", c->path,
				 c->root.line);
	for (size_t i = 0; i < c->root.n_items && r == 0; i++)
		r = apply_node(o, c, &c->root.items[i], err);
	return r;
}

/* --- all together --- */

static int parse_defaults(struct options *o, struct error *err)
{
	for (size_t i = 0; i < o->n; i++) {
		struct setting *v = &o->values[i];
		int r;

		if (v->set || !v->spec->fallback)
			continue;
		r = set_value(v, ORIGIN_DEFAULT, "default", v->spec->name, v->spec->fallback, err);
		if (r == ERR_INPUT)
			r = ERR_INTERNAL; /* our table's mistake, not the user's */
		if (r < 0)
			return error_prefix(err, r, "default of --%s", v->spec->name);
	}
	return 0;
}

static size_t count_specs(const struct option_spec *s)
{
	size_t n = 0;

	while (s && s[n].name)
		n++;
	return n;
}

bool options_configurable(const struct command *cmd)
{
	for (const struct option_spec *s = cmd->options; s && s->name; s++)
		if (s->config)
			return true;
	return false;
}

const struct option_spec *options_implied_config(const struct command *cmd)
{
	for (const struct option_spec *s = cmd->options; s && s->name; s++)
		if (strcmp(s->name, "config") == 0)
			return NULL;
	return options_configurable(cmd) ? &config_option : NULL;
}

int options_parse(const struct command *cmd, int argc, char **argv, struct options **ret,
		  struct error *err)
{
	cleanup_options struct options *o = mem_zalloc(sizeof(*o));
	size_t n_own = count_specs(cmd->options), n_globals = count_specs(options_globals);
	int r;

	if (!o)
		return no_memory(err);
	o->cmd = cmd;
	o->values = mem_calloc(n_own + n_globals + 1, sizeof(*o->values));
	if (!o->values)
		return no_memory(err);
	for (size_t i = 0; i < n_own; i++)
		o->values[o->n++].spec = &cmd->options[i];
	if (options_implied_config(cmd))
		o->values[o->n++].spec = &config_option;
	for (size_t i = 0; i < n_globals; i++)
		o->values[o->n++].spec = &options_globals[i];
	r = parse_argv(o, argc, argv, err);
	if (r == 0 && !o->help)
		r = parse_environment(o, err);
	if (r == 0 && !o->help)
		r = parse_file(o, err);
	if (r == 0)
		r = parse_defaults(o, err);
	if (r < 0)
		return r;
	*ret = mem_steal(&o);
	return 0;
}

void options_free(struct options *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->n; i++) {
		mem_free(o->values[i].where);
		mem_free(o->values[i].text);
		str_list_free(o->values[i].list);
	}
	mem_free(o->values);
	str_list_free(o->args);
	mem_free(o);
}

void options_cleanup(struct options **o)
{
	options_free(*o);
	*o = NULL;
}

/* --- asking --- */

/* To ask for what the command does not take is a mistake of ours. */
static const struct setting *ask(const struct options *o, const char *name)
{
	const struct setting *v = find(o, name);

	assert(v);
	return v;
}

bool options_help(const struct options *o)
{
	return o->help;
}

bool options_has(const struct options *o, const char *name)
{
	return find(o, name) != NULL;
}

bool options_given(const struct options *o, const char *name)
{
	const struct setting *v = ask(o, name);

	return v->set && v->origin != ORIGIN_DEFAULT;
}

bool options_flag(const struct options *o, const char *name)
{
	return ask(o, name)->flag;
}

const char *options_str(const struct options *o, const char *name)
{
	return ask(o, name)->text;
}

uint64_t options_u64(const struct options *o, const char *name)
{
	return ask(o, name)->u64;
}

double options_num(const struct options *o, const char *name)
{
	const struct setting *v = ask(o, name);

	return v->set ? v->num : (double)NAN;
}

const char *const *options_list(const struct options *o, const char *name)
{
	const struct setting *v = ask(o, name);

	return v->list ? (const char *const *)v->list : no_list;
}

enum origin options_origin(const struct options *o, const char *name, const char **ret_where)
{
	const struct setting *v = ask(o, name);

	if (ret_where)
		*ret_where = v->where ? v->where : "default";
	return v->set ? v->origin : ORIGIN_DEFAULT;
}

const char *const *options_args(const struct options *o)
{
	return o->args ? (const char *const *)o->args : no_list;
}

size_t options_n_args(const struct options *o)
{
	return o->n_args;
}

int options_expect_args(const struct options *o, size_t min, size_t max, struct error *err)
{
	const char *usage = o->cmd->usage ? o->cmd->usage : "";

	if (o->n_args < min)
		return error_set(err, ERR_INPUT, "an argument is missing: winnow %s %s", o->cmd->name,
				 usage);
	if (o->n_args > max && !max)
		return error_set(err, ERR_INPUT, "'%s' is not wanted: no arguments are taken",
				 o->args[0]);
	if (o->n_args > max)
		return error_set(err, ERR_INPUT, "'%s' is one argument too many: winnow %s %s",
				 o->args[max], o->cmd->name, usage);
	return 0;
}

static json_t *value_json(const struct setting *v)
{
	json_t *list;

	if (!v->set)
		return v->spec->kind == OPTION_FLAG ? json_false() : json_null();
	switch (v->spec->kind) {
	case OPTION_FLAG:
		return json_boolean(v->flag);
	case OPTION_UINT:
	case OPTION_SIZE:
		return json_integer((json_int_t)v->u64);
	case OPTION_NUMBER:
		return json_real(v->num);
	case OPTION_DURATION:
		return v->u64 % 1000000 ? json_real((double)v->u64 / 1e6)
					: json_integer((json_int_t)(v->u64 / 1000000));
	case OPTION_LIST:
		list = json_array();
		for (size_t i = 0; list && i < v->n_list; i++)
			if (json_array_append_new(list, json_string_lossy(v->list[i],
									  strlen(v->list[i]), NULL))) {
				json_decref(list);
				return NULL;
			}
		return list;
	case OPTION_STRING:
	default:
		return json_string_lossy(v->text, strlen(v->text), NULL);
	}
}

json_t *options_value(const struct options *o, const char *name)
{
	return value_json(ask(o, name));
}

json_t *options_effective(const struct options *o)
{
	json_t *all = json_object();

	/* Without the globals: the store is a place, not a configuration. */
	for (size_t i = 0; all && i + count_specs(options_globals) < o->n; i++) {
		const struct setting *v = &o->values[i];
		cleanup_mem char *key = NULL;

		if (!v->spec->config)
			continue;
		key = options_key(v->spec->name);
		if (!key || json_object_set_new(all, key, value_json(v))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}
