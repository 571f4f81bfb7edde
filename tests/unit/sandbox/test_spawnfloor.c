/* SPDX-License-Identifier: Apache-2.0 */
/* test_spawnfloor.c - bare processes: counted, waited for, and every failure told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "sandbox/spawnfloor.h"

static const char *const true_argv[] = { "/usr/bin/true", NULL };

/* Whatever happened, no child may be left. */
static void assert_no_children(void)
{
	int status;

	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void spawnfloor__counts_what_ended(void **state)
{
	uint64_t runs, us, began = clock_now_us();

	(void) state;
	for (unsigned parallel = 1; parallel <= 3; parallel++) {
		struct error err = ERROR_INIT;

		assert_int_equal(spawnfloor_run(true_argv, NULL, parallel, 30000, &runs, &us, &err), 0);
		assert_true(runs >= parallel);
		assert_true(us > 0 && us <= clock_now_us() - began);
		assert_no_children();
	}
}

static void spawnfloor__runs_at_least_once(void **state)
{
	uint64_t runs, us;

	(void) state;
	assert_int_equal(spawnfloor_run(true_argv, NULL, 2, 0, &runs, &us, NULL), 0);
	assert_true(runs >= 1);
	assert_no_children();
}

static void spawnfloor__works_in_the_folders_that_are_given(void **state)
{
	static const char *const touch[] = { "/usr/bin/touch", "here", NULL };
	char one[] = "/tmp/winnow-floor-XXXXXX", two[] = "/tmp/winnow-floor-XXXXXX", path[64];
	const char *dirs[] = { one, two };
	struct error err = ERROR_INIT;
	uint64_t runs, us;
	int r, missing = 0;

	(void) state;
	assert_non_null(mkdtemp(one));
	assert_non_null(mkdtemp(two));
	r = spawnfloor_run(touch, dirs, 2, 20000, &runs, &us, &err);
	for (unsigned i = 0; i < 2; i++) {
		(void) snprintf(path, sizeof(path), "%s/here", dirs[i]);
		missing |= unlink(path);
		missing |= rmdir(dirs[i]);
	}
	assert_string_equal(err.msg, "");
	assert_int_equal(r, 0);
	assert_int_equal(missing, 0);
	assert_no_children();
}

static void spawnfloor__tells_of_each_failure(void **state)
{
	static const struct {
		const char *argv[4];
		const char *dir, *message;
	} cases[] = {
		{ { "/nonexistent/program" }, NULL, "cannot run '/nonexistent/program': No such file or directory" },
		{ { "/usr/bin/true" }, "/nonexistent", "cannot run '/usr/bin/true': No such file or directory" },
		{ { "/usr/bin/false" }, NULL, "'/usr/bin/false' ended with status 1" },
		{ { "/bin/sh", "-c", "kill -9 $$" }, NULL, "'/bin/sh' was ended by signal 9" },
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *dirs[] = { cases[i].dir, cases[i].dir };
		struct error err = ERROR_INIT;
		uint64_t runs = 77, us = 77;

		assert_int_equal(spawnfloor_run(cases[i].argv, dirs, 2, 20000, &runs, &us, &err), ERR_IO);
		assert_string_equal(err.msg, cases[i].message);
		assert_int_equal(runs, 77);
		assert_no_children();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spawnfloor__counts_what_ended),
		cmocka_unit_test(spawnfloor__runs_at_least_once),
		cmocka_unit_test(spawnfloor__works_in_the_folders_that_are_given),
		cmocka_unit_test(spawnfloor__tells_of_each_failure),
	};

	return cmocka_run_group_tests_name("spawnfloor", tests, NULL, NULL);
}
