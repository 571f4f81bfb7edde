/* SPDX-License-Identifier: Apache-2.0 */
/* test_reuse.c - the table of programs being judged, against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/mem.h"
#include "core/rng.h"
#include "rollout/reuse.h"

#define KEYS 400

/* Few different beginnings, so that probes run into each other. */
static void make_key(unsigned i, uint8_t key[REUSE_KEY_BYTES])
{
	memset(key, 0, REUSE_KEY_BYTES);
	key[0] = (uint8_t)(i % 7 * 9);
	memcpy(key + 16, &i, sizeof(i));
}

static void table__agrees_with_a_list(void **state)
{
	static int there[KEYS], value[KEYS];
	struct reuse *t = reuse_new();
	struct error err = ERROR_INIT;
	uint8_t key[REUSE_KEY_BYTES];
	size_t n = 0;
	struct rng r;

	(void)state;
	assert_non_null(t);
	rng_seed(&r, 1, "reuse");
	for (unsigned step = 0; step < 40000; step++) {
		unsigned i = (unsigned)rng_below(&r, KEYS);

		make_key(i, key);
		if (rng_below(&r, 2)) {
			int rc = reuse_put(t, key, &value[i], &err);

			assert_int_equal(rc, there[i] ? ERR_EXISTS : 0);
			n += !there[i];
			there[i] = 1;
		} else {
			void *was = reuse_remove(t, key);

			assert_ptr_equal(was, there[i] ? &value[i] : NULL);
			n -= (size_t)there[i];
			there[i] = 0;
		}
		assert_int_equal(reuse_count(t), n);
		i = (unsigned)rng_below(&r, KEYS);
		make_key(i, key);
		assert_ptr_equal(reuse_get(t, key), there[i] ? &value[i] : NULL);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		make_key(i, key);
		assert_ptr_equal(reuse_get(t, key), there[i] ? &value[i] : NULL);
	}
	reuse_free(t);
}

static void memory__running_out_changes_nothing(void **state)
{
	struct reuse *t = reuse_new();
	struct error err = ERROR_INIT;
	uint8_t key[REUSE_KEY_BYTES];
	int value, rc = 0;
	unsigned i = 0;

	(void)state;
	for (; i < 1000; i++) {
		make_key(i, key);
		mem_fault_at(1);
		rc = reuse_put(t, key, &value, &err);
		mem_fault_at(0);
		if (rc < 0)
			break;
	}
	assert_int_equal(rc, ERR_NOMEM);
	assert_int_equal(reuse_count(t), i);
	assert_null(reuse_get(t, key));
	assert_int_equal(reuse_put(t, key, &value, &err), 0);
	assert_ptr_equal(reuse_get(t, key), &value);
	reuse_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table__agrees_with_a_list),
		cmocka_unit_test(memory__running_out_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
