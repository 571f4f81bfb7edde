/* SPDX-License-Identifier: Apache-2.0 */
/*
 * language.c - read the recipes of languages, find them by name, and ask their toolchains for a
 * version.  The only process started here is a recipe's own `detect` command, which is trusted.
 */
#include "sandbox/language.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"

#ifndef WINNOW_SOURCE_LANGUAGES
#define WINNOW_SOURCE_LANGUAGES "sandbox/languages"
#endif
#define MAX_RECIPE_BYTES ((size_t)1 << 20)

const char *language_default_dir(void)
{
	static char dir[4096];
	const char *given = getenv("WINNOW_LANGUAGES_DIR");
	ssize_t n;
	char *slash;

	if (given && *given) {
		(void) snprintf(dir, sizeof(dir), "%s", given);
		return dir;
	}
	n = readlink("/proc/self/exe", dir, sizeof(dir) - 64);
	if (n > 0) {
		dir[n] = '\0';
		slash = strrchr(dir, '/');
		if (slash) {
			strcpy(slash, "/../share/winnow/languages");
			if (fs_is_dir(dir))
				return dir;
		}
	}
	(void) snprintf(dir, sizeof(dir), "%s", WINNOW_SOURCE_LANGUAGES);
	return dir;
}

/* --- reading one recipe --- */

struct reader {
	const struct config *config;
	struct error *err;
};

static int no_memory(struct reader *r)
{
	return error_set(r->err, ERR_NOMEM, "out of memory for '%s'", r->config->path);
}

static int missing(struct reader *r, const struct config_node *map, const char *key)
{
	return error_set(r->err, ERR_INPUT, "%s:%u: '%s' is missing", r->config->path,
			 map->line ? map->line : 1, key);
}

static int get_map(struct reader *r, const struct config_node *map, const char *key,
		   const char *const *keys, const struct config_node **ret)
{
	const struct config_node *n = config_get(map, key);

	*ret = NULL;
	if (!n)
		return 0;
	if (n->kind != CONFIG_MAP)
		return error_set(r->err, ERR_INPUT, "%s:%u: '%s' must be a map", r->config->path,
				 n->line, key);
	*ret = n;
	return config_only_keys(r->config, n, keys, r->err);
}

static int get_str(struct reader *r, const struct config_node *map, const char *key, bool needed,
		   char **ret)
{
	const struct config_node *n = config_get(map, key);
	const char *s;
	int rc;

	if (!n)
		return needed ? missing(r, map, key) : 0;
	rc = config_str(r->config, n, NULL, &s, r->err);
	if (rc < 0)
		return rc;
	*ret = mem_strdup(s);
	return *ret ? 0 : no_memory(r);
}

static int get_list(struct reader *r, const struct config_node *map, const char *key, bool needed,
		    char ***ret)
{
	const struct config_node *n = config_get(map, key);
	char **list;

	if (!n && needed)
		return missing(r, map, key);
	if (n && n->kind != CONFIG_LIST)
		return error_set(r->err, ERR_INPUT, "%s:%u: '%s' must be a list", r->config->path,
				 n->line, key);
	if (needed && !n->n_items)
		return error_set(r->err, ERR_INPUT, "%s:%u: '%s' is empty", r->config->path, n->line,
				 key);
	list = mem_calloc((n ? n->n_items : 0) + 1, sizeof(*list));
	if (!list)
		return no_memory(r);
	*ret = list;
	for (size_t i = 0; n && i < n->n_items; i++) {
		const char *s;
		int rc = config_str(r->config, &n->items[i], NULL, &s, r->err);

		if (rc < 0)
			return rc;
		list[i] = mem_strdup(s);
		if (!list[i])
			return no_memory(r);
	}
	return 0;
}

/* A map of strings as NAME=value words. */
static int get_env(struct reader *r, const struct config_node *map, char ***ret)
{
	const struct config_node *n = config_get(map, "env");
	char **list;

	if (n && n->kind != CONFIG_MAP)
		return error_set(r->err, ERR_INPUT, "%s:%u: 'env' must be a map", r->config->path,
				 n->line);
	list = mem_calloc((n ? n->n_items : 0) + 1, sizeof(*list));
	if (!list)
		return no_memory(r);
	*ret = list;
	for (size_t i = 0; n && i < n->n_items; i++) {
		const char *s;
		int rc = config_str(r->config, &n->items[i], NULL, &s, r->err);

		if (rc < 0)
			return rc;
		list[i] = mem_printf("%s=%s", n->items[i].key, s);
		if (!list[i])
			return no_memory(r);
	}
	return 0;
}

static int get_limits(struct reader *r, const struct config_node *compile, struct limits *ret)
{
	static const char *const keys[] = { "cpu_s", "memory_mib", "output_kib", "file_mib",
					    "processes", NULL };
	const struct config_node *map;
	uint64_t cpu_s, memory_mib, output_kib, file_mib, processes;
	int rc = get_map(r, compile, "limits", keys, &map);
	struct {
		const char *key;
		uint64_t fallback, max, *to;
	} numbers[] = {
		{ "cpu_s", 20, 3600, &cpu_s },
		{ "memory_mib", 2048, 1 << 20, &memory_mib },
		{ "output_kib", 64, 1 << 20, &output_kib },
		{ "file_mib", 64, 1 << 20, &file_mib },
		{ "processes", 32, 4096, &processes },
	};

	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(numbers); i++) {
		const struct config_node *n = map ? config_get(map, numbers[i].key) : NULL;

		rc = config_u64(r->config, n, numbers[i].fallback, numbers[i].to, r->err);
		if (rc == 0 && (*numbers[i].to < 1 || *numbers[i].to > numbers[i].max))
			rc = error_set(r->err, ERR_INPUT, "%s:%u: '%s' must be 1 to %llu",
				       r->config->path, n ? n->line : 1, numbers[i].key,
				       (unsigned long long)numbers[i].max);
	}
	if (rc < 0)
		return rc;
	*ret = (struct limits){
		.cpu_us = cpu_s * 1000000,
		.wall_us = cpu_s * 3000000 + 2000000,
		.memory_bytes = memory_mib << 20,
		.output_bytes = output_kib << 10,
		.file_bytes = file_mib << 20,
		.processes = (uint32_t)processes,
	};
	return 0;
}

/* Files of the recipe's own folder. */
static int get_files(struct reader *r, const struct config_node *map, const struct language *l,
		     struct language_files *ret)
{
	char **names = NULL;
	size_t n = 0;
	int rc = get_list(r, map, "files", false, &names);

	while (rc == 0 && names[n])
		n++;
	if (rc == 0 && n) {
		ret->items = mem_calloc(n, sizeof(*ret->items));
		if (!ret->items)
			rc = no_memory(r);
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct language_file *file = &ret->items[ret->n++];
		cleanup_mem char *path = NULL;
		struct buf text;

		if (strchr(names[i], '/')) {
			rc = error_set(r->err, ERR_INPUT, "%s:%u: '%s' is no file of this folder",
				       r->config->path, config_get(map, "files")->line, names[i]);
			break;
		}
		path = fs_join(l->dir, names[i]);
		file->name = mem_strdup(names[i]);
		if (!path || !file->name) {
			rc = no_memory(r);
			break;
		}
		buf_init(&text, MAX_RECIPE_BYTES);
		rc = fs_read_file(path, &text, r->err);
		if (rc == 0) {
			file->data = buf_steal(&text, &file->len);
			if (!file->data)
				rc = no_memory(r);
		}
		buf_clear(&text);
	}
	str_list_free(names);
	return rc;
}

static void files_clear(struct language_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		mem_free(f->items[i].name);
		mem_free(f->items[i].data);
	}
	mem_free(f->items);
	*f = (struct language_files){ 0 };
}

static int read_runtime(struct reader *r, const struct config_node *root, struct language *l)
{
	static const char *const keys[] = { "memory_mib", "threads", "stack_mib", NULL };
	const struct config_node *map;
	uint64_t memory_mib = 0, threads = 0, stack_mib = 0;
	int rc = get_map(r, root, "runtime", keys, &map);

	if (rc < 0 || !map)
		return rc;
	rc = config_u64(r->config, config_get(map, "memory_mib"), 0, &memory_mib, r->err);
	if (rc == 0)
		rc = config_u64(r->config, config_get(map, "threads"), 0, &threads, r->err);
	if (rc == 0)
		rc = config_u64(r->config, config_get(map, "stack_mib"), 0, &stack_mib, r->err);
	if (rc == 0 && (memory_mib > 1 << 16 || threads > 4096 || stack_mib > 1 << 16))
		rc = error_set(r->err, ERR_INPUT, "%s:%u: 'runtime' takes at most 65536 MiB and 4096 threads",
			       r->config->path, map->line);
	l->runtime_memory_bytes = memory_mib << 20;
	l->runtime_threads = (uint32_t)threads;
	l->runtime_stack_bytes = stack_mib << 20;
	return rc;
}

static int read_compile(struct reader *r, const struct config_node *root, struct language *l)
{
	static const char *const keys[] = { "argv", "output", "env", "files", "finds_itself", "limits", NULL };
	const struct config_node *map;
	int rc = get_map(r, root, "compile", keys, &map);

	if (rc < 0 || !map)
		return rc;
	rc = get_list(r, map, "argv", true, &l->compile_argv);
	if (rc == 0)
		rc = get_str(r, map, "output", true, &l->compile_output);
	if (rc == 0)
		rc = get_env(r, map, &l->compile_env);
	if (rc == 0)
		rc = get_files(r, map, l, &l->compile_files);
	if (rc == 0)
		rc = config_bool(r->config, config_get(map, "finds_itself"), false, &l->compile_finds_itself,
				 r->err);
	if (rc == 0)
		rc = get_limits(r, map, &l->compile_limits);
	return rc;
}

/* A file of the language's folder. */
static int read_text(struct reader *r, const struct language *l, const char *name, char **ret, size_t *ret_len)
{
	cleanup_mem char *path = fs_join(l->dir, name);
	struct buf text;
	int rc;

	if (!path)
		return no_memory(r);
	buf_init(&text, MAX_RECIPE_BYTES);
	rc = fs_read_file(path, &text, r->err);
	if (rc == 0) {
		*ret = buf_steal(&text, ret_len);
		if (!*ret)
			rc = no_memory(r);
	}
	buf_clear(&text);
	return rc;
}

static int read_calls(struct reader *r, const struct config_node *root, struct language *l)
{
	static const char *const keys[] = { "driver", "prepare", "argv", "env", "values", "int_bits", "conventions", "lacks", "compile", "entry", NULL };
	static const char *const entry_keys[] = { "file", "text", NULL };
	const struct config_node *map;
	const struct config_node *entry = NULL;
	cleanup_mem char *values = NULL, *conventions = NULL;
	uint64_t bits = 0;
	size_t ignored;
	int rc = get_map(r, root, "calls", keys, &map);

	if (rc < 0 || !map)
		return rc;
	rc = get_str(r, map, "driver", true, &l->driver_name);
	if (rc == 0)
		rc = get_list(r, map, "prepare", false, &l->prepare_argv);
	if (rc == 0)
		rc = get_list(r, map, "argv", true, &l->calls_argv);
	if (rc == 0)
		rc = get_env(r, map, &l->calls_env);
	if (rc == 0)
		rc = get_str(r, map, "values", false, &values);
	if (rc == 0 && values && strcmp(values, "plain") && strcmp(values, "python"))
		rc = error_set(r->err, ERR_INPUT, "%s:%u: 'values' must be 'plain' or 'python'", r->config->path,
			       config_get(map, "values")->line);
	if (rc == 0)
		rc = config_u64(r->config, config_get(map, "int_bits"), 0, &bits, r->err);
	if (rc == 0)
		rc = get_list(r, map, "lacks", false, &l->calls_lacks);
	if (rc == 0)
		rc = get_str(r, map, "conventions", false, &conventions);
	if (rc == 0 && conventions)
		rc = read_text(r, l, conventions, &l->conventions, &ignored);
	if (rc == 0 && config_get(map, "compile"))
		rc = get_list(r, map, "compile", true, &l->calls_compile_argv);
	if (rc == 0)
		rc = get_map(r, map, "entry", entry_keys, &entry);
	if (rc == 0 && entry)
		rc = get_str(r, entry, "file", true, &l->entry_name);
	if (rc == 0 && entry)
		rc = get_str(r, entry, "text", true, &l->entry_text);
	l->calls_plain = values && !strcmp(values, "plain");
	l->calls_int_bits = (unsigned)bits;
	if (rc < 0)
		return rc;
	return read_text(r, l, l->driver_name, &l->driver, &l->driver_len);
}

static int read_warm(struct reader *r, const struct config_node *root, struct language *l)
{
	static const char *const keys[] = { "driver", "argv", NULL };
	const struct config_node *map;
	int rc = get_map(r, root, "warm", keys, &map);

	if (rc < 0 || !map)
		return rc;
	rc = get_str(r, map, "driver", true, &l->warm_name);
	if (rc == 0)
		rc = get_list(r, map, "argv", true, &l->warm_argv);
	return rc < 0 ? rc : read_text(r, l, l->warm_name, &l->warm, &l->warm_len);
}

static int read_run(struct reader *r, const struct config_node *root, struct language *l)
{
	static const char *const keys[] = { "argv", "env", "files", "syntax_mark", NULL };
	const struct config_node *map;
	int rc = get_map(r, root, "run", keys, &map);

	if (rc == 0 && !map)
		return missing(r, root, "run");
	if (rc == 0)
		rc = get_list(r, map, "argv", true, &l->run_argv);
	if (rc == 0)
		rc = get_env(r, map, &l->run_env);
	if (rc == 0)
		rc = get_files(r, map, l, &l->run_files);
	if (rc == 0)
		rc = get_str(r, map, "syntax_mark", false, &l->syntax_mark);
	return rc;
}

static int read_recipe(struct reader *r, struct language *l)
{
	static const char *const keys[] = { "name", "title", "aliases", "extensions", "source",
					    "detect", "needs_proc", "memory", "runtime", "compile",
					    "run", "calls", "warm", "memory_words", NULL };
	static const char *const detect_keys[] = { "argv", "name", "package", NULL };
	const struct config_node *root = &r->config->root, *detect;
	cleanup_mem char *memory = NULL;
	int rc;

	if (root->kind != CONFIG_MAP)
		return error_set(r->err, ERR_INPUT, "%s:1: a recipe must be a map", r->config->path);
	rc = config_only_keys(r->config, root, keys, r->err);
	if (rc == 0)
		rc = get_str(r, root, "name", true, &l->name);
	if (rc == 0)
		rc = get_str(r, root, "title", true, &l->title);
	if (rc == 0)
		rc = get_str(r, root, "source", true, &l->source);
	if (rc == 0)
		rc = get_list(r, root, "aliases", false, &l->aliases);
	if (rc == 0)
		rc = get_list(r, root, "extensions", false, &l->extensions);
	if (rc == 0)
		rc = get_list(r, root, "memory_words", false, &l->memory_words);
	if (rc == 0)
		rc = config_bool(r->config, config_get(root, "needs_proc"), false, &l->needs_proc,
				 r->err);
	if (rc == 0)
		rc = get_str(r, root, "memory", false, &memory);
	if (rc == 0 && memory && strcmp(memory, "as") && strcmp(memory, "data"))
		rc = error_set(r->err, ERR_INPUT, "%s:%u: 'memory' must be 'as' or 'data'",
			       r->config->path, config_get(root, "memory")->line);
	if (rc == 0)
		rc = get_map(r, root, "detect", detect_keys, &detect);
	if (rc == 0 && !detect)
		rc = missing(r, root, "detect");
	if (rc == 0)
		rc = get_list(r, detect, "argv", true, &l->detect_argv);
	if (rc == 0)
		rc = get_str(r, detect, "name", true, &l->detect_name);
	if (rc == 0)
		rc = get_str(r, detect, "package", false, &l->package);
	if (rc == 0)
		rc = read_runtime(r, root, l);
	if (rc == 0)
		rc = read_compile(r, root, l);
	if (rc == 0)
		rc = read_run(r, root, l);
	if (rc == 0)
		rc = read_calls(r, root, l);
	if (rc == 0)
		rc = read_warm(r, root, l);
	l->memory = memory && !strcmp(memory, "data") ? BOX_MEMORY_DATA : BOX_MEMORY_AS;
	return rc;
}

static void language_clear(struct language *l)
{
	mem_free(l->name);
	mem_free(l->title);
	mem_free(l->dir);
	mem_free(l->source);
	str_list_free(l->aliases);
	str_list_free(l->extensions);
	str_list_free(l->memory_words);
	str_list_free(l->detect_argv);
	mem_free(l->detect_name);
	mem_free(l->package);
	str_list_free(l->compile_argv);
	mem_free(l->compile_output);
	str_list_free(l->run_argv);
	str_list_free(l->compile_env);
	str_list_free(l->run_env);
	files_clear(&l->compile_files);
	files_clear(&l->run_files);
	mem_free(l->syntax_mark);
	str_list_free(l->calls_argv);
	str_list_free(l->calls_env);
	str_list_free(l->calls_compile_argv);
	str_list_free(l->calls_lacks);
	mem_free(l->conventions);
	mem_free(l->entry_name);
	mem_free(l->entry_text);
	str_list_free(l->prepare_argv);
	mem_free(l->driver);
	mem_free(l->driver_name);
	str_list_free(l->warm_argv);
	mem_free(l->warm);
	mem_free(l->warm_name);
	*l = (struct language){ 0 };
}

static void add_files(struct hash_sha256 *hash, const struct language_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		hash_sha256_add_field(hash, f->items[i].data, f->items[i].len);
}

static int load_one(const char *dir, const char *name, struct language *l, struct error *err)
{
	cleanup_config struct config *config = NULL;
	cleanup_mem char *path = NULL;
	struct reader r = { .err = err };
	struct hash_sha256 *hash;
	struct buf text;
	int rc;

	l->dir = fs_join(dir, name);
	path = l->dir ? fs_join(l->dir, "language.yaml") : NULL;
	if (!path)
		return error_set(err, ERR_NOMEM, "out of memory for '%s'", name);
	buf_init(&text, MAX_RECIPE_BYTES);
	rc = fs_read_file(path, &text, err);
	if (rc == 0)
		rc = config_parse(text.data, text.len, path, &config, err);
	if (rc == 0) {
		r.config = config;
		rc = read_recipe(&r, l);
	}
	if (rc == 0 && strcmp(l->name, name))
		rc = error_set(err, ERR_INPUT, "%s:1: name '%s' is not the folder's", path, l->name);
	if (rc == 0) {
		hash = hash_sha256_new();
		if (hash) {
			hash_sha256_add_field(hash, text.data, text.len);
			hash_sha256_add_field(hash, l->driver, l->driver_len);
			add_files(hash, &l->compile_files);
			add_files(hash, &l->run_files);
			hash_sha256_end(hash, l->digest);
		} else
			rc = error_set(err, ERR_NOMEM, "out of memory for '%s'", name);
	}
	buf_clear(&text);
	return rc;
}

int language_load(const char *dir, struct language_set *ret, struct error *err)
{
	struct language_set set = { 0 };
	char **names = NULL;
	size_t n = 0;
	int rc = fs_list(dir, &names, &n, err);

	if (rc < 0)
		return rc;
	set.dir = mem_strdup(dir);
	set.items = mem_calloc(n + 1, sizeof(*set.items));
	if (!set.dir || !set.items)
		rc = error_set(err, ERR_NOMEM, "out of memory for the languages");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		cleanup_mem char *folder = fs_join(dir, names[i]);
		cleanup_mem char *recipe = folder ? fs_join(folder, "language.yaml") : NULL;

		if (!recipe)
			rc = error_set(err, ERR_NOMEM, "out of memory for the languages");
		else if (fs_exists(recipe))
			rc = load_one(dir, names[i], &set.items[set.n++], err);
	}
	str_list_free(names);
	if (rc == 0 && !set.n)
		rc = error_set(err, ERR_NOTFOUND, "no language recipes in '%s'", dir);
	if (rc < 0)
		language_set_clear(&set);
	else
		*ret = set;
	return rc;
}

void language_set_clear(struct language_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		language_clear(&s->items[i]);
	mem_free(s->items);
	mem_free(s->dir);
	*s = (struct language_set){ 0 };
}

const struct language *language_find(const struct language_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcasecmp(s->items[i].name, name))
			return &s->items[i];
	for (size_t i = 0; i < s->n; i++)
		for (char **a = s->items[i].aliases; *a; a++)
			if (!strcasecmp(*a, name))
				return &s->items[i];
	return NULL;
}

const struct language *language_by_extension(const struct language_set *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++)
		for (char **e = s->items[i].extensions; *e; e++)
			if (str_ends(path, *e))
				return &s->items[i];
	return NULL;
}
