/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - YAML with lines, and the task reader under failing allocations. */
#include "core/config.h"
#include "core/record.h"

#include "tests/unit/core/table.h"

static struct bad_case {
	const char *name, *text, *says;
} bad_cases[] = {
	{ "config: the same key twice", "a: 1\nb: 2\na: 3\n", "f.yaml:3: key 'a' is there already (line 1)" },
	{ "config: the same key twice, deeper", "x:\n  a: 1\n  a: 3\n", "f.yaml:3: key 'a' is there already" },
	{ "config: an anchor", "a: &x 1\n", "f.yaml:1: anchors are not supported" },
	{ "config: an anchor on a map", "a: &x {b: 1}\n", "f.yaml:1: anchors" },
	{ "config: an alias", "a: 1\nb: *x\n", "f.yaml:2" },
	{ "config: a tag", "a: !!python/object 1\n", "f.yaml:1: tags are not supported" },
	{ "config: a tag on a list", "a:\n  - !x []\n", "f.yaml:2: tags" },
	{ "config: two documents", "a: 1\n---\nb: 2\n", "f.yaml:2: a second document" },
	{ "config: not closed", "a: [1, 2\n", "f.yaml:" },
	{ "config: a tab", "a:\n\tb: 1\n", "f.yaml:2: " },
	{ "config: a map as key", "{a: 1}: 2\n", "f.yaml:1: a key must be plain text" },
	{ "config: not UTF-8", "a: \xff\n", "f.yaml: not text" },
	{ "config: deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "f.yaml:1: nests too deep" },
};

static void is_bad(void **state)
{
	const struct bad_case *row = *state;
	struct error err = ERROR_INIT;
	struct config *c = NULL;

	assert_int_equal(config_parse(row->text, strlen(row->text), "f.yaml", &c, &err), ERR_INPUT);
	assert_null(c);
	if (!strstr(err.msg, row->says))
		fail_msg("said '%s', not '%s'", err.msg, row->says);
}

static const char good[] =
	"# a comment\n"
	"samples: 100\n"
	"ratio: 0.5\n"
	"quoted: \"100\"\n"
	"on: true\n"
	"nothing: ~\n"
	"list: [a, 'b c', 3]\n"
	"limits:\n"
	"  cpu: -1\n"
	"  text: |\n"
	"    two\n"
	"    lines\n";

static struct config *must_parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct config *c = NULL;

	if (config_parse(text, strlen(text), "f.yaml", &c, &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

static void config__reads_values_and_their_lines(void **state)
{
	struct config *c = must_parse(good);
	const struct config_node *limits = config_get(&c->root, "limits");
	const struct config_node *list = config_get(&c->root, "list");
	const char *s = NULL;
	uint64_t u = 0;
	double d = 0;
	bool b = false;

	(void)state;
	assert_int_equal(config_u64(c, config_get(&c->root, "samples"), 1, &u, NULL), 0);
	assert_true(u == 100);
	assert_int_equal(config_double(c, config_get(&c->root, "ratio"), 1, &d, NULL), 0);
	assert_true(d == 0.5);
	assert_int_equal(config_bool(c, config_get(&c->root, "on"), false, &b, NULL), 0);
	assert_true(b);
	assert_int_equal(config_str(c, config_get(&c->root, "nothing"), "x", &s, NULL), 0);
	assert_string_equal(s, "");
	assert_int_equal(config_str(c, config_get(limits, "text"), "x", &s, NULL), 0);
	assert_string_equal(s, "two\nlines\n");
	assert_int_equal(list->kind, CONFIG_LIST);
	assert_int_equal(list->n_items, 3);
	assert_string_equal(list->items[1].scalar, "b c");
	assert_false(list->items[1].plain);
	assert_int_equal(limits->key_line, 8);
	assert_int_equal(config_get(limits, "cpu")->line, 9);
	assert_int_equal(config_u64(c, NULL, 7, &u, NULL), 0);
	assert_true(u == 7);
	assert_int_equal(config_str(c, NULL, "fallback", &s, NULL), 0);
	assert_string_equal(s, "fallback");
	assert_int_equal(config_bool(c, NULL, true, &b, NULL), 0);
	assert_true(b);
	assert_int_equal(config_double(c, NULL, 2, &d, NULL), 0);
	assert_true(d == 2);
	config_free(c);
}

static void config__names_the_line_of_a_wrong_value(void **state)
{
	static const char *const keys[] = { "samples", "ratio", NULL };
	struct config *c = must_parse(good);
	const struct config_node *limits = config_get(&c->root, "limits");
	struct error err = ERROR_INIT;
	const char *s = NULL;
	uint64_t u = 0;
	double d = 0;
	bool b = false;

	(void)state;
	assert_int_equal(config_only_keys(c, &c->root, keys, &err), ERR_INPUT);
	assert_string_equal(err.msg, "f.yaml:4: unknown key 'quoted'");
	assert_int_equal(config_u64(c, config_get(limits, "cpu"), 0, &u, &err), ERR_INPUT);
	assert_string_equal(err.msg, "f.yaml:9: 'cpu': expected a whole number, got '-1'");
	assert_int_equal(config_u64(c, config_get(&c->root, "quoted"), 0, &u, &err), ERR_INPUT);
	assert_int_equal(config_str(c, limits, "", &s, &err), ERR_INPUT);
	assert_string_equal(err.msg, "f.yaml:9: 'limits': expected text");
	assert_int_equal(config_bool(c, config_get(&c->root, "samples"), true, &b, &err), ERR_INPUT);
	assert_int_equal(config_double(c, config_get(&c->root, "on"), 1, &d, &err), ERR_INPUT);
	assert_int_equal(config_only_keys(c, config_get(&c->root, "on"), keys, &err), ERR_INPUT);
	assert_int_equal(config_only_keys(c, NULL, keys, &err), 0);
	config_free(c);
}

static void config__takes_an_empty_file(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "---\n", "{}\n" };
	static const char *const keys[] = { NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct config *c = must_parse(texts[i]);

		assert_int_equal(config_only_keys(c, &c->root, keys, NULL), 0);
		assert_null(config_get(&c->root, "x"));
		config_cleanup(&c);
		assert_null(c);
	}
}

static void config__survives_each_failed_allocation(void **state)
{
	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct error err = ERROR_INIT;
		struct config *c = NULL;
		int r;

		mem_fault_at(nth);
		r = config_parse(good, strlen(good), "f.yaml", &c, &err);
		if (!mem_fault_fired()) {
			assert_int_equal(r, 0);
			config_free(c);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
		assert_null(c);
	}
	mem_fault_at(0);
}

static void task__survives_each_failed_allocation(void **state)
{
	static const char text[] =
		"{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\",\"signature\":{\"params\":[{\"name\":"
		"\"x\",\"type\":\"map<string,list<int>>\"}],\"returns\":\"any\"},\"tests\":{\"kind\":\"calls\","
		"\"cases\":[{\"args\":[{\"a\":[1,\"99999999999999999999\"]}],\"expect\":{\"$set\":[1,2]},"
		"\"expect_args\":[{}]},{\"script\":[{\"new\":\"C\",\"args\":[1]}]}]}}";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct error err = ERROR_INIT;
		struct task *t = NULL;
		json_t *j = NULL;
		int r;

		assert_int_equal(json_parse(text, strlen(text), &j, NULL), 0);
		mem_fault_at(nth);
		r = task_parse(j, &t, &err);
		if (!mem_fault_fired()) {
			assert_int_equal(r, 0);
			task_free(t);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
		assert_null(t);
	}
	mem_fault_at(0);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(bad_cases) + 5];
	size_t n = 0;

	ADD_ROWS(tests, n, bad_cases, is_bad);
	ADD_TEST(tests, n, config__reads_values_and_their_lines);
	ADD_TEST(tests, n, config__names_the_line_of_a_wrong_value);
	ADD_TEST(tests, n, config__takes_an_empty_file);
	ADD_TEST(tests, n, config__survives_each_failed_allocation);
	ADD_TEST(tests, n, task__survives_each_failed_allocation);
	return RUN_ADDED("config", tests, n);
}
