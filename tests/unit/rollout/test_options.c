/* SPDX-License-Identifier: Apache-2.0 */
/* test_options.c - flag > environment > file > default, and every complaint by its words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "rollout/options.h"
#include "rollout/suggest.h"

static const struct option_spec specs[] = {
	{ "config", OPTION_STRING, "FILE", NULL, "a file", false },
	{ "samples", OPTION_UINT, "N", "1", "how many", true },
	{ "temperature", OPTION_NUMBER, "T", NULL, "how hot", true },
	{ "min-free", OPTION_SIZE, "SIZE", "1G", "how much", true },
	{ "wait", OPTION_DURATION, "S", NULL, "how long", true },
	{ "policy", OPTION_STRING, "SPEC", NULL, "which", true },
	{ "stop", OPTION_LIST, "TEXT", NULL, "where", true },
	{ "plain", OPTION_FLAG, NULL, NULL, "no shortcut", true },
	{ "dry-run", OPTION_FLAG, NULL, NULL, "only say", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};
static const struct command command = { .name = "test", .usage = "PATH…", .options = specs };

struct row {
	const char *name;
	const char *argv[10];
	const char *env[2][2];   /* variable, value */
	const char *file;        /* content of conf.yaml; given by --config conf.yaml where argv holds it */
	const char *want;        /* effective values, compact; NULL: must fail */
	const char *error;       /* the whole message */
	const char *args;        /* positionals joined by spaces */
};

#define DEFAULTS_BUT(samples, temperature, free, wait, policy, stop, plain)                        \
	"{\"samples\":" samples ",\"temperature\":" temperature ",\"min_free\":" free              \
	",\"wait\":" wait ",\"policy\":" policy ",\"stop\":" stop ",\"plain\":" plain "}"
#define GIB "1073741824"
#define WITH_SAMPLES(n) DEFAULTS_BUT(n, "null", GIB, "null", "null", "null", "false")

static struct row rows[] = {
	{ .name = "options: defaults alone", .argv = { NULL }, .want = WITH_SAMPLES("1") },
	{ .name = "options: --name value", .argv = { "--samples", "7" }, .want = WITH_SAMPLES("7") },
	{ .name = "options: --name=value", .argv = { "--samples=7" }, .want = WITH_SAMPLES("7") },
	{ .name = "options: the last of two flags wins", .argv = { "--samples=7", "--samples=8" }, .want = WITH_SAMPLES("8") },
	{ .name = "options: positionals stand anywhere", .argv = { "a", "--samples=7", "-", "b" }, .want = WITH_SAMPLES("7"), .args = "a - b" },
	{ .name = "options: -- ends options", .argv = { "--samples=7", "--", "--samples", "-x" }, .want = WITH_SAMPLES("7"), .args = "--samples -x" },
	{ .name = "options: every kind", .argv = { "--temperature=0.5", "--min-free=2K", "--wait=2m", "--policy=", "--stop=a", "--stop", "b", "--plain" },
	  .want = DEFAULTS_BUT("1", "0.5", "2048", "120", "\"\"", "[\"a\",\"b\"]", "true") },
	{ .name = "options: a part of a second", .argv = { "--wait=1500ms" }, .want = DEFAULTS_BUT("1", "null", GIB, "1.5", "null", "null", "false") },
	{ .name = "options: a flag switched off", .argv = { "--plain", "--plain=false" }, .want = WITH_SAMPLES("1") },
	{ .name = "options: a negative number is a value", .argv = { "--temperature", "-1" }, .want = DEFAULTS_BUT("1", "-1.0", GIB, "null", "null", "null", "false") },
	{ .name = "options: the environment is stronger than the default", .env = { { "WINNOW_SAMPLES", "5" } }, .want = WITH_SAMPLES("5") },
	{ .name = "options: an empty variable counts as absent", .env = { { "WINNOW_SAMPLES", "" } }, .want = WITH_SAMPLES("1") },
	{ .name = "options: a flag is stronger than the environment", .argv = { "--samples=7" }, .env = { { "WINNOW_SAMPLES", "5" } }, .want = WITH_SAMPLES("7") },
	{ .name = "options: a list takes a value a line from the environment", .env = { { "WINNOW_STOP", "a\nb, c" } },
	  .want = DEFAULTS_BUT("1", "null", GIB, "null", "null", "[\"a\",\"b, c\"]", "false") },
	{ .name = "options: what is no configuration does not come from the environment", .env = { { "WINNOW_DRY_RUN", "true" } }, .want = WITH_SAMPLES("1") },
	{ .name = "options: the file is stronger than the default", .argv = { "--config", "conf.yaml" }, .file = "samples: 3\nmin_free: 4K\nwait: 8h\nstop: [x, y]\nplain: yes\n",
	  .want = DEFAULTS_BUT("3", "null", "4096", "28800", "null", "[\"x\",\"y\"]", "true") },
	{ .name = "options: the environment is stronger than the file", .argv = { "--config", "conf.yaml" }, .env = { { "WINNOW_SAMPLES", "5" } }, .file = "samples: 3\n", .want = WITH_SAMPLES("5") },
	{ .name = "options: a flag's list replaces the file's", .argv = { "--config=conf.yaml", "--stop=a" }, .file = "stop: [x, y]\n",
	  .want = DEFAULTS_BUT("1", "null", GIB, "null", "null", "[\"a\"]", "false") },
	{ .name = "options: one scalar is a list of one", .argv = { "--config=conf.yaml" }, .file = "stop: x\n", .want = DEFAULTS_BUT("1", "null", GIB, "null", "null", "[\"x\"]", "false") },
	{ .name = "options: an empty list is a value", .argv = { "--config=conf.yaml" }, .file = "stop: []\n", .want = DEFAULTS_BUT("1", "null", GIB, "null", "null", "[]", "false") },
	{ .name = "options: a key without a value is as absent", .argv = { "--config=conf.yaml" }, .file = "samples:\n", .want = WITH_SAMPLES("1") },
	{ .name = "options: an empty file is fine", .argv = { "--config=conf.yaml" }, .file = "", .want = WITH_SAMPLES("1") },
	{ .name = "options: the file's name may come from the environment", .env = { { "WINNOW_CONFIG", "conf.yaml" } }, .file = "samples: 3\n", .want = WITH_SAMPLES("3") },

	{ .name = "options: an unknown option, with the nearest", .argv = { "--smaples=7" }, .error = "unknown option '--smaples'; did you mean '--samples'?" },
	{ .name = "options: an unknown option, with none near", .argv = { "--quux" }, .error = "unknown option '--quux'" },
	{ .name = "options: an unknown short option", .argv = { "-x" }, .error = "unknown option '-x'" },
	{ .name = "options: a value is missing at the end", .argv = { "--samples" }, .error = "--samples needs a value (N)" },
	{ .name = "options: a value is missing before an option", .argv = { "--policy", "--samples", "7" }, .error = "--policy needs a value (SPEC)" },
	{ .name = "options: no whole number", .argv = { "--samples=7.5" }, .error = "--samples: '7.5' is not a whole number" },
	{ .name = "options: an empty number", .argv = { "--samples=" }, .error = "--samples: a number is missing" },
	{ .name = "options: too large a number", .argv = { "--samples=99999999999999999999" }, .error = "--samples: '99999999999999999999' is too large" },
	{ .name = "options: no number", .argv = { "--temperature=hot" }, .error = "--temperature: 'hot' is not a number" },
	{ .name = "options: no size", .argv = { "--min-free=5X" }, .error = "--min-free: '5X' is not a size (such as 512, 64K, 5G)" },
	{ .name = "options: no duration", .argv = { "--wait=soon" }, .error = "--wait: 'soon' is not a duration (such as 90s, 15m, 8h)" },
	{ .name = "options: no boolean", .argv = { "--plain=maybe" }, .error = "--plain: 'maybe' is neither true nor false" },
	{ .name = "options: a bad variable is named", .env = { { "WINNOW_SAMPLES", "many" } }, .error = "WINNOW_SAMPLES: 'many' is not a whole number" },
	{ .name = "options: a bad variable is an error under a flag too", .argv = { "--samples=7" }, .env = { { "WINNOW_SAMPLES", "many" } }, .error = "WINNOW_SAMPLES: 'many' is not a whole number" },
	{ .name = "options: an unknown key, with file, line and the nearest", .argv = { "--config=conf.yaml" }, .file = "samples: 3\ntemprature: 1\n", .error = "conf.yaml:2: unknown key 'temprature'; did you mean 'temperature'?" },
	{ .name = "options: an unknown key, with none near", .argv = { "--config=conf.yaml" }, .file = "\n\nquux: 1\n", .error = "conf.yaml:3: unknown key 'quux'" },
	{ .name = "options: keys have _ for -", .argv = { "--config=conf.yaml" }, .file = "min-free: 1G\n", .error = "conf.yaml:1: unknown key 'min-free'; did you mean 'min_free'?" },
	{ .name = "options: a switch cannot stand in the file", .argv = { "--config=conf.yaml" }, .file = "dry_run: true\n", .error = "conf.yaml:1: 'dry_run' cannot stand in a configuration file; give it as --dry-run" },
	{ .name = "options: a bad value in the file", .argv = { "--config=conf.yaml" }, .file = "# x\nsamples: many\n", .error = "conf.yaml:2: samples: 'many' is not a whole number" },
	{ .name = "options: a bad value in the file under a flag", .argv = { "--config=conf.yaml", "--samples=7" }, .file = "samples: many\n", .error = "conf.yaml:1: samples: 'many' is not a whole number" },
	{ .name = "options: a map for a scalar", .argv = { "--config=conf.yaml" }, .file = "samples: { a: 1 }\n", .error = "conf.yaml:1: samples: one value is wanted here, not a map" },
	{ .name = "options: a list for a scalar", .argv = { "--config=conf.yaml" }, .file = "samples: [1, 2]\n", .error = "conf.yaml:1: samples: one value is wanted here, not a list" },
	{ .name = "options: a list as the whole file", .argv = { "--config=conf.yaml" }, .file = "- samples\n", .error = "conf.yaml:1: a map of keys is wanted" },
};

static char dir[] = "/tmp/winnow-options-XXXXXX";

static void set_environment(const struct row *row, bool set)
{
	for (size_t i = 0; i < ARRAY_SIZE(row->env) && row->env[i][0]; i++) {
		if (set)
			(void) setenv(row->env[i][0], row->env[i][1], 1);
		else
			(void) unsetenv(row->env[i][0]);
	}
}

static int write_file(const char *text)
{
	FILE *f = fopen("conf.yaml", "w");
	size_t n = strlen(text);
	bool good = f && fwrite(text, 1, n, f) == n;

	return f && fclose(f) == 0 && good ? 0 : -1;
}

static struct options *parsed;

static int parse_row(const struct row *row, struct error *err)
{
	char *argv[ARRAY_SIZE(row->argv)];
	int argc = 0, r;

	for (; row->argv[argc]; argc++)
		argv[argc] = mem_strdup(row->argv[argc]);
	set_environment(row, true);
	r = options_parse(&command, argc, argv, &parsed, err);
	set_environment(row, false);
	while (argc)
		mem_free(argv[--argc]);
	return r;
}

static void one_row(void **state)
{
	const struct row *row = *state;
	struct error err = ERROR_INIT;
	struct buf got;
	json_t *values;
	int r;

	if (row->file)
		assert_int_equal(write_file(row->file), 0);
	r = parse_row(row, &err);
	if (!row->want) {
		assert_int_equal(r, ERR_INPUT);
		assert_string_equal(err.msg, row->error);
		return;
	}
	assert_string_equal(err.msg, "");
	assert_int_equal(r, 0);
	values = options_effective(parsed);
	buf_init(&got, 65536);
	assert_int_equal(json_dump_line(values, &got, NULL), 0);
	assert_string_equal(got.data, row->want);
	buf_clear(&got);
	json_decref(values);
	buf_init(&got, 65536);
	for (size_t i = 0; i < options_n_args(parsed); i++)
		buf_addf(&got, "%s%s", i ? " " : "", options_args(parsed)[i]);
	assert_string_equal(got.data, row->args ? row->args : "");
	buf_clear(&got);
}

static int drop(void **state)
{
	(void) state;
	options_free(parsed);
	parsed = NULL;
	return 0;
}

static int enter(void **state)
{
	(void) state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	(void) state;
	(void) unlink("conf.yaml");
	return chdir("/") || rmdir(dir);
}

static void origin__names_flag_variable_and_line(void **state)
{
	const struct row row = { .argv = { "--config=conf.yaml", "--policy=x" },
				 .env = { { "WINNOW_PLAIN", "on" } } };
	struct error err = ERROR_INIT;
	const char *where;

	(void) state;
	assert_int_equal(write_file("# first\nsamples: 3\n"), 0);
	assert_int_equal(parse_row(&row, &err), 0);
	assert_int_equal(options_origin(parsed, "policy", &where), ORIGIN_FLAG);
	assert_string_equal(where, "--policy");
	assert_int_equal(options_origin(parsed, "plain", &where), ORIGIN_ENVIRONMENT);
	assert_string_equal(where, "WINNOW_PLAIN");
	assert_int_equal(options_origin(parsed, "samples", &where), ORIGIN_FILE);
	assert_string_equal(where, "conf.yaml:2");
	assert_int_equal(options_origin(parsed, "min-free", &where), ORIGIN_DEFAULT);
	assert_string_equal(where, "default");
	assert_true(options_given(parsed, "samples"));
	assert_false(options_given(parsed, "min-free"));
	assert_true(isnan(options_num(parsed, "temperature")));
	assert_string_equal(options_str(parsed, "store"), "winnow.db");
}

static void globals__may_be_given_with_any_command(void **state)
{
	const struct row row = { .argv = { "--json", "-C", "/somewhere", "--store=x.db", "arg" } };
	struct error err = ERROR_INIT;

	(void) state;
	assert_int_equal(parse_row(&row, &err), 0);
	assert_true(options_flag(parsed, "json"));
	assert_string_equal(options_str(parsed, "directory"), "/somewhere");
	assert_string_equal(options_str(parsed, "store"), "x.db");
	assert_string_equal(options_args(parsed)[0], "arg");
	assert_int_equal(options_expect_args(parsed, 1, 1, &err), 0);
	assert_int_equal(options_expect_args(parsed, 2, 2, &err), ERR_INPUT);
	assert_string_equal(err.msg, "an argument is missing: winnow test PATH…");
	assert_int_equal(options_expect_args(parsed, 0, 0, &err), ERR_INPUT);
	assert_string_equal(err.msg, "'arg' is not wanted: no arguments are taken");
}

static void help__is_seen_before_anything_else(void **state)
{
	const struct row row = { .argv = { "--quux", "--help" } };
	struct error err = ERROR_INIT;

	(void) state;
	assert_int_equal(parse_row(&row, &err), 0);
	assert_true(options_help(parsed));
}

static void parse__survives_every_failed_allocation(void **state)
{
	const struct row row = { .argv = { "--config=conf.yaml", "--stop=a", "--policy=x", "arg" },
				 .env = { { "WINNOW_TEMPERATURE", "1" } } };
	char *argv[] = { mem_strdup(row.argv[0]), mem_strdup(row.argv[1]), mem_strdup(row.argv[2]),
			 mem_strdup(row.argv[3]) };
	unsigned long nth;

	(void) state;
	assert_int_equal(write_file("samples: 3\nmin_free: 2K\n"), 0);
	set_environment(&row, true);
	for (nth = 1; nth < 10000; nth++) {
		struct error err = ERROR_INIT;
		int r;

		mem_fault_at(nth);
		r = options_parse(&command, 4, argv, &parsed, &err);
		if (!mem_fault_fired()) {
			assert_int_equal(r, 0);
			break;
		}
		if (r < 0)
			assert_int_equal(r, ERR_NOMEM);
		options_free(parsed);
		parsed = NULL;
	}
	mem_fault_at(0);
	set_environment(&row, false);
	assert_true(nth > 20 && nth < 10000);
	for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
		mem_free(argv[i]);
}

static void suggest__finds_what_was_meant(void **state)
{
	static const char *const words[] = { "import", "run", "grade", "export", "show", "sql" };
	static const struct { const char *word, *want; } cases[] = {
		{ "improt", "import" }, { "imp", "import" }, { "rnu", "run" }, { "greade", "grade" },
		{ "shwo", "show" }, { "xyz", NULL }, { "s", NULL }, { "", NULL }, { "run", "run" },
		{ "exprot", "export" }, { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = suggest(cases[i].word, words, ARRAY_SIZE(words));

		if (cases[i].want) {
			assert_non_null(got);
			assert_string_equal(got, cases[i].want);
		} else {
			assert_null(got);
		}
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 5];
	size_t n = 0;
	const struct CMUnitTest others[] = {
		cmocka_unit_test_teardown(origin__names_flag_variable_and_line, drop),
		cmocka_unit_test_teardown(globals__may_be_given_with_any_command, drop),
		cmocka_unit_test_teardown(help__is_seen_before_anything_else, drop),
		cmocka_unit_test_teardown(parse__survives_every_failed_allocation, drop),
		cmocka_unit_test(suggest__finds_what_was_meant),
	};

	for (; n < ARRAY_SIZE(rows); n++)
		tests[n] = (struct CMUnitTest){ .name = rows[n].name, .test_func = one_row,
						.teardown_func = drop, .initial_state = &rows[n] };
	memcpy(tests + n, others, sizeof(others));
	return cmocka_run_group_tests_name("options", tests, enter, leave);
}
