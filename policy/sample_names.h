/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_names.h - one copy of each word that many records share, and the join
 * of a record to its task: by id, by the def line, by a folder's name.
 */
#ifndef WINNOW_POLICY_SAMPLE_NAMES_H
#define WINNOW_POLICY_SAMPLE_NAMES_H

#include <stddef.h>
#include "core/error.h"
#include "core/record.h"

struct sample_names;
struct sample_names *sample_names_new(void);
void sample_names_free(struct sample_names *s);
/* The one copy of text; equal texts give equal pointers.  NULL: no memory. */
const char *sample_names_add(struct sample_names *s, const char *text);

struct sample_join {
	struct task *const *tasks;
	size_t n_tasks;
	size_t *by_id;               /* ordinals, sorted by id */
	size_t last;                 /* files keep one task's records together */
};
int sample_join_init(struct sample_join *j, struct task *const *tasks, size_t n_tasks, struct error *err);
void sample_join_clear(struct sample_join *j);
/* Each: false where no task fits.  By id: to the letter, else (a bare number) the
 * only task whose id ends in "/number", as MBPP's own files number theirs. */
bool sample_join_by_id(struct sample_join *j, const char *id, size_t *ret);
/* "HumanEval_0" is HumanEval/0: a folder's name cannot hold a slash. */
bool sample_join_by_folder(const struct sample_join *j, const char *name, size_t *ret);
/* By the name after the last top-level "def" of a prompt; of several tasks with
 * this entry point the one whose prompt agrees longest.  ERR_INPUT says why not. */
int sample_join_by_prompt(const struct sample_join *j, const char *prompt, size_t *ret, struct error *err);

#endif
