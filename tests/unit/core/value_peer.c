/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_peer.c - the C side of test_value_python.py.
 *
 * Reads records from stdin: u32 length (little-endian), then two encoded
 * values.  Answers each with one line: whether they are equal, the first one
 * encoded again, and its repr, both in hexadecimal ("-" where decoding failed).
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/value.h"

static void print_hex(const struct buf *b)
{
	putchar(' ');
	for (size_t i = 0; i < b->len; i++)
		printf("%02x", (unsigned char)b->data[i]);
}

static void answer(struct value_pool *pool, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	struct value *a, *b;
	struct error err = ERROR_INIT;
	cleanup_buf struct buf again, text;

	buf_init(&again, SIZE_MAX);
	buf_init(&text, SIZE_MAX);
	if (value_decode(pool, &p, end, &a, &err) < 0 ||
	    value_decode(pool, &p, end, &b, &err) < 0 || p != end) {
		printf("- %s\n", err.msg);
		return;
	}
	value_encode(a, &again);
	value_repr(a, &text, 1u << 20);
	printf("%d%d", value_equal(a, b), value_equal(b, a));
	print_hex(&again);
	print_hex(&text);
	putchar('\n');
}

int main(void)
{
	struct value_pool *pool = value_pool_new();
	unsigned char head[4];

	if (!pool)
		return 1;
	while (fread(head, 1, 4, stdin) == 4) {
		size_t n = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 |
			   (size_t)head[3] << 24;
		uint8_t *data = mem_alloc(n);

		if (!data || fread(data, 1, n, stdin) != n) {
			mem_free(data);
			break;
		}
		value_pool_reset(pool);
		answer(pool, data, n);
		mem_free(data);
	}
	value_pool_free(pool);
	return 0;
}
