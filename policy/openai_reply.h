/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_reply.h - one body of an OpenAI-compatible server, read without any I/O.
 *
 * Servers differ (vLLM, SGLang, llama.cpp, Ollama, hosted ones); what they
 * differ in ends here.  Everything borrows from the parsed tree that the reply owns.
 */
#ifndef WINNOW_POLICY_OPENAI_REPLY_H
#define WINNOW_POLICY_OPENAI_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/json.h"

struct openai_choice {
	uint32_t index;              /* as the server numbered it, else its position */
	const char *text;            /* never NULL: "" where the server gave null or nothing */
	size_t text_len;
	const char *reasoning;       /* NULL: none apart */
	size_t reasoning_len;
	const char *finish_reason;   /* NULL: not said */
	const char *refusal;         /* words of a refusal; NULL */
	json_t *token_ids;           /* array of ints, or NULL */
	json_t *logprobs;            /* array of numbers (null where unknown), one a token, or NULL */
};
struct openai_reply {
	json_t *root;
	json_t *made;                /* arrays and strings that were put together here */
	struct openai_choice *choices;
	size_t n_choices;
	const char *model, *fingerprint;        /* NULL: not said */
	uint64_t prompt_tokens, completion_tokens; /* 0: not said */
	bool is_error;               /* an error object (whatever the HTTP status was) */
	const char *error;           /* its words; "" where it has none */
	const char *error_code, *error_param; /* NULL: not said */
};
#define OPENAI_REPLY_INIT { 0 }

/* ERR_INPUT: not JSON, or JSON of no known form (err says what is wrong); ERR_NOMEM. */
int openai_reply_parse(const char *body, size_t n, struct openai_reply *ret, struct error *err);
void openai_reply_clear(struct openai_reply *r);
#define cleanup_openai_reply __attribute__((cleanup(openai_reply_clear)))

/* Does a 400 complain about this field ("n", "seed")?  As a word of its own in
 * the message, or as the error's param. */
bool openai_reply_names_field(const struct openai_reply *r, const char *field);
/* Does a 404 say that the model is not there (and not the path)? */
bool openai_reply_is_model_missing(const struct openai_reply *r);

#endif
