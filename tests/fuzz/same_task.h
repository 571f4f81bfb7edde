/* SPDX-License-Identifier: Apache-2.0 */
/* same_task.h - what every importer promises of a task that it takes: its own text parses to the same task. */
#ifndef WINNOW_TESTS_FUZZ_SAME_TASK_H
#define WINNOW_TESTS_FUZZ_SAME_TASK_H

#include <stdlib.h>
#include <string.h>

#include "store/import_internal.h"

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

static inline void must_parse_again(const struct task *t)
{
	cleanup_json json_t *again = NULL;
	struct task *same = NULL;
	cleanup_buf struct buf text;

	buf_init(&text, SIZE_MAX);
	must(json_dump_canonical(t->json, &text, NULL) == 0);
	must(json_parse(text.data, text.len, &again, NULL) == 0);
	must(task_parse(json_incref(again), &same, NULL) == 0);
	must(memcmp(same->digest, t->digest, sizeof(t->digest)) == 0);
	task_free(same);
}

#endif
