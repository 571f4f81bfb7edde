/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_names.c - a name for each variable: what a programmer would call it. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "policy/grammar_families.h"

struct namer {
	const struct gsight *sight;
	const struct gprogram *p;
	char (*names)[64];
	bool done[GRAMMAR_MAX_VARS];
};

static bool taken(const struct namer *m, const char *name)
{
	if (strcmp(name, m->sight->name) == 0)
		return true;
	for (unsigned i = 0; i < m->p->n_vars; i++)
		if (m->done[i] && strcmp(m->names[i], name) == 0)
			return true;
	return false;
}

static void give(struct namer *m, uint8_t var, const char *const *stems)
{
	char name[64];

	if (m->done[var])
		return;
	(void) snprintf(name, sizeof(name), "%s", stems[0]);
	for (unsigned i = 1; taken(m, name) && stems[i]; i++)
		(void) snprintf(name, sizeof(name), "%s", stems[i]);
	for (unsigned k = 2; taken(m, name); k++)
		(void) snprintf(name, sizeof(name), "%s%u", stems[0], k);
	memcpy(m->names[var], name, sizeof(name));
	m->done[var] = true;
}

static bool counts(const struct gnode *iter)
{
	return iter->family >= GF_over_range && iter->family <= GF_over_down;
}

static const char *const *stems_of(const struct namer *m, const struct gnode *n, unsigned arg, unsigned b)
{
	static const char *const index[] = { "i", "j", "k", NULL }, *const number[] = { "x", "y", "z", NULL },
		*const text[] = { "w", "v", NULL }, *const ch[] = { "c", "d", "ch", NULL }, *const flag[] = { "b", NULL },
		*const row[] = { "row", NULL }, *const out[] = { "out", NULL }, *const total[] = { "total", "acc", NULL },
		*const found[] = { "found", NULL }, *const rest[] = { "rest", NULL }, *const first[] = { "a", "p", NULL },
		*const second[] = { "b", "q", NULL }, *const value[] = { "m", "value", NULL }, *const best[] = { "best", NULL };
	const struct gvar *v = &m->p->vars[n->bound[arg][b]];
	const struct gnode *iter = n->kid[0]->type >= GT_ITER_INT && n->kid[0]->type < GT_BODY ? n->kid[0] : n->n > 1 ? n->kid[1] : n->kid[0];

	if (v->role == GR_INDEX)
		return index;
	if (n->family == GF_body_let)
		return value;
	if (n->family == GF_body_states)
		return b == 0 ? first : second;
	if (v->role == GR_ACC) {
		if (b == 1)
			return rest;
		if (n->family == GF_body_best)
			return best;
		if (v->type == GT_INT || v->type == GT_FLOAT)
			return total;
		return v->type == GT_BOOL ? found : out;
	}
	if (iter->family == GF_over_numbered && v->type == GT_INT) {
		/* the first of the two elements is the place */
		bool is_first = b == 0 || m->p->vars[n->bound[arg][b - 1]].role != GR_ELEM;

		return is_first ? index : number;
	}
	if (counts(iter))
		return index;
	switch (v->type) {
	case GT_STR: return text;
	case GT_CHAR: return ch;
	case GT_BOOL: return flag;
	case GT_INT:
	case GT_FLOAT: return number;
	default: return row;
	}
}

static void walk(struct namer *m, const struct gnode *n)
{
	for (unsigned a = 0; a < n->n; a++)
		for (unsigned b = 0; b < GRAMMAR_MAX_BIND && n->bound[a][b]; b++) {
			uint8_t var = n->bound[a][b];

			if ((n->family == GF_body_search_places || n->family == GF_body_count_places) && b >= 2) {
				/* the elements at the two places have no name of their own */
				char name[64];

				(void) snprintf(name, sizeof(name), "%.24s[%.24s]", m->names[n->kid[0]->value],
						m->names[n->bound[a][b - 2]]);
				memcpy(m->names[var], name, sizeof(name));
				m->done[var] = true;
				continue;
			}
			give(m, var, stems_of(m, n, a, b));
		}
	for (unsigned a = 0; a < n->n; a++)
		walk(m, n->kid[a]);
}

void grammar_name_vars(const struct gsight *s, const struct gprogram *p, char names[GRAMMAR_MAX_VARS][64])
{
	struct namer m = { .sight = s, .p = p, .names = names };

	for (unsigned i = 0; i < s->n_params; i++) {
		(void) snprintf(names[i], 64, "%s", s->param_name[i]);
		m.done[i] = true;
	}
	walk(&m, p->root);
}
