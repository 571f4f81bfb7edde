/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_refused.c - name the system calls for which a program was ended.
 *
 * The verdict comes from a run in which the kernel itself kills, at once and for certain, and so can tell
 * nobody for what.  Only after such an end is the program run once more, in a box that hears of its calls
 * (box.h, name_refused); of that run nothing is kept but names and counts.  So honest runs pay
 * nothing, and a kernel or container that refuses the listener changes no verdict and no flag.
 */
#include <string.h>

#include "core/mem.h"
#include "filters/judge_internal.h"
#include "sandbox/init/protocol.h"

bool job_wants_naming(const struct job *job)
{
	enum verdict v = job->kind == REQUEST_EXEC ? job->exec.verdict : job->result.verdict;

	/* What a compiler was ended for it would only do again. */
	return v == VERDICT_SECURITY_VIOLATION && !job->naming && !job->cancelled && !job->service->deaf &&
	       !compile_needed(job);
}

void job_start_naming(struct job *job)
{
	job->naming = true;
	job->named_judgement = job->result;
	job->named_exec = job->exec;
	job->result = (struct judgement){ 0 };
	job->exec = (struct exec_result){ 0 };
}

void job_hear(struct job *job, const struct box_result *r)
{
	if (!job->naming)
		return;
	if (r->end == BOX_FAILED && strstr(r->failure, INIT_LISTEN_STEP))
		job->service->deaf = true;
	for (size_t i = 0; i < r->n_refused; i++) {
		size_t at = 0;

		while (at < job->n_refused && job->refused[at].call != r->refused[i].call)
			at++;
		if (at == BOX_MAX_REFUSED)
			continue;
		if (at == job->n_refused)
			job->refused[job->n_refused++] = (struct box_refused){ r->refused[i].call, 0 };
		job->refused[at].count += r->refused[i].count;
	}
}

static char *refused_text(const struct job *job)
{
	cleanup_buf struct buf b = { 0 };

	if (!job->n_refused)
		return NULL;
	buf_init(&b, 65536);
	for (size_t i = 0; i < job->n_refused; i++)
		buf_addf(&b, "%s\"%s\":%u", i ? "," : "{", job->refused[i].call, job->refused[i].count);
	buf_adds(&b, "}");
	return buf_steal(&b, NULL);
}

void job_end_naming(struct job *job)
{
	judgement_clear(&job->result);
	exec_result_clear(&job->exec);
	job->result = job->named_judgement;
	job->exec = job->named_exec;
	job->named_judgement = (struct judgement){ 0 };
	job->named_exec = (struct exec_result){ 0 };
	*(job->kind == REQUEST_EXEC ? &job->exec.refused : &job->result.refused) = refused_text(job);
}
