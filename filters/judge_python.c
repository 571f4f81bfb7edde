/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_python.c - the pool of Python judges: boxes in which judge.py serves one job at a time.
 *
 * A judge is started when a job needs one and none is idle, so there are at most as many as jobs
 * that run.  It never reads a byte of a candidate but answers that the relay has checked, and each
 * sample is judged in a child of its own; still it is thrown away after any doubt, and after
 * MAX_USES samples.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "filters/judge_internal.h"

#define MAX_USES 1000
#define MAX_TASKS 200
#define JUDGE_CPU_US (UINT64_C(4) * 3600 * 1000000)

/* The program text, kept in the binary. */
__asm__(".pushsection .rodata\n"
	".global judge_py_start\n"
	".global judge_py_end\n"
	"judge_py_start:\n"
	".incbin \"" WINNOW_JUDGE_PY "\"\n"
	"judge_py_end:\n"
	".byte 0\n"
	".popsection\n");

struct python_judge {
	struct service *service;
	struct box *box;
	struct job *job;            /* NULL: idle */
	const struct python_judge_events *events;
	uint8_t (*known)[HASH_SHA256_BYTES]; /* tasks it was taught */
	size_t n_known, cap_known;
	unsigned uses;
	bool dying;
	struct python_judge *next;
};

static void unlink_judge(struct python_judge *j)
{
	for (struct python_judge **p = &j->service->judges; *p; p = &(*p)->next) {
		if (*p != j)
			continue;
		*p = j->next;
		return;
	}
}

static void judge_free(struct python_judge *j)
{
	unlink_judge(j);
	mem_free(j->known);
	mem_free(j);
}

static void on_frame(void *ctx, struct box *box, const uint8_t *frame, size_t n)
{
	struct python_judge *j = ctx;

	(void) box;
	if (j->job && !j->dying)
		j->events->frame(j->job, frame, n);
}

static void on_ended(void *ctx, struct box *box, const struct box_result *result)
{
	struct python_judge *j = ctx;
	const struct python_judge_events *events = j->events;
	struct job *job = j->job;

	(void) box;
	judge_free(j);
	if (job) {
		job->judge = NULL;
		events->gone(job, result);
	}
}

static struct python_judge *start(struct service *s, struct error *err)
{
	static const struct box_events events = { .frame = on_frame, .ended = on_ended };
	static const char *const argv[] = { "/usr/bin/python3", "-s", "-S", "-P", "judge.py", NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONHASHSEED=0",
					   "PYTHONDONTWRITEBYTECODE=1", NULL };
	struct box_file file = { .name = "judge.py", .data = judge_py_start,
				 .len = (size_t)(judge_py_end - judge_py_start), .fd = -1 };
	struct box_spec spec = {
		.phase = BOX_JUDGE,
		.argv = argv,
		.envp = env,
		.files = &file,
		.n_files = 1,
		.channel = true,
		.cpu_us = JUDGE_CPU_US,
		.wall_us = JUDGE_CPU_US,
		.wall_counts_questions = true,
		.memory_bytes = (UINT64_C(5) << 30) / 4, /* a child's own limit is 1 GiB */
		.memory = BOX_MEMORY_AS,
		.output_bytes = UINT64_C(1) << 20,
		.stderr_keep = 2048,
		.file_bytes = UINT64_C(1) << 20,
		.processes = 8,
	};
	struct python_judge *j = mem_zalloc(sizeof(*j));

	if (!j) {
		(void) error_set(err, ERR_NOMEM, "out of memory for a judge");
		return NULL;
	}
	j->service = s;
	j->next = s->judges;
	s->judges = j;
	if (box_start(s->spawner, &spec, &events, j, &j->box, err) < 0) {
		judge_free(j);
		return NULL;
	}
	return j;
}

static bool knows(const struct python_judge *j, const uint8_t digest[HASH_SHA256_BYTES])
{
	for (size_t i = 0; i < j->n_known; i++)
		if (!memcmp(j->known[i], digest, HASH_SHA256_BYTES))
			return true;
	return false;
}

static void put_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

static void put_str(struct buf *b, const void *p, size_t n)
{
	put_u32(b, (uint32_t)n);
	buf_add(b, p, n);
}

static int teach(struct python_judge *j, const struct task *t, struct error *err)
{
	const char *prompt = t->prompt_language && !strcmp(t->prompt_language, "python") && t->prompt
				     ? t->prompt
				     : "";
	struct buf b;
	int r;

	if (!mem_grow(&j->known, &j->cap_known, j->n_known + 1, sizeof(*j->known)))
		return error_set(err, ERR_NOMEM, "out of memory for a judge");
	buf_init(&b, VALUE_MAX_FRAME_BYTES);
	buf_addc(&b, 'T');
	put_str(&b, t->digest, HASH_SHA256_BYTES);
	put_str(&b, t->entry_point ? t->entry_point : "", t->entry_point ? strlen(t->entry_point) : 0);
	put_str(&b, prompt, strlen(prompt));
	put_str(&b, t->check, strlen(t->check));
	r = buf_check(&b, "test code", err);
	if (r == 0)
		r = box_send(j->box, b.data, b.len, err);
	buf_clear(&b);
	if (r == 0)
		memcpy(j->known[j->n_known++], t->digest, HASH_SHA256_BYTES);
	return r;
}

struct python_judge *python_judge_take(struct job *job, const struct python_judge_events *events,
				       bool *ret_taught, struct error *err)
{
	const uint8_t *digest = job->task->task->digest;
	struct python_judge *j = NULL;

	for (struct python_judge *i = job->service->judges; i; i = i->next) {
		if (i->job || i->dying)
			continue;
		j = i;
		if (knows(i, digest))
			break;
	}
	if (!j)
		j = start(job->service, err);
	if (!j)
		return NULL;
	j->job = job;
	j->events = events;
	j->uses++;
	*ret_taught = !knows(j, digest);
	if (*ret_taught && teach(j, job->task->task, err) < 0) {
		python_judge_give(j, true);
		return NULL;
	}
	return j;
}

int python_judge_send(struct python_judge *j, const void *frame, size_t n, struct error *err)
{
	if (j->dying)
		return 0;
	return box_send(j->box, frame, n, err);
}

void python_judge_unteach(struct python_judge *j, const uint8_t digest[HASH_SHA256_BYTES])
{
	for (size_t i = 0; i < j->n_known; i++) {
		if (memcmp(j->known[i], digest, HASH_SHA256_BYTES))
			continue;
		memmove(j->known[i], j->known[--j->n_known], HASH_SHA256_BYTES);
		return;
	}
}

void python_judge_give(struct python_judge *j, bool doubt)
{
	if (j->job)
		j->job->judge = NULL;
	j->job = NULL;
	if (!doubt && j->uses < MAX_USES && j->n_known < MAX_TASKS)
		return;
	if (j->dying)
		return;
	j->dying = true;
	box_kill(j->box);
}

void python_judge_forget(struct service *s, const uint8_t digest[HASH_SHA256_BYTES])
{
	for (struct python_judge *j = s->judges; j; j = j->next) {
		struct error err = ERROR_INIT;
		struct buf b;

		if (!knows(j, digest) || j->dying)
			continue;
		/* Read when the judge is idle again; a failure to say it costs memory only. */
		buf_init(&b, 64);
		buf_addc(&b, 'F');
		put_str(&b, digest, HASH_SHA256_BYTES);
		if (!j->job && !b.error && box_send(j->box, b.data, b.len, &err) == 0)
			python_judge_unteach(j, digest);
		buf_clear(&b);
	}
}

void python_judges_close(struct service *s)
{
	while (s->judges)
		judge_free(s->judges);
}
