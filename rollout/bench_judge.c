/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_judge.c - candidates judged a second, in Python by calls and in C by stdio.
 *
 * Every program is another text, so that nothing judged before can be reused.
 * The baselines are what the language costs with no judging at all: a bare start
 * of the interpreter, a bare run of the compiler over the same program.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "filters/judge.h"
#include "rollout/bench.h"
#include "sandbox/spawnfloor.h"

#define PARALLEL_MAX 16

/* clang-format off */
static const char python_task[] =
	"{\"task_id\":\"bench/python\",\"prompt\":\"Return the sum of the squares of the numbers.\",\"entry_point\":\"sum_squares\","
	"\"signature\":{\"params\":[{\"name\":\"xs\",\"type\":\"list<int>\"}],\"returns\":\"int\"},"
	"\"tests\":{\"kind\":\"calls\",\"cases\":[{\"args\":[[]],\"expect\":0},{\"args\":[[1]],\"expect\":1},"
	"{\"args\":[[1,2,3]],\"expect\":14},{\"args\":[[-4,4]],\"expect\":32},{\"args\":[[10,0,10]],\"expect\":200},"
	"{\"args\":[[1,1,1,1,1,1]],\"expect\":6},{\"args\":[[100000]],\"expect\":10000000000},{\"args\":[[7,-7,7]],\"expect\":147}]}}";
static const char python_program[] =
	"def sum_squares(xs):\n"
	"    variant = %llu\n"
	"    total = 0\n"
	"    for x in xs:\n"
	"        total += x * x\n"
	"    return total\n";
static const char c_task[] =
	"{\"task_id\":\"bench/c\",\"prompt\":\"Read n and n numbers; print the sum of their squares.\","
	"\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in\":\"0\\n\",\"out\":\"0\\n\"},{\"in\":\"3\\n1 2 3\\n\",\"out\":\"14\\n\"},"
	"{\"in\":\"2\\n-4 4\\n\",\"out\":\"32\\n\"}]}}";
static const char c_program[] =
	"#include <stdio.h>\n"
	"enum { VARIANT = %llu };\n"
	"int main(void)\n"
	"{\n"
	"\tint n;\n"
	"\tlong long x, total = 0;\n"
	"\tif (scanf(\"%%d\", &n) != 1)\n"
	"\t\treturn 1;\n"
	"\twhile (n-- > 0 && scanf(\"%%lld\", &x) == 1)\n"
	"\t\ttotal += x * x;\n"
	"\tprintf(\"%%lld\\n\", total);\n"
	"\treturn 0;\n"
	"}\n";
/* clang-format on */

struct bench_judge {
	struct judge *judge;
	const struct language_set *languages; /* borrowed */
	struct task *python_task, *c_task;
	uint64_t serial;                      /* of the next program */
	char *dirs[PARALLEL_MAX];             /* where the bare compiler works */
	unsigned n_dirs;
	char *root;                           /* of dirs */
};

static int parse(const char *text, struct task **ret, struct error *err)
{
	json_t *native;
	int r = json_parse(text, strlen(text), &native, err);

	return r < 0 ? r : task_parse(native, ret, err);
}

static void remove_dirs(struct bench_judge *b)
{
	for (unsigned i = 0; i < b->n_dirs; i++)
		mem_free(b->dirs[i]);
	b->n_dirs = 0;
	if (b->root)
		(void) fs_remove_tree(b->root, NULL);
	mem_free(b->root);
	b->root = NULL;
}

static int make_dirs(struct bench_judge *b, unsigned n, struct error *err)
{
	const char *tmp = getenv("TMPDIR");
	char program[2048];
	int r = 0;

	b->root = mem_printf("%s/winnow-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!b->root)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (!mkdtemp(b->root)) {
		r = error_set_errno(err, ERR_IO, "cannot make a folder '%s'", b->root);
		mem_free(b->root);
		b->root = NULL;
		return r;
	}
	(void) snprintf(program, sizeof(program), c_program, 0ULL);
	while (r == 0 && b->n_dirs < n) {
		char *dir = b->dirs[b->n_dirs] = mem_printf("%s/%u", b->root, b->n_dirs);
		cleanup_mem char *source = dir ? mem_printf("%s/main.c", dir) : NULL;

		b->n_dirs++;
		if (!source)
			r = error_set(err, ERR_NOMEM, "out of memory");
		if (r == 0)
			r = fs_mkdir_all(dir, err);
		if (r == 0)
			r = fs_write_file(source, program, strlen(program), err);
	}
	return r;
}

int bench_judge_open(const struct sandbox_options *opt, const struct language_set *languages, unsigned slots,
		     struct bench_judge **ret, struct error *err)
{
	struct judge_options jo = { .sandbox = *opt, .languages = languages };
	struct bench_judge *b = mem_zalloc(sizeof(*b));
	int r;

	assert(slots >= 1 && slots <= PARALLEL_MAX);
	if (!b)
		return error_set(err, ERR_NOMEM, "out of memory");
	jo.sandbox.slots = slots;
	b->languages = languages;
	r = judge_open(&jo, &b->judge, err);
	if (r == 0)
		r = parse(python_task, &b->python_task, err);
	if (r == 0)
		r = parse(c_task, &b->c_task, err);
	if (r == 0)
		r = make_dirs(b, slots, err);
	if (r < 0) {
		bench_judge_close(b);
		return r;
	}
	*ret = b;
	return 0;
}

void bench_judge_close(struct bench_judge *b)
{
	if (!b)
		return;
	judge_close(b->judge);
	task_free(b->python_task);
	task_free(b->c_task);
	remove_dirs(b);
	mem_free(b);
}

/* --- judged candidates --- */

struct slice {
	uint64_t done;
	struct error err; /* a program was not accepted: the benchmark is broken */
};

static void judged(void *ctx, uint64_t id, struct judgement *j)
{
	struct slice *s = ctx;

	(void) id;
	s->done++;
	if (j->verdict != VERDICT_ACCEPTED && s->err.code == 0)
		(void) error_set(&s->err, ERR_IO, "an honest program got '%s' (%s)", verdict_name(j->verdict),
				 j->message ? j->message : j->compile_output ? j->compile_output : "no reason given");
}

static int submit(struct bench_judge *b, const struct task *task, const char *language, const char *program,
		  struct slice *s, struct error *err)
{
	static const struct limits none;
	const struct judge_request req = {
		.task = task,
		.language = language,
		.program = program,
		.program_len = strlen(program),
		.limits = limits_merge(&task->limits, &none),
	};
	uint64_t id;

	return judge_submit(b->judge, &req, judged, s, &id, err);
}

static int next_program(struct bench_judge *b, const struct task *task, struct slice *s, struct error *err)
{
	unsigned long long serial = ++b->serial;
	char text[2048];

	if (task == b->python_task) {
		(void) snprintf(text, sizeof(text), python_program, serial);
		return submit(b, task, "python", text, s, err);
	}
	(void) snprintf(text, sizeof(text), c_program, serial % 2000000000);
	return submit(b, task, "c", text, s, err);
}

static int measure(struct bench_judge *b, const struct task *task, unsigned parallel, uint64_t slice_us,
		   double *ret_per_s, struct error *err)
{
	struct slice s = { .err = ERROR_INIT };
	uint64_t submitted = 0, began = clock_now_us(), us;
	int r = 0;

	/* One more than there are boxes is always waiting, so that none is idle. */
	for (;;) {
		bool more = submitted == 0 || clock_now_us() - began < slice_us;

		while (r >= 0 && s.err.code == 0 && more && submitted - s.done < 2 * (uint64_t)parallel) {
			r = next_program(b, task, &s, err);
			submitted++;
		}
		if (r < 0 || s.done >= submitted)
			break;
		r = judge_wait(b->judge, 1000000, err);
	}
	us = clock_now_us() - began;
	if (r >= 0 && s.err.code) {
		if (err)
			*err = s.err;
		r = s.err.code;
	}
	if (r < 0)
		return r;
	*ret_per_s = (double)s.done * 1e6 / (double)(us ? us : 1);
	return 0;
}

static int measure_python(void *ctx, unsigned parallel, uint64_t slice_us, double *ret_per_s, struct error *err)
{
	struct bench_judge *b = ctx;

	return measure(b, b->python_task, parallel, slice_us, ret_per_s, err);
}

static int measure_c(void *ctx, unsigned parallel, uint64_t slice_us, double *ret_per_s, struct error *err)
{
	struct bench_judge *b = ctx;

	return measure(b, b->c_task, parallel, slice_us, ret_per_s, err);
}

/* --- baselines --- */

static int floor_of(const char *const *argv, const char *const *dirs, unsigned parallel, uint64_t slice_us,
		    double *ret_per_s, struct error *err)
{
	uint64_t runs, us;
	int r = spawnfloor_run(argv, dirs, parallel, slice_us, &runs, &us, err);

	if (r == 0)
		*ret_per_s = (double)runs * 1e6 / (double)(us ? us : 1);
	return r;
}

static int measure_bare_python(void *ctx, unsigned parallel, uint64_t slice_us, double *ret_per_s, struct error *err)
{
	static const char *const argv[] = { "/usr/bin/python3", "-c", "pass", NULL };

	(void) ctx;
	return floor_of(argv, NULL, parallel, slice_us, ret_per_s, err);
}

/* The recipe's own compiler and options, over a program of the same text. */
static int measure_bare_gcc(void *ctx, unsigned parallel, uint64_t slice_us, double *ret_per_s, struct error *err)
{
	struct bench_judge *b = ctx;
	const struct language *c = language_find(b->languages, "c");

	if (!c || !c->compile_argv)
		return error_set(err, ERR_INPUT, "there is no recipe of the language 'c'");
	return floor_of((const char *const *)c->compile_argv, (const char *const *)b->dirs, parallel, slice_us,
			ret_per_s, err);
}

struct bench_pair bench_judge_python_pair(struct bench_judge *b)
{
	return (struct bench_pair){ .name = "python judged",
				    .baseline = "bare python3 start",
				    .measure = measure_python,
				    .measure_baseline = measure_bare_python,
				    .ctx = b };
}

struct bench_pair bench_judge_c_pair(struct bench_judge *b)
{
	return (struct bench_pair){ .name = "c judged",
				    .baseline = "bare gcc run",
				    .measure = measure_c,
				    .measure_baseline = measure_bare_gcc,
				    .ctx = b };
}
