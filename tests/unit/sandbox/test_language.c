/* SPDX-License-Identifier: Apache-2.0 */
/* test_language.c - recipes: the shipped ones, broken ones, and what detection finds. */
#include "sandbox/language.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "core/fs.h"
#include "core/mem.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/winnow-language-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	return fs_remove_tree(dir, &err);
}

static void put(const char *folder, const char *file, const char *text)
{
	cleanup_mem char *path = mem_printf("%s/%s", dir, folder);
	cleanup_mem char *name = mem_printf("%s/%s/%s", dir, folder, file);
	struct error err = ERROR_INIT;

	if (fs_mkdir_all(path, &err) < 0 || fs_write_file(name, text, strlen(text), &err) < 0)
		fail_msg("%s", err.msg);
}

static void language__the_shipped_recipes_load(void **state)
{
	struct language_set set;
	struct error err = ERROR_INIT;
	const struct language *l;

	(void)state;
	if (language_load(language_default_dir(), &set, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(language_detect(&set, &err), 0);
	l = language_find(&set, "PY");
	assert_non_null(l);
	assert_string_equal(l->name, "python");
	assert_true(l->present && l->driver && l->driver_len > 1000 && !l->compile_argv);
	assert_int_equal(strncmp(l->toolchain, "cpython 3.", 10), 0);
	assert_string_equal(l->syntax_mark, "  File \"main.py\"");
	l = language_by_extension(&set, "a/b.cc");
	assert_non_null(l);
	assert_string_equal(l->name, "cpp");
	assert_ptr_equal(l, language_find(&set, "c++"));
	assert_string_equal(language_find(&set, "c")->compile_output, "program");
	assert_int_equal(language_find(&set, "c")->compile_limits.cpu_us, 20000000);
	assert_true(language_find(&set, "javascript")->calls_plain);
	assert_null(language_find(&set, "cobol"));
	assert_null(language_by_extension(&set, "a.txt"));
	assert_memory_not_equal(set.items[0].digest, set.items[1].digest, sizeof(l->digest));
	language_set_clear(&set);
	language_set_clear(&set);
}

#define GOOD_HEAD "name: x\ntitle: X\nsource: main.x\n"
#define GOOD_DETECT "detect: { argv: [/bin/sh, -c, 'echo X version 1.2.3-4 ok'], name: xx }\n"
#define GOOD_RUN "run:\n  argv: [/bin/sh, main.x]\n"

static struct bad {
	const char *name, *text, *says;
} bad[] = {
	{ "recipe: unknown key", GOOD_HEAD GOOD_DETECT GOOD_RUN "colour: red\n", "language.yaml:7: unknown key 'colour'" },
	{ "recipe: unknown key inside", GOOD_HEAD GOOD_DETECT "run:\n  argv: [/bin/sh]\n  shell: yes\n", "language.yaml:7: unknown key 'shell'" },
	{ "recipe: no title", "name: x\nsource: main.x\n" GOOD_DETECT GOOD_RUN, "'title' is missing" },
	{ "recipe: no run", GOOD_HEAD GOOD_DETECT, "'run' is missing" },
	{ "recipe: no detect", GOOD_HEAD GOOD_RUN, "'detect' is missing" },
	{ "recipe: run is no map", GOOD_HEAD GOOD_DETECT "run: [a]\n", "language.yaml:5: 'run' must be a map" },
	{ "recipe: argv is no list", GOOD_HEAD GOOD_DETECT "run:\n  argv: a\n", "language.yaml:6: 'argv' must be a list" },
	{ "recipe: argv is empty", GOOD_HEAD GOOD_DETECT "run:\n  argv: []\n", "'argv' is empty" },
	{ "recipe: another name than the folder's", "name: y\ntitle: X\nsource: main.x\n" GOOD_DETECT GOOD_RUN, "name 'y' is not the folder's" },
	{ "recipe: a kind of memory there is not", GOOD_HEAD GOOD_DETECT GOOD_RUN "memory: much\n", "language.yaml:7: 'memory' must be 'as' or 'data'" },
	{ "recipe: a limit of nothing", GOOD_HEAD GOOD_DETECT GOOD_RUN "compile:\n  argv: [/bin/true]\n  output: program\n  limits: { cpu_s: 0 }\n", "'cpu_s' must be 1 to 3600" },
	{ "recipe: a limit that is no number", GOOD_HEAD GOOD_DETECT GOOD_RUN "compile:\n  argv: [/bin/true]\n  output: program\n  limits: { cpu_s: long }\n", "language.yaml:10" },
	{ "recipe: a driver that is not there", GOOD_HEAD GOOD_DETECT GOOD_RUN "calls:\n  driver: d.x\n  argv: [/bin/sh, d.x]\n", "d.x" },
	{ "recipe: a list", "- a\n", "must be a map" },
	{ "recipe: no YAML", "a: [\n", "language.yaml" },
};

static void bad_one(void **state)
{
	const struct bad *b = *state;
	struct language_set set;
	struct error err = ERROR_INIT;

	put("x", "language.yaml", b->text);
	assert_true(language_load(dir, &set, &err) < 0);
	if (!strstr(err.msg, b->says))
		fail_msg("%s", err.msg);
}

static void language__detection_reads_the_version(void **state)
{
	struct language_set set;
	struct error err = ERROR_INIT;

	(void)state;
	put("x", "language.yaml", GOOD_HEAD GOOD_DETECT GOOD_RUN);
	put("y", "language.yaml", "name: y\ntitle: Y\nsource: main.y\ndetect: { argv: [/no/such/program], name: y }\nrun: { argv: [/no/such/program] }\n");
	put("z", "readme.txt", "no recipe\n");
	assert_int_equal(language_load(dir, &set, &err), 0);
	assert_int_equal(set.n, 2);
	assert_int_equal(language_detect(&set, &err), 0);
	assert_true(set.items[0].present);
	assert_string_equal(set.items[0].toolchain, "xx 1.2.3-4");
	assert_false(set.items[1].present);
	assert_string_equal(set.items[1].toolchain, "");
	language_set_clear(&set);
}

static void language__an_empty_folder_is_an_error(void **state)
{
	struct language_set set;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(language_load(dir, &set, &err), ERR_NOTFOUND);
	assert_true(language_load("/no/such/folder", &set, &err) < 0);
}

static void language__every_allocation_may_fail(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	put("x", "d.x", "driver\n");
	put("x", "language.yaml", GOOD_HEAD GOOD_DETECT "run:\n  argv: [/bin/sh]\n  env: { A: b }\n"
						       "calls:\n  driver: d.x\n  argv: [/bin/sh, d.x]\n");
	for (unsigned long nth = 1;; nth++) {
		struct language_set set;
		int r;

		mem_fault_at(nth);
		r = language_load(dir, &set, &err);
		if (!mem_fault_fired()) {
			mem_fault_at(0);
			assert_int_equal(r, 0);
			assert_true(nth > 20);
			language_set_clear(&set);
			return;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(bad) + 4];
	size_t n = 0;

	tests[n++] = (struct CMUnitTest)cmocka_unit_test(language__the_shipped_recipes_load);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		tests[n++] = (struct CMUnitTest){ .name = bad[i].name, .test_func = bad_one, .initial_state = &bad[i],
						  .setup_func = make_dir, .teardown_func = remove_dir };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(language__detection_reads_the_version, make_dir, remove_dir);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(language__an_empty_folder_is_an_error, make_dir, remove_dir);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(language__every_allocation_may_fail, make_dir, remove_dir);
	return _cmocka_run_group_tests("language", tests, n, NULL, NULL);
}
