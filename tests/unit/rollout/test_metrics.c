/* SPDX-License-Identifier: Apache-2.0 */
/* test_metrics.c - the exposition format, checked line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/metrics.h"

static struct tally tally = { .planned = 100, .judged = 7, .pending = 2, .cpu_us = 1500000,
			      .verdicts = { [VERDICT_ACCEPTED] = 5, [VERDICT_WRONG_ANSWER] = 2 } };
static struct metrics metrics = { .run_id = 3, .state = "running", .policy_kind = "openai",
				  .policy_name = "odd \"name\"\\\n", .isolation = "landlock", .version = "0.1.0",
				  .tally = &tally, .now_wall_us = 1795422600000000 };

static bool name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* Every sample belongs to the family whose HELP and TYPE stand right before it, and no family comes twice. */
static void text__is_what_a_collector_reads(void **state)
{
	char **lines, family[128] = "", seen[8192] = "";
	struct error err = ERROR_INIT;
	struct buf b;
	size_t n, samples = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	metrics_text(&metrics, &b);
	assert_int_equal(b.error, 0);
	assert_int_equal(b.data[b.len - 1], '\n');
	assert_int_equal(str_split(b.data, '\n', &lines, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		const char *l = lines[i], *p = l;
		char key[160];

		if (!*l)
			continue;
		if (str_starts(l, "# HELP ")) {
			assert_int_equal(sscanf(l, "# HELP %127s", family), 1);
			(void) snprintf(key, sizeof(key), "|%s|", family);
			assert_null(strstr(seen, key));
			strncat(seen, key, sizeof(seen) - strlen(seen) - 1);
			(void) snprintf(key, sizeof(key), "# TYPE %s ", family);
			assert_true(str_starts(lines[i + 1], key));
			continue;
		}
		if (*l == '#')
			continue;
		for (; name_char(*p, p == l); p++)
			;
		assert_int_equal((size_t)(p - l), strlen(family));
		assert_memory_equal(l, family, strlen(family));
		assert_true(*p == '{' || *p == ' ');
		p = strrchr(l, ' ');
		assert_non_null(p);
		char *end;
		(void) strtod(p + 1, &end);
		assert_true(end != p + 1 && !*end);
		samples++;
	}
	assert_true(samples > 30);
	assert_non_null(strstr(b.data, "winnow_verdicts_total{verdict=\"accepted\"} 5\n"));
	assert_non_null(strstr(b.data, "winnow_samples_total{state=\"pending\"} 2\n"));
	assert_non_null(strstr(b.data, "model=\"odd \\\"name\\\"\\\\\\n\""));
	assert_non_null(strstr(b.data, "winnow_candidate_cpu_seconds_total 1.500\n"));
	str_list_free(lines);
	buf_clear(&b);
}

static void file__is_written_and_remembers_the_last_success(void **state)
{
	char dir[] = "/tmp/winnow-metrics-XXXXXX", *path;
	struct error err = ERROR_INIT;
	char **names;
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = fs_join(dir, "w.prom");
	assert_true(metrics_last_success_us(path) == 0);
	metrics.last_success_wall_us = INT64_C(1795422600500000);
	assert_int_equal(metrics_write(path, &metrics, &err), 0);
	assert_true(metrics_last_success_us(path) == INT64_C(1795422600500000));
	assert_int_equal(fs_list(dir, &names, &n, &err), 0);
	assert_int_equal(n, 1); /* nothing was left aside */
	str_list_free(names);
	(void) unlink(path);
	(void) rmdir(dir);
	assert_true(metrics_write(path, &metrics, &err) < 0);
	assert_non_null(strstr(err.msg, "--metrics"));
	mem_free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__is_what_a_collector_reads),
		cmocka_unit_test(file__is_written_and_remembers_the_last_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
