/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt.c - templates: read, checked and compiled at open, rendered per task.
 *
 * A file is compiled into a flat list of pieces: text, a variable, or the start
 * of a condition with the number of the piece after its end.  A line that holds
 * nothing but {{#if}} or {{/if}} vanishes whole, so that templates stay readable.
 */
#include "policy/prompt.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/buf.h"
#include "core/config.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/prompt_vars.h"

#define MAX_FILE (UINT64_C(1) << 20)
#define MAX_DEPTH 16

enum piece_kind { PIECE_TEXT, PIECE_VAR, PIECE_IF };
struct piece {
	enum piece_kind kind;
	enum prompt_var var;
	size_t end;            /* PIECE_IF: go on there where the variable is empty */
	const char *text;      /* PIECE_TEXT: within the file's source */
	size_t len;
};

struct message {
	char *role, *file, *source;
	size_t source_len;
	struct piece *pieces;
	size_t n, cap;
};

struct prompt_template {
	char *name, *version;
	struct message *messages;
	size_t n_messages;
	char **stop;           /* NULL-terminated, or NULL */
	json_t *text;
	uint8_t digest[HASH_SHA256_BYTES];
};

const char *prompt_default_dir(void)
{
	static char beside[PATH_MAX + 64];
	const char *env = getenv("WINNOW_TEMPLATES");
	ssize_t n;
	char *slash;

	if (env && *env)
		return env;
	n = readlink("/proc/self/exe", beside, PATH_MAX - 1);
	if (n > 0) {
		beside[n] = '\0';
		slash = strrchr(beside, '/');
		if (slash) {
			strcpy(slash, "/../share/winnow/templates");
			if (fs_is_dir(beside))
				return beside;
		}
	}
	return WINNOW_SOURCE_TEMPLATES;
}

/* --- compiling --- */

struct compiler {
	const char *path;
	struct message *m;
	unsigned line;
	size_t open_ifs[MAX_DEPTH];
	unsigned open_lines[MAX_DEPTH];
	unsigned depth;
};

static int add_piece(struct compiler *c, struct piece piece, struct error *err)
{
	struct message *m = c->m;

	if (!mem_grow(&m->pieces, &m->cap, m->n + 1, sizeof(*m->pieces)))
		return error_set(err, ERR_NOMEM, "out of memory");
	m->pieces[m->n++] = piece;
	return 0;
}

static int add_text(struct compiler *c, const char *from, const char *to, struct error *err)
{
	for (const char *s = from; s < to; s++)
		c->line += *s == '\n';
	if (from == to)
		return 0;
	return add_piece(c, (struct piece){ .kind = PIECE_TEXT, .text = from, .len = (size_t)(to - from) }, err);
}

/* What stands between {{ and }}. */
static int add_tag(struct compiler *c, const char *tag, size_t n, struct error *err)
{
	bool is_if = n > 4 && memcmp(tag, "#if ", 4) == 0;
	int var;

	if (n == 3 && memcmp(tag, "/if", 3) == 0) {
		if (c->depth == 0)
			return error_set(err, ERR_INPUT, "%s:%u: {{/if}} without {{#if}}", c->path, c->line);
		c->m->pieces[c->open_ifs[--c->depth]].end = c->m->n;
		return 0;
	}
	if (is_if) {
		tag += 4;
		n -= 4;
	}
	var = prompt_var_find(tag, n);
	if (var < 0)
		return error_set(err, ERR_INPUT, "%s:%u: unknown placeholder '{{%s%.*s}}'", c->path, c->line,
				 is_if ? "#if " : "", (int)(n < 60 ? n : 60), tag);
	if (!is_if) {
		if (prompt_var_is_condition((enum prompt_var)var))
			return error_set(err, ERR_INPUT, "%s:%u: '{{%.*s}}' has no text: it is for {{#if}} alone", c->path,
					 c->line, (int)n, tag);
		return add_piece(c, (struct piece){ .kind = PIECE_VAR, .var = (enum prompt_var)var }, err);
	}
	if (c->depth == MAX_DEPTH)
		return error_set(err, ERR_INPUT, "%s:%u: more than %d {{#if}} within each other", c->path, c->line, MAX_DEPTH);
	c->open_ifs[c->depth] = c->m->n;
	c->open_lines[c->depth++] = c->line;
	return add_piece(c, (struct piece){ .kind = PIECE_IF, .var = (enum prompt_var)var }, err);
}

/* {{#if}} or {{/if}} alone in its line. */
static bool stands_alone(const char *start, const char *tag, const char *end)
{
	return (tag[2] == '#' || tag[2] == '/') && (tag == start || tag[-1] == '\n') && *end == '\n';
}

static int compile(struct message *m, const char *path, struct error *err)
{
	struct compiler c = { .path = path, .m = m, .line = 1 };
	const char *at = m->source;
	int r;

	for (;;) {
		const char *tag = strstr(at, "{{");
		const char *end = tag ? strstr(tag, "}}") : NULL;
		const char *name, *name_end;

		r = add_text(&c, at, tag ? tag : at + strlen(at), err);
		if (r < 0)
			return r;
		if (!tag)
			break;
		if (!end)
			return error_set(err, ERR_INPUT, "%s:%u: '{{' without '}}'", path, c.line);
		name = tag + 2;
		name_end = end;
		while (name < name_end && *name == ' ')
			name++;
		while (name_end > name && name_end[-1] == ' ')
			name_end--;
		r = add_tag(&c, name, (size_t)(name_end - name), err);
		if (r < 0)
			return r;
		at = end + 2;
		if (stands_alone(m->source, tag, at)) {
			c.line++;
			at++;
		}
	}
	if (c.depth > 0)
		return error_set(err, ERR_INPUT, "%s:%u: {{#if}} without {{/if}}", path, c.open_lines[c.depth - 1]);
	return 0;
}

/* --- reading --- */

static void message_clear(struct message *m)
{
	mem_free(m->role);
	mem_free(m->file);
	mem_free(m->source);
	mem_free(m->pieces);
}

void prompt_template_close(struct prompt_template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_messages; i++)
		message_clear(&t->messages[i]);
	mem_free(t->messages);
	str_list_free(t->stop);
	mem_free(t->name);
	mem_free(t->version);
	json_decref(t->text);
	mem_free(t);
}

static int nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

static int read_text(const char *path, struct buf *b, struct error *err)
{
	size_t bad;
	int r = fs_read_file(path, b, err);

	if (r < 0)
		return r;
	bad = str_utf8_valid(b->data, b->len);
	if (bad < b->len || memchr(b->data, '\0', b->len))
		return error_set(err, ERR_INPUT, "%s: not text in UTF-8 (byte %zu)", path, bad + 1);
	return 0;
}

static int need_str(const struct config *c, const struct config_node *map, const char *key, char **ret, struct error *err)
{
	const char *text = NULL;
	int r = config_str(c, config_get(map, key), NULL, &text, err);

	if (r < 0)
		return r;
	if (!text || !*text)
		return error_set(err, ERR_INPUT, "%s:%u: '%s' is missing", c->path, map->line, key);
	*ret = mem_strdup(text);
	return *ret ? 0 : nomem(err);
}

static int read_message(struct prompt_template *t, const char *dir, const struct config *c, const struct config_node *node,
			struct message *m, struct error *err)
{
	static const char *const keys[] = { "role", "file", NULL };
	static const char *const roles[] = { "system", "user", "assistant", "developer" };
	cleanup_mem char *path = NULL;
	cleanup_buf struct buf text;
	bool known = false;
	int r;

	buf_init(&text, MAX_FILE);
	if (node->kind != CONFIG_MAP)
		return error_set(err, ERR_INPUT, "%s:%u: a message is a map of role and file", c->path, node->line);
	if ((r = config_only_keys(c, node, keys, err)) < 0 || (r = need_str(c, node, "role", &m->role, err)) < 0 ||
	    (r = need_str(c, node, "file", &m->file, err)) < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		known = known || str_eq(m->role, roles[i]);
	if (!known)
		return error_set(err, ERR_INPUT, "%s:%u: unknown role '%s'", c->path, node->line, m->role);
	if (strchr(m->file, '/'))
		return error_set(err, ERR_INPUT, "%s:%u: file '%s' is not of this folder", c->path, node->line, m->file);
	path = fs_join(dir, m->file);
	if (!path)
		return nomem(err);
	r = read_text(path, &text, err);
	if (r < 0)
		return error_prefix(err, r, "%s:%u", c->path, node->line);
	m->source = buf_steal(&text, &m->source_len);
	if (!m->source)
		return nomem(err);
	if (json_object_set_new(json_object_get(t->text, "files"), m->file, json_stringn(m->source, m->source_len)) < 0)
		return nomem(err);
	return compile(m, path, err);
}

static int read_stop(struct prompt_template *t, const struct config *c, const struct config_node *list, struct error *err)
{
	const char *text = NULL;
	int r;

	if (!list)
		return 0;
	if (list->kind != CONFIG_LIST)
		return error_set(err, ERR_INPUT, "%s:%u: 'stop' is not a list", c->path, list->line);
	t->stop = mem_calloc(list->n_items + 1, sizeof(*t->stop));
	if (!t->stop)
		return nomem(err);
	for (size_t i = 0; i < list->n_items; i++) {
		r = config_str(c, &list->items[i], "", &text, err);
		if (r < 0)
			return r;
		t->stop[i] = mem_strdup(text);
		if (!t->stop[i])
			return nomem(err);
	}
	return 0;
}

static int read_template(struct prompt_template *t, const char *dir, const char *name, struct error *err)
{
	static const char *const keys[] = { "name", "version", "messages", "stop", NULL };
	cleanup_mem char *path = fs_join(dir, "template.yaml");
	cleanup_config struct config *c = NULL;
	cleanup_buf struct buf yaml;
	const struct config_node *list;
	int r;

	buf_init(&yaml, MAX_FILE);
	if (!path)
		return nomem(err);
	r = read_text(path, &yaml, err);
	if (r >= 0)
		r = config_parse(yaml.data, yaml.len, path, &c, err);
	if (r < 0)
		return r;
	if (c->root.kind != CONFIG_MAP)
		return error_set(err, ERR_INPUT, "%s:1: not a map of name, version and messages", path);
	if ((r = config_only_keys(c, &c->root, keys, err)) < 0 ||
	    (r = need_str(c, &c->root, "name", &t->name, err)) < 0 ||
	    (r = need_str(c, &c->root, "version", &t->version, err)) < 0 ||
	    (r = read_stop(t, c, config_get(&c->root, "stop"), err)) < 0)
		return r;
	if (!str_eq(t->name, name))
		return error_set(err, ERR_INPUT, "%s:%u: the name is '%s', but the folder's is '%s'", path,
				 config_get(&c->root, "name")->line, t->name, name);
	list = config_get(&c->root, "messages");
	if (!list || list->kind != CONFIG_LIST || list->n_items == 0)
		return error_set(err, ERR_INPUT, "%s:%u: 'messages' is not a list of messages", path, list ? list->line : 1);
	t->text = json_pack("{s:s, s:s, s:{s:s%}}", "name", t->name, "version", t->version, "files", "template.yaml",
			    yaml.data, yaml.len);
	t->messages = mem_calloc(list->n_items, sizeof(*t->messages));
	if (!t->text || !t->messages)
		return nomem(err);
	for (size_t i = 0; i < list->n_items; i++) {
		t->n_messages++;
		r = read_message(t, dir, c, &list->items[i], &t->messages[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int digest_text(struct prompt_template *t, struct error *err)
{
	cleanup_buf struct buf text;
	int r;

	buf_init(&text, 16 * MAX_FILE);
	r = json_dump_canonical(t->text, &text, err);
	if (r < 0)
		return r;
	hash_sha256_of(text.data, text.len, t->digest);
	return 0;
}

static int not_found(const char *dir, const char *name, struct error *err)
{
	cleanup_buf struct buf names = { 0 };
	char **list = NULL;
	size_t n = 0;
	int r = fs_list(dir, &list, &n, err);

	if (r < 0)
		return error_prefix(err, r, "template '%s'", name);
	buf_init(&names, 400);
	for (size_t i = 0; i < n; i++) {
		cleanup_mem char *path = fs_join(dir, list[i]);

		if (path && fs_is_dir(path))
			buf_addf(&names, "%s%s", names.len ? ", " : "", list[i]);
	}
	str_list_free(list);
	return error_set(err, ERR_NOTFOUND, "no template '%s' in '%s' (there are: %s)", name, dir,
			 names.len ? names.data : "none");
}

int prompt_template_open(const char *dir, const char *name, struct prompt_template **ret, struct error *err)
{
	cleanup_mem char *folder = NULL;
	struct prompt_template *t;
	int r;

	if (!*name || strchr(name, '/') || name[0] == '.')
		return error_set(err, ERR_INPUT, "template '%s': a name is wanted, not a path", name);
	folder = fs_join(dir, name);
	if (!folder)
		return nomem(err);
	if (!fs_is_dir(folder))
		return not_found(dir, name, err);
	t = mem_zalloc(sizeof(*t));
	if (!t)
		return nomem(err);
	r = read_template(t, folder, name, err);
	if (r >= 0)
		r = digest_text(t, err);
	if (r < 0) {
		prompt_template_close(t);
		return r;
	}
	*ret = t;
	return 0;
}

const char *prompt_template_name(const struct prompt_template *t)
{
	return t->name;
}

const char *prompt_template_version(const struct prompt_template *t)
{
	return t->version;
}

const uint8_t *prompt_template_digest(const struct prompt_template *t)
{
	return t->digest;
}

json_t *prompt_template_text(const struct prompt_template *t)
{
	return json_incref(t->text);
}

const char *const *prompt_template_stop(const struct prompt_template *t)
{
	return (const char *const *)t->stop;
}

/* --- rendering --- */

static void trim(struct buf *b)
{
	size_t from = 0;

	while (b->len > 0 && strchr(" \t\r\n", b->data[b->len - 1]))
		b->data[--b->len] = '\0';
	while (from < b->len && b->data[from] == '\n')
		from++;
	buf_remove_front(b, from);
}

static void render(const struct message *m, const struct prompt_vars *v, struct buf *out)
{
	for (size_t i = 0; i < m->n;) {
		const struct piece *p = &m->pieces[i];

		if (p->kind == PIECE_IF && v->text[p->var].len == 0) {
			i = p->end;
			continue;
		}
		if (p->kind == PIECE_TEXT)
			buf_add(out, p->text, p->len);
		else if (p->kind == PIECE_VAR)
			buf_add(out, v->text[p->var].data, v->text[p->var].len);
		i++;
	}
	trim(out);
}

int prompt_messages(const struct prompt_template *t, const struct task *task, const char *language, const char *language_title,
		    const char *conventions, json_t **ret, struct error *err)
{
	cleanup_json json_t *list = json_array();
	struct prompt_vars vars;
	int r;

	r = prompt_vars_fill(&vars, task, language, language_title, conventions, err);
	for (size_t i = 0; i < t->n_messages && r >= 0; i++) {
		cleanup_buf struct buf text;

		buf_init(&text, 64 * MAX_FILE);
		render(&t->messages[i], &vars, &text);
		r = buf_check(&text, "the prompt", err);
		if (r >= 0 && json_array_append_new(list, json_pack("{s:s, s:s%}", "role", t->messages[i].role, "content",
								    text.data, text.len)) < 0)
			r = error_set(err, ERR_NOMEM, "prompt of task '%s': out of memory, or not UTF-8", task->id);
	}
	prompt_vars_clear(&vars);
	if (r < 0)
		return r;
	*ret = mem_steal(&list);
	return 0;
}

int prompt_plain(const struct prompt_template *t, const struct task *task, const char *language, const char *language_title,
		    const char *conventions, char **ret, struct error *err)
{
	cleanup_json json_t *list = NULL;
	cleanup_buf struct buf text = { 0 };
	json_t *item;
	size_t i;
	int r;

	if (task->prompt_language && str_eq(task->prompt_language, language)) {
		*ret = mem_strdup(task->prompt);
		return *ret ? 0 : nomem(err);
	}
	r = prompt_messages(t, task, language, language_title, conventions, &list, err);
	if (r < 0)
		return r;
	buf_init(&text, 64 * MAX_FILE);
	json_array_foreach(list, i, item) {
		if (i)
			buf_adds(&text, "\n\n");
		buf_adds(&text, json_get_str(item, "content"));
	}
	buf_addc(&text, '\n');
	r = buf_check(&text, "the prompt", err);
	if (r < 0)
		return r;
	*ret = buf_steal(&text, NULL);
	return *ret ? 0 : nomem(err);
}
