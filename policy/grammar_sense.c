/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_sense.c - see grammar_sense.h. */
#include "policy/grammar_sense.h"

#include <string.h>

#include "policy/grammar_families.h"

static bool same(const struct gnode *a, const struct gnode *b)
{
	if (a->family != b->family || a->type != b->type || a->n != b->n || a->value != b->value)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!same(a->kid[i], b->kid[i]))
			return false;
	return true;
}

static bool is_constant(const struct gnode *n)
{
	if (n->family == GF_VAR)
		return false;
	for (unsigned i = 0; i < n->n; i++)
		if (!is_constant(n->kid[i]))
			return false;
	return true;
}

static bool is_leaf_constant(const struct gnode *n)
{
	return n->n == 0 && n->family != GF_VAR;
}

static bool is_truth(const struct gnode *n)
{
	return n->family == GF_true || n->family == GF_false;
}

static bool is_body(uint16_t family)
{
	return family == 0xffff || (family >= GF_body_return && family < GF_COUNT);
}

static bool is_reordered(const struct gnode *n)
{
	return n->family == GF_sort || n->family == GF_sort_down || n->family == GF_reverse || n->family == GF_by_length;
}

static bool bound_here(const struct gnode *n, unsigned a, int64_t var)
{
	return n->bound[a][0] == var;
}

/* Two operands that could have been one, or say nothing. */
static bool pair_makes_sense(const struct gnode *n)
{
	const struct gnode *a = n->kid[0], *b = n->kid[1];

	if (is_constant(a) && is_constant(b))
		return false;
	switch (n->family) {
	case GF_add:
		return a->family != GF_zero && b->family != GF_zero && !same(a, b);
	case GF_sub:
		return b->family != GF_zero && a->family != GF_zero && !same(a, b);
	case GF_mul:
		return a->family != GF_zero && b->family != GF_zero && a->family != GF_one && b->family != GF_one;
	case GF_floordiv:
	case GF_mod:
	case GF_divides:
	case GF_divides_not:
		return b->family != GF_zero && b->family != GF_one && a->family != GF_zero && a->family != GF_one && !same(a, b);
	case GF_divide:
	case GF_divide_int:
		return b->family != GF_zero && b->family != GF_one && b->family != GF_float_one && !same(a, b) &&
		       b->family != GF_float_zero;
	case GF_power:
		return b->family != GF_zero && b->family != GF_one && a->family != GF_zero && a->family != GF_one;
	case GF_max2:
	case GF_min2:
	case GF_gcd:
	case GF_and:
	case GF_or:
	case GF_less:
	case GF_less_equal:
	case GF_greater:
	case GF_greater_equal:
	case GF_char_less:
	case GF_char_less_equal:
	case GF_text_less:
	case GF_starts:
	case GF_ends:
	case GF_holds_text:
	case GF_count_text:
	case GF_find:
		return !same(a, b);
	case GF_equal:
	case GF_differ:
		return !same(a, b) && !is_truth(a) && !is_truth(b) && !is_constant(a);
	default:
		return true;
	}
}

static bool one_makes_sense(const struct gnode *n)
{
	const struct gnode *a = n->kid[0];

	switch (n->family) {
	case GF_neg:
	case GF_abs:
		return !is_constant(a) && a->family != n->family && a->family != GF_neg;
	case GF_not:
		return a->family != GF_not && !is_truth(a) && !(a->family >= GF_less && a->family <= GF_divides_not) &&
		       a->family != GF_holds && a->family != GF_holds_not;
	case GF_len:
	case GF_sum:
	case GF_product:
	case GF_largest:
	case GF_smallest:
	case GF_n_distinct:
	case GF_empty:
		return !is_reordered(a) && !is_constant(a) && a->family != GF_list_of && a->family != GF_no_items &&
		       !(n->family == GF_n_distinct && (a->family == GF_distinct || a->family == GF_distinct_sorted)) &&
		       !(n->family == GF_len && a->family == GF_range);
	case GF_sort:
	case GF_sort_down:
		return !is_reordered(a) && a->family != GF_distinct_sorted && !is_constant(a) && a->family != GF_list_of;
	case GF_distinct_sorted:
		return !is_reordered(a) && a->family != GF_distinct_sorted && a->family != GF_distinct && !is_constant(a);
	case GF_distinct:
		return a->family != GF_distinct && a->family != GF_distinct_sorted && !is_constant(a);
	case GF_reverse:
		return a->family != GF_reverse && a->family != GF_sort && a->family != GF_sort_down && !is_constant(a) &&
		       a->family != GF_list_of;
	case GF_reverse_text:
	case GF_upper:
	case GF_lower:
	case GF_strip:
	case GF_capitalize:
	case GF_sort_text:
	case GF_char_upper:
	case GF_char_lower:
		return a->family != n->family && !is_constant(a);
	case GF_is_digit:
	case GF_is_upper:
	case GF_is_lower:
	case GF_is_alpha:
	case GF_is_space:
	case GF_is_vowel:
	case GF_digit_value:
	case GF_code:
	case GF_parse_int:
	case GF_tail:
	case GF_but_last:
	case GF_first:
	case GF_last:
	case GF_first_char:
	case GF_last_char:
	case GF_words:
	case GF_over_range:
	case GF_over_one_to:
	case GF_over:
	case GF_over_text:
		return !is_constant(a) && !(n->family == GF_parse_int && a->family == GF_to_text);
	case GF_to_text:
		return !is_constant(a) && a->family != GF_parse_int;
	default:
		return true;
	}
}

static bool loop_makes_sense(const struct gnode *n)
{
	const struct gnode *k1 = n->kid[1];
	bool plain = n->n > 0 && n->kid[0]->family == GF_over;

	switch (n->family) {
	case GF_map:
		return !is_constant(k1) && !(plain && k1->family == GF_VAR && bound_here(n, 1, k1->value));
	case GF_sum_of:
	case GF_largest_of:
	case GF_smallest_of:
		return !is_constant(k1) && !(plain && k1->family == GF_VAR && bound_here(n, 1, k1->value));
	case GF_sum_where:
	case GF_map_where:
		return !is_constant(n->kid[2]) && !is_constant(k1);
	case GF_count_where:
	case GF_filter:
	case GF_filter_chars:
	case GF_map_chars:
	case GF_every:
	case GF_some:
	case GF_every_pair:
	case GF_some_pair:
	case GF_sum_pairs:
	case GF_count_pairs:
	case GF_map_pairs:
		return !is_constant(k1) && !(k1->family == GF_VAR && n->family == GF_map_chars);
	default:
		return true;
	}
}

static bool body_makes_sense(const struct gnode *n)
{
	switch (n->family) {
	case GF_body_guard:
		return !is_constant(n->kid[0]) &&
		       !(n->kid[2]->family == GF_body_return && same(n->kid[1], n->kid[2]->kid[0]));
	case GF_body_fold:
		return is_constant(n->kid[0]) && n->kid[2]->n > 0;
	case GF_body_fold_if:
		return is_constant(n->kid[0]) && !is_constant(n->kid[2]) && n->kid[3]->n > 0;
	case GF_body_fold_pairs:
	case GF_body_fold_then:
	case GF_body_scan:
	case GF_body_best:
		return is_leaf_constant(n->kid[0]) && n->kid[2]->n > 0;
	case GF_body_search:
	case GF_body_search_places:
		return !is_constant(n->kid[1]) && !same(n->kid[2], n->kid[3]) && n->kid[1]->n > 0;
	case GF_body_halving:
	case GF_body_digits:
		return is_leaf_constant(n->kid[0]) && !is_constant(n->kid[1]) && n->kid[2]->n > 0;
	case GF_body_states:
		return is_leaf_constant(n->kid[1]) && is_leaf_constant(n->kid[2]) && !is_constant(n->kid[0]);
	case GF_body_let:
		return n->kid[0]->n > 0 && !is_constant(n->kid[0]);
	default:
		return true;
	}
}

bool grammar_is_bare(uint16_t family)
{
	return family == GF_no_items || family == GF_no_text || family == GF_true || family == GF_false;
}

bool grammar_takes_bare(uint16_t parent, uint8_t arg)
{
	switch (parent) {
	case GF_body_guard: return arg == 1;
	case GF_body_search:
	case GF_body_search_places: return arg == 2 || arg == 3;
	case GF_body_fold:
	case GF_body_fold_if:
	case GF_body_fold_pairs:
	case GF_body_halving:
	case GF_body_digits: return arg == 0;
	case GF_choose: return arg > 0;
	default: return is_body(parent) && arg == 0 && parent == GF_body_return;
	}
}

uint8_t gnode_need(const struct gprod *prod, const struct gnode *n, unsigned a)
{
	if (prod->arg[a] >= GT_BODY)
		return GNEED_ANY;
	switch (n->family) {
	case GF_body_return:
		return GNEED_ANY;
	case GF_body_guard:
	case GF_choose:
		return a == 0 ? GNEED_VARYING : GNEED_ANY;
	case GF_body_search:
	case GF_body_search_places:
		return a < 2 ? GNEED_VARYING : GNEED_ANY;
	case GF_body_states:
		return a == 1 || a == 2 ? GNEED_CONSTANT : GNEED_VARYING;
	case GF_body_fold:
	case GF_body_fold_if:
	case GF_body_fold_pairs:
	case GF_body_fold_then:
	case GF_body_scan:
	case GF_body_best:
	case GF_body_halving:
	case GF_body_digits:
		return a == 0 ? GNEED_CONSTANT : GNEED_VARYING;
	default:
		break;
	}
	if (prod->n_args == 1 || prod->arg[a] >= GT_ITER_INT || prod->n_bind[a] || prod->arg[a] == GT_BOOL)
		return GNEED_VARYING;
	if (a + 1u < prod->n_args)
		return GNEED_ANY;
	for (unsigned i = 0; i < a; i++)
		if (!is_leaf_constant(n->kid[i]))
			return GNEED_ANY;
	return GNEED_VARYING;
}

bool gnode_makes_sense(const struct gprogram *p, const struct gnode *n, uint16_t parent)
{
	(void)p;
	(void)parent;
	if (n->family == GF_choose)
		return !is_constant(n->kid[0]) && !same(n->kid[1], n->kid[2]);
	/* acc + acc in a loop doubles a text or a list each time */
	if ((n->family == GF_join_lists || n->family == GF_join_texts) && is_constant(n->kid[0]) && is_constant(n->kid[1]))
		return false;
	if (n->family == GF_replace || n->family == GF_remove)
		return !is_constant(n->kid[0]) && !(n->n == 3 && same(n->kid[1], n->kid[2]));
	if (n->family == GF_from || n->family == GF_up_to || n->family == GF_text_from || n->family == GF_text_up_to)
		return n->kid[1]->family != GF_zero && !is_constant(n->kid[0]);
	if (n->family == GF_every_nth || n->family == GF_text_nth)
		return n->kid[1]->family != GF_zero && n->kid[1]->family != GF_one && !is_constant(n->kid[0]);
	if (n->family == GF_repeat_list || n->family == GF_repeat_text)
		return n->kid[1]->family != GF_zero && n->kid[1]->family != GF_one;
	if (n->family == GF_item || n->family == GF_char_at)
		return !is_constant(n->kid[0]) && n->kid[1]->family != GF_zero;
	if (n->family == GF_over_neighbours || n->family == GF_over_char_neighbours)
		return n->kid[0]->family == GF_VAR;
	if (n->family == GF_body_search_places || n->family == GF_body_count_places) {
		if (n->kid[0]->family != GF_VAR || is_constant(n->kid[1]))
			return false;
	}
	if (n->n == 1 && !one_makes_sense(n))
		return false;
	if (n->n == 2 && !n->bound[1][0] && !pair_makes_sense(n))
		return false;
	return loop_makes_sense(n) && body_makes_sense(n);
}

static void count_uses(const struct gnode *n, unsigned uses[GRAMMAR_MAX_VARS])
{
	if (n->family == GF_VAR)
		uses[n->value]++;
	for (unsigned i = 0; i < n->n; i++)
		count_uses(n->kid[i], uses);
}

static unsigned count_var(const struct gnode *n, uint8_t var)
{
	unsigned k = n->family == GF_VAR && n->value == var;

	for (unsigned i = 0; i < n->n; i++)
		k += count_var(n->kid[i], var);
	return k;
}

static bool is_range(const struct gnode *n)
{
	return n->family == GF_over_range || n->family == GF_over_one_to;
}

/* Every variable that a node binds is used, where its not being used would make the node another. */
static bool binds_used(const struct gprogram *p, const struct gnode *n)
{
	for (unsigned a = 0; a < n->n; a++) {
		const struct gnode *k = n->kid[a];

		if (!binds_used(p, k))
			return false;
		for (unsigned b = 0; b < GRAMMAR_MAX_BIND && n->bound[a][b]; b++) {
			uint8_t v = n->bound[a][b];
			unsigned here = 0;

			if (p->vars[v].role == GR_INDEX)
				continue;
			for (unsigned i = 0; i < n->n; i++)
				here += count_var(n->kid[i], v);
			if (!here && !is_range(n->kid[1 < n->n && n->family >= GF_body_return ? 1 : 0]) &&
			    n->family != GF_body_search_places && n->family != GF_body_count_places)
				return false;
			/* an accumulator that is not carried on is none; carried on twice over, it explodes */
			if (p->vars[v].role == GR_ACC && n->family >= GF_body_fold && n->family <= GF_body_digits &&
			    n->family != GF_body_build) {
				unsigned last = n->family == GF_body_fold_if ? 3 : 2, k2 = count_var(n->kid[last], v);

				if (n->family == GF_body_fold_then)
					k2 = count_var(n->kid[2], v);
				if (b == 0 && (k2 == 0 || (k2 > 1 && p->vars[v].type != GT_INT && p->vars[v].type != GT_FLOAT &&
							   p->vars[v].type != GT_BOOL)))
					return false;
			}
		}
	}
	return true;
}

bool gprogram_makes_sense(const struct gprogram *p, const struct gsight *s)
{
	unsigned uses[GRAMMAR_MAX_VARS] = { 0 };

	count_uses(p->root, uses);
	for (unsigned i = 0; i < s->n_params; i++)
		if (!uses[i])
			return false;
	return binds_used(p, p->root);
}
