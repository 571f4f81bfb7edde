/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame.c - any bytes as a frame of values.
 *
 * What decodes must encode, decode again and encode to the same bytes; and it
 * can be printed, written as JSON and compared, whatever it is.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(struct value_pool *pool, const struct value *v)
{
	struct buf first, second;
	struct value *again = NULL;
	struct error err = ERROR_INIT;
	const uint8_t *p;
	json_t *j = NULL;

	buf_init(&first, SIZE_MAX);
	buf_init(&second, SIZE_MAX);
	value_encode(v, &first);
	must(first.error == 0);
	p = (const uint8_t *)first.data;
	must(value_decode(pool, &p, p + first.len, &again, &err) == 0);
	must(p == (const uint8_t *)first.data + first.len);
	value_encode(again, &second);
	must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	buf_reset(&second);
	value_repr(v, &second, 200);
	must(second.len <= 200);
	(void) value_equal(v, again);
	(void) value_close(v, again, 1e-6, 1e-6);
	(void) value_equal_unordered(again, v);
	if (value_to_json(v, &j, &err) == 0)
		json_decref(j);
	buf_clear(&first);
	buf_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct value_numbers *numbers = value_numbers_new();
	struct value_pool *pool = value_pool_new();
	const uint8_t *p = data, *end = data + n;
	struct error err = ERROR_INIT;
	struct value *v = NULL;

	/* The first value alone, then all of them with their containers numbered through. */
	if (value_decode(pool, &p, end, &v, &err) == 0)
		check(pool, v);
	for (p = data; p < end;) {
		if (value_decode_numbered(numbers, pool, &p, end, &v, &err) < 0)
			break;
		must(p <= end);
	}
	value_numbers_free(numbers);
	value_pool_free(pool);
	return 0;
}
