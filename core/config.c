/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - libyaml's events to a tree that knows its lines.
 *
 * Anchors, aliases and tags are refused: a file says what it says, once.
 */
#include "core/config.h"

#include <string.h>
#include <yaml.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"

#define MAX_FILE ((size_t)4 << 20)
#define MAX_DEPTH 32

struct reader {
	yaml_parser_t parser;
	struct config *config;
	struct error *err;
};

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for configuration");
}

static int bad(const struct config *c, unsigned line, struct error *err, const char *what)
{
	return error_set(err, ERR_INPUT, "%s:%u: %s", c->path, line, what);
}

static void node_clear(struct config_node *n)
{
	for (size_t i = 0; i < n->n_items; i++)
		node_clear(&n->items[i]);
	mem_free(n->items);
	mem_free(n->key);
	mem_free(n->scalar);
	*n = (struct config_node){ 0 };
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
	yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(p, ev))
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(r->err);
	if (p->error == YAML_READER_ERROR)
		return error_set(r->err, ERR_INPUT, "%s: not text: %s at byte %zu",
				 r->config->path, p->problem ? p->problem : "bad bytes",
				 p->problem_offset);
	return error_set(r->err, ERR_INPUT, "%s:%zu: %s%s%s", r->config->path,
			 p->problem_mark.line + 1, p->problem ? p->problem : "not YAML",
			 p->context ? " " : "", p->context ? p->context : "");
}

static int read_node(struct reader *r, yaml_event_t *ev, unsigned depth, struct config_node *ret);

static int refuse_extras(struct reader *r, const yaml_event_t *ev, const yaml_char_t *anchor,
			 const yaml_char_t *tag)
{
	unsigned line = (unsigned)ev->start_mark.line + 1;

	if (anchor)
		return bad(r->config, line, r->err, "anchors are not supported");
	if (tag)
		return bad(r->config, line, r->err, "tags are not supported");
	return 0;
}

static int read_scalar(struct reader *r, const yaml_event_t *ev, struct config_node *ret)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t n = ev->data.scalar.length;
	int e = refuse_extras(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag);

	if (e < 0)
		return e;
	if (memchr(text, '\0', n))
		return bad(r->config, ret->line, r->err, "a NUL character");
	ret->kind = CONFIG_SCALAR;
	ret->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (ret->plain && (str_eq(text, "~") || str_eq(text, "null") || str_eq(text, "Null") ||
			   str_eq(text, "NULL")))
		n = 0;
	ret->scalar = mem_memdup(text, n);
	return ret->scalar ? 0 : no_memory(r->err);
}

/* One more item, zeroed; NULL: no memory. */
static struct config_node *add_item(struct config_node *n, size_t *cap)
{
	if (!mem_grow(&n->items, cap, n->n_items + 1, sizeof(*n->items)))
		return NULL;
	n->items[n->n_items] = (struct config_node){ 0 };
	return &n->items[n->n_items++];
}

static int read_list(struct reader *r, unsigned depth, struct config_node *ret)
{
	size_t cap = 0;
	int e = 0;

	ret->kind = CONFIG_LIST;
	while (e == 0) {
		struct config_node *item;
		yaml_event_t ev;

		e = next_event(r, &ev);
		if (e < 0)
			break;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			break;
		}
		item = add_item(ret, &cap);
		e = item ? read_node(r, &ev, depth + 1, item) : no_memory(r->err);
		yaml_event_delete(&ev);
	}
	return e;
}

static int read_key(struct reader *r, const yaml_event_t *ev, const struct config_node *map,
		    char **ret)
{
	struct config_node key = { .line = (unsigned)ev->start_mark.line + 1 };
	const struct config_node *same;
	int e;

	if (ev->type != YAML_SCALAR_EVENT)
		return bad(r->config, key.line, r->err, "a key must be plain text");
	e = read_scalar(r, ev, &key);
	if (e < 0)
		return e;
	same = config_get(map, key.scalar);
	if (same) {
		e = error_set(r->err, ERR_INPUT, "%s:%u: key '%s' is there already (line %u)",
			      r->config->path, key.line, key.scalar, same->key_line);
		mem_free(key.scalar);
		return e;
	}
	*ret = key.scalar;
	return 0;
}

static int read_map(struct reader *r, unsigned depth, struct config_node *ret)
{
	size_t cap = 0;
	int e = 0;

	ret->kind = CONFIG_MAP;
	while (e == 0) {
		struct config_node *item;
		char *key = NULL;
		yaml_event_t ev;
		unsigned line;

		e = next_event(r, &ev);
		if (e < 0)
			break;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			break;
		}
		line = (unsigned)ev.start_mark.line + 1;
		e = read_key(r, &ev, ret, &key);
		yaml_event_delete(&ev);
		if (e < 0)
			break;
		item = add_item(ret, &cap);
		if (!item) {
			mem_free(key);
			return no_memory(r->err);
		}
		item->key = key;
		item->key_line = line;
		e = next_event(r, &ev);
		if (e < 0)
			break;
		e = read_node(r, &ev, depth + 1, item);
		yaml_event_delete(&ev);
	}
	return e;
}

/* Fills *ret from the event and those after it; leaves key and key_line alone. */
static int read_node(struct reader *r, yaml_event_t *ev, unsigned depth, struct config_node *ret)
{
	int e;

	ret->line = (unsigned)ev->start_mark.line + 1;
	if (depth > MAX_DEPTH)
		return bad(r->config, ret->line, r->err, "nests too deep");
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, ev, ret);
	case YAML_SEQUENCE_START_EVENT:
		e = refuse_extras(r, ev, ev->data.sequence_start.anchor,
				  ev->data.sequence_start.tag);
		return e < 0 ? e : read_list(r, depth, ret);
	case YAML_MAPPING_START_EVENT:
		e = refuse_extras(r, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		return e < 0 ? e : read_map(r, depth, ret);
	case YAML_ALIAS_EVENT:
		return bad(r->config, ret->line, r->err, "aliases are not supported");
	default:
		return bad(r->config, ret->line, r->err, "not YAML");
	}
}

/* stream start, then no document at all (an empty map) or exactly one. */
static int read_stream(struct reader *r)
{
	struct config_node *root = &r->config->root;
	unsigned n_documents = 0;
	bool more = true;
	int e = 0;

	root->kind = CONFIG_MAP;
	root->line = 1;
	while (e == 0 && more) {
		yaml_event_t ev;

		e = next_event(r, &ev);
		if (e < 0)
			break;
		switch (ev.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_STREAM_END_EVENT:
			more = false;
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (n_documents++)
				e = bad(r->config, (unsigned)ev.start_mark.line + 1, r->err,
					"a second document");
			break;
		default:
			e = read_node(r, &ev, 0, root);
			break;
		}
		yaml_event_delete(&ev);
	}
	if (e == 0 && root->kind == CONFIG_SCALAR && !*root->scalar && root->plain) {
		node_clear(root); /* comments alone */
		root->kind = CONFIG_MAP;
		root->line = 1;
	}
	return e;
}

int config_parse(const char *text, size_t n, const char *name, struct config **ret,
		 struct error *err)
{
	struct reader r = { .err = err };
	int e;

	r.config = mem_zalloc(sizeof(*r.config));
	if (!r.config)
		return no_memory(err);
	r.config->path = mem_strdup(name);
	if (!r.config->path || !yaml_parser_initialize(&r.parser)) {
		config_free(r.config);
		return no_memory(err);
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
	e = read_stream(&r);
	yaml_parser_delete(&r.parser);
	if (e < 0) {
		config_free(r.config);
		return e;
	}
	*ret = r.config;
	return 0;
}

int config_load(const char *path, struct config **ret, struct error *err)
{
	cleanup_buf struct buf b;
	int r;

	buf_init(&b, MAX_FILE);
	r = fs_read_file(path, &b, err);
	return r < 0 ? r : config_parse(b.data, b.len, path, ret, err);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	node_clear(&c->root);
	mem_free(c->path);
	mem_free(c);
}

void config_cleanup(struct config **c)
{
	config_free(*c);
	*c = NULL;
}

const struct config_node *config_get(const struct config_node *map, const char *key)
{
	if (!map || map->kind != CONFIG_MAP)
		return NULL;
	for (size_t i = 0; i < map->n_items; i++)
		if (str_eq(map->items[i].key, key))
			return &map->items[i];
	return NULL;
}

int config_only_keys(const struct config *c, const struct config_node *map,
		     const char *const *keys, struct error *err)
{
	if (!map)
		return 0;
	if (map->kind != CONFIG_MAP)
		return bad(c, map->line, err, "expected a map of keys");
	for (size_t i = 0; i < map->n_items; i++) {
		const char *const *k = keys;

		while (*k && !str_eq(*k, map->items[i].key))
			k++;
		if (!*k)
			return error_set(err, ERR_INPUT, "%s:%u: unknown key '%s'", c->path,
					 map->items[i].key_line, map->items[i].key);
	}
	return 0;
}

/* "file:line: key 'x': expected …" */
static int wrong(const struct config *c, const struct config_node *n, const char *expected,
		 struct error *err)
{
	if (n->key)
		return error_set(err, ERR_INPUT, "%s:%u: '%s': expected %s%s%s%s", c->path, n->line,
				 n->key, expected, n->kind == CONFIG_SCALAR ? ", got '" : "",
				 n->kind == CONFIG_SCALAR ? n->scalar : "",
				 n->kind == CONFIG_SCALAR ? "'" : "");
	return error_set(err, ERR_INPUT, "%s:%u: expected %s", c->path, n->line, expected);
}

int config_str(const struct config *c, const struct config_node *n, const char *fallback,
	       const char **ret, struct error *err)
{
	if (n && n->kind != CONFIG_SCALAR)
		return wrong(c, n, "text", err);
	*ret = n ? n->scalar : fallback;
	return 0;
}

int config_u64(const struct config *c, const struct config_node *n, uint64_t fallback,
	       uint64_t *ret, struct error *err)
{
	if (n && (n->kind != CONFIG_SCALAR || !n->plain ||
		  str_parse_u64(n->scalar, "", 0, UINT64_MAX, ret, NULL) < 0))
		return wrong(c, n, "a whole number", err);
	if (!n)
		*ret = fallback;
	return 0;
}

int config_double(const struct config *c, const struct config_node *n, double fallback, double *ret,
		  struct error *err)
{
	if (n && (n->kind != CONFIG_SCALAR || !n->plain ||
		  str_parse_double(n->scalar, "", -1e300, 1e300, ret, NULL) < 0))
		return wrong(c, n, "a number", err);
	if (!n)
		*ret = fallback;
	return 0;
}

int config_bool(const struct config *c, const struct config_node *n, bool fallback, bool *ret,
		struct error *err)
{
	if (!n) {
		*ret = fallback;
		return 0;
	}
	if (n->kind != CONFIG_SCALAR || !n->plain ||
	    (!str_eq(n->scalar, "true") && !str_eq(n->scalar, "false")))
		return wrong(c, n, "true or false", err);
	*ret = str_eq(n->scalar, "true");
	return 0;
}
