/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - jansson with our errors; see json.h. */
#include "core/json.h"

#include <string.h>

#include "core/hash.h"
#include "core/str.h"

int json_parse(const char *text, size_t n, json_t **ret, struct error *err)
{
	json_error_t je;
	json_t *j =
		json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &je);
	size_t at, column, line = 1;
	const char *what;

	if (j) {
		*ret = j;
		return 0;
	}
	if (json_error_code(&je) == json_error_out_of_memory)
		return error_set(err, ERR_NOMEM, "out of memory");
	at = je.position > 0 ? (size_t)je.position : 0;
	/* A bad byte was not counted yet. */
	if (json_error_code(&je) == json_error_invalid_utf8)
		at++;
	if (at > n)
		at = n;
	column = at ? at : 1;
	for (size_t i = 0; i + 1 < at; i++)
		if (text[i] == '\n') {
			line++;
			column = at - i - 1;
		}
	if (json_error_code(&je) == json_error_premature_end_of_input) {
		size_t i = 0;

		while (i < n && strchr(" \t\r\n", text[i]))
			i++;
		if (i == n)
			return error_set(err, ERR_INPUT, "not JSON: no value, the text is empty");
		if (line == 1)
			return error_set(err, ERR_INPUT, "not JSON: truncated at column %zu",
					 column);
		return error_set(err, ERR_INPUT, "not JSON: truncated at line %zu, column %zu",
				 line, column);
	}
	what = json_error_code(&je) == json_error_invalid_utf8 ? "invalid UTF-8" : je.text;
	if (line == 1)
		return error_set(err, ERR_INPUT, "not JSON: %s at column %zu", what, column);
	return error_set(err, ERR_INPUT, "not JSON: %s at line %zu, column %zu", what, line,
			 column);
}

static int add_bytes(const char *text, size_t n, void *ctx)
{
	struct buf *out = ctx;

	buf_add(out, text, n);
	return out->error ? -1 : 0;
}

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))

static int dump(const json_t *j, size_t flags, struct buf *out, struct error *err)
{
	int r = json_dump_callback(j, add_bytes, out, flags | DUMP_FLAGS);

	if (out->error)
		return buf_check(out, "JSON text", err);
	if (r < 0)
		return error_set(err, ERR_NOMEM, "out of memory for JSON text");
	return 0;
}

int json_dump_canonical(const json_t *j, struct buf *out, struct error *err)
{
	return dump(j, JSON_SORT_KEYS, out, err);
}

int json_dump_line(const json_t *j, struct buf *out, struct error *err)
{
	return dump(j, 0, out, err);
}

static int hash_bytes(const char *text, size_t n, void *ctx)
{
	hash_sha256_add(ctx, text, n);
	return 0;
}

int json_hash_canonical(const json_t *j, struct hash_sha256 *h, struct error *err)
{
	if (json_dump_callback(j, hash_bytes, h, JSON_SORT_KEYS | DUMP_FLAGS) < 0)
		return error_set(err, ERR_NOMEM, "out of memory for JSON text");
	return 0;
}

const char *json_get_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

bool json_get_bool(const json_t *obj, const char *key, bool fallback)
{
	const json_t *j = json_object_get(obj, key);

	return json_is_boolean(j) ? json_is_true(j) : fallback;
}

json_int_t json_get_int(const json_t *obj, const char *key, json_int_t fallback)
{
	const json_t *j = json_object_get(obj, key);

	return json_is_integer(j) ? json_integer_value(j) : fallback;
}

double json_get_num(const json_t *obj, const char *key, double fallback)
{
	const json_t *j = json_object_get(obj, key);

	return json_is_number(j) ? json_number_value(j) : fallback;
}

json_t *json_string_lossy(const char *s, size_t n, bool *ret_replaced)
{
	size_t at = str_utf8_valid(s, n);
	json_t *j;

	if (ret_replaced)
		*ret_replaced = at < n;
	if (at == n)
		return json_stringn_nocheck(s, n);

	cleanup_buf struct buf b;

	buf_init(&b, SIZE_MAX);
	for (;;) {
		buf_add(&b, s, at);
		if (at == n)
			break;
		buf_adds(&b, "\xef\xbf\xbd");
		s += at + 1;
		n -= at + 1;
		at = str_utf8_valid(s, n);
	}
	j = b.error ? NULL : json_stringn_nocheck(b.data, b.len);
	return j;
}

void json_cleanup(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}
