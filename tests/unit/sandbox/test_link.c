/* SPDX-License-Identifier: Apache-2.0 */
/* test_link.c - messages between main and spawner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/mem.h"
#include "sandbox/link.h"

static struct link a, b;

static int open_pair(void **state)
{
	int s[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) < 0)
		return -1;
	link_init(&a, s[0]);
	link_init(&b, s[1]);
	return 0;
}

static int close_pair(void **state)
{
	(void)state;
	link_clear(&a);
	link_clear(&b);
	return 0;
}

static void link__keeps_messages_whole_and_in_order(void **state)
{
	static const size_t sizes[] = { 0, 1, 13, 70000, 3000000, 5, 0, 1000000 };
	char *big = mem_zalloc(3000000);
	size_t got = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(big, 'a' + (int)i, sizes[i]);
		assert_int_equal(link_send(&a, LINK_REQUEST, i + 1, big, sizes[i], NULL), 0);
	}
	while (got < ARRAY_SIZE(sizes)) {
		enum link_kind kind;
		const uint8_t *p;
		uint64_t id;
		size_t n;

		assert_int_equal(link_flush(&a, NULL), 0);
		assert_int_equal(link_fill(&b, NULL), 0);
		while (link_next(&b, &kind, &id, &p, &n)) {
			assert_int_equal(kind, LINK_REQUEST);
			assert_int_equal(id, got + 1);
			assert_int_equal(n, sizes[got]);
			for (size_t k = 0; k < n; k++)
				if (p[k] != 'a' + got)
					fail_msg("message %zu, byte %zu", got, k);
			got++;
		}
	}
	assert_false(link_wants_write(&a));
	assert_int_equal(link_queued_bytes(&a), 0);
	mem_free(big);
}

static void link__hands_out_what_came_before_a_hang_up(void **state)
{
	enum link_kind kind;
	const uint8_t *p;
	uint64_t id;
	size_t n;

	(void)state;
	assert_int_equal(link_send(&a, LINK_REPLY, 9, "bye", 3, NULL), 0);
	assert_int_equal(link_flush(&a, NULL), 0);
	link_clear(&a);
	assert_int_equal(link_fill(&b, NULL), ERR_IO);
	assert_int_equal(link_next(&b, &kind, &id, &p, &n), 1);
	assert_int_equal(id, 9);
	assert_memory_equal(p, "bye", 3);
	assert_int_equal(link_next(&b, &kind, &id, &p, &n), 0);
	assert_int_equal(link_send(&b, LINK_REPLY, 1, "x", 1, NULL), ERR_CANCELLED);
}

static void link__loses_nothing_when_memory_is_short(void **state)
{
	enum link_kind kind;
	const uint8_t *p;
	uint64_t id;
	size_t n;

	(void)state;
	assert_int_equal(link_send(&a, LINK_REQUEST, 1, "one", 3, NULL), 0);
	mem_fault_at(1);
	link_send(&a, LINK_REQUEST, 2, "two", 3, NULL);
	mem_fault_at(0);
	assert_int_equal(link_flush(&a, NULL), 0);
	assert_int_equal(link_fill(&b, NULL), 0);
	assert_int_equal(link_next(&b, &kind, &id, &p, &n), 1);
	assert_int_equal(id, 1);
	assert_memory_equal(p, "one", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(link__keeps_messages_whole_and_in_order, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(link__hands_out_what_came_before_a_hang_up, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(link__loses_nothing_when_memory_is_short, open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
