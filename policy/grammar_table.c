/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_table.c - expands the families to productions, one for each choice of their types. */
#include "policy/grammar_families.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

#define MAX_ARGS_TEXT 96

const struct gfamily grammar_families[] = {
#define X(id, type, args, prior, python, prec) { #id, type, args, prior, python, prec },
	GRAMMAR_FAMILIES(X)
#undef X
};
const size_t grammar_n_families = ARRAY_SIZE(grammar_families);

static const char *const type_words[] = { "I",  "F",  "B",  "S",  "C",  "LI", "LF",  "LS", "LB",
					  "LLI", "iI", "iF", "iS", "iC", "iB", "iLI", "pI", "pC" };
_Static_assert(ARRAY_SIZE(type_words) == GT_BODY, "a word for each type");

const char *gtype_name(enum gtype t)
{
	return (unsigned)t < GT_BODY ? type_words[t] : "body";
}

static const uint8_t element_of[GT_N_VALUES] = {
	[GT_INT] = GT_NONE, [GT_FLOAT] = GT_NONE, [GT_BOOL] = GT_NONE, [GT_STR] = GT_CHAR, [GT_CHAR] = GT_NONE,
	[GT_LIST_INT] = GT_INT, [GT_LIST_FLOAT] = GT_FLOAT, [GT_LIST_STR] = GT_STR, [GT_LIST_BOOL] = GT_BOOL,
	[GT_LIST_LIST_INT] = GT_LIST_INT,
};

static uint8_t iter_of(uint8_t element)
{
	switch (element) {
	case GT_INT: return GT_ITER_INT;
	case GT_FLOAT: return GT_ITER_FLOAT;
	case GT_STR: return GT_ITER_STR;
	case GT_CHAR: return GT_ITER_CHAR;
	case GT_BOOL: return GT_ITER_BOOL;
	case GT_LIST_INT: return GT_ITER_LIST_INT;
	default: return GT_NONE;
	}
}

/* What each letter stands for at the moment; GT_NONE: not used by this row. */
struct letters {
	uint8_t list, ordered, number, value, element, sequence;
};

static uint8_t resolve_plain(const char *w, size_t n, const struct letters *l)
{
	if (n == 1) {
		switch (*w) {
		case 'L': return l->list;
		case 'E': return element_of[l->list];
		case 'O': return l->ordered;
		case 'P': return element_of[l->ordered];
		case 'M': return l->number;
		case 'V': return l->value;
		case 'K': return l->element;
		case 'Q': return l->sequence;
		default: break;
		}
	}
	if (n == 2 && w[0] == 'i' && w[1] == 'K')
		return iter_of(l->element);
	if (n == 2 && w[0] == 'i' && w[1] == 'E')
		return iter_of(element_of[l->list]);
	if (w[0] == 'b') {
		uint8_t t = resolve_plain(w + 1, n - 1, l);

		return t == GT_NONE ? GT_NONE : (uint8_t)(GT_BODY + t);
	}
	for (uint8_t t = 0; t < GT_BODY; t++)
		if (strlen(type_words[t]) == n && memcmp(type_words[t], w, n) == 0)
			return t;
	assert(!"a type's word");
	return GT_NONE;
}

static uint8_t role_of(char letter)
{
	if (letter == 'a' || letter == 'b')
		return GR_ACC;
	return letter == 'i' || letter == 'j' ? GR_INDEX : GR_ELEM;
}

/* False where a letter has no type here. */
static bool parse_args(const char *args, const struct letters *l, struct gprod *p)
{
	const char *w = args;

	while (*w) {
		size_t n = strcspn(w, " {");
		uint8_t a = p->n_args++;

		assert(a < GRAMMAR_MAX_ARGS);
		p->arg[a] = resolve_plain(w, n, l);
		if (p->arg[a] == GT_NONE)
			return false;
		w += n;
		if (*w == '{') {
			while (*w != '}') {
				uint8_t b = p->n_bind[a]++;
				size_t m = strcspn(w + 3, ",}");

				assert(b < GRAMMAR_MAX_BIND && w[2] == ':');
				p->bind_id[a][b] = (uint8_t)w[1];
				p->bind_role[a][b] = role_of(w[1]);
				p->bind_type[a][b] = resolve_plain(w + 3, m, l);
				if (p->bind_type[a][b] == GT_NONE)
					return false;
				w += 3 + m;
			}
			w++;
		}
		while (*w == ' ')
			w++;
	}
	return true;
}

static bool uses(const struct gfamily *f, const char *letters)
{
	/* Types' words hold L, I, F, … too: a letter counts only as a whole word. */
	char text[MAX_ARGS_TEXT];
	int n = snprintf(text, sizeof(text), " %s %s ", f->type, f->args);

	assert(n > 0 && (size_t)n < sizeof(text));
	(void)n;
	for (size_t i = 1; text[i]; i++) {
		char before = text[i - 1], after = text[i + 1];

		if (strchr(letters, text[i]) && (before == ' ' || before == ':' || before == 'i' || before == 'b') &&
		    (after == ' ' || after == '{' || after == ',' || after == '}'))
			return true;
	}
	return false;
}

struct builder {
	struct gtable *table;
	size_t cap;
	bool failed;
};

static void add(struct builder *b, size_t family, const struct letters *l)
{
	const struct gfamily *f = &grammar_families[family];
	struct gprod p = { .family = (uint16_t)family, .prior = f->prior };

	p.type = resolve_plain(f->type, strlen(f->type), l);
	if (p.type == GT_NONE || !parse_args(f->args, l, &p))
		return;
	if (!mem_grow(&b->table->prods, &b->cap, b->table->n_prods + 1, sizeof(p))) {
		b->failed = true;
		return;
	}
	b->table->prods[b->table->n_prods++] = p;
}

static void expand(struct builder *b, size_t family)
{
	static const uint8_t lists[] = { GT_LIST_INT, GT_LIST_FLOAT, GT_LIST_STR, GT_LIST_BOOL, GT_LIST_LIST_INT };
	static const uint8_t ordered[] = { GT_LIST_INT, GT_LIST_FLOAT, GT_LIST_STR };
	static const uint8_t numbers[] = { GT_INT, GT_FLOAT };
	static const uint8_t elements[] = { GT_INT, GT_FLOAT, GT_STR, GT_CHAR, GT_BOOL, GT_LIST_INT };
	static const uint8_t sequences[] = { GT_LIST_INT, GT_LIST_FLOAT, GT_LIST_STR, GT_LIST_BOOL, GT_LIST_LIST_INT, GT_STR };
	const struct gfamily *f = &grammar_families[family];
	size_t n_list = uses(f, "LE") ? ARRAY_SIZE(lists) : 1, n_ordered = uses(f, "OP") ? ARRAY_SIZE(ordered) : 1,
	       n_number = uses(f, "M") ? ARRAY_SIZE(numbers) : 1, n_value = uses(f, "V") ? GT_N_VALUES : 1,
	       n_element = uses(f, "K") ? ARRAY_SIZE(elements) : 1, n_sequence = uses(f, "Q") ? ARRAY_SIZE(sequences) : 1;
	size_t n = n_list * n_ordered * n_number * n_value * n_element * n_sequence;

	for (size_t i = 0; i < n; i++) {
		size_t k = i;
		struct letters l;

		l.list = lists[k % n_list], k /= n_list;
		l.ordered = ordered[k % n_ordered], k /= n_ordered;
		l.number = numbers[k % n_number], k /= n_number;
		l.value = (uint8_t)(k % n_value), k /= n_value;
		l.element = elements[k % n_element], k /= n_element;
		l.sequence = sequences[k];
		add(b, family, &l);
	}
}

int grammar_table_new(struct gtable **ret, struct error *err)
{
	struct gtable *t = mem_zalloc(sizeof(*t));
	struct builder b = { .table = t };

	if (!t)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < grammar_n_families && !b.failed; i++)
		expand(&b, i);
	for (size_t type = 0; type < GT_COUNT && !b.failed; type++) {
		for (size_t i = 0; i < t->n_prods; i++)
			t->n_by_type[type] += t->prods[i].type == type;
		t->by_type[type] = mem_calloc(t->n_by_type[type] + 1, sizeof(*t->by_type[type]));
		b.failed = !t->by_type[type];
		for (size_t i = 0, n = 0; i < t->n_prods && !b.failed; i++)
			if (t->prods[i].type == type)
				t->by_type[type][n++] = (uint16_t)i;
	}
	if (b.failed) {
		grammar_table_free(t);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	*ret = t;
	return 0;
}

void grammar_table_free(struct gtable *t)
{
	if (!t)
		return;
	for (size_t type = 0; type < GT_COUNT; type++)
		mem_free(t->by_type[type]);
	mem_free(t->prods);
	mem_free(t);
}
