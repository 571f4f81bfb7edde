/* SPDX-License-Identifier: Apache-2.0 */
/* store_fixture.h - a folder of its own for each test, and a store filled the same way every time. */
#ifndef WINNOW_TESTS_STORE_FIXTURE_H
#define WINNOW_TESTS_STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/store.h"

struct fixture {
	char dir[64];
	char path[128];      /* dir/winnow.db */
	struct store *s;
};
/* Setup and teardown for cmocka: *state is a struct fixture whose store is not open yet. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Open for writing; fails the test with the message otherwise. */
struct store *fixture_open(struct fixture *f);
void fixture_reopen(struct fixture *f, enum store_mode mode);

/* Task number i of a made-up set: source "Made", ids Made/0 …, tags, split train or holdout.
 * variant changes the content of the task but not its id. */
struct task *fixture_task(unsigned i, unsigned variant);
int fixture_put_tasks(struct store *s, unsigned n, unsigned variant, struct store_import_result *ret, struct error *err);

/* What sample k of task i is, by the seed alone: about a quarter of the programs repeat. */
struct fill { unsigned n_tasks, n_samples; uint64_t seed; bool leave_pending; size_t text_bytes; bool batch_of_256; };
/* Tasks, one run in python, and judged samples with every verdict among them.  Returns the run. */
int fixture_fill(struct store *s, const struct fill *how, int64_t *ret_run, struct error *err);

/* Its parts: a run over all tasks that are there, and one sample of it with all that belongs to it. */
int fixture_make_run(struct store *s, const struct fill *how, int64_t *ret_run, struct error *err);
int fixture_fill_one(struct store *s, const struct fill *how, int64_t run, unsigned i, unsigned k, struct error *err);

/* The first column of the first row, as JSON text; "" where there is no row.  Fails the test on an error. */
const char *fixture_ask(struct store *s, const char *sql);
long long fixture_count(struct store *s, const char *sql);
/* Rows whose checksum does not hold, over all tables; and PRAGMA integrity_check and foreign_key_check. */
void fixture_assert_sound(struct store *s);

#endif
