/* SPDX-License-Identifier: Apache-2.0 */
/* judge_exec.c - one bare program in a box: what `winnow exec` and the benchmarks ask for. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "filters/judge_internal.h"

static void exec_ended(struct job *job, const struct box_result *r)
{
	struct exec_result *e = &job->exec;
	uint32_t flags;
	char why[200];
	enum verdict v = end_verdict(job->language, r, &flags, why);

	if (v == VERDICT_INTERNAL_ERROR) {
		job_failed(job, "%.190s", why);
		return;
	}
	e->flags |= flags;
	e->exit_code = r->exit_code;
	e->signal = r->signal;
	e->cpu_us = r->cpu_us;
	e->wall_us = r->wall_us;
	e->memory_bytes = r->memory_bytes;
	buf_add(&e->out, r->out.data, r->out.len);
	buf_add(&e->err, r->err.data, r->err.len);
	e->out_truncated = r->out_total > r->out.len;
	e->err_truncated = r->err_total > r->err.len;
	if (e->out_truncated)
		e->flags |= FLAG_STDOUT_TRUNCATED;
	if (e->out.error || e->err.error)
		job_failed(job, "out of memory for a result");
	else
		job_finish(job, v);
}

void exec_start(struct job *job)
{
	static const struct machine machine = { .ended = exec_ended };
	struct run_files files;
	struct box_spec spec = {
		.phase = BOX_RUN,
		.stdin_data = job->stdin_data,
		.stdin_len = job->stdin_len,
		.cpu_us = job->limits.cpu_us,
		.wall_us = limits_wall_us(&job->limits),
		.memory_bytes = job->limits.memory_bytes,
		.output_bytes = job->limits.output_bytes,
		.stdout_keep = job->keep_bytes,
		.stderr_keep = job->keep_bytes,
		.output_ends = true,
		.file_bytes = job->limits.file_bytes,
		.processes = job->limits.processes,
	};

	if (!run_spec(job, job->language, job->artifact_fd, job->program, job->program_len, &spec,
		      &files))
		job_failed(job, "out of memory for a run");
	else
		(void) job_box(job, &spec, &machine);
	run_files_clear(&files);
}
