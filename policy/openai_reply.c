/* SPDX-License-Identifier: Apache-2.0 */
/* openai_reply.c - see openai_reply.h. */
#include "policy/openai_reply.h"

#include <ctype.h>
#include <string.h>
#include "core/mem.h"

void openai_reply_clear(struct openai_reply *r)
{
	if (!r)
		return;
	mem_free(r->choices);
	json_decref(r->made);
	json_decref(r->root);
	*r = (struct openai_reply){ 0 };
}

/* Keep a new reference alive as long as the reply; steals it.  NULL: no memory. */
static json_t *keep(struct openai_reply *r, json_t *made)
{
	if (!made)
		return NULL;
	if (!r->made)
		r->made = json_array();
	if (!r->made || json_array_append_new(r->made, made) < 0)
		return NULL;
	return made;
}

/* A string, null, or an array of parts {"type":"text","text":…}.  False: no memory. */
static bool read_content(struct openai_reply *r, json_t *j, const char **ret, size_t *ret_len)
{
	struct buf text;
	json_t *part, *joined;
	size_t i;

	*ret = "";
	*ret_len = 0;
	if (json_is_string(j)) {
		*ret = json_string_value(j);
		*ret_len = json_string_length(j);
		return true;
	}
	if (!json_is_array(j))
		return true;
	buf_init(&text, SIZE_MAX / 4);
	json_array_foreach(j, i, part) {
		const json_t *words = json_object_get(part, "text");

		if (json_is_string(words))
			buf_add(&text, json_string_value(words), json_string_length(words));
	}
	joined = text.error ? NULL : keep(r, json_stringn(text.data, text.len));
	buf_clear(&text);
	if (!joined)
		return false;
	*ret = json_string_value(joined);
	*ret_len = json_string_length(joined);
	return true;
}

static void read_reasoning(const json_t *message, struct openai_choice *c)
{
	static const char *const keys[] = { "reasoning", "reasoning_content", "thinking" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const json_t *j = json_object_get(message, keys[i]);

		if (json_is_string(j) && json_string_length(j) > 0) {
			c->reasoning = json_string_value(j);
			c->reasoning_len = json_string_length(j);
			return;
		}
	}
}

static bool is_array_of_ints(const json_t *j)
{
	json_t *item;
	size_t i;

	if (!json_is_array(j))
		return false;
	json_array_foreach(j, i, item)
		if (!json_is_integer(item))
			return false;
	return true;
}

/* Chat: {"content":[{"logprob":x},…]}; completions: {"token_logprobs":[x,…]}.  False: no memory. */
static bool read_logprobs(struct openai_reply *r, const json_t *j, struct openai_choice *c)
{
	const json_t *list = json_object_get(j, "content");
	bool nested = json_is_array(list);
	json_t *item, *flat;
	size_t i;

	if (!nested)
		list = json_object_get(j, "token_logprobs");
	if (!json_is_array(list) || json_array_size(list) == 0)
		return true;
	flat = keep(r, json_array());
	if (!flat)
		return false;
	json_array_foreach(list, i, item) {
		json_t *number = nested ? json_object_get(item, "logprob") : item;

		if (json_array_append_new(flat, json_is_number(number) ? json_incref(number) : json_null()) < 0)
			return false;
	}
	c->logprobs = flat;
	return true;
}

static int read_choice(struct openai_reply *r, json_t *j, size_t position, struct openai_choice *c, struct error *err)
{
	json_t *message = json_object_get(j, "message");
	json_t *number = json_object_get(j, "index");
	json_t *ids;
	bool ok;

	if (!json_is_object(j))
		return error_set(err, ERR_INPUT, "choice %zu is not an object", position);
	c->index = (uint32_t)position;
	if (json_is_integer(number) && json_integer_value(number) >= 0 && json_integer_value(number) <= UINT32_MAX)
		c->index = (uint32_t)json_integer_value(number);
	if (json_is_object(message)) {
		ok = read_content(r, json_object_get(message, "content"), &c->text, &c->text_len);
		read_reasoning(message, c);
		c->refusal = json_get_str(message, "refusal");
		if (c->refusal && !*c->refusal)
			c->refusal = NULL;
	} else {
		ok = read_content(r, json_object_get(j, "text"), &c->text, &c->text_len);
		read_reasoning(j, c);
	}
	c->finish_reason = json_get_str(j, "finish_reason");
	ids = json_object_get(j, "token_ids");
	if (!ids)
		ids = json_object_get(j, "tokens");
	if (is_array_of_ints(ids) && json_array_size(ids) > 0)
		c->token_ids = ids;
	if (!ok || !read_logprobs(r, json_object_get(j, "logprobs"), c))
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

/* {"error":"words"}, {"error":{"message",…}}, {"object":"error","message":…},
 * {"detail":"words"} and {"detail":[{"msg":…}]}. */
static bool read_error(struct openai_reply *r)
{
	const json_t *e = json_object_get(r->root, "error");
	const json_t *detail = json_object_get(r->root, "detail");
	const char *object = json_get_str(r->root, "object");

	if (e && !json_is_null(e) && !json_is_false(e)) {
		r->error = json_is_string(e) ? json_string_value(e) : json_get_str(e, "message");
	} else if (object && strcmp(object, "error") == 0) {
		e = r->root;
		r->error = json_get_str(e, "message");
	} else if (detail && !json_object_get(r->root, "choices")) {
		r->error = json_is_string(detail) ? json_string_value(detail)
						  : json_get_str(json_array_get(detail, 0), "msg");
	} else {
		return false;
	}
	if (!r->error)
		r->error = "";
	r->error_code = json_get_str(e, "code");
	if (!r->error_code)
		r->error_code = json_get_str(e, "type");
	r->error_param = json_get_str(e, "param");
	r->is_error = true;
	return true;
}

static int read_choices(struct openai_reply *r, struct error *err)
{
	json_t *list = json_object_get(r->root, "choices");
	size_t n = json_array_size(list);
	json_t *item;
	size_t i;
	int code;

	if (!json_is_array(list))
		return error_set(err, ERR_INPUT, "the answer has no list 'choices'");
	if (n == 0)
		return 0;
	r->choices = mem_calloc(n, sizeof(*r->choices));
	if (!r->choices)
		return error_set(err, ERR_NOMEM, "out of memory");
	json_array_foreach(list, i, item) {
		code = read_choice(r, item, i, &r->choices[i], err);
		if (code < 0)
			return code;
	}
	r->n_choices = n;
	return 0;
}

static uint64_t count_of(const json_t *obj, const char *key)
{
	json_int_t n = json_get_int(obj, key, 0);

	return n > 0 ? (uint64_t)n : 0;
}

int openai_reply_parse(const char *body, size_t n, struct openai_reply *ret, struct error *err)
{
	struct openai_reply r = OPENAI_REPLY_INIT;
	const json_t *usage;
	int code;

	code = json_parse(body, n, &r.root, err);
	if (code < 0)
		return error_prefix(err, code, "the answer");
	if (!json_is_object(r.root)) {
		openai_reply_clear(&r);
		return error_set(err, ERR_INPUT, "the answer is not a JSON object");
	}
	if (!read_error(&r)) {
		code = read_choices(&r, err);
		if (code < 0) {
			openai_reply_clear(&r);
			return code;
		}
	}
	r.model = json_get_str(r.root, "model");
	r.fingerprint = json_get_str(r.root, "system_fingerprint");
	usage = json_object_get(r.root, "usage");
	r.prompt_tokens = count_of(usage, "prompt_tokens");
	r.completion_tokens = count_of(usage, "completion_tokens");
	*ret = r;
	return 0;
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
		/* "don't" and "can\n" hold no n of their own: a quote right before it closes a word */
		bool starts = at == text || (!is_word_char(at[-1]) && !(at[-1] == '\'' && at - text > 1 && is_word_char(at[-2])));

		if (starts && !is_word_char(at[n]))
			return true;
	}
	return false;
}

bool openai_reply_names_field(const struct openai_reply *r, const char *field)
{
	if (!r->is_error)
		return false;
	return (r->error_param && strcmp(r->error_param, field) == 0) || has_word(r->error, field);
}

bool openai_reply_is_model_missing(const struct openai_reply *r)
{
	if (!r->is_error)
		return false;
	if (r->error_code && (strcmp(r->error_code, "model_not_found") == 0))
		return true;
	return (r->error_param && strcmp(r->error_param, "model") == 0) || has_word(r->error, "model");
}
