/* SPDX-License-Identifier: Apache-2.0 */
/* test_value_frame.c - frames: what goes in comes out, and what a hostile candidate may send. */
#include "core/fs.h"
#include "core/value.h"

#include "tests/unit/core/table.h"

static struct value_pool *pool;

static int setup(void **state)
{
	(void)state;
	pool = value_pool_new();
	return pool ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	value_pool_free(pool);
	return 0;
}

static int decode(const void *bytes, size_t n, struct value **ret, struct error *err)
{
	/* A copy of exactly n bytes lets the sanitizer see any read past the end. */
	uint8_t *copy = mem_alloc(n);
	const uint8_t *p = copy;
	int r;

	memcpy(copy, bytes, n);
	r = value_decode(pool, &p, copy + n, ret, err);
	if (r == 0 && p != copy + n)
		r = 1; /* bytes left over */
	mem_free(copy);
	return r;
}

/* --- hostile frames --- */

#define BYTES(s) s, sizeof(s) - 1

static struct hostile {
	const char *name, *bytes;
	size_t n;
	int want;
	const char *says;
} hostile[] = {
	{ "frame: nothing", BYTES(""), ERR_INPUT, "ends before" },
	{ "frame: unknown tag", BYTES("x"), ERR_INPUT, "unknown tag 0x78" },
	{ "frame: half an int", BYTES("i\0\0\0"), ERR_INPUT, "ends before" },
	{ "frame: a str longer than the frame", BYTES("s\xff\xff\xff\xff" "a"), ERR_INPUT, "ends before" },
	{ "frame: a list of 4 billion", BYTES("l\xff\xff\xff\xff" "N"), ERR_INPUT, "ends before" },
	{ "frame: a dict of 4 billion", BYTES("d\xff\xff\xff\xff" "NN"), ERR_INPUT, "ends before" },
	{ "frame: a namedtuple of 4 billion", BYTES("n\1\0\0\0P\xff\xff\xff\xff"), ERR_INPUT, "ends before" },
	{ "frame: a namedtuple's name with a NUL", BYTES("n\2\0\0\0P\0\0\0\0\0"), ERR_INPUT, "bad name" },
	{ "frame: a reference to nothing", BYTES("@\0\0\0\0"), ERR_INPUT, "not complete" },
	{ "frame: a list that holds itself", BYTES("l\1\0\0\0@\0\0\0\0"), ERR_INPUT, "not complete" },
	{ "frame: a reference to its parent", BYTES("l\1\0\0\0l\1\0\0\0@\0\0\0\0"), ERR_INPUT, "not complete" },
	{ "frame: a reference ahead", BYTES("l\2\0\0\0@\1\0\0\0l\0\0\0\0"), ERR_INPUT, "not complete" },
	{ "frame: a str that is not UTF-8", BYTES("s\1\0\0\0\xff"), ERR_INPUT, "UTF-8" },
	{ "frame: an overlong str", BYTES("s\2\0\0\0\xc0\xaf"), ERR_INPUT, "UTF-8" },
	{ "frame: a type's name that is not UTF-8", BYTES("k\1\0\0\0\xff"), ERR_INPUT, "UTF-8" },
	{ "frame: an integer's bad sign", BYTES("I\2\1\0\0\0" "1"), ERR_INPUT, "bad sign" },
	{ "frame: an integer of no digits", BYTES("I\0\0\0\0\0"), ERR_INPUT, "canonical" },
	{ "frame: an integer's leading zero", BYTES("I\0\2\0\0\0" "01"), ERR_INPUT, "canonical" },
	{ "frame: an integer in upper case", BYTES("I\0\1\0\0\0" "A"), ERR_INPUT, "bad digit" },
	{ "frame: a range of floats", BYTES("rf\0\0\0\0\0\0\0\0"), ERR_INPUT, "a range of what" },
	{ "frame: a range with step 0",
	  BYTES("ri\0\0\0\0\0\0\0\0i\0\0\0\0\0\0\0\0i\0\0\0\0\0\0\0\0"), ERR_INPUT, "step 0" },
	{ "frame: a set that holds a list", BYTES("S\1\0\0\0l\0\0\0\0"), ERR_INPUT, "unhashable list in a set" },
	{ "frame: a dict with a list as key", BYTES("d\1\0\0\0l\0\0\0\0N"), ERR_INPUT, "unhashable list in a dict" },
	{ "frame: a list within a tuple as key", BYTES("d\1\0\0\0t\1\0\0\0l\0\0\0\0N"), ERR_INPUT, "unhashable tuple" },
	{ "frame: a list by reference as key",
	  BYTES("t\2\0\0\0l\0\0\0\0S\1\0\0\0@\1\0\0\0"), ERR_INPUT, "unhashable list" },
	{ "frame: a list as a dict's value is right", BYTES("d\1\0\0\0Nl\0\0\0\0"), 0, NULL },
	{ "frame: bytes after the value", BYTES("NN"), 1, NULL },
};

static void is_hostile(void **state)
{
	const struct hostile *row = *state;
	struct error err = ERROR_INIT;
	struct value *v = NULL;

	assert_int_equal(decode(row->bytes, row->n, &v, &err), row->want);
	if (row->says && !strstr(err.msg, row->says))
		fail_msg("said '%s', not '%s'", err.msg, row->says);
}

static void add_u32(struct buf *b, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		buf_addc(b, (char)(v >> (8 * i)));
}

static void nest(struct buf *b, unsigned depth)
{
	for (unsigned i = 0; i + 1 < depth; i++)
		buf_add(b, "l\1\0\0\0", 5);
	buf_add(b, "l\0\0\0\0", 5);
}

static void frame__nests_200_deep_and_no_deeper(void **state)
{
	struct error err = ERROR_INIT;
	struct value *v = NULL, *w = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	nest(&b, VALUE_MAX_DEPTH);
	assert_int_equal(decode(b.data, b.len, &v, &err), 0);
	assert_int_equal(decode(b.data, b.len, &w, &err), 0);
	assert_true(value_equal(v, w));
	buf_reset(&b);
	value_encode(v, &b);
	assert_int_equal(b.error, 0);
	buf_reset(&b);
	nest(&b, VALUE_MAX_DEPTH + 1);
	assert_int_equal(decode(b.data, b.len, &v, &err), ERR_LIMIT);
	buf_reset(&b);
	nest(&b, 1000000);
	assert_int_equal(decode(b.data, b.len, &v, &err), ERR_LIMIT);
	buf_clear(&b);
}

/* [[], [@1], [@2], …]: every container is one deeper than the last. */
static void frame__counts_depth_through_references(void **state)
{
	struct error err = ERROR_INIT;
	struct value *v = NULL;
	struct buf b;

	(void)state;
	for (uint32_t n = VALUE_MAX_DEPTH - 2; n <= VALUE_MAX_DEPTH + 1; n++) {
		buf_init(&b, SIZE_MAX);
		buf_addc(&b, 'l');
		add_u32(&b, n);
		buf_add(&b, "l\0\0\0\0", 5);
		for (uint32_t i = 1; i < n; i++) {
			buf_add(&b, "l\1\0\0\0@", 6);
			add_u32(&b, i);
		}
		assert_int_equal(decode(b.data, b.len, &v, &err),
				 n < VALUE_MAX_DEPTH ? 0 : ERR_LIMIT);
		buf_clear(&b);
	}
}

/* A list of lists of the same list twice: 2^n leaves in a few hundred bytes. */
static struct value *bomb(void)
{
	struct error err = ERROR_INIT;
	struct value *v = NULL;
	struct buf b;
	uint32_t n = 100;

	buf_init(&b, SIZE_MAX);
	buf_addc(&b, 't');
	add_u32(&b, n);
	buf_add(&b, "t\1\0\0\0N", 6);
	for (uint32_t i = 1; i < n; i++) {
		buf_add(&b, "t\2\0\0\0@", 6);
		add_u32(&b, i);
		buf_addc(&b, '@');
		add_u32(&b, i);
	}
	assert_int_equal(decode(b.data, b.len, &v, &err), 0);
	buf_clear(&b);
	return v;
}

static void frame__bombs_of_shared_parts_end_soon(void **state)
{
	struct value *a = bomb(), *b = bomb(), *set = value_new(pool, VALUE_SET);
	struct value *other = value_new(pool, VALUE_SET), *items[20];
	json_t *j = NULL;
	struct error err = ERROR_INIT;
	struct buf out;

	(void)state;
	assert_false(value_equal(a, b)); /* the work is used up */
	assert_false(value_close(a, b, 0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = a;
	set->items = other->items = items;
	set->n_items = other->n_items = ARRAY_SIZE(items);
	assert_false(value_equal(set, other));
	buf_init(&out, SIZE_MAX);
	value_repr(a, &out, 1000);
	assert_int_equal(out.len, 1000);
	assert_string_equal(out.data + 997, "...");
	assert_int_equal(value_to_json(a, &j, &err), ERR_LIMIT);
	buf_reset(&out);
	value_encode(a, &out); /* keeps the sharing */
	assert_int_equal(out.error, 0);
	assert_true(out.len < 2000);
	buf_clear(&out);
}

static void frame__takes_little_memory(void **state)
{
	struct error err = ERROR_INIT;
	struct value *v = NULL;
	struct buf b;
	uint32_t n = 1u << 20;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_addc(&b, 'l');
	add_u32(&b, n);
	for (uint32_t i = 0; i < n; i++)
		buf_addc(&b, 'N');
	assert_int_equal(decode(b.data, b.len, &v, &err), 0);
	assert_true(value_pool_bytes(pool) < b.len * 10);
	value_pool_reset(pool);
	assert_true(value_pool_bytes(pool) <= 16384);
	buf_clear(&b);
}

static void frame__bounds_digits(void **state)
{
	struct error err = ERROR_INIT;
	struct value *v = NULL;
	struct buf b;

	(void)state;
	/* 16^83048 has 100,000 digits; ten digits more are too many. */
	for (uint32_t n = 83048; n <= 83060; n += 12) {
		buf_init(&b, SIZE_MAX);
		buf_add(&b, "I\0", 2);
		add_u32(&b, n);
		for (uint32_t i = 0; i < n; i++)
			buf_addc(&b, 'f');
		assert_int_equal(decode(b.data, b.len, &v, &err), n == 83048 ? 0 : ERR_LIMIT);
		buf_clear(&b);
	}
	assert_int_equal(v->len, VALUE_MAX_DIGITS);
	/* Many of that size are too much work. */
	buf_init(&b, SIZE_MAX);
	buf_addc(&b, 'l');
	add_u32(&b, 50);
	for (int k = 0; k < 50; k++) {
		buf_add(&b, "I\0", 2);
		add_u32(&b, 80000);
		for (uint32_t i = 0; i < 80000; i++)
			buf_addc(&b, '1');
	}
	assert_int_equal(decode(b.data, b.len, &v, &err), ERR_LIMIT);
	assert_string_equal(err.msg, "too many digits of integers in one frame");
	buf_clear(&b);
}

/* --- round trips --- */

static struct trip {
	const char *name, *bytes;
	size_t n;
} trips[] = {
	{ "frame trip: None, bools", BYTES("t\5\0\0\0NTFem") },
	{ "frame trip: ints", BYTES("l\2\0\0\0i\xff\xff\xff\xff\xff\xff\xff\x7fi\0\0\0\0\0\0\0\x80") },
	{ "frame trip: big ints", BYTES("l\2\0\0\0I\0\x10\0\0\0" "8000000000000000"
					"I\1\x13\0\0\0" "123456789abcdef0123") },
	{ "frame trip: floats", BYTES("l\2\0\0\0f\0\0\0\0\0\0\xf8\x7f"
				      "c\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\xf0\x7f") },
	{ "frame trip: text", BYTES("l\4\0\0\0s\3\0\0\0\xed\xa0\x80s\2\0\0\0a\0b\1\0\0\0\xffy\0\0\0\0") },
	{ "frame trip: containers", BYTES("q\3\0\0\0S\1\0\0\0NZ\0\0\0\0t\1\0\0\0l\0\0\0\0") },
	{ "frame trip: dicts", BYTES("l\4\0\0\0d\1\0\0\0NTC\0\0\0\0O\2\0\0\0NTTND\1\0\0\0FN") },
	{ "frame trip: namedtuple", BYTES("n\1\0\0\0P\2\0\0\0\1\0\0\0x\2\0\0\0yyNT") },
	{ "frame trip: empty namedtuple", BYTES("n\0\0\0\0\0\0\0\0") },
	{ "frame trip: range", BYTES("ri\1\0\0\0\0\0\0\0i\2\0\0\0\0\0\0\0i\3\0\0\0\0\0\0\0") },
	{ "frame trip: what lives in the candidate",
	  BYTES("l\3\0\0\0k\3\0\0\0intg\7\0\0\0\0\0\0\0\3\0\0\0maph\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0\0C") },
	{ "frame trip: shared parts", BYTES("l\4\0\0\0l\1\0\0\0N@\1\0\0\0y\1\0\0\0a@\2\0\0\0") },
	{ "frame trip: containers of the question", BYTES("t\2\0\0\0@\0\0\0\x80@\5\0\0\x80") },
};

static void trip(void **state)
{
	const struct trip *row = *state;
	struct error err = ERROR_INIT;
	struct value *v = NULL;
	struct buf b;

	if (decode(row->bytes, row->n, &v, &err) != 0)
		fail_msg("%s", err.msg);
	buf_init(&b, SIZE_MAX);
	value_encode(v, &b);
	assert_int_equal(b.error, 0);
	assert_int_equal(b.len, row->n);
	assert_memory_equal(b.data, row->bytes, row->n);
	buf_clear(&b);
}

static void cut_anywhere(void **state)
{
	const struct trip *row = *state;

	for (size_t n = 0; n < row->n; n++) {
		struct error err = ERROR_INIT;
		struct value *v = NULL;

		assert_int_equal(decode(row->bytes, n, &v, &err), ERR_INPUT);
		assert_null(v);
		assert_true(err.msg[0] != '\0');
	}
}

/* Every single byte changed to every value: any answer is right but a crash or a leak. */
static void any_byte_changed(void **state)
{
	const struct trip *row = *state;
	uint8_t *copy = mem_memdup(row->bytes, row->n);

	for (size_t i = 0; i < row->n; i++)
		for (unsigned c = 0; c < 256; c++) {
			struct error err = ERROR_INIT;
			struct value *v = NULL;
			struct buf b;
			int r;

			copy[i] = (uint8_t)c;
			r = decode(copy, row->n, &v, &err);
			assert_true(r == 0 || r == 1 || r == ERR_INPUT || r == ERR_LIMIT);
			if (r >= 0) {
				buf_init(&b, 1000);
				value_repr(v, &b, 100);
				assert_true(b.len <= 100);
				(void) value_equal(v, v);
				buf_clear(&b);
			}
			copy[i] = (uint8_t)row->bytes[i];
			value_pool_reset(pool);
		}
	mem_free(copy);
}

static void each_allocation_fails(void **state)
{
	const struct trip *row = *state;

	for (unsigned long nth = 1;; nth++) {
		struct error err = ERROR_INIT;
		struct value *v = NULL;
		const uint8_t *p = (const uint8_t *)row->bytes;
		struct buf b;
		int r;

		value_pool_free(pool);
		pool = value_pool_new();
		buf_init(&b, SIZE_MAX);
		mem_fault_at(nth);
		r = value_decode(pool, &p, p + row->n, &v, &err);
		if (r == 0)
			value_encode(v, &b);
		if (!mem_fault_fired()) {
			mem_fault_at(0);
			assert_int_equal(r, 0);
			buf_clear(&b);
			break;
		}
		mem_fault_at(0);
		assert_true(r == ERR_NOMEM || (r == 0 && b.error == ERR_NOMEM));
		buf_clear(&b);
	}
}

static void frame__shares_what_is_named_twice(void **state)
{
	struct value *v = NULL;

	(void)state;
	assert_int_equal(decode(trips[11].bytes, trips[11].n, &v, NULL), 0);
	assert_ptr_equal(v->items[0], v->items[1]);
	assert_ptr_equal(v->items[2], v->items[3]);
}

static void frame__numbers_containers_over_several_values(void **state)
{
	static const char bytes[] = "t\1\0\0\0l\0\0\0\0" "d\1\0\0\0N@\1\0\0\0";
	const uint8_t *p = (const uint8_t *)bytes, *end = p + sizeof(bytes) - 1;
	struct value_numbers *numbers = value_numbers_new(), *again = value_numbers_new();
	struct value *args = NULL, *kwargs = NULL;
	struct buf b;

	(void)state;
	assert_int_equal(value_decode_numbered(numbers, pool, &p, end, &args, NULL), 0);
	assert_int_equal(value_numbers_count(numbers), 2);
	assert_int_equal(value_decode_numbered(numbers, pool, &p, end, &kwargs, NULL), 0);
	assert_ptr_equal(p, end);
	assert_int_equal(value_numbers_count(numbers), 3);
	assert_ptr_equal(value_numbers_at(numbers, 0), args);
	assert_ptr_equal(value_numbers_at(numbers, 2), kwargs);
	assert_null(value_numbers_at(numbers, 3));
	assert_ptr_equal(kwargs->items[1], args->items[0]);
	buf_init(&b, SIZE_MAX);
	value_encode_numbered(again, args, &b);
	value_encode_numbered(again, kwargs, &b);
	assert_int_equal(b.len, sizeof(bytes) - 1);
	assert_memory_equal(b.data, bytes, b.len);
	assert_ptr_equal(value_numbers_at(again, 1), args->items[0]);
	value_numbers_reset(again);
	buf_reset(&b);
	value_encode_numbered(again, kwargs, &b);
	assert_memory_equal(b.data, "d\1\0\0\0Nl\0\0\0\0", b.len);
	buf_clear(&b);
	value_numbers_free(numbers);
	value_numbers_free(again);
}

static void frame__small_ints_have_one_form(void **state)
{
	struct value *v = NULL;

	(void)state;
	assert_int_equal(decode(BYTES("I\0\2\0\0\0" "ff"), &v, NULL), 0);
	assert_int_equal(v->kind, VALUE_INT);
	assert_int_equal(v->integer, 255);
	assert_int_equal(decode(BYTES("I\1\1\0\0\0" "0"), &v, NULL), 0);
	assert_true(v->kind == VALUE_INT && v->integer == 0);
	assert_int_equal(decode(BYTES("I\1\x10\0\0\0" "8000000000000000"), &v, NULL), 0);
	assert_true(v->kind == VALUE_INT && v->integer == INT64_MIN);
	assert_int_equal(decode(BYTES("I\1\x10\0\0\0" "8000000000000001"), &v, NULL), 0);
	assert_string_equal(v->str, "-9223372036854775809");
}

static struct CMUnitTest tests[ARRAY_SIZE(hostile) + 4 * ARRAY_SIZE(trips) + 10];

int main(void)
{
	size_t n = 0;

	ADD_ROWS(tests, n, hostile, is_hostile);
	ADD_ROWS(tests, n, trips, trip);
	ADD_ROWS(tests, n, trips, cut_anywhere);
	ADD_ROWS(tests, n, trips, any_byte_changed);
	ADD_ROWS(tests, n, trips, each_allocation_fails);
	ADD_TEST(tests, n, frame__nests_200_deep_and_no_deeper);
	ADD_TEST(tests, n, frame__counts_depth_through_references);
	ADD_TEST(tests, n, frame__bombs_of_shared_parts_end_soon);
	ADD_TEST(tests, n, frame__takes_little_memory);
	ADD_TEST(tests, n, frame__bounds_digits);
	ADD_TEST(tests, n, frame__shares_what_is_named_twice);
	ADD_TEST(tests, n, frame__numbers_containers_over_several_values);
	ADD_TEST(tests, n, frame__small_ints_have_one_form);
	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = setup;
		tests[i].teardown_func = teardown;
	}
	return RUN_ADDED("value_frame", tests, n);
}
