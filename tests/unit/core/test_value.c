/* SPDX-License-Identifier: Apache-2.0 */
/* test_value.c - values from and to JSON, types, tolerances, multisets, repr. */
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

static int read_json(const char *text, const char *type, struct value **ret, struct error *err)
{
	struct type *t = NULL;
	json_t *j = NULL;
	int r = type ? type_parse(pool, type, &t, err) : 0;

	if (r == 0)
		r = json_parse(text, strlen(text), &j, err);
	if (r == 0)
		r = value_from_json(pool, j, t, ret, err);
	json_decref(j);
	return r;
}

static struct value *must_read(const char *text, const char *type)
{
	struct error err = ERROR_INIT;
	struct value *v = NULL;

	if (read_json(text, type, &v, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

/* --- reading by type; the repr says what it became --- */

static struct read_case {
	const char *name, *type, *json, *repr;
} read_cases[] = {
	{ "read: any of everything plain", NULL, "[null,true,1,1.0,\"a\",[],{\"k\":2}]",
	  "[None, True, 1, 1.0, 'a', [], {'k': 2}]" },
	{ "read: $tuple", NULL, "{\"$tuple\":[1,{\"$tuple\":[]}]}", "(1, ())" },
	{ "read: $set and $frozenset", NULL, "[{\"$set\":[]},{\"$set\":[1]},{\"$frozenset\":[2]}]",
	  "[set(), {1}, frozenset({2})]" },
	{ "read: $map", NULL, "{\"$map\":[[1,\"a\"],[{\"$tuple\":[2]},3]]}", "{1: 'a', (2,): 3}" },
	{ "read: $bytes and $bytearray", NULL, "[{\"$bytes\":\"AP8=\"},{\"$bytearray\":\"\"}]",
	  "[b'\\x00\\xff', bytearray(b'')]" },
	{ "read: $int", NULL, "[{\"$int\":\"-36893488147419103232\"},{\"$int\":\"007\"},{\"$int\":\"-0\"}]",
	  "[-36893488147419103232, 7, 0]" },
	{ "read: $float", NULL, "[{\"$float\":\"NaN\"},{\"$float\":\"-Infinity\"}]", "[nan, -inf]" },
	{ "read: $complex", NULL, "[{\"$complex\":[1,-2]},{\"$complex\":[0,\"Infinity\"]}]", "[(1-2j), infj]" },
	{ "read: $str", NULL, "{\"$str\":\"7aCA\"}", "'\\ud800'" },
	{ "read: collections", NULL,
	  "[{\"$counter\":[[\"a\",1]]},{\"$ordereddict\":[[1,2]]},{\"$defaultdict\":[]},{\"$deque\":[1]}]",
	  "[Counter({'a': 1}), OrderedDict([(1, 2)]), defaultdict(None, {}), deque([1])]" },
	{ "read: the rest", NULL,
	  "[{\"$range\":[0,\"9\",1]},{\"$range\":[0,9,2]},{\"$namedtuple\":[\"P\",[\"x\"],[1]]},"
	  "{\"$type\":\"int\"},{\"$ellipsis\":null},{\"$notimplemented\":null}]",
	  "[range(0, 9), range(0, 9, 2), P(x=1), <class 'int'>, Ellipsis, NotImplemented]" },
	{ "read: $ among other keys is plain", NULL, "{\"$tuple\":1,\"b\":2}", "{'$tuple': 1, 'b': 2}" },
	{ "read: int from digits", "int", "\"123456789012345678901234567890\"", "123456789012345678901234567890" },
	{ "read: float from int", "float", "3", "3.0" },
	{ "read: float from a word", "float", "\"NaN\"", "nan" },
	{ "read: complex from a number", "complex", "2.5", "(2.5+0j)" },
	{ "read: complex from a pair", "complex", "[0,1]", "1j" },
	{ "read: bytes", "bytes", "\"aGk=\"", "b'hi'" },
	{ "read: string of lone surrogates", "string", "{\"$str\":\"7aCA\"}", "'\\ud800'" },
	{ "read: none", "none", "null", "None" },
	{ "read: tuple", "tuple<int,list<string>>", "[1,[\"a\"]]", "(1, ['a'])" },
	{ "read: empty tuple", "tuple<>", "[]", "()" },
	{ "read: set", "set<tuple<int>>", "[[1],[2]]", "{(1,), (2,)}" },
	{ "read: map by string", "map<string,float>", "{\"a\":1}", "{'a': 1.0}" },
	{ "read: map by int", "map<int,set<int>>", "[[1,[2]]]", "{1: {2}}" },
	{ "read: optional", "list<optional<int>>", "[null,1]", "[None, 1]" },
	{ "read: any below a type", "list<any>", "[{\"$tuple\":[]}]", "[()]" },
};

static void reads(void **state)
{
	const struct read_case *row = *state;
	struct value *v = must_read(row->json, row->type);
	struct buf b;

	buf_init(&b, SIZE_MAX);
	value_repr(v, &b, 10000);
	assert_string_equal(b.data, row->repr);
	buf_clear(&b);
}

/* What was read under `any` is written and read again as the same. */
static void comes_back(void **state)
{
	const struct read_case *row = *state;
	struct value *v = must_read(row->json, row->type), *again = NULL;
	struct buf first, second;
	json_t *j = NULL;

	buf_init(&first, SIZE_MAX);
	buf_init(&second, SIZE_MAX);
	assert_int_equal(value_to_json(v, &j, NULL), 0);
	assert_int_equal(value_from_json(pool, j, NULL, &again, NULL), 0);
	value_encode(v, &first);
	value_encode(again, &second);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	json_decref(j);
	buf_clear(&first);
	buf_clear(&second);
}

static struct write_case {
	const char *name, *json, *want; /* NULL: as read */
} write_cases[] = {
	{ "write: plain stays plain", "{\"a\":[1,2.5,null,true,\"x\"]}", NULL },
	{ "write: the largest exact int", "9007199254740992", NULL },
	{ "write: beyond it", "9007199254740993", "{\"$int\":\"9007199254740993\"}" },
	{ "write: a dict that looks like a form", "{\"$map\":[[\"$tuple\",[]]]}", NULL },
	{ "write: a dict by str is an object", "{\"$map\":[[\"a\",1],[\"b\",2]]}", "{\"a\":1,\"b\":2}" },
	{ "write: a dict by NUL is not", "{\"$map\":[[\"a\\u0000\",1]]}", NULL },
	{ "write: nan", "{\"$float\":\"NaN\"}", NULL },
	{ "write: range of big ints", "{\"$range\":[\"36893488147419103232\",1,-1]}", NULL },
};

static void writes(void **state)
{
	const struct write_case *row = *state;
	json_t *j = NULL;
	struct buf b;

	buf_init(&b, SIZE_MAX);
	assert_int_equal(value_to_json(must_read(row->json, NULL), &j, NULL), 0);
	assert_int_equal(json_dump_line(j, &b, NULL), 0);
	assert_string_equal(b.data, row->want ? row->want : row->json);
	json_decref(j);
	buf_clear(&b);
}

static struct bad_case {
	const char *name, *type, *json, *says;
} bad_cases[] = {
	{ "bad: string for int", "int", "\"x\"", "expected int or a string of decimal digits, got a string" },
	{ "bad: float for int", "int", "1.5", "expected int, got a number with a fraction" },
	{ "bad: bool for int", "int", "true", "expected int, got true" },
	{ "bad: int for bool", "bool", "1", "expected bool, got an integer" },
	{ "bad: null for string", "string", "null", "expected string, got null" },
	{ "bad: not base64", "bytes", "\"a\"", "expected base64" },
	{ "bad: place in a list", "list<map<string,int>>", "[{},{\"name\":[]}]", "[1].name: expected int, got an array" },
	{ "bad: place in a map", "map<int,string>", "[[1,\"a\"],[2,3]]", "[1][1]: expected string, got an integer" },
	{ "bad: pair of three", "map<int,int>", "[[1,2,3]]", "[0]: expected [key, value]" },
	{ "bad: tuple of another length", "tuple<int,int>", "[1]", "expected a tuple of 2, got 1 items" },
	{ "bad: element twice", "set<float>", "[1,2,1.0]", "[2]: is in the set twice" },
	{ "bad: key twice", NULL, "{\"$map\":[[1,0],[true,0]]}", ".$map[1]: is in the dict twice" },
	{ "bad: list in a set", NULL, "{\"$set\":[[1]]}", ".$set[0]: unhashable list in a set" },
	{ "bad: unknown form", NULL, "[{\"$list\":[]}]", "[0]: unknown form '$list'" },
	{ "bad: a candidate's own", NULL, "{\"$handle\":[\"C\",1]}", "only a running candidate" },
	{ "bad: range of two", NULL, "{\"$range\":[1,2]}", ".$range: expected [start, stop, step]" },
	{ "bad: range with step 0", NULL, "{\"$range\":[1,2,0]}", ".$range: a range with step 0" },
	{ "bad: complex of a word", "complex", "[\"x\",0]", "[0]: expected float, got a string" },
	{ "bad type: empty", "", "1", "type '': a type is missing at column 1" },
	{ "bad type: unknown", "lizt<int>", "1", "type 'lizt<int>': unknown type at column 1" },
	{ "bad type: never closed", "list<int", "1", "expected ',' or '>' at column 9" },
	{ "bad type: no argument", "list", "1", "expected '<' at column 5" },
	{ "bad type: map of one", "map<int>", "1", "wrong number of arguments at column 1" },
	{ "bad type: argument of int", "int<int>", "1", "this type has no arguments" },
	{ "bad type: comma last", "tuple<int,>", "1", "a type is missing" },
	{ "bad type: text after", "int x", "1", "text after the type at column 5" },
};

static void is_bad(void **state)
{
	const struct bad_case *row = *state;
	struct error err = ERROR_INIT;
	struct value *v = NULL;

	assert_int_equal(read_json(row->json, row->type, &v, &err), ERR_INPUT);
	assert_null(v);
	if (!strstr(err.msg, row->says))
		fail_msg("said '%s', not '%s'", err.msg, row->says);
}

static void type__prints_what_it_parsed(void **state)
{
	static const char text[] = "map<tuple<int,string>,optional<list<set<any>>>>";
	struct type *t = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(type_parse(pool, " map < tuple<int, string>,optional<list<set<any>> > > ", &t, NULL), 0);
	type_print(t, &b);
	assert_string_equal(b.data, text);
	buf_clear(&b);
}

/* --- comparing --- */

enum how { EQUAL, CLOSE, UNORDERED };
static struct compare_case {
	const char *name;
	enum how how;
	const char *a, *b;
	bool want;
} compare_cases[] = {
	{ "equal: 1 and 1.0 and true", EQUAL, "[1,1,true]", "[1.0,true,1.0]", true },
	{ "equal: 2^53 + 1 is no float", EQUAL, "9007199254740993", "9007199254740992.0", false },
	{ "equal: list and tuple", EQUAL, "[]", "{\"$tuple\":[]}", false },
	{ "equal: set and frozenset", EQUAL, "{\"$set\":[1,2]}", "{\"$frozenset\":[2,1.0]}", true },
	{ "equal: str and bytes", EQUAL, "\"a\"", "{\"$bytes\":\"YQ==\"}", false },
	{ "equal: Counter with a zero", EQUAL, "{\"$counter\":[[1,0]]}", "{\"$counter\":[]}", true },
	{ "equal: Counter and dict", EQUAL, "{\"$counter\":[[1,0]]}", "{}", false },
	{ "equal: nan", EQUAL, "{\"$float\":\"NaN\"}", "{\"$float\":\"NaN\"}", false },
	{ "close: within abs", CLOSE, "[1.0]", "[1.0009]", true },
	{ "close: beyond abs", CLOSE, "[1.0]", "[1.1]", false },
	{ "close: within rel", CLOSE, "1000000", "1000900.0", true },
	{ "close: ints too", CLOSE, "{\"a\":1000000}", "{\"a\":1000001}", true },
	{ "close: infinities", CLOSE, "{\"$float\":\"Infinity\"}", "{\"$float\":\"Infinity\"}", true },
	{ "close: infinity and a number", CLOSE, "{\"$float\":\"Infinity\"}", "1e308", false },
	{ "close: nan", CLOSE, "{\"$float\":\"NaN\"}", "{\"$float\":\"NaN\"}", false },
	{ "close: complex", CLOSE, "{\"$complex\":[1,1]}", "{\"$complex\":[1.0001,0.9999]}", true },
	{ "close: complex, one part", CLOSE, "{\"$complex\":[1,1]}", "{\"$complex\":[1,2]}", false },
	{ "close: strings stay exact", CLOSE, "\"1.0\"", "\"1.0001\"", false },
	{ "close: sets", CLOSE, "{\"$set\":[1.0,2.0]}", "{\"$set\":[2.0001,1.0001]}", true },
	{ "close: sets, one too far", CLOSE, "{\"$set\":[1.0,2.0]}", "{\"$set\":[2.0001,1.1]}", false },
	{ "close: keys", CLOSE, "{\"$map\":[[1.0,\"a\"]]}", "{\"$map\":[[1.0001,\"a\"]]}", true },
	{ "close: big ints", CLOSE, "{\"$int\":\"100000000000000000000\"}", "1.0000001e20", true },
	{ "unordered: lists", UNORDERED, "[1,2,2]", "[2,1.0,2]", true },
	{ "unordered: how often counts", UNORDERED, "[1,2,2]", "[1,1,2]", false },
	{ "unordered: another length", UNORDERED, "[1]", "[1,1]", false },
	{ "unordered: exact below", UNORDERED, "[[1,2]]", "[[2,1]]", false },
	{ "unordered: unhashable items", UNORDERED, "[[1],{\"a\":2},{\"$set\":[3]}]", "[{\"$set\":[3]},[1],{\"a\":2}]", true },
	{ "unordered: list and tuple", UNORDERED, "[1]", "{\"$tuple\":[1]}", false },
	{ "unordered: no sequence", UNORDERED, "5", "5.0", true },
	{ "unordered: twenty lists", UNORDERED,
	  "[[0],[1],[2],[3],[4],[5],[6],[7],[8],[9],[0],[1],[2],[3],[4],[5],[6],[7],[8],[9]]",
	  "[[9],[9],[8],[8],[7],[7],[6],[6],[5],[5],[4],[4],[3],[3],[2],[2],[1],[1],[0],[0]]", true },
	{ "unordered: twenty lists, one differs", UNORDERED,
	  "[[0],[1],[2],[3],[4],[5],[6],[7],[8],[9],[0],[1],[2],[3],[4],[5],[6],[7],[8],[9]]",
	  "[[9],[9],[8],[8],[7],[7],[6],[6],[5],[5],[4],[4],[3],[3],[2],[2],[1],[1],[1],[0]]", false },
};

static bool compare(enum how how, const struct value *a, const struct value *b)
{
	switch (how) {
	case EQUAL:
		return value_equal(a, b);
	case CLOSE:
		return value_close(a, b, 1e-3, 1e-3);
	case UNORDERED:
		return value_equal_unordered(a, b);
	}
	return false;
}

static void compares(void **state)
{
	const struct compare_case *row = *state;
	const struct value *a = must_read(row->a, NULL), *b = must_read(row->b, NULL);

	assert_int_equal(compare(row->how, a, b), row->want);
	assert_int_equal(compare(row->how, b, a), row->want);
	/* Without memory the answer is found the long way round, but for sets by tolerance. */
	for (unsigned long nth = 1; row->how != CLOSE; nth++) {
		bool same;

		mem_fault_at(nth);
		same = compare(row->how, a, b);
		if (!mem_fault_fired())
			break;
		assert_int_equal(same, row->want);
	}
	mem_fault_at(0);
}

static void close__takes_one_tolerance(void **state)
{
	const struct value *a = must_read("100.0", NULL), *b = must_read("101.0", NULL);

	(void)state;
	assert_true(value_close(a, b, 1, -1));
	assert_true(value_close(a, b, -1, 0.01));
	assert_false(value_close(a, b, 0.5, -1));
	assert_false(value_close(a, b, -1, -1));
	assert_true(value_close(a, a, -1, -1));
}

static void equal__is_quick_for_many_items(void **state)
{
	struct value *a = value_new(pool, VALUE_LIST), *b = value_new(pool, VALUE_LIST);
	size_t n = 200000;

	(void)state;
	a->items = value_alloc(pool, n * sizeof(*a->items));
	b->items = value_alloc(pool, n * sizeof(*b->items));
	a->n_items = b->n_items = n;
	for (size_t i = 0; i < n; i++) {
		struct value *v = value_new(pool, VALUE_INT), *w = value_new(pool, VALUE_FLOAT);

		v->integer = (int64_t)i;
		w->real = (double)i;
		a->items[i] = v;
		b->items[n - 1 - i] = w;
	}
	assert_true(value_equal_unordered(a, b));
	b->items[0]->real = -1;
	assert_false(value_equal_unordered(a, b));
}

static void repr__is_cut_between_characters(void **state)
{
	const struct value *v = must_read("\"\\u00e9\\u00e9\\u00e9\\u00e9\"", NULL);
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 12; max++) {
		buf_init(&b, 100);
		buf_adds(&b, "x");
		value_repr(v, &b, max);
		assert_true(b.len - 1 <= max);
		if (max == 8)
			assert_string_equal(b.data, "x'\xc3\xa9\xc3\xa9...");
		if (max >= 10)
			assert_string_equal(b.data, "x'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9'");
		buf_clear(&b);
	}
}

static void from_json__survives_each_failed_allocation(void **state)
{
	static const char text[] = "[{\"$set\":[1,2,3,4,5,6,7,8,9]},{\"$map\":[[1,2]]},{\"a\":[\"b\"]},"
				   "{\"$namedtuple\":[\"P\",[\"x\"],[1]]},{\"$bytes\":\"AA==\"},"
				   "{\"$range\":[0,1,2]},{\"$int\":\"99999999999999999999\"}]";
	json_t *j = NULL;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &j, NULL), 0);
	for (unsigned long nth = 1;; nth++) {
		struct error err = ERROR_INIT;
		struct value *v = NULL;
		int r;

		value_pool_free(pool);
		pool = value_pool_new();
		mem_fault_at(nth);
		r = value_from_json(pool, j, NULL, &v, &err);
		if (!mem_fault_fired()) {
			assert_int_equal(r, 0);
			break;
		}
		/* The table that finds duplicates can do without memory. */
		assert_true(r == ERR_NOMEM || r == 0);
	}
	mem_fault_at(0);
	json_decref(j);
}

static struct CMUnitTest tests[2 * ARRAY_SIZE(read_cases) + ARRAY_SIZE(write_cases) +
			       ARRAY_SIZE(bad_cases) + ARRAY_SIZE(compare_cases) + 5];

int main(void)
{
	size_t n = 0;

	ADD_ROWS(tests, n, read_cases, reads);
	ADD_ROWS(tests, n, read_cases, comes_back);
	ADD_ROWS(tests, n, write_cases, writes);
	ADD_ROWS(tests, n, bad_cases, is_bad);
	ADD_ROWS(tests, n, compare_cases, compares);
	ADD_TEST(tests, n, type__prints_what_it_parsed);
	ADD_TEST(tests, n, close__takes_one_tolerance);
	ADD_TEST(tests, n, equal__is_quick_for_many_items);
	ADD_TEST(tests, n, repr__is_cut_between_characters);
	ADD_TEST(tests, n, from_json__survives_each_failed_allocation);
	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = setup;
		tests[i].teardown_func = teardown;
	}
	return RUN_ADDED("value", tests, n);
}
