/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grade.h - judge samples made elsewhere: records in, results in their order out; no store.
 *
 * Equal programs of a task are judged once.  The results are docs/formats/results.md.
 */
#ifndef WINNOW_ROLLOUT_GRADE_H
#define WINNOW_ROLLOUT_GRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/json.h"
#include "core/record.h"
#include "policy/policy.h"
#include "rollout/common.h"
#include "rollout/reference.h"
#include "rollout/reuse.h"
#include "rollout/tally.h"

/* One program, for all lines that have it. */
struct grade_job {
	struct grade *grade;
	uint8_t key[HASH_SHA256_BYTES];
	size_t first_line;                 /* the result line that had it first */
	struct judgement result;
	bool done;
};
/* One line of the input and of the results. */
struct grade_line {
	size_t task;
	const struct language *language;
	enum extract_mode mode;
	const char *text;                  /* borrowed from the samples file or the task */
	size_t text_len;
	const json_t *sample, *extra;      /* borrowed; NULL */
	bool truncated;
	/* filled */
	size_t number;                     /* of this line within its task */
	const char *skip;                  /* why it was not judged: a word of state `skipped`; NULL */
	bool no_program;
	struct grade_job *job;             /* NULL where skipped or no_program */
	char program_id[HASH_GIT_HEX];
};
struct grade {
	struct judging *judging;
	struct task **tasks;               /* borrowed */
	size_t n_tasks;
	bool all_tests, confirm;
	struct grade_line *lines;
	size_t n_lines, cap_lines;
	size_t *lines_of_task;
	struct reuse *jobs_by_key;
	struct grade_job **jobs;
	size_t n_jobs, cap_jobs;
	size_t n_running;
	struct tally tally;                /* groups: one a (task, language) that has lines */
	char **quarantined;                /* reason, one a task; NULL: used */
	struct error failure;
};

int grade_add_line(struct grade *g, const struct grade_line *line, struct error *err);
/* Lines of a samples file; language NULL: what record or task says, else python. */
int grade_add_file(struct grade *g, const struct sample_file *f, const char *language, struct error *err);
/* The tasks' own solutions, in the one language or in all that are here. */
int grade_add_references(struct grade *g, const char *language, struct error *err);
/* Judge the references of tasks that have lines; those that fail are quarantined. */
int grade_check_references(struct grade *g, struct error *err);
/* Judge everything. */
int grade_judge(struct grade *g, struct error *err);
void grade_clear(struct grade *g);

/* grade_output.c */
json_t *grade_result(const struct grade *g, size_t line);    /* NULL: no memory */
/* Written aside and renamed; "-" is stdout. */
int grade_write(const struct grade *g, const char *path, struct error *err);
json_t *grade_summary(const struct grade *g, uint64_t wall_us);
void grade_print(const struct grade *g, uint64_t wall_us);

#endif
