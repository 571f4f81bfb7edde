/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tasks_portable.h - winnow tasks portable: for each task and each language, whether its tests can be put to a
 * program in that language, or why not.
 *
 * What values test code passes and expects is found by judging the task's reference in Python.
 */
#ifndef WINNOW_ROLLOUT_TASKS_PORTABLE_H
#define WINNOW_ROLLOUT_TASKS_PORTABLE_H

#include "rollout/common.h"
#include "store/store.h"

struct globals;
/* Prints one line (or, with --json, one object) a task and one with the counts.  languages: comma-separated names, NULL: all. */
int tasks_portable(const struct globals *g, struct judging *judging, const char *languages, const struct store_task *tasks,
		   size_t n, struct error *err);

#endif
