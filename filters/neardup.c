/* SPDX-License-Identifier: Apache-2.0 */
/* neardup.c - see neardup.h. */
#include "filters/neardup.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"

#define RUN 6
#define VALUES 128
#define BANDS 16
#define ROWS (VALUES / BANDS)
#define NO_ENTRY UINT32_MAX
#define DEFINED_MAX 64

struct token { const char *p; size_t n; bool name; uint64_t hash; };
struct tokens { struct token *t; size_t n, cap; };

struct signature { uint32_t v[VALUES]; };
struct entry { uint64_t key; uint32_t item, next; };

struct neardup {
	double threshold;
	struct signature *items;
	struct entry *entries;  /* BANDS an item */
	uint32_t *heads;        /* by key; a power of two, or NULL */
	size_t n, cap_items, cap_entries, n_heads;
	struct tokens tokens;   /* of the text at hand */
};

/* --- tokens --- */

static bool starts_name(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool in_name(char c)
{
	return starts_name(c) || isdigit((unsigned char)c);
}

static bool is_one_of(const char *p, size_t n, const char *const *words, size_t n_words)
{
	for (size_t i = 0; i < n_words; i++)
		if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0)
			return true;
	return false;
}

static bool defines(const struct token *t)
{
	static const char *const words[] = { "def", "function", "func", "fn", "class" };

	return is_one_of(t->p, t->n, words, ARRAY_SIZE(words));
}

/* Words that steer a program, or name a kind of value, in one language or another. */
static bool is_control(const char *p, size_t n)
{
	static const char *const words[] = {
		"and", "as", "assert", "async", "auto", "await", "bool", "boolean", "break", "case", "catch", "char", "class",
		"const", "continue", "def", "default", "del", "delete", "do", "double", "elif", "else", "enum", "except",
		"false", "False", "final", "finally", "float", "fn", "for", "foreach", "func", "function", "global", "goto", "if",
		"impl", "import", "in", "int", "is", "lambda", "let", "long", "loop", "match", "mut", "new", "nil", "None",
		"nonlocal", "not", "null", "or", "pass", "private", "public", "raise", "range", "return", "self", "short",
		"static", "string", "struct", "super", "switch", "this", "throw", "true", "True", "try", "type", "typedef",
		"unsigned", "use", "using", "var", "void", "while", "with", "yield",
	};

	return is_one_of(p, n, words, ARRAY_SIZE(words));
}

/* How long a text in quotes is; one that does not end ends with its line. */
static size_t quoted(const char *p, size_t n)
{
	bool three = n >= 6 && p[1] == p[0] && p[2] == p[0];
	size_t i = three ? 3 : 1;

	for (; i < n; i++) {
		if (p[i] == '\\')
			i++;
		else if (three ? p[i] == p[0] && i + 2 < n && p[i + 1] == p[0] && p[i + 2] == p[0] : p[i] == p[0])
			return three ? i + 3 : i + 1;
		else if (!three && p[i] == '\n' && p[0] != '`')
			return i;
	}
	return n;
}

static size_t token_length(const char *p, size_t n)
{
	size_t i = 1;

	if (*p == '"' || *p == '\'' || *p == '`')
		return quoted(p, n);
	if (in_name(*p))
		while (i < n && in_name(p[i]))
			i++;
	return i;
}

static size_t skip_comment(const char *p, size_t n)
{
	const char *end;

	if (n >= 2 && p[0] == '#' && (p[1] == ' ' || p[1] == '!')) {
		end = memchr(p, '\n', n);
		return end ? (size_t)(end - p) : n;
	}
	if (n < 4 || p[0] != '/' || p[1] != '*')
		return 0;
	end = memmem(p + 2, n - 2, "*/", 2);
	return end ? (size_t)(end - p) + 2 : n;
}

static bool cut(struct tokens *t, const char *p, size_t n)
{
	t->n = 0;
	while (n) {
		size_t len = isspace((unsigned char)*p) ? 1 : skip_comment(p, n);

		if (!len) {
			len = token_length(p, n);
			if (!mem_grow(&t->t, &t->cap, t->n + 1, sizeof(*t->t)))
				return false;
			t->t[t->n++] = (struct token){ .p = p, .n = len, .hash = hash_xxh3(p, len) };
		}
		p += len;
		n -= len;
	}
	return true;
}

/* Names that the text itself defines; of a text with more, the first. */
struct defined { uint64_t hash[DEFINED_MAX]; size_t n; };

static void find_defined(const struct tokens *t, struct defined *ret)
{
	ret->n = 0;
	for (size_t i = 1; i < t->n && ret->n < DEFINED_MAX; i++)
		if (defines(&t->t[i - 1]))
			ret->hash[ret->n++] = t->t[i].hash;
}

static bool is_defined(const struct defined *d, uint64_t hash)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->hash[i] == hash)
			return true;
	return false;
}

/* Say which tokens are names that may be any other. */
static void mark_names(struct tokens *t)
{
	struct defined defined;

	find_defined(t, &defined);
	for (size_t i = 0; i < t->n; i++) {
		struct token *k = &t->t[i];
		bool called = i + 1 < t->n && *t->t[i + 1].p == '(', member = i && *t->t[i - 1].p == '.';

		k->name = starts_name(*k->p) && !is_control(k->p, k->n) && !member && (!called || is_defined(&defined, k->hash));
	}
}

static uint64_t run_hash(const struct token *t, size_t n, uint64_t language)
{
	uint64_t hashes[RUN + 1];

	for (size_t i = 0; i < n; i++) {
		size_t first = 0, number = 1;

		/* the place of the name's first use among the names of this run */
		for (; t[i].name && !(t[first].name && t[first].hash == t[i].hash); first++)
			number += t[first].name;
		hashes[i] = t[i].name ? number : t[i].hash;
	}
	hashes[n] = language;
	return hash_xxh3(hashes, (n + 1) * sizeof(hashes[0]));
}

/* --- signatures --- */

/* One of VALUES hash functions: splitmix64's finaliser over another start each. */
static uint32_t mixed(uint64_t h, unsigned i)
{
	uint64_t z = h + (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z >> 32);
}

static void sign(const struct tokens *t, uint64_t language, struct signature *ret)
{
	size_t run = t->n < RUN ? t->n : RUN;

	memset(ret->v, 0xff, sizeof(ret->v));
	for (size_t i = 0; i + run <= t->n; i++) {
		uint64_t h = run_hash(t->t + i, run, language);

		for (unsigned k = 0; k < VALUES; k++) {
			uint32_t v = mixed(h, k);

			if (v < ret->v[k])
				ret->v[k] = v;
		}
		if (!run)
			break;
	}
}

static uint64_t band_key(const struct signature *s, uint32_t band)
{
	return hash_xxh3(s->v + (size_t)band * ROWS, ROWS * sizeof(s->v[0])) + band;
}

static bool is_near(const struct neardup *d, const struct signature *a, const struct signature *b)
{
	unsigned same = 0;

	for (unsigned k = 0; k < VALUES; k++)
		same += a->v[k] == b->v[k];
	return same >= d->threshold * VALUES;
}

static bool find(const struct neardup *d, const struct signature *s)
{
	if (!d->n_heads)
		return false;
	for (uint32_t band = 0; band < BANDS; band++) {
		uint64_t key = band_key(s, band);

		for (uint32_t e = d->heads[key & (d->n_heads - 1)]; e != NO_ENTRY; e = d->entries[e].next)
			if (d->entries[e].key == key && is_near(d, s, &d->items[d->entries[e].item]))
				return true;
	}
	return false;
}

static void link_entry(struct neardup *d, uint32_t e)
{
	uint32_t *head = &d->heads[d->entries[e].key & (d->n_heads - 1)];

	d->entries[e].next = *head;
	*head = e;
}

/* Room for one more item; a table at most as full as it has heads. */
static int make_room(struct neardup *d, struct error *err)
{
	size_t entries = (d->n + 1) * BANDS, heads = d->n_heads ? d->n_heads : 1024;
	uint32_t *grown;

	if (entries >= NO_ENTRY)
		return error_set(err, ERR_LIMIT, "more than %u programs to compare", NO_ENTRY / BANDS);
	if (!mem_grow(&d->items, &d->cap_items, d->n + 1, sizeof(*d->items)) ||
	    !mem_grow(&d->entries, &d->cap_entries, entries, sizeof(*d->entries)))
		return error_set(err, ERR_NOMEM, "out of memory for programs to compare");
	while (heads < entries)
		heads *= 2;
	if (heads == d->n_heads)
		return 0;
	grown = mem_realloc_array(d->heads, heads, sizeof(*grown));
	if (!grown)
		return error_set(err, ERR_NOMEM, "out of memory for programs to compare");
	d->heads = grown;
	d->n_heads = heads;
	memset(grown, 0xff, heads * sizeof(*grown));
	for (size_t e = 0; e < d->n * BANDS; e++)
		link_entry(d, (uint32_t)e);
	return 0;
}

struct neardup *neardup_new(double threshold)
{
	struct neardup *d = mem_zalloc(sizeof(*d));

	if (d)
		d->threshold = threshold;
	return d;
}

void neardup_free(struct neardup *d)
{
	if (!d)
		return;
	mem_free(d->items);
	mem_free(d->entries);
	mem_free(d->heads);
	mem_free(d->tokens.t);
	mem_free(d);
}

void neardup_reset(struct neardup *d)
{
	d->n = 0;
	if (d->heads)
		memset(d->heads, 0xff, d->n_heads * sizeof(*d->heads));
}

int neardup_add(struct neardup *d, const char *language, const char *text, size_t n, struct error *err)
{
	struct signature s;
	int r;

	if (!cut(&d->tokens, text, n))
		return error_set(err, ERR_NOMEM, "out of memory for a program's tokens");
	mark_names(&d->tokens);
	sign(&d->tokens, hash_xxh3(language, strlen(language)), &s);
	if (find(d, &s))
		return 1;
	r = make_room(d, err);
	if (r < 0)
		return r;
	d->items[d->n] = s;
	for (uint32_t band = 0; band < BANDS; band++) {
		uint32_t e = (uint32_t)(d->n * BANDS) + band;

		d->entries[e] = (struct entry){ .key = band_key(&s, band), .item = (uint32_t)d->n };
		link_entry(d, e);
	}
	d->n++;
	return 0;
}
