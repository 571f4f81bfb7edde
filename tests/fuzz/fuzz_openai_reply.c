/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_openai_reply.c - any bytes as the body of a server's answer.
 *
 * What is read must hold together: a text for each choice, an error with words,
 * nothing beyond what was sent; and the same bytes read twice give the same.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/openai_reply.h"
#include "policy/openai_server.h"
#include "policy/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_choice(const struct openai_choice *c, size_t n)
{
	must(c->text && strlen(c->text) <= c->text_len && c->text_len <= n);
	must(!c->reasoning || (c->reasoning_len > 0 && c->reasoning_len <= n));
	must(!c->token_ids || json_array_size(c->token_ids) > 0);
	must(!c->logprobs || json_array_size(c->logprobs) <= n);
}

static void check_words(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), out[40];
	uint64_t us = 0;

	must(text != NULL);
	memcpy(text, data, n);
	text[n] = '\0';
	if (retry_after_parse(text, INT64_C(1800000000000000), &us))
		must(us <= UINT64_C(86400000000));
	openai_redact(text, "key", out, sizeof(out));
	must(strlen(out) < sizeof(out));
	for (const char *at = out; (at = strstr(at, "key")) != NULL; at++)
		must(at > out && at[-1] == '['); /* blotted out, all of them */
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct openai_reply r = OPENAI_REPLY_INIT, again = OPENAI_REPLY_INIT;
	struct error err = ERROR_INIT;
	int code = openai_reply_parse((const char *)data, n, &r, &err);

	check_words(data, n);
	must(code == 0 || (code == ERR_INPUT && err.msg[0]));
	if (code < 0) {
		must(!r.root);
		return 0;
	}
	must(openai_reply_parse((const char *)data, n, &again, &err) == 0);
	must(r.n_choices == again.n_choices && r.is_error == again.is_error);
	must(!r.is_error || (r.error && r.n_choices == 0));
	(void)openai_reply_names_field(&r, "n");
	(void)openai_reply_is_model_missing(&r);
	for (size_t i = 0; i < r.n_choices; i++) {
		check_choice(&r.choices[i], n);
		must(r.choices[i].text_len == again.choices[i].text_len &&
		     memcmp(r.choices[i].text, again.choices[i].text, r.choices[i].text_len) == 0);
	}
	openai_reply_clear(&r);
	openai_reply_clear(&again);
	return 0;
}
