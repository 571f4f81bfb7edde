/* SPDX-License-Identifier: Apache-2.0 */
/* test_grammar.c - what the grammar sees, draws, prints and finds again. */
#include "policy/grammar.h"

#include <math.h>
#include <string.h>

#include "core/json.h"
#include "policy/grammar_eval.h"
#include "tests/unit/policy/policy_bench.h"

#define PREFIX "{\"task_id\":\"t\",\"prompt\":\"Count the numbers larger than 37.\",\"entry_point\":\"f\","

static struct task *make_task(const char *rest)
{
	cleanup_mem char *text = mem_printf("%s%s}", PREFIX, rest);
	struct error err = ERROR_INIT;
	json_t *native;
	struct task *t = NULL;

	assert_non_null(text);
	if (json_parse(text, strlen(text), &native, &err) < 0 || task_parse(native, &t, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

#define INTS_TO_INT "\"signature\":{\"params\":[{\"name\":\"xs\",\"type\":\"list<int>\"}],\"returns\":\"int\"},"
#define TWO_CASES "\"tests\":{\"kind\":\"calls\",\"cases\":[{\"args\":[[1,50]],\"expect\":1,\"visible\":true}," \
		  "{\"args\":[[%s]],\"expect\":%s}]}"

static struct signature_case {
	const char *name, *params, *returns, *message;
} signature_cases[] = {
	{ "ints", "[{\"name\":\"a\",\"type\":\"int\"}]", "int", NULL },
	{ "texts", "[{\"name\":\"s\",\"type\":\"string\"},{\"name\":\"k\",\"type\":\"int\"}]", "list<string>", NULL },
	{ "floats", "[{\"name\":\"xs\",\"type\":\"list<float>\"}]", "float", NULL },
	{ "truths", "[{\"name\":\"xs\",\"type\":\"list<bool>\"}]", "bool", NULL },
	{ "nested lists", "[{\"name\":\"xss\",\"type\":\"list<list<int>>\"}]", "list<int>", NULL },
	{ "a tuple", "[{\"name\":\"t\",\"type\":\"tuple<int,int>\"}]", "int", "the grammar has no values of the type of parameter 't'" },
	{ "a map", "[{\"name\":\"a\",\"type\":\"int\"}]", "map<string,int>", "the grammar has no values of the type that is returned" },
};

static struct task *signature_task(const struct signature_case *row)
{
	cleanup_mem char *rest = mem_printf("\"signature\":{\"params\":%s,\"returns\":\"%s\"},\"tests\":{\"kind\":\"calls\","
					    "\"check\":\"assert candidate\"}", row->params, row->returns);

	return make_task(rest);
}

static void sees_signature(void **state)
{
	const struct signature_case *row = *state;
	struct task *t = signature_task(row);
	struct error err = ERROR_INIT;
	struct gsight s;
	int r = grammar_see(t, &s, &err);

	if (row->message) {
		assert_int_equal(r, ERR_INPUT);
		assert_string_equal(err.msg, row->message);
	} else {
		assert_int_equal(r, 0);
		assert_int_equal(s.n_numbers, 1);
		assert_int_equal(s.number[0], 37);
	}
	task_free(t);
}

/* Draws, prints, encodes, decodes and walks again: the same program. */
static void walks_what_it_drew(void **state)
{
	const struct signature_case *row = *state;
	struct task *t = signature_task(row);
	struct error err = ERROR_INIT;
	struct gtable *table;
	struct gsampler *g;
	struct gsight s, seen;
	static struct gprogram p, again;
	struct buf one, two;
	struct rng rng;
	unsigned n = 0;

	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	assert_int_equal(grammar_see(t, &s, &err), 0);
	assert_int_equal(grammar_table_new(&table, &err), 0);
	assert_true(grammar_covers(table, &s));
	assert_int_equal(gsampler_new(table, NULL, &s, 1, &g, &err), 0);
	rng_seed(&rng, 1, "test");
	for (unsigned i = 0; i < 20000 && n < 200; i++) {
		uint32_t ids[GRAMMAR_MAX_TOKENS];
		const uint32_t *tokens;
		size_t n_ids, n_tokens;

		if (!gsampler_draw(g, &rng, &p))
			continue;
		n++;
		n_ids = grammar_encode(&s, &p, ids);
		assert_true(grammar_decode(ids, n_ids, &seen, &tokens, &n_tokens));
		assert_int_equal(seen.n_words, s.n_words);
		assert_memory_equal(seen.word, s.word, s.n_words * sizeof(s.word[0]));
		assert_true(grammar_replay(table, &s, tokens, n_tokens, NULL, NULL, &again));
		buf_reset(&one);
		buf_reset(&two);
		grammar_print("python", &s, &p, &one);
		grammar_print("python", &s, &again, &two);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.data, two.data, one.len);
		/* cut short or made longer it is no derivation */
		assert_false(grammar_replay(table, &s, tokens, n_tokens - 1, NULL, NULL, &again));
		assert_false(grammar_decode(ids, 3, &seen, &tokens, &n_tokens));
	}
	assert_int_equal(n, 200);
	gsampler_free(g);
	grammar_table_free(table);
	buf_clear(&one);
	buf_clear(&two);
	task_free(t);
}

static char *all_texts(struct task *t, uint32_t first, uint32_t n)
{
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b = { 0 };
	struct buf out;

	opt.spec = "grammar";
	buf_init(&out, 1 << 22);
	bench_open(&b, &opt);
	bench_ask(&b, 1, t, first, n, NULL);
	bench_run(&b, n);
	assert_int_equal(bench_count(&b, POLICY_OK), n);
	for (uint32_t i = first; i < first + n; i++) {
		const struct got *g = bench_find(&b, 1, i);

		assert_int_equal(g->n_token_ids, g->n_logprobs);
		buf_addf(&out, "#%u\n%s\n", i, g->text);
	}
	bench_close(&b);
	return buf_steal(&out, NULL);
}

static struct task *task_with_hidden(const char *arg, const char *expect)
{
	cleanup_mem char *cases = mem_printf(TWO_CASES, arg, expect), *rest = mem_printf(INTS_TO_INT "%s", cases);

	return make_task(rest);
}

/* Another hidden case, the same programs. */
static void never_sees_a_hidden_case(void **state)
{
	struct task *a = task_with_hidden("40,41", "2"), *b = task_with_hidden("1,2,3,4,5", "0");
	cleanup_mem char *one = all_texts(a, 0, 100), *two = all_texts(b, 0, 100);

	(void)state;
	assert_string_equal(one, two);
	task_free(a);
	task_free(b);
}

/* Sample 60 is sample 60, asked for first or last; none is there twice. */
static void an_index_is_one_program(void **state)
{
	struct task *t = task_with_hidden("40,41", "2");
	cleanup_mem char *all = all_texts(t, 0, 100), *tail = all_texts(t, 60, 40);

	(void)state;
	assert_non_null(strstr(all, "#60\n"));
	assert_string_equal(strstr(all, "#60\n"), tail);
	for (const char *p = all; (p = strchr(p, '#')); p++) {
		const char *text = strchr(p, '\n'), *end = strchr(text, '#');
		size_t n = end ? (size_t)(end - text) : strlen(text);

		for (const char *q = text; (q = strchr(q, '#')); q++)
			assert_int_not_equal(strncmp(strchr(q, '\n'), text, n), 0);
	}
	task_free(t);
}

static void refuses_what_it_has_no_words_for(void **state)
{
	struct task *t = signature_task(&signature_cases[5]);
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b = { 0 };

	(void)state;
	opt.spec = "grammar";
	bench_open(&b, &opt);
	bench_ask(&b, 1, t, 0, 2, NULL);
	bench_run(&b, 2);
	assert_int_equal(bench_count(&b, POLICY_REFUSED), 2);
	bench_close(&b);
	task_free(t);
}

static void reads_examples(void **state)
{
	struct task *t = make_task("\"tests\":{\"kind\":\"calls\",\"check\":\"assert f([1.5], 'a') == [True]\","
				   "\"examples\":[\"assert f([1.5], 'a') == [True]\"]}");
	struct error err = ERROR_INIT;
	struct gsight s;

	(void)state;
	assert_int_equal(grammar_see(t, &s, &err), 0);
	assert_int_equal(s.n_params, 2);
	assert_int_equal(s.param[0], GT_LIST_FLOAT);
	assert_int_equal(s.param[1], GT_STR);
	assert_int_equal(s.returns, GT_LIST_BOOL);
	task_free(t);
}

/* Of programs that are right on what is visible and those that are not, the evaluator says which. */
static void works_out_what_is_visible(void **state)
{
	struct task *tasks[] = { task_with_hidden("40,41", "2"),
				 make_task("\"tests\":{\"kind\":\"calls\",\"check\":\"assert f([1, 50]) == 1\","
					   "\"examples\":[\"assert f([1, 50]) == 1\"]}") };
	struct error err = ERROR_INIT;
	struct gtable *table;
	static struct gprogram p;

	(void)state;
	assert_int_equal(grammar_table_new(&table, &err), 0);
	for (size_t k = 0; k < ARRAY_SIZE(tasks); k++) {
		struct gsampler *g;
		struct geval *e;
		struct gsight s;
		struct rng rng;
		unsigned first = 0, length = 0;
		struct buf text;

		buf_init(&text, 1 << 16);
		assert_int_equal(grammar_see(tasks[k], &s, &err), 0);
		assert_int_equal(geval_new(tasks[k], &s, &e, &err), 0);
		assert_non_null(e);
		assert_int_equal(gsampler_new(table, NULL, &s, 1, &g, &err), 0);
		rng_seed(&rng, 1, "test");
		for (unsigned i = 0; i < 20000; i++) {
			bool right;

			if (!gsampler_draw(g, &rng, &p))
				continue;
			right = geval_right(e, &p);
			buf_reset(&text);
			grammar_print("python", &s, &p, &text);
			buf_addc(&text, '\0');
			if (strstr(text.data, ":\n    return xs[0]\n")) {
				first++;
				assert_true(right);    /* [1, 50] -> 1 */
			} else if (strstr(text.data, ":\n    return len(xs)\n")) {
				length++;
				assert_false(right);   /* 2 */
			}
		}
		assert_true(first > 0 && length > 0);
		gsampler_free(g);
		geval_free(e);
		buf_clear(&text);
		task_free(tasks[k]);
	}
	grammar_table_free(table);
}

int main(void)
{
	struct CMUnitTest tests[2 * ARRAY_SIZE(signature_cases) + 8];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(signature_cases); i++) {
		tests[n++] = (struct CMUnitTest){ signature_cases[i].name, sees_signature, NULL, NULL, &signature_cases[i] };
		if (!signature_cases[i].message)
			tests[n++] = (struct CMUnitTest){ "walks again", walks_what_it_drew, NULL, NULL, &signature_cases[i] };
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(never_sees_a_hidden_case);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_index_is_one_program);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(refuses_what_it_has_no_words_for);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(reads_examples);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(works_out_what_is_visible);
	return _cmocka_run_group_tests("grammar", tests, n, NULL, NULL);
}
