/* SPDX-License-Identifier: Apache-2.0 */
/* test_base.c - the small modules: error, mem, pack, hash, clock, rng. */
#include <errno.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/pack.h"
#include "core/rng.h"

#include "tests/unit/core/table.h"

/* --- error --- */

static struct exit_case {
	const char *name;
	int code;
	const char *word;
	int status;
} exit_cases[] = {
	{ "error: input ends with 2", ERR_INPUT, "input", 2 },
	{ "error: notfound ends with 2", ERR_NOTFOUND, "notfound", 2 },
	{ "error: version ends with 2", ERR_VERSION, "version", 2 },
	{ "error: exists ends with 2", ERR_EXISTS, "exists", 2 },
	{ "error: corrupt ends with 2", ERR_CORRUPT, "corrupt", 2 },
	{ "error: nospace ends with 3", ERR_NOSPACE, "nospace", 3 },
	{ "error: busy ends with 3", ERR_BUSY, "busy", 3 },
	{ "error: remote ends with 3", ERR_REMOTE, "remote", 3 },
	{ "error: what is none", 5, "unknown", 3 },
};

static void exit_status(void **state)
{
	const struct exit_case *row = *state;

	assert_int_equal(error_exit_status(row->code), row->status);
	assert_string_equal(error_word(row->code), row->word);
}

static void error__adds_errno_and_context(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(error_set_errno(&err, ERR_IO, "cannot open '%s'", "a\nb"), ERR_IO);
	assert_string_equal(err.msg, "cannot open 'a b': No such file or directory");
	assert_int_equal(err.sys_errno, ENOENT);
	assert_int_equal(error_prefix(&err, ERR_IO, "task '%s'", "t"), ERR_IO);
	assert_string_equal(err.msg, "task 't': cannot open 'a b': No such file or directory");
	errno = ENOSPC;
	assert_int_equal(error_set_errno(&err, ERR_IO, "x"), ERR_NOSPACE);
	assert_int_equal(err.code, ERR_NOSPACE);
	errno = ENOMEM;
	assert_int_equal(error_set_errno(NULL, ERR_IO, "x"), ERR_NOMEM);
	assert_int_equal(error_set(NULL, ERR_INPUT, "x"), ERR_INPUT);
	assert_int_equal(error_prefix(NULL, ERR_INPUT, "x"), ERR_INPUT);
}

static void error__cuts_what_is_too_long(void **state)
{
	struct error err = ERROR_INIT;
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	error_prefix(&err, ERR_IO, "%s", "b");
	assert_int_equal(strncmp(err.msg, "b: aaa", 6), 0);
	error_prefix(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

/* --- mem --- */

static void mem__checks_for_overflow(void **state)
{
	void *p = mem_alloc(1);
	size_t cap = 1;

	(void)state;
	assert_null(mem_calloc(SIZE_MAX / 2, 3));
	assert_null(mem_realloc_array(p, SIZE_MAX / 2, 3));
	assert_null(mem_memdup("", SIZE_MAX));
	assert_false(mem_grow(&p, &cap, SIZE_MAX / 2, 3));
	assert_int_equal(cap, 1);
	mem_free(p);
}

static void mem__fails_the_nth_once(void **state)
{
	void *a, *b, *c;

	(void)state;
	mem_fault_at(2);
	a = mem_alloc(1);
	assert_false(mem_fault_fired());
	b = mem_alloc(1);
	assert_true(mem_fault_fired());
	c = mem_zalloc(1);
	assert_true(a && !b && c);
	mem_free(a);
	mem_free(c);
	mem_fault_at(1);
	mem_fault_at(0);
	a = mem_strdup("x");
	assert_non_null(a);
	mem_free(a);
}

static void mem__grows_arrays(void **state)
{
	int *list = NULL;
	size_t cap = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(mem_grow(&list, &cap, (size_t)i + 1, sizeof(*list)));
		list[i] = i;
	}
	assert_int_equal(list[999], 999);
	mem_free(list);
}

static void mem__copies_and_prints(void **state)
{
	char *a = mem_strndup("abc", 2), *b = mem_printf("%d%s", 4, "x"), *c = mem_memdup(NULL, 0);
	char *was = a;

	(void)state;
	assert_string_equal(a, "ab");
	assert_string_equal(b, "4x");
	assert_string_equal(c, "");
	assert_null(mem_strdup(NULL));
	assert_ptr_equal(mem_steal(&a), was);
	assert_null(a);
	mem_free(was);
	mem_free(b);
	mem_free(c);
}

/* --- pack --- */

static void make_message(struct buf *b)
{
	pack_u8(b, 200);
	pack_u32(b, 0xdeadbeef);
	pack_u64(b, UINT64_MAX - 1);
	pack_i64(b, INT64_MIN);
	pack_f64(b, -0.5);
	pack_bytes(b, "a\0b", 3);
	pack_str(b, NULL);
	pack_str(b, "");
	pack_str(b, "word");
}

static void pack__gives_back_what_was_packed(void **state)
{
	struct unpack u;
	struct buf b;
	size_t n;
	const char *s;

	(void)state;
	buf_init(&b, 1000);
	make_message(&b);
	unpack_init(&u, b.data, b.len);
	assert_int_equal(unpack_u8(&u), 200);
	assert_int_equal(unpack_u32(&u), 0xdeadbeef);
	assert_true(unpack_u64(&u) == UINT64_MAX - 1);
	assert_true(unpack_i64(&u) == INT64_MIN);
	assert_true(unpack_f64(&u) == -0.5);
	s = unpack_bytes(&u, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(s, "a\0b", 4);
	assert_null(unpack_str(&u));
	assert_string_equal(unpack_str(&u), "");
	assert_string_equal(unpack_str(&u), "word");
	assert_true(unpack_done(&u));
	assert_int_equal(unpack_u32(&u), 0);
	assert_false(unpack_done(&u));
	buf_clear(&b);
}

static void pack__is_bad_when_cut_anywhere(void **state)
{
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 1000);
	make_message(&b);
	for (size_t cut = 0; cut < b.len; cut++) {
		uint8_t *copy = mem_memdup(b.data, cut);
		struct unpack u;

		unpack_init(&u, copy, cut);
		(void) unpack_u8(&u);
		(void) unpack_u32(&u);
		(void) unpack_u64(&u);
		(void) unpack_i64(&u);
		(void) unpack_f64(&u);
		(void) unpack_bytes(&u, &n);
		for (int i = 0; i < 3; i++)
			(void) unpack_str(&u);
		assert_false(unpack_done(&u));
		mem_free(copy);
	}
	buf_clear(&b);
}

static void pack__refuses_a_lying_string(void **state)
{
	struct unpack u;

	(void)state;
	unpack_init(&u, "\1\2\0\0\0ab!", 8); /* no NUL after it */
	assert_null(unpack_str(&u));
	assert_true(u.bad);
	unpack_init(&u, "\1\2\0\0\0a\0\0", 8); /* a NUL within */
	assert_null(unpack_str(&u));
	assert_true(u.bad);
	unpack_init(&u, "\2", 1); /* neither NULL nor a string */
	assert_null(unpack_str(&u));
	assert_true(u.bad);
}

/* --- hash --- */

static void hash__knows_the_published_answers(void **state)
{
	uint8_t sha[HASH_SHA256_BYTES], same[HASH_SHA256_BYTES];
	char hex[HASH_SHA256_HEX], git[HASH_GIT_HEX];
	struct hash_sha256 *h = hash_sha256_new();

	(void)state;
	hash_sha256_of("abc", 3, sha);
	hash_hex(sha, sizeof(sha), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_sha256_add(h, "a", 1);
	hash_sha256_add(h, "bc", 2);
	hash_sha256_end(h, same);
	assert_memory_equal(sha, same, sizeof(sha));
	hash_git_blob("hello\n", 6, git);
	assert_string_equal(git, "ce013625030ba8dba906f756967f9e9ca394464a");
	hash_git_blob("", 0, git);
	assert_string_equal(git, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
	assert_true(hash_xxh3("", 0) == UINT64_C(0x2d06800538d394c2));
}

static void hash__tells_fields_apart(void **state)
{
	uint8_t a[HASH_SHA256_BYTES], b[HASH_SHA256_BYTES], c[HASH_SHA256_BYTES];
	struct hash_sha256 *h = hash_sha256_new();

	(void)state;
	hash_sha256_add_field(h, "ab", 2);
	hash_sha256_add_field(h, "c", 1);
	hash_sha256_end(h, a);
	h = hash_sha256_new();
	hash_sha256_add_field(h, "a", 1);
	hash_sha256_add_field(h, "bc", 2);
	hash_sha256_end(h, b);
	assert_memory_not_equal(a, b, sizeof(a));
	h = hash_sha256_new();
	hash_sha256_add_field(h, NULL, 0);
	hash_sha256_end(h, b);
	h = hash_sha256_new();
	hash_sha256_add_field(h, "", 0);
	hash_sha256_end(h, c);
	assert_memory_not_equal(b, c, sizeof(b));
}

/* --- clock --- */

static uint64_t fake_now(void)
{
	return 77;
}

static int64_t fake_wall(void)
{
	return INT64_C(1795422360123456);
}

static void clock__can_be_replaced(void **state)
{
	char text[32];
	uint64_t before;

	(void)state;
	clock_set_fake(fake_now, fake_wall);
	assert_int_equal(clock_now_us(), 77);
	clock_iso8601(clock_wall_us(), text);
	assert_string_equal(text, "2026-11-23T08:26:00.123Z");
	clock_set_fake(NULL, NULL);
	before = clock_now_us();
	assert_true(before != 77 && clock_now_us() >= before);
	clock_iso8601(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	clock_iso8601(INT64_MAX, text);
	assert_string_equal(text, "out of range");
}

/* --- rng --- */

static void rng__gives_the_same_stream_for_one_seed(void **state)
{
	struct rng a, b, c, d;
	int same_stream = 0, same_seed = 0;

	(void)state;
	rng_seed(&a, 1, "x");
	rng_seed(&b, 1, "x");
	rng_seed(&c, 1, "y");
	rng_seed(&d, 2, "x");
	for (int i = 0; i < 100; i++) {
		uint64_t x = rng_next(&a);

		assert_true(x == rng_next(&b));
		same_stream += x == rng_next(&c);
		same_seed += x == rng_next(&d);
	}
	assert_int_equal(same_stream + same_seed, 0);
}

static void rng__is_the_published_generator(void **state)
{
	struct rng r = { { 1, 2, 3, 4 } };

	(void)state;
	/* The first outputs of xoshiro256** from state 1, 2, 3, 4. */
	assert_true(rng_next(&r) == UINT64_C(11520));
	assert_true(rng_next(&r) == UINT64_C(0));
	assert_true(rng_next(&r) == UINT64_C(1509978240));
	assert_true(rng_next(&r) == UINT64_C(1215971899390074240));
}

static void rng__is_even(void **state)
{
	unsigned seen[7] = { 0 };
	double sum = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 42, "even");
	for (int i = 0; i < 70000; i++) {
		double u = rng_unit(&r);

		assert_true(u >= 0 && u < 1);
		sum += u;
		seen[rng_below(&r, 7)]++;
	}
	assert_true(sum > 34500 && sum < 35500);
	for (size_t i = 0; i < 7; i++)
		assert_in_range(seen[i], 9500, 10500);
	assert_int_equal(rng_below(&r, 1), 0);
}

int main(void)
{
	static struct CMUnitTest tests[40];
	size_t n = 0;

	ADD_ROWS(tests, n, exit_cases, exit_status);
	ADD_TEST(tests, n, error__adds_errno_and_context);
	ADD_TEST(tests, n, error__cuts_what_is_too_long);
	ADD_TEST(tests, n, mem__checks_for_overflow);
	ADD_TEST(tests, n, mem__fails_the_nth_once);
	ADD_TEST(tests, n, mem__grows_arrays);
	ADD_TEST(tests, n, mem__copies_and_prints);
	ADD_TEST(tests, n, pack__gives_back_what_was_packed);
	ADD_TEST(tests, n, pack__is_bad_when_cut_anywhere);
	ADD_TEST(tests, n, pack__refuses_a_lying_string);
	ADD_TEST(tests, n, hash__knows_the_published_answers);
	ADD_TEST(tests, n, hash__tells_fields_apart);
	ADD_TEST(tests, n, clock__can_be_replaced);
	ADD_TEST(tests, n, rng__gives_the_same_stream_for_one_seed);
	ADD_TEST(tests, n, rng__is_the_published_generator);
	ADD_TEST(tests, n, rng__is_even);
	return RUN_ADDED("base", tests, n);
}
