/* SPDX-License-Identifier: Apache-2.0 */
/* store_task.h - what runs and selections need of tasks; for store/ alone. */
#ifndef WINNOW_STORE_STORE_TASK_H
#define WINNOW_STORE_STORE_TASK_H

#include "store/store.h"

/* The task of a row, parsed from its canonical text: task_free() it. */
int store_load_task(struct store *s, int64_t task_row, struct task **ret, struct error *err);
/* strcmp(), but runs of digits compare as numbers: a2 before a10. */
int store_natural_compare(const char *a, const char *b);

#endif
