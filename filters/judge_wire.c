/* SPDX-License-Identifier: Apache-2.0 */
/* judge_wire.c - limits and results as bytes, between the main process and the judge's service. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "filters/judge_internal.h"

void limits_pack(struct buf *b, const struct limits *l)
{
	pack_u64(b, l->cpu_us);
	pack_u64(b, l->wall_us);
	pack_u64(b, l->memory_bytes);
	pack_u64(b, l->output_bytes);
	pack_u64(b, l->file_bytes);
	pack_u32(b, l->processes);
}

void limits_unpack(struct unpack *u, struct limits *l)
{
	l->cpu_us = unpack_u64(u);
	l->wall_us = unpack_u64(u);
	l->memory_bytes = unpack_u64(u);
	l->output_bytes = unpack_u64(u);
	l->file_bytes = unpack_u64(u);
	l->processes = unpack_u32(u);
}

static void pack_int(struct buf *b, int v)
{
	pack_i64(b, v);
}

static int unpack_int(struct unpack *u)
{
	return (int)unpack_i64(u);
}

/* A string that the result will own; false: no memory. */
static bool unpack_owned(struct unpack *u, char **ret)
{
	const char *s = unpack_str(u);

	*ret = mem_strdup(s);
	return !s || *ret;
}

static void unpack_word(struct unpack *u, char *to, size_t size)
{
	const char *s = unpack_str(u);

	if (s)
		(void) snprintf(to, size, "%s", s);
}

static bool unpack_buf(struct unpack *u, struct buf *b)
{
	size_t n;
	const void *p = unpack_bytes(u, &n);

	buf_init(b, SIZE_MAX);
	if (p)
		buf_add(b, p, n);
	return !b->error;
}

void judgement_pack(struct buf *b, const struct judgement *j)
{
	pack_int(b, j->verdict);
	pack_u32(b, j->flags);
	pack_int(b, j->tests_passed);
	pack_int(b, j->tests_total);
	pack_int(b, j->visible_passed);
	pack_int(b, j->visible_total);
	pack_u64(b, j->cpu_us);
	pack_u64(b, j->wall_us);
	pack_u64(b, j->memory_bytes);
	pack_u64(b, j->compile_cpu_us);
	pack_str(b, j->message);
	pack_str(b, j->compile_output);
	pack_str(b, j->refused);
	pack_str(b, j->tier);
	pack_str(b, j->toolchain);
	pack_int(b, j->exit_code);
	pack_int(b, j->signal);
	pack_u8(b, j->surveyed);
	pack_u32(b, j->traits);
}

bool judgement_unpack(struct unpack *u, struct judgement *j)
{
	bool ok;

	*j = (struct judgement){ .judging = "separate" };
	j->verdict = (enum verdict)unpack_int(u);
	j->flags = unpack_u32(u);
	j->tests_passed = unpack_int(u);
	j->tests_total = unpack_int(u);
	j->visible_passed = unpack_int(u);
	j->visible_total = unpack_int(u);
	j->cpu_us = unpack_u64(u);
	j->wall_us = unpack_u64(u);
	j->memory_bytes = unpack_u64(u);
	j->compile_cpu_us = unpack_u64(u);
	ok = unpack_owned(u, &j->message);
	ok = unpack_owned(u, &j->compile_output) && ok;
	ok = unpack_owned(u, &j->refused) && ok;
	unpack_word(u, j->tier, sizeof(j->tier));
	unpack_word(u, j->toolchain, sizeof(j->toolchain));
	j->exit_code = unpack_int(u);
	j->signal = unpack_int(u);
	j->surveyed = unpack_u8(u) != 0;
	j->traits = unpack_u32(u);
	return ok && unpack_done(u);
}

void exec_result_pack(struct buf *b, const struct exec_result *r)
{
	pack_int(b, r->verdict);
	pack_u32(b, r->flags);
	pack_int(b, r->exit_code);
	pack_int(b, r->signal);
	pack_u64(b, r->cpu_us);
	pack_u64(b, r->wall_us);
	pack_u64(b, r->memory_bytes);
	pack_bytes(b, r->out.data, r->out.len);
	pack_bytes(b, r->err.data, r->err.len);
	pack_u8(b, r->out_truncated);
	pack_u8(b, r->err_truncated);
	pack_u8(b, r->compiled);
	pack_int(b, r->compile_verdict);
	pack_int(b, r->compile_exit_code);
	pack_u64(b, r->compile_cpu_us);
	pack_u64(b, r->compile_wall_us);
	pack_bytes(b, r->compile_out.data, r->compile_out.len);
	pack_str(b, r->refused);
	pack_str(b, r->tier);
	pack_str(b, r->toolchain);
	pack_str(b, r->failure);
}

bool exec_result_unpack(struct unpack *u, struct exec_result *r)
{
	bool ok;

	*r = (struct exec_result){ 0 };
	buf_init(&r->compile_out, SIZE_MAX);
	r->verdict = (enum verdict)unpack_int(u);
	r->flags = unpack_u32(u);
	r->exit_code = unpack_int(u);
	r->signal = unpack_int(u);
	r->cpu_us = unpack_u64(u);
	r->wall_us = unpack_u64(u);
	r->memory_bytes = unpack_u64(u);
	ok = unpack_buf(u, &r->out);
	ok = unpack_buf(u, &r->err) && ok;
	r->out_truncated = unpack_u8(u) != 0;
	r->err_truncated = unpack_u8(u) != 0;
	r->compiled = unpack_u8(u) != 0;
	r->compile_verdict = (enum verdict)unpack_int(u);
	r->compile_exit_code = unpack_int(u);
	r->compile_cpu_us = unpack_u64(u);
	r->compile_wall_us = unpack_u64(u);
	ok = unpack_buf(u, &r->compile_out) && ok;
	ok = unpack_owned(u, &r->refused) && ok;
	unpack_word(u, r->tier, sizeof(r->tier));
	unpack_word(u, r->toolchain, sizeof(r->toolchain));
	unpack_word(u, r->failure, sizeof(r->failure));
	return ok && unpack_done(u);
}

void exec_result_clear(struct exec_result *r)
{
	buf_clear(&r->out);
	buf_clear(&r->err);
	buf_clear(&r->compile_out);
	mem_free(r->refused);
	r->refused = NULL;
}
