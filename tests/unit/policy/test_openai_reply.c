/* SPDX-License-Identifier: Apache-2.0 */
/* test_openai_reply.c - bodies as servers write them, and as they should not. */
#include "policy/openai_reply.h"

#include <string.h>
#include "core/str.h"
#include "tests/unit/policy/policy_bench.h"

static struct reply_case {
	const char *name, *body;
	int code;              /* 0 or ERR_INPUT */
	const char *err;       /* ERR_INPUT: part of the words; an error object: its words */
	bool is_error;
	size_t n;              /* choices */
	const char *text, *reasoning, *finish, *refusal; /* of the last one */
	uint32_t index;
} reply_cases[] = {
	{ "chat", "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},"
		  "{\"index\":1,\"message\":{\"content\":\"b\"},\"finish_reason\":\"length\"}]}",
	  .n = 2, .text = "b", .finish = "length", .index = 1 },
	{ "completions", "{\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}]}", .n = 1, .text = "x", .finish = "stop" },
	{ "no index: the position", "{\"choices\":[{\"text\":\"x\"},{\"text\":\"y\"}]}", .n = 2, .text = "y", .index = 1 },
	{ "null content", "{\"choices\":[{\"message\":{\"content\":null}}]}", .n = 1, .text = "" },
	{ "content in parts", "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\"},"
			      "{\"type\":\"text\",\"text\":\"b\"}]}}]}",
	  .n = 1, .text = "ab" },
	{ "reasoning", "{\"choices\":[{\"message\":{\"content\":\"a\",\"reasoning\":\"r\"}}]}", .n = 1, .text = "a", .reasoning = "r" },
	{ "reasoning_content", "{\"choices\":[{\"message\":{\"content\":\"a\",\"reasoning\":null,\"reasoning_content\":\"r\"}}]}",
	  .n = 1, .text = "a", .reasoning = "r" },
	{ "empty reasoning is none", "{\"choices\":[{\"message\":{\"content\":\"a\",\"reasoning\":\"\"}}]}", .n = 1, .text = "a" },
	{ "a refusal", "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"no\"}}]}", .n = 1, .text = "", .refusal = "no" },
	{ "no choices", "{\"choices\":[]}", .n = 0 },
	{ "an error beside null", "{\"error\":null,\"choices\":[{\"text\":\"x\"}]}", .n = 1, .text = "x" },
	{ "an error object", "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":\"n\",\"code\":400}}", .is_error = true, .err = "m" },
	{ "an error string", "{\"error\":\"m\"}", .is_error = true, .err = "m" },
	{ "an error of old vLLM", "{\"object\":\"error\",\"message\":\"m\",\"code\":400}", .is_error = true, .err = "m" },
	{ "a detail", "{\"detail\":\"m\"}", .is_error = true, .err = "m" },
	{ "details", "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"m\"}]}", .is_error = true, .err = "m" },
	{ "an error without words", "{\"error\":{}}", .is_error = true, .err = "" },
	{ "nothing", "", .code = ERR_INPUT, .err = "the answer: not JSON" },
	{ "truncated", "{\"choices\":[{\"te", .code = ERR_INPUT, .err = "the answer: not JSON" },
	{ "a page", "<html>", .code = ERR_INPUT, .err = "the answer: not JSON" },
	{ "bad UTF-8", "{\"choices\":[{\"text\":\"\xc3\"}]}", .code = ERR_INPUT, .err = "the answer: not JSON" },
	{ "a list", "[]", .code = ERR_INPUT, .err = "the answer is not a JSON object" },
	{ "an empty object", "{}", .code = ERR_INPUT, .err = "the answer has no list 'choices'" },
	{ "choices that are an object", "{\"choices\":{}}", .code = ERR_INPUT, .err = "the answer has no list 'choices'" },
	{ "a choice that is a string", "{\"choices\":[\"a\"]}", .code = ERR_INPUT, .err = "choice 0 is not an object" },
};

static void reads(void **state)
{
	const struct reply_case *row = *state;
	cleanup_openai_reply struct openai_reply r = OPENAI_REPLY_INIT;
	struct error err = ERROR_INIT;
	const struct openai_choice *last;

	assert_int_equal(openai_reply_parse(row->body, strlen(row->body), &r, &err), row->code);
	if (row->code < 0) {
		assert_non_null(strstr(err.msg, row->err));
		return;
	}
	assert_int_equal(r.is_error, row->is_error);
	if (row->is_error) {
		assert_string_equal(r.error, row->err);
		return;
	}
	assert_int_equal(r.n_choices, row->n);
	if (row->n == 0)
		return;
	last = &r.choices[row->n - 1];
	assert_string_equal(last->text, row->text);
	assert_int_equal(last->text_len, strlen(row->text));
	assert_true(str_eq(last->reasoning, row->reasoning));
	assert_true(str_eq(last->finish_reason, row->finish));
	assert_true(str_eq(last->refusal, row->refusal));
	assert_int_equal(last->index, row->index);
}

static void reply__numbers_and_names(void **state)
{
	static const char body[] =
		"{\"model\":\"m\",\"system_fingerprint\":\"fp\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4},"
		"\"choices\":[{\"text\":\"x\",\"token_ids\":[1,2],\"logprobs\":{\"token_logprobs\":[-0.5,null]}},"
		"{\"message\":{\"content\":\"x\"},\"token_ids\":[1,\"x\"],\"logprobs\":{\"content\":[{\"logprob\":-1}]}}]}";
	cleanup_openai_reply struct openai_reply r = OPENAI_REPLY_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(openai_reply_parse(body, strlen(body), &r, &err), 0);
	assert_string_equal(r.model, "m");
	assert_string_equal(r.fingerprint, "fp");
	assert_int_equal(r.prompt_tokens, 3);
	assert_int_equal(r.completion_tokens, 4);
	assert_int_equal(json_array_size(r.choices[0].token_ids), 2);
	assert_int_equal(json_array_size(r.choices[0].logprobs), 2);
	assert_true(json_is_null(json_array_get(r.choices[0].logprobs, 1)));
	assert_null(r.choices[1].token_ids); /* not all are numbers */
	assert_true(json_number_value(json_array_get(r.choices[1].logprobs, 0)) == -1.0);
}

static struct names_case {
	const char *name, *message, *field;
	bool want;
} names_cases[] = {
	{ "n as a word", "n must be 1", "n", true },
	{ "n in quotes", "parameter 'n' is not supported", "n", true },
	{ "n_cmpl is not n", "n_cmpl cannot be greater", "n", false },
	{ "n_cmpl", "n_cmpl cannot be greater", "n_cmpl", true },
	{ "no n in words", "the engine cannot run on nine", "n", false },
	{ "don't holds no n", "I don't know and can't: haven'n", "n", false },
	{ "at the end", "invalid value for n", "n", true },
};

static void names_field(void **state)
{
	const struct names_case *row = *state;
	struct openai_reply r = { .is_error = true, .error = row->message };

	assert_int_equal(openai_reply_names_field(&r, row->field), row->want);
}

static void names__param_counts_too(void **state)
{
	struct openai_reply r = { .is_error = true, .error = "bad", .error_param = "n" };

	(void)state;
	assert_true(openai_reply_names_field(&r, "n"));
	r.is_error = false;
	assert_false(openai_reply_names_field(&r, "n"));
}

static void names__model_missing(void **state)
{
	struct openai_reply r = { .is_error = true, .error = "model 'x' not found" };

	(void)state;
	assert_true(openai_reply_is_model_missing(&r));
	r.error = "Not Found";
	assert_false(openai_reply_is_model_missing(&r));
	r.error_code = "model_not_found";
	assert_true(openai_reply_is_model_missing(&r));
}

int main(void)
{
	static const struct CMUnitTest singles[] = {
		cmocka_unit_test(reply__numbers_and_names),
		cmocka_unit_test(names__param_counts_too),
		cmocka_unit_test(names__model_missing),
	};
	struct CMUnitTest tests[ARRAY_SIZE(reply_cases) + ARRAY_SIZE(names_cases) + ARRAY_SIZE(singles)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reply_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = reply_cases[i].name, .test_func = reads, .initial_state = &reply_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(names_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = names_cases[i].name, .test_func = names_field, .initial_state = &names_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		tests[n++] = singles[i];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
