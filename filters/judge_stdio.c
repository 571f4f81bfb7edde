/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_stdio.c - tests of kind `stdio`: one fresh box a case, input on stdin, all that the program
 * wrote against what is expected.
 *
 * Where the checker is a program it is called as an ICPC output validator: `program input answer
 * feedback_dir args…`, what the candidate wrote on its stdin, exit code 42 for yes and 43 for no.
 * It is compiled once a task.  It reads hostile text, so that how it fails otherwise (a crash, a
 * limit) may be the candidate's doing: that is a wrong answer with FLAG_TEST_ERROR, never ours.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "filters/checker.h"
#include "filters/judge_internal.h"

#define VALIDATOR_CPU_US UINT64_C(20000000)
#define VALIDATOR_MEMORY (UINT64_C(2048) << 20)
#define VALIDATOR_YES 42
#define VALIDATOR_NO 43
#define MAX_VALIDATOR_ARGS 32

static void next_case(struct job *job);
static void validate(struct job *job);

static const struct test_case *case_of(const struct job *job)
{
	return &job->task->task->cases[job->case_index];
}

static void case_done(struct job *job, enum verdict v, const char *why)
{
	struct judgement *j = &job->result;

	if (v == VERDICT_ACCEPTED) {
		j->tests_passed++;
		j->visible_passed += case_of(job)->visible;
	} else if (job->first_verdict == VERDICT_NONE) {
		job->first_verdict = v;
		(void) snprintf(job->first_message, sizeof(job->first_message), "case %zu: %s",
				job->case_index + 1, why);
	}
	job->case_index++;
	/* What is no program at all is so in every case. */
	if ((v == VERDICT_ACCEPTED || (job->all_tests && v != VERDICT_COMPILE_ERROR)) &&
	    job->case_index < job->task->task->n_cases) {
		next_case(job);
		return;
	}
	if (job->first_verdict == VERDICT_NONE)
		job_end(job, VERDICT_ACCEPTED, 0, "%s", "");
	else
		job_end(job, job->first_verdict, 0, "%s", job->first_message);
}

static void case_ended(struct job *job, const struct box_result *r)
{
	const struct test_case *c = case_of(job);
	const struct checker *checker = &job->task->task->checker;
	bool nomem = false;
	size_t line = 0;
	uint32_t flags;
	char why[200];
	enum verdict v = end_verdict(job->language, r, &flags, why);

	if (v == VERDICT_INTERNAL_ERROR) {
		job_failed(job, "case %zu: %.150s", job->case_index + 1, why);
		return;
	}
	job_measure(job, r);
	job->result.flags |= flags;
	if (v == VERDICT_COMPILE_ERROR)
		job->result.flags &= ~(uint32_t)FLAG_NONZERO_EXIT;
	if (v == VERDICT_COMPILE_ERROR && r->err.len) {
		buf_reset(&job->compile_out);
		buf_add(&job->compile_out, r->err.data,
			r->err.len < COMPILE_OUTPUT_KEEP ? r->err.len : COMPILE_OUTPUT_KEEP);
	}
	if (v != VERDICT_OK) {
		case_done(job, v, why);
		return;
	}
	if (checker->kind == CHECKER_PROGRAM) {
		buf_reset(&job->team_output);
		buf_add(&job->team_output, r->out.data, r->out.len);
		if (job->team_output.error)
			job_failed(job, "out of memory for a case");
		else
			validate(job);
		return;
	}
	if (checker_text(checker, r->out.data, r->out.len, c->out, c->out_len, &line, &nomem)) {
		case_done(job, VERDICT_ACCEPTED, "");
		return;
	}
	if (nomem) {
		job_failed(job, "out of memory for a case");
		return;
	}
	if (line)
		(void) snprintf(why, sizeof(why), "wrong answer at line %zu of the output", line);
	else
		(void) snprintf(why, sizeof(why), "wrong answer");
	case_done(job, VERDICT_WRONG_ANSWER, why);
}

static void next_case(struct job *job)
{
	static const struct machine machine = { .ended = case_ended };
	const struct test_case *c = case_of(job);
	struct run_files files;
	struct box_spec spec = {
		.phase = BOX_RUN,
		.stdin_data = c->in,
		.stdin_len = c->in_len,
		.cpu_us = job->limits.cpu_us,
		.wall_us = limits_wall_us(&job->limits),
		.memory_bytes = job->limits.memory_bytes,
		.output_bytes = job->limits.output_bytes,
		.stdout_keep = job->limits.output_bytes,
		.stderr_keep = 4096,
		.output_ends = true,
		.file_bytes = job->limits.file_bytes,
		.processes = job->limits.processes,
	};

	if (!run_spec(job, job->language, job->artifact_fd, job->program, job->program_len, &spec,
		      &files))
		job_failed(job, "out of memory for a case");
	else
		(void) job_box(job, &spec, &machine);
	run_files_clear(&files);
}

/* --- validators --- */

static void validator_ended(struct job *job, const struct box_result *r)
{
	char why[200];

	if (r->end == BOX_FAILED || r->end == BOX_KILLED) {
		job_failed(job, "the validator's box: %.150s", r->failure);
		return;
	}
	buf_reset(&job->team_output);
	if (r->end == BOX_EXITED && r->exit_code == VALIDATOR_YES) {
		case_done(job, VERDICT_ACCEPTED, "");
	} else if (r->end == BOX_EXITED && r->exit_code == VALIDATOR_NO) {
		case_done(job, VERDICT_WRONG_ANSWER, "the validator says no");
	} else {
		job->result.flags |= FLAG_TEST_ERROR;
		if (r->end == BOX_EXITED)
			(void) snprintf(why, sizeof(why), "the validator ended with exit code %d",
					r->exit_code);
		else if (r->end == BOX_SIGNALLED)
			(void) snprintf(why, sizeof(why), "the validator was killed by signal %d",
					r->signal);
		else
			(void) snprintf(why, sizeof(why), "the validator met a limit");
		case_done(job, VERDICT_WRONG_ANSWER, why);
	}
}

static void validator_compiled(struct job *job, const struct box_result *r)
{
	const char *id = job->task->task->id;

	if (r->end == BOX_FAILED || r->end == BOX_KILLED || r->end == BOX_EXEC_FAILED) {
		job_failed(job, "compiling the validator: %.150s", r->failure);
		return;
	}
	if (r->end != BOX_EXITED || r->exit_code != 0 || r->collected_fd < 0) {
		job_task_fault(job, "quarantine task '%.60s': its validator does not compile", id);
		return;
	}
	if (job->task->validator_fd < 0) {
		job->task->validator_fd = fcntl(r->collected_fd, F_DUPFD_CLOEXEC, 3);
		if (job->task->validator_fd < 0) {
			job_failed(job, "cannot keep the validator");
			return;
		}
	}
	validate(job);
}

static void compile_validator(struct job *job, const struct language *l)
{
	static const struct machine machine = { .ended = validator_compiled };
	const char *source = job->task->task->checker.source;
	struct run_files files;
	struct box_spec spec;

	if (compile_spec(l, source, strlen(source), &spec, &files))
		(void) job_box(job, &spec, &machine);
	else
		job_failed(job, "out of memory for compiling a validator");
	run_files_clear(&files);
}

static void validate(struct job *job)
{
	static const struct machine machine = { .ended = validator_ended };
	const struct task *t = job->task->task;
	const struct language *l = t->checker.language
					   ? language_find(job->service->languages, t->checker.language)
					   : NULL;
	const struct test_case *c = case_of(job);
	const char *argv[MAX_VALIDATOR_ARGS + 32];
	struct box_file box_files[RUN_MAX_FILES + 2];
	struct run_files files;
	size_t n = 0, n_args = json_array_size(t->checker.args);
	struct box_spec spec = {
		.phase = BOX_RUN,
		.stdin_data = job->team_output.data,
		.stdin_len = job->team_output.len,
		.cpu_us = VALIDATOR_CPU_US,
		.wall_us = VALIDATOR_CPU_US * 3,
		.memory_bytes = VALIDATOR_MEMORY,
		.output_bytes = UINT64_C(1) << 20,
		.stderr_keep = 1024,
		.file_bytes = job->limits.file_bytes + (UINT64_C(64) << 20),
		.processes = 8,
	};

	if (!l || !l->present || !t->checker.source || n_args > MAX_VALIDATOR_ARGS) {
		job_task_fault(job, "quarantine task '%.60s': its validator cannot be run", t->id);
		return;
	}
	if (l->compile_argv && job->task->validator_fd < 0) {
		compile_validator(job, l);
		return;
	}
	if (!run_spec(job, l, l->compile_argv ? job->task->validator_fd : -1, t->checker.source,
		      strlen(t->checker.source), &spec, &files)) {
		job_failed(job, "out of memory for a validator");
		run_files_clear(&files);
		return;
	}
	for (; spec.argv[n] && n < 24; n++)
		argv[n] = spec.argv[n];
	argv[n++] = "case.in";
	argv[n++] = "case.ans";
	argv[n++] = "./";
	for (size_t i = 0; i < n_args; i++) {
		const char *arg = json_string_value(json_array_get(t->checker.args, i));

		argv[n++] = arg ? arg : "";
	}
	argv[n] = NULL;
	spec.argv = argv;
	spec.warm = NULL; /* its arguments are its own */
	memcpy(box_files, spec.files, spec.n_files * sizeof(*box_files));
	spec.files = box_files;
	box_files[spec.n_files++] = (struct box_file){ .name = "case.in", .data = c->in ? c->in : "", .len = c->in_len,
						       .fd = -1 };
	box_files[spec.n_files++] = (struct box_file){ .name = "case.ans", .data = c->out ? c->out : "",
						       .len = c->out_len, .fd = -1 };
	(void) job_box(job, &spec, &machine);
	run_files_clear(&files);
}

void stdio_start(struct job *job)
{
	const struct task *t = job->task->task;
	struct judgement *j = &job->result;

	j->tests_passed = j->visible_passed = j->visible_total = 0;
	j->tests_total = (int)t->n_cases;
	for (size_t i = 0; i < t->n_cases; i++)
		j->visible_total += t->cases[i].visible;
	if (!t->n_cases)
		job_task_fault(job, "task '%.60s' has no cases", t->id);
	else
		next_case(job);
}
