/* SPDX-License-Identifier: Apache-2.0 */
/* icpc_package.c - the configuration files of a problem package; see icpc_package.h. */
#include "store/icpc_package.h"

#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/import_internal.h"

/* --- small readers --- */

int icpc_read_text(const char *path, struct buf *b, struct error *err)
{
	size_t bad;
	int r = fs_read_file(path, b, err);

	if (r < 0)
		return r;
	r = buf_check(b, path, err);
	if (r < 0)
		return r;
	bad = str_utf8_valid(b->data, b->len);
	if (bad < b->len)
		return error_set(err, ERR_INPUT, "%s: invalid UTF-8 at byte %zu", path, bad + 1);
	return 0;
}

char *icpc_path(const struct icpc_package *k, const char *name, struct error *err)
{
	char *path = fs_join(k->path, name);

	if (!path)
		(void)error_set(err, ERR_NOMEM, "out of memory");
	return path;
}

static int set_flags(struct icpc_package *k, const char *flags, const char *where, struct error *err)
{
	if (k->flags && !str_eq(k->flags, flags))
		return error_set(err, ERR_INPUT,
				 "%s: the output validator's flags differ between groups of tests", where);
	if (!k->flags)
		k->flags = mem_strdup(flags);
	return k->flags ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

/* A scalar, or a list of scalars joined by blanks. */
static int flags_of(struct icpc_package *k, const struct config *c, const struct config_node *n,
		    struct error *err)
{
	cleanup_buf struct buf b;
	const char *s = "";
	int r = 0;

	buf_init(&b, 4096);
	if (!n)
		return 0;
	if (n->kind == CONFIG_LIST) {
		for (size_t i = 0; r == 0 && i < n->n_items; i++) {
			r = config_str(c, &n->items[i], "", &s, err);
			buf_addf(&b, "%s%s", i ? " " : "", s);
		}
	} else {
		r = config_str(c, n, "", &s, err);
		buf_adds(&b, s);
	}
	if (r == 0)
		r = buf_check(&b, "validator flags", err);
	return r < 0 || !b.len ? r : set_flags(k, b.data, c->path, err);
}

/* --- problem.yaml --- */

static int read_validation(struct icpc_package *k, const struct config_node *n, struct error *err)
{
	const char *word = "default";
	int r = config_str(k->yaml, n, "default", &word, err);

	if (r < 0)
		return r;
	if (strstr(word, "interactive") || strstr(word, "multi-pass"))
		return error_set(err, ERR_INPUT, "%s:%u: validation '%s' cannot be judged", k->yaml->path,
				 n->line, word);
	k->custom = str_starts(word, "custom");
	if (!k->custom && !str_eq(word, "default"))
		return error_set(err, ERR_INPUT, "%s:%u: unknown validation '%s'", k->yaml->path, n->line,
				 word);
	return 0;
}

static int read_type(struct icpc_package *k, const struct config_node *n, struct error *err)
{
	static const char *const refused[] = { "interactive", "multi-pass", "submit-answer" };
	const char *word = "pass-fail";
	int r = 0;

	for (size_t i = 0; n && r == 0 && i < (n->kind == CONFIG_LIST ? n->n_items : 1); i++) {
		r = config_str(k->yaml, n->kind == CONFIG_LIST ? &n->items[i] : n, "", &word, err);
		for (size_t j = 0; r == 0 && j < ARRAY_SIZE(refused); j++)
			if (strstr(word, refused[j]))
				r = error_set(err, ERR_INPUT,
					      "%s:%u: problems of type '%s' cannot be judged",
					      k->yaml->path, n->line, word);
	}
	return r;
}

static int positive(const struct config *c, const struct config_node *n, double *ret, struct error *err)
{
	double x = *ret;
	int r = config_double(c, n, x, &x, err);

	if (r < 0)
		return r;
	if (n && !(x > 0 && x < 1e9))
		return error_set(err, ERR_INPUT, "%s:%u: expected a number above 0", c->path, n->line);
	*ret = x;
	return 0;
}

/*
 * Packages in the wild have titles such as `name: Interleaved Output: Part 1`,
 * which is no YAML.  Quote the values of top-level text lines that hold ": ".
 */
static void quote_titles(const char *text, struct buf *out)
{
	static const char *const keys[] = { "name: ", "source: ", "author: " };

	while (*text) {
		size_t n = strcspn(text, "\n"), start = 0;
		const char *colon;

		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			if (str_starts(text, keys[i]))
				start = strlen(keys[i]);
		colon = start ? memmem(text + start, n - start, ": ", 2) : NULL;
		if (colon && !strchr("'\"[{|>&*", text[start])) {
			buf_add(out, text, start);
			buf_addc(out, '\'');
			for (size_t i = start; i < n; i++) {
				if (text[i] == '\r')
					continue;
				if (text[i] == '\'')
					buf_addc(out, '\'');
				buf_addc(out, text[i]);
			}
			buf_addc(out, '\'');
		} else {
			buf_add(out, text, n);
		}
		text += n;
		if (*text) {
			buf_addc(out, '\n');
			text++;
		}
	}
}

static int load_problem_yaml(const char *path, struct config **ret, struct error *err)
{
	cleanup_buf struct buf raw, quoted;
	int r;

	buf_init(&raw, 1 << 20);
	buf_init(&quoted, 2 << 20);
	r = icpc_read_text(path, &raw, err);
	if (r < 0)
		return r;
	if (config_parse(raw.data, raw.len, path, ret, err) == 0)
		return 0;
	quote_titles(raw.data, &quoted);
	r = buf_check(&quoted, path, err);
	return r < 0 ? r : config_parse(quoted.data, quoted.len, path, ret, err);
}

static int read_yaml(struct icpc_package *k, struct error *err)
{
	cleanup_mem char *path = icpc_path(k, "problem.yaml", err);
	const struct config_node *root, *limits, *license;
	const char *text = NULL;
	int r;

	if (!path)
		return ERR_NOMEM;
	if (!fs_exists(path))
		return 0;
	r = load_problem_yaml(path, &k->yaml, err);
	if (r < 0)
		return r;
	root = &k->yaml->root;
	if (root->kind != CONFIG_MAP)
		return error_set(err, ERR_INPUT, "%s: expected a map", path);
	limits = config_get(root, "limits");
	if (limits && limits->kind != CONFIG_MAP)
		return error_set(err, ERR_INPUT, "%s:%u: expected a map", path, limits->line);
	license = config_get(root, "license");
	if ((r = read_type(k, config_get(root, "type"), err)) < 0 ||
	    (r = read_validation(k, config_get(root, "validation"), err)) < 0 ||
	    (r = flags_of(k, k->yaml, config_get(root, "validator_flags"), err)) < 0 ||
	    (r = flags_of(k, k->yaml, config_get(root, "output_validator_flags"), err)) < 0)
		return r;
	if (limits &&
	    ((r = positive(k->yaml, config_get(limits, "time_limit"), &k->time_s, err)) < 0 ||
	     (r = positive(k->yaml, config_get(limits, "memory"), &k->memory_mib, err)) < 0 ||
	     (r = positive(k->yaml, config_get(limits, "output"), &k->output_mib, err)) < 0))
		return r;
	r = config_str(k->yaml, license, NULL, &text, err);
	if (r < 0)
		return r;
	if (text && *text && !str_eq(text, "unknown")) {
		k->license = mem_strdup(text);
		if (!k->license)
			return error_set(err, ERR_NOMEM, "out of memory");
	}
	return 0;
}

/* data/testdata.yaml and data/secret/testdata.yaml may give the validator's flags. */
static int read_testdata_flags(struct icpc_package *k, struct error *err)
{
	static const char *const files[] = { "data/testdata.yaml", "data/secret/testdata.yaml" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_mem char *path = icpc_path(k, files[i], err);
		cleanup_config struct config *c = NULL;
		int r;

		if (!path)
			return ERR_NOMEM;
		if (!fs_exists(path))
			continue;
		r = config_load(path, &c, err);
		if (r < 0)
			return r;
		if (c->root.kind != CONFIG_MAP)
			continue;
		r = flags_of(k, c, config_get(&c->root, "output_validator_flags"), err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- info.toml: the few keys that matter, not a TOML reader --- */

static char *trim(char *s)
{
	char *end;

	while (*s == ' ' || *s == '\t')
		s++;
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]))
		*--end = 0;
	return s;
}

static int toml_line(struct icpc_package *k, const char *path, unsigned line, const char *section, char *text,
		     struct error *err)
{
	char *eq = strchr(text, '='), *key, *value;
	struct error why = ERROR_INIT;

	if (!eq)
		return 0;
	*eq = 0;
	key = trim(text);
	value = trim(eq + 1);
	if (str_eq(section, "") && str_eq(key, "timelimit")) {
		if (str_parse_double(value, "timelimit", 1e-3, 1e6, &k->time_s, &why) < 0)
			return error_set(err, ERR_INPUT, "%s:%u: %s", path, line, why.msg);
	} else if (str_eq(section, "params")) {
		/* 1_000_000 is shown as 1000000 */
		char *to = value;

		for (char *from = value; *from; from++)
			if (*from != '_' && *from != '"' && *from != '\'')
				*to++ = *from;
		*to = 0;
		return import_set(k->params, key, json_string(value), err);
	}
	return 0;
}

static int read_toml(struct icpc_package *k, struct error *err)
{
	cleanup_mem char *path = icpc_path(k, "info.toml", err);
	cleanup_buf struct buf b;
	char section[64] = "", *line, *save = NULL;
	unsigned number = 0;
	int r;

	buf_init(&b, 1 << 20);
	if (!path)
		return ERR_NOMEM;
	if (!fs_exists(path))
		return 0;
	r = icpc_read_text(path, &b, err);
	for (line = b.data; r == 0 && line; line = save) {
		char *text;

		save = strchr(line, '\n');
		if (save)
			*save++ = 0;
		number++;
		text = trim(line);
		if (*text == '[') {
			size_t n = strspn(text, "["), len = strcspn(text + n, "]");

			if (len >= sizeof(section))
				len = sizeof(section) - 1;
			memcpy(section, text + n, len);
			section[len] = 0;
		} else if (*text && *text != '#') {
			r = toml_line(k, path, number, section, text, err);
		}
	}
	return r;
}

static int read_dot_timelimit(struct icpc_package *k, struct error *err)
{
	cleanup_mem char *path = icpc_path(k, ".timelimit", err);
	cleanup_buf struct buf b;
	int r;

	buf_init(&b, 4096);
	if (!path)
		return ERR_NOMEM;
	if (!fs_exists(path))
		return 0;
	r = icpc_read_text(path, &b, err);
	if (r < 0)
		return r;
	b.data[strcspn(b.data, "\n")] = 0;
	r = str_parse_double(trim(b.data), "time limit", 1e-3, 1e6, &k->time_s, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* --- all of them --- */

int icpc_package_configure(struct icpc_package *k, struct error *err)
{
	int r;

	if ((r = read_yaml(k, err)) < 0 || (r = read_toml(k, err)) < 0 || (r = read_dot_timelimit(k, err)) < 0)
		return r;
	return read_testdata_flags(k, err);
}

void icpc_package_clear(struct icpc_package *k)
{
	mem_free(k->flags);
	mem_free(k->license);
	config_free(k->yaml);
	k->flags = k->license = NULL;
	k->yaml = NULL;
}
