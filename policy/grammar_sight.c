/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_sight.c - what the grammar sees of a task: prompt, signature, visible cases.
 *
 * Cases that are not marked visible are never looked at.
 */
#include "policy/grammar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/grammar_examples.h"

#define MAX_PROMPT_WORDS 48

static uint32_t hash_word(const char *w, size_t n)
{
	return (uint32_t)(hash_xxh3(w, n) & 0x7fffffff); /* token ids stay positive in 32 bits */
}

static void add_word(struct gsight *s, const char *w, size_t n, size_t max)
{
	uint32_t h = hash_word(w, n);

	for (size_t i = 0; i < s->n_words; i++)
		if (s->word[i] == h)
			return;
	if (s->n_words < max)
		s->word[s->n_words++] = h;
}

static bool is_stop_word(const char *w, size_t n)
{
	static const char *const words[] = { "the", "a", "an", "of", "is", "are", "to", "it", "its", "that", "and", "be",
					     "return", "function", "write", "python", "given", "which", "where", "this" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == n && memcmp(words[i], w, n) == 0)
			return true;
	return false;
}

static void read_prompt(struct gsight *s, const char *text)
{
	for (const char *p = text; *p;) {
		char word[32];
		size_t n = 0;

		if (isalpha((unsigned char)*p)) {
			for (; isalpha((unsigned char)*p); p++)
				if (n < sizeof(word) - 1)
					word[n++] = (char)tolower((unsigned char)*p);
			if (n > 3 && word[n - 1] == 's' && word[n - 2] != 's')
				n--;
			if (!is_stop_word(word, n))
				add_word(s, word, n, MAX_PROMPT_WORDS);
		} else if (isdigit((unsigned char)*p)) {
			int64_t v = 0;
			bool known = false;

			for (; isdigit((unsigned char)*p); p++)
				v = v < INT32_MAX / 10 ? v * 10 + (*p - '0') : v;
			for (size_t i = 0; i < s->n_numbers; i++)
				known = known || s->number[i] == v;
			if (!known && v > 2 && v != 10 && s->n_numbers < GRAMMAR_MAX_NUMBERS)
				s->number[s->n_numbers++] = v;
		} else {
			p++;
		}
	}
}

static uint8_t gtype_of(const struct type *t)
{
	if (!t)
		return GT_NONE;
	switch (t->kind) {
	case TYPE_INT: return GT_INT;
	case TYPE_FLOAT: return GT_FLOAT;
	case TYPE_BOOL: return GT_BOOL;
	case TYPE_STRING: return GT_STR;
	case TYPE_LIST:
		switch (gtype_of(t->args[0])) {
		case GT_INT: return GT_LIST_INT;
		case GT_FLOAT: return GT_LIST_FLOAT;
		case GT_STR: return GT_LIST_STR;
		case GT_BOOL: return GT_LIST_BOOL;
		case GT_LIST_INT: return GT_LIST_LIST_INT;
		default: return GT_NONE;
		}
	default: return GT_NONE;
	}
}

/* --- what the visible cases show --- */
static size_t size_of(const struct value *v)
{
	return v->kind == VALUE_STR ? v->len : v->n_items;
}

static bool has_size(const struct value *v)
{
	return v->kind == VALUE_STR || v->kind == VALUE_LIST;
}

static bool is_item(const struct value *x, const struct value *list)
{
	for (size_t i = 0; list->kind == VALUE_LIST && i < list->n_items; i++)
		if (value_equal(x, list->items[i]))
			return true;
	return false;
}

static bool all_items(const struct value *xs, const struct value *list)
{
	for (size_t i = 0; i < xs->n_items; i++)
		if (!is_item(xs->items[i], list))
			return false;
	return true;
}

/* Each is asked of every visible case; what holds for all is shown. */
static bool shows(unsigned question, const struct value *arg, const struct value *out)
{
	bool sizes = has_size(arg) && has_size(out), lists = arg->kind == VALUE_LIST && out->kind == VALUE_LIST;

	switch (question) {
	case 0: return sizes && size_of(out) == size_of(arg);
	case 1: return sizes && size_of(out) < size_of(arg);
	case 2: return sizes && size_of(out) > size_of(arg);
	case 3: return lists && value_equal_unordered(out, arg);
	case 4: return lists && all_items(out, arg);
	case 5: return arg->kind == VALUE_LIST && is_item(out, arg);
	case 6: return arg->kind == VALUE_INT && out->kind == VALUE_INT && out->integer > arg->integer;
	case 7: return arg->kind == VALUE_INT && out->kind == VALUE_INT && out->integer < arg->integer;
	case 8: return arg->kind == VALUE_LIST && out->kind == VALUE_INT && out->integer <= (int64_t)arg->n_items;
	default: return false;
	}
}
#define N_QUESTIONS 9

static void read_cases(struct gsight *s, struct value *const *args, struct value *const *outs, size_t n)
{
	for (unsigned q = 0; q < N_QUESTIONS && n; q++) {
		bool holds = true;
		char word[3] = { '@', (char)('0' + q), '\0' };

		/* an empty list shows nothing */
		for (size_t i = 0; i < n; i++)
			if (args[i]->n_items && args[i]->items[0] && outs[i])
				holds = holds && ((has_size(args[i]->items[0]) && size_of(args[i]->items[0]) == 0) ||
						  shows(q, args[i]->items[0], outs[i]));
		if (holds)
			add_word(s, word, 2, GRAMMAR_MAX_WORDS);
	}
}

static void see_visible(const struct task *t, struct gsight *s)
{
	struct value *args[8], *outs[8];
	size_t n = 0;

	for (size_t i = 0; i < t->n_cases && n < ARRAY_SIZE(args); i++)
		if (t->cases[i].visible && t->cases[i].args && t->cases[i].expect) {
			args[n] = t->cases[i].args;
			outs[n++] = t->cases[i].expect;
		}
	read_cases(s, args, outs, n);
}

static int see_signature(const struct task *t, struct gsight *s, struct error *err)
{
	if (t->n_params > GRAMMAR_MAX_PARAMS)
		return error_set(err, ERR_INPUT, "the grammar takes at most %d parameters", GRAMMAR_MAX_PARAMS);
	s->returns = gtype_of(t->returns);
	if (s->returns == GT_NONE)
		return error_set(err, ERR_INPUT, "the grammar has no values of the type that is returned");
	for (size_t i = 0; i < t->n_params; i++) {
		uint8_t g = gtype_of(t->params[i].type);

		if (g == GT_NONE)
			return error_set(err, ERR_INPUT, "the grammar has no values of the type of parameter '%s'",
					 t->params[i].name);
		if (strlen(t->params[i].name) >= sizeof(s->param_name[0]))
			return error_set(err, ERR_INPUT, "parameter '%.40s…' has too long a name", t->params[i].name);
		s->param[i] = g;
		(void) snprintf(s->param_name[i], sizeof(s->param_name[i]), "%s", t->params[i].name);
		s->param_hash[i] = hash_word(t->params[i].name, strlen(t->params[i].name));
	}
	s->n_params = (uint8_t)t->n_params;
	return 0;
}

int grammar_see(const struct task *t, struct gsight *ret, struct error *err)
{
	struct gsight s = { 0 };
	int r;

	if (t->kind == TESTS_STDIO || !t->entry_point)
		return error_set(err, ERR_INPUT, "the grammar writes functions only");
	if (strlen(t->entry_point) >= sizeof(s.name))
		return error_set(err, ERR_INPUT, "the name of the function is too long");
	(void) snprintf(s.name, sizeof(s.name), "%s", t->entry_point);
	read_prompt(&s, t->prompt);
	if (t->has_signature && t->returns) {
		r = see_signature(t, &s, err);
		if (r == 0)
			see_visible(t, &s);
	} else {
		r = grammar_see_examples(t, &s, read_cases, err);
	}
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}
