/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_python.c - programs in Python: expressions by the families' forms, bodies as statements. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "policy/grammar_families.h"

struct printer {
	const struct gprogram *p;
	char names[GRAMMAR_MAX_VARS][64];
	struct buf *out;
};

static void expression(struct printer *pr, const struct gnode *n, unsigned least);

static unsigned precedence(const struct gnode *n)
{
	if (n->family == GF_char_text || n->family == GF_over || n->family == GF_over_text)
		return precedence(n->kid[0]);
	if (n->family == GF_NUMBER && n->value < 0)
		return 8;
	return n->family >= GF_COUNT ? 10 : grammar_families[n->family].prec;
}

static const char *bound_name(const struct printer *pr, const struct gnode *n, char letter)
{
	uint8_t elems[4];
	unsigned n_elems = 0;

	/* forms name elements alone: e the first, f the second */
	for (unsigned a = 0; a < n->n && !n_elems; a++)
		for (unsigned b = 0; b < GRAMMAR_MAX_BIND && n->bound[a][b]; b++)
			if (pr->p->vars[n->bound[a][b]].role == GR_ELEM)
				elems[n_elems++] = n->bound[a][b];
	return n_elems > (unsigned)(letter - 'e') ? pr->names[elems[letter - 'e']] : "_";
}

static void form(struct printer *pr, const struct gnode *n, const char *f)
{
	for (; *f; f++) {
		if (*f == '$') {
			unsigned kid = (unsigned)(*++f - '0'), least = 0;

			if (f[1] == '@') {
				f += 2;
				least = *f == 'a' ? 10u : (unsigned)(*f - '0');
			}
			expression(pr, n->kid[kid], least);
		} else if (*f == '%' && f[1] >= 'e' && f[1] <= 'f') {
			buf_adds(pr->out, bound_name(pr, n, *++f));
		} else {
			buf_addc(pr->out, *f);
		}
	}
}

static void expression(struct printer *pr, const struct gnode *n, unsigned least)
{
	bool parens = precedence(n) < least;

	if (parens)
		buf_addc(pr->out, '(');
	if (n->family == GF_VAR)
		buf_adds(pr->out, pr->names[n->value]);
	else if (n->family == GF_NUMBER)
		buf_addf(pr->out, n->type == GT_FLOAT ? "%" PRId64 ".0" : "%" PRId64, n->value);
	else
		form(pr, n, grammar_families[n->family].python);
	if (parens)
		buf_addc(pr->out, ')');
}

/* "%2name = $0": %1…%9 indent, $k an argument, ~k the k-th variable bound in the last argument. */
static void line(struct printer *pr, unsigned indent, const struct gnode *n, const char *f)
{
	unsigned last = n->n - 1u;

	for (unsigned i = 0; i < indent; i++)
		buf_adds(pr->out, "    ");
	for (; *f; f++) {
		if (*f == '$')
			expression(pr, n->kid[*++f - '0'], 0);
		else if (*f == '~')
			buf_adds(pr->out, pr->names[n->bound[last][*++f - '0']]);
		else
			buf_addc(pr->out, *f);
	}
	buf_addc(pr->out, '\n');
}

static void body(struct printer *pr, const struct gnode *n, unsigned in)
{
	switch (n->family) {
	case GF_body_return:
		line(pr, in, n, "return $0");
		break;
	case GF_body_guard:
		line(pr, in, n, "if $0:");
		line(pr, in + 1, n, "return $1");
		body(pr, n->kid[2], in);
		break;
	case GF_body_fold:
	case GF_body_fold_pairs:
		line(pr, in, n, "~0 = $0");
		line(pr, in, n, n->family == GF_body_fold ? "for ~1 in $1:" : "for ~1, ~2 in $1:");
		line(pr, in + 1, n, "~0 = $2");
		line(pr, in, n, "return ~0");
		break;
	case GF_body_fold_if:
		line(pr, in, n, "~0 = $0");
		line(pr, in, n, "for ~1 in $1:");
		line(pr, in + 1, n, "if $2:");
		line(pr, in + 2, n, "~0 = $3");
		line(pr, in, n, "return ~0");
		break;
	case GF_body_fold_then:
		for (unsigned i = 0; i < in; i++)
			buf_adds(pr->out, "    ");
		buf_addf(pr->out, "%s = ", pr->names[n->bound[2][0]]);
		expression(pr, n->kid[0], 0);
		buf_addf(pr->out, "\n%*sfor %s in ", (int)(4 * in), "", pr->names[n->bound[2][1]]);
		expression(pr, n->kid[1], 0);
		buf_addf(pr->out, ":\n%*s%s = ", (int)(4 * (in + 1)), "", pr->names[n->bound[2][0]]);
		expression(pr, n->kid[2], 0);
		buf_addc(pr->out, '\n');
		line(pr, in, n, "return $3");
		break;
	case GF_body_search:
		buf_addf(pr->out, "%*sfor %s in ", (int)(4 * in), "", pr->names[n->bound[1][0]]);
		expression(pr, n->kid[0], 0);
		buf_adds(pr->out, ":\n");
		line(pr, in + 1, n, "if $1:");
		line(pr, in + 2, n, "return $2");
		line(pr, in, n, "return $3");
		break;
	case GF_body_search_places:
	case GF_body_count_places: {
		const char *i = pr->names[n->bound[1][0]], *j = pr->names[n->bound[1][1]], *xs = pr->names[n->kid[0]->value];

		if (n->family == GF_body_count_places)
			buf_addf(pr->out, "%*scount = 0\n", (int)(4 * in), "");
		buf_addf(pr->out, "%*sfor %s in range(len(%s)):\n", (int)(4 * in), "", i, xs);
		buf_addf(pr->out, "%*sfor %s in range(%s + 1, len(%s)):\n", (int)(4 * (in + 1)), "", j, i, xs);
		line(pr, in + 2, n, "if $1:");
		line(pr, in + 3, n, n->family == GF_body_count_places ? "count += 1" : "return $2");
		line(pr, in, n, n->family == GF_body_count_places ? "return count" : "return $3");
		break;
	}
	case GF_body_build:
		line(pr, in, n, "~0 = []");
		line(pr, in, n, "for ~1 in $0:");
		line(pr, in + 1, n, "if $1:");
		buf_addf(pr->out, "%*s%s.append(", (int)(4 * (in + 2)), "", pr->names[n->bound[2][0]]);
		expression(pr, n->kid[2], 0);
		buf_adds(pr->out, ")\n");
		line(pr, in, n, "return ~0");
		break;
	case GF_body_scan:
		line(pr, in, n, "result = []");
		line(pr, in, n, "~0 = $0");
		line(pr, in, n, "for ~1 in $1:");
		line(pr, in + 1, n, "~0 = $2");
		line(pr, in + 1, n, "result.append(~0)");
		line(pr, in, n, "return result");
		break;
	case GF_body_best:
		line(pr, in, n, "~0 = current = $0");
		line(pr, in, n, "for ~1 in $1:");
		buf_addf(pr->out, "%*scurrent = ", (int)(4 * (in + 1)), "");
		{
			uint8_t v = n->bound[2][0];
			char kept[64];

			memcpy(kept, pr->names[v], sizeof(kept));
			(void) snprintf(pr->names[v], sizeof(pr->names[v]), "current");
			expression(pr, n->kid[2], 0);
			memcpy(pr->names[v], kept, sizeof(kept));
		}
		buf_addc(pr->out, '\n');
		line(pr, in + 1, n, "~0 = max(~0, current)");
		line(pr, in, n, "return ~0");
		break;
	case GF_body_halving:
	case GF_body_digits:
		line(pr, in, n, "~0 = $0");
		line(pr, in, n, "~1 = $1");
		line(pr, in, n, "while ~1 > 0:");
		line(pr, in + 1, n, "~0 = $2");
		line(pr, in + 1, n, n->family == GF_body_halving ? "~1 //= 2" : "~1 //= 10");
		line(pr, in, n, "return ~0");
		break;
	case GF_body_states:
		line(pr, in, n, "~0, ~1 = $1, $2");
		line(pr, in, n, "for _ in range($0):");
		line(pr, in + 1, n, "~0, ~1 = $3, $4");
		line(pr, in, n, "return ~0");
		break;
	case GF_body_let:
		line(pr, in, n, "~0 = $0");
		body(pr, n->kid[1], in);
		break;
	default:
		break;
	}
}

static bool needs(const struct gnode *n, uint16_t a, uint16_t b)
{
	if (n->family == a || n->family == b)
		return true;
	for (unsigned i = 0; i < n->n; i++)
		if (needs(n->kid[i], a, b))
			return true;
	return false;
}

void grammar_print_python(const struct gsight *s, const struct gprogram *p, struct buf *out)
{
	struct printer pr = { .p = p, .out = out };
	bool prod = needs(p->root, GF_product, GF_product_float), gcd = needs(p->root, GF_gcd, GF_gcd),
	     root = needs(p->root, GF_square_root, GF_square_root);

	grammar_name_vars(s, p, pr.names);
	if (prod || gcd || root)
		buf_addf(out, "from math import %s%s%s%s%s\n\n\n", gcd ? "gcd" : "", gcd && (prod || root) ? ", " : "", prod ? "prod" : "",
			 prod && root ? ", " : "", root ? "sqrt" : "");
	buf_addf(out, "def %s(", s->name);
	for (unsigned i = 0; i < s->n_params; i++)
		buf_addf(out, "%s%s", i ? ", " : "", s->param_name[i]);
	buf_adds(out, "):\n");
	body(&pr, p->root, 1);
}
