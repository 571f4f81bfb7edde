/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contamination.c - see contamination.h.
 *
 * Runs of words are kept as pairs (hash, item) in one array, sorted when first asked: a set of 200,000 problems is some
 * 10 million pairs of 16 bytes.  Two different runs with one XXH3-64 would be a false finding: of 10^7 runs and 10^9
 * asked, fewer than one in a thousand data sets has one.
 */
#include "filters/contamination.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"

#define MEANINGFUL_WORDS 3
#define COMMON_ITEMS 10
#define COMMON_SHARE 100 /* one in so many */
#define NAMES_MAX 256
#define NAME_HASH 1

struct pair { uint64_t hash; uint32_t item; uint32_t words; };
struct item { char *set, *id; };
struct contamination {
	struct pair *pairs;
	struct item *items;
	size_t n_pairs, cap_pairs, n_items, cap_items;
	bool sorted;
};

/* --- words --- */

struct word { uint64_t hash; bool meaningful; };
struct words { struct word *w; size_t n, cap; };
struct slice { const char *p; size_t n; };
struct names { struct slice s[NAMES_MAX]; size_t n; };

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_name_byte(char c)
{
	return is_word_byte(c) || c == '_';
}

static bool has_name(const struct names *names, struct slice s)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->s[i].n == s.n && strncasecmp(names->s[i].p, s.p, s.n) == 0)
			return true;
	return false;
}

static struct slice name_at(const char *p)
{
	size_t n = 0;

	while (is_name_byte(p[n]))
		n++;
	return (struct slice){ p, n };
}

static void add_name(struct names *names, struct slice s)
{
	/* "self" is everybody's */
	if (s.n && names->n < NAMES_MAX && !isdigit((unsigned char)*s.p) && !(s.n == 4 && strncasecmp(s.p, "self", 4) == 0) &&
	    !has_name(names, s))
		names->s[names->n++] = s;
}

/* The parameters between p and their closing bracket: the names that stand first, after "(" or "," of that level. */
static void add_parameters(struct names *names, const char *p)
{
	int depth = 1;
	bool first = true;

	while (*p && depth > 0) {
		struct slice s = name_at(p);

		if (s.n) {
			if (first)
				add_name(names, s);
			first = false;
			p += s.n;
			continue;
		}
		depth += (*p == '(' || *p == '[' || *p == '{') - (*p == ')' || *p == ']' || *p == '}');
		if (*p == ',' && depth == 1)
			first = true;
		p++;
	}
}

static void find_names(const char *text, struct names *ret)
{
	ret->n = 0;
	for (const char *p = text; *p;) {
		struct slice s = name_at(p);

		if (!s.n) {
			p++;
			continue;
		}
		p += s.n;
		if (s.n != 3 || strncasecmp(s.p, "def", 3) != 0 || (*p != ' ' && *p != '\t'))
			continue;
		p += strspn(p, " \t");
		s = name_at(p);
		p += s.n;
		if (s.n && p[strspn(p, " \t")] == '(') {
			add_name(ret, s);
			add_parameters(ret, p + strspn(p, " \t") + 1);
		}
	}
}

/* Words of a signature, and such as stand in every program. */
static bool says_nothing(const char *p, size_t n)
{
	static const char *const words[] = {
		"def", "from", "import", "typing", "return", "returns", "int", "float", "str", "string", "bool", "list",
		"dict", "tuple", "set", "optional", "union", "any", "none", "true", "false", "self", "class", "for", "in",
		"if", "else", "and", "or", "not", "the", "of", "is", "to", "it", "an", "function", "write", "python",
	};
	bool digits = true;

	for (size_t i = 0; i < n; i++)
		digits = digits && isdigit((unsigned char)p[i]);
	if (digits || n < 2)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0)
			return true;
	return false;
}

static bool add_word(struct words *w, const char *p, size_t n)
{
	char lower[64];
	size_t kept = n < sizeof(lower) ? n : sizeof(lower);

	if (!mem_grow(&w->w, &w->cap, w->n + 1, sizeof(*w->w)))
		return false;
	for (size_t i = 0; i < kept; i++)
		lower[i] = (char)tolower((unsigned char)p[i]);
	/* A letter alone is a variable as often as a word: it equals any name. */
	if (n == 1 && isalpha((unsigned char)*p))
		w->w[w->n++] = (struct word){ .hash = NAME_HASH };
	else
		w->w[w->n++] = (struct word){ .hash = hash_xxh3(lower, kept), .meaningful = !says_nothing(lower, kept) };
	return true;
}

static int cut(const char *text, bool rename, struct words *ret, struct error *err)
{
	struct names *names = mem_alloc(sizeof(*names));
	bool fine = names != NULL;

	ret->n = 0;
	if (fine)
		names->n = 0;
	if (fine && rename)
		find_names(text, names);
	for (const char *p = text; fine && *p;) {
		struct slice s = name_at(p);

		p += s.n ? s.n : 1;
		if (s.n && has_name(names, s)) {
			fine = mem_grow(&ret->w, &ret->cap, ret->n + 1, sizeof(*ret->w));
			if (fine)
				ret->w[ret->n++] = (struct word){ .hash = NAME_HASH };
			continue;
		}
		for (size_t i = 0, n; fine && i < s.n; i += n ? n : 1) {
			n = 0;
			while (i + n < s.n && is_word_byte(s.p[i + n]))
				n++;
			if (n)
				fine = add_word(ret, s.p + i, n);
		}
	}
	mem_free(names);
	return fine ? 0 : error_set(err, ERR_NOMEM, "out of memory for words");
}

/* The hash of a run, or 0 where it says nothing. */
static uint64_t run_hash(const struct word *w, size_t n)
{
	uint64_t hashes[CONTAMINATION_LONG];
	size_t different = 0;

	for (size_t i = 0; i < n; i++) {
		bool again = !w[i].meaningful;

		for (size_t k = 0; k < i && !again; k++)
			again = w[k].hash == w[i].hash;
		different += !again;
		hashes[i] = w[i].hash;
	}
	return different >= MEANINGFUL_WORDS ? hash_xxh3(hashes, n * sizeof(hashes[0])) : 0;
}

static const uint32_t lengths[] = { CONTAMINATION_SHORT, CONTAMINATION_LONG };

static int add_runs(struct pair **pairs, size_t *n, size_t *cap, const struct words *w, uint32_t item, struct error *err)
{
	for (size_t l = 0; l < ARRAY_SIZE(lengths); l++)
		for (size_t i = 0; i + lengths[l] <= w->n; i++) {
			uint64_t hash = run_hash(w->w + i, lengths[l]);

			if (!hash)
				continue;
			if (!mem_grow(pairs, cap, *n + 1, sizeof(**pairs)))
				return error_set(err, ERR_NOMEM, "out of memory for runs of words");
			(*pairs)[(*n)++] = (struct pair){ hash, item, lengths[l] };
		}
	return 0;
}

/* The runs of a text, its names first as they are and then as one: prose that was taken out of a function's comment
 * names its parameters too, but nothing there says so. */
static int add_text(struct pair **pairs, size_t *n, size_t *cap, const char *text, uint32_t item, struct error *err)
{
	struct words words = { 0 };
	int r = 0;

	for (int rename = 0; r == 0 && rename < 2; rename++) {
		r = cut(text, rename, &words, err);
		if (r == 0)
			r = add_runs(pairs, n, cap, &words, item, err);
	}
	mem_free(words.w);
	return r;
}

/* --- the index --- */

struct contamination *contamination_new(void)
{
	return mem_zalloc(sizeof(struct contamination));
}

void contamination_free(struct contamination *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_items; i++) {
		mem_free(c->items[i].set);
		mem_free(c->items[i].id);
	}
	mem_free(c->items);
	mem_free(c->pairs);
	mem_free(c);
}

int contamination_add(struct contamination *c, const char *set, const char *item, const char *text, bool *ret_usable,
		      struct error *err)
{
	size_t before = c->n_pairs;
	struct item it;
	int r;

	if (!mem_grow(&c->items, &c->cap_items, c->n_items + 1, sizeof(*c->items)))
		return error_set(err, ERR_NOMEM, "out of memory for an item");
	it = (struct item){ mem_strdup(set), mem_strdup(item) };
	r = it.set && it.id ? add_text(&c->pairs, &c->n_pairs, &c->cap_pairs, text, (uint32_t)c->n_items, err) :
			      error_set(err, ERR_NOMEM, "out of memory for an item");
	if (r < 0) {
		c->n_pairs = before;
		mem_free(it.set);
		mem_free(it.id);
		return r;
	}
	c->items[c->n_items++] = it;
	c->sorted = false;
	*ret_usable = c->n_pairs > before;
	return 0;
}

static int by_hash(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

/* Sort, each (run, item) once, without the runs that too many items have. */
static void prepare(struct contamination *c)
{
	size_t kept = 0, first = 0;

	if (c->sorted)
		return;
	if (c->n_pairs)
		qsort(c->pairs, c->n_pairs, sizeof(*c->pairs), by_hash);
	for (size_t i = 0; i < c->n_pairs; i++) {
		if (i && by_hash(&c->pairs[i], &c->pairs[i - 1]) == 0)
			continue;
		c->pairs[kept++] = c->pairs[i];
	}
	c->n_pairs = kept;
	kept = 0;
	while (first < c->n_pairs) {
		size_t end = first;

		while (end < c->n_pairs && c->pairs[end].hash == c->pairs[first].hash)
			end++;
		if (end - first <= COMMON_ITEMS || (end - first) * COMMON_SHARE <= c->n_items) {
			memmove(c->pairs + kept, c->pairs + first, (end - first) * sizeof(*c->pairs));
			kept += end - first;
		}
		first = end;
	}
	c->n_pairs = kept;
	c->sorted = true;
}

/* The pairs of the index with this run, added to found once for each item. */
static int look_up(const struct contamination *c, uint64_t hash, struct pair **found, size_t *n, size_t *cap,
		   struct error *err)
{
	size_t low = 0, high = c->n_pairs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->pairs[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < c->n_pairs && c->pairs[low].hash == hash; low++) {
		if (!mem_grow(found, cap, *n + 1, sizeof(**found)))
			return error_set(err, ERR_NOMEM, "out of memory for findings");
		(*found)[(*n)++] = c->pairs[low];
	}
	return 0;
}

static int by_item(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return (x->item > y->item) - (x->item < y->item);
}

static void choose(const struct contamination *c, const struct pair *found, size_t n, struct contamination_hit *ret)
{
	for (size_t i = 0; i < n;) {
		struct contamination_hit h = { .set = c->items[found[i].item].set, .item = c->items[found[i].item].id };
		size_t first = i;

		for (; i < n && found[i].item == found[first].item; i++) {
			h.shared_short += found[i].words == CONTAMINATION_SHORT;
			h.shared_long += found[i].words == CONTAMINATION_LONG;
		}
		h.items = ret->items + (h.shared_short > 0);
		if (h.shared_short > ret->shared_short)
			*ret = h;
		ret->items = h.items;
	}
}

int contamination_find(struct contamination *c, const char *text, struct contamination_hit *ret, struct error *err)
{
	struct pair *runs = NULL, *found = NULL;
	size_t n_runs = 0, cap_runs = 0, n = 0, cap = 0;
	int r = add_text(&runs, &n_runs, &cap_runs, text, 0, err);

	prepare(c);
	*ret = (struct contamination_hit){ 0 };
	if (r == 0 && n_runs)
		qsort(runs, n_runs, sizeof(*runs), by_hash);
	for (size_t i = 0; r == 0 && i < n_runs; i++)
		if (!i || runs[i].hash != runs[i - 1].hash)
			r = look_up(c, runs[i].hash, &found, &n, &cap, err);
	if (r == 0 && n) {
		qsort(found, n, sizeof(*found), by_item);
		choose(c, found, n, ret);
	}
	mem_free(runs);
	mem_free(found);
	if (r < 0)
		return r;
	return ret->shared_short > 0;
}
