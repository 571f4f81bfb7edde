/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_box.c - one-shot boxes a second.
 *
 * Theory of operation: a service of our own runs in the spawner.  Main sends it
 * {parallel, slice_us}; the service keeps so many boxes of /bin/true under way
 * until the slice is over and every box has ended, then replies {runs, us} or
 * why a box failed.  So what is timed is the box alone, without the way between
 * main and spawner.
 */
#include <assert.h>
#include <poll.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/pack.h"
#include "rollout/bench.h"
#include "sandbox/box.h"
#include "sandbox/spawnfloor.h"

static const char true_path[] = "/usr/bin/true";

/* --- in the spawner --- */

struct service {
	struct spawner *sp;
	uint64_t id;          /* of the request under way */
	uint64_t began, slice_us, runs;
	unsigned active;
	struct error err;     /* the first failure */
};

static void box_ended(void *ctx, struct box *box, const struct box_result *result);
static const struct box_events box_events = { .ended = box_ended };

static int start_box(struct service *s)
{
	static const char *const argv[] = { true_path, NULL };
	static const char *const shown[] = { true_path, NULL };
	const struct box_spec spec = {
		.phase = BOX_RUN,
		.argv = argv,
		.read_only = shown,
		.cpu_us = 1000000,
		.wall_us = 10000000,
		.memory_bytes = UINT64_C(64) << 20,
		.output_bytes = 65536,
		.stdout_keep = 256,
		.stderr_keep = 256,
		.output_ends = true,
		.file_bytes = UINT64_C(1) << 20,
		.processes = 8,
	};
	struct box *box;
	int r = box_start(s->sp, &spec, &box_events, s, &box, &s->err);

	if (r == 0)
		s->active++;
	return r;
}

static void answer(struct service *s)
{
	cleanup_buf struct buf reply = { 0 };

	buf_init(&reply, 4096);
	pack_u64(&reply, s->runs);
	pack_u64(&reply, clock_now_us() - s->began);
	pack_bytes(&reply, s->err.msg, strlen(s->err.msg));
	(void) spawner_reply(s->sp, s->id, reply.data, reply.len);
	s->id = 0;
}

static void box_ended(void *ctx, struct box *box, const struct box_result *result)
{
	struct service *s = ctx;

	(void) box;
	s->active--;
	s->runs++;
	if (s->err.code == 0 && (result->end != BOX_EXITED || result->exit_code != 0))
		(void) error_set(&s->err, ERR_IO, "'%s' in a box: end %d, status %d %s %.*s", true_path, (int)result->end,
				 result->exit_code, result->failure, (int)result->err.len, result->err.data);
	if (s->err.code == 0 && clock_now_us() - s->began < s->slice_us && start_box(s) == 0)
		return;
	if (s->active == 0)
		answer(s);
}

static int service_start(struct spawner *sp, void *arg, void **ret, struct error *err)
{
	struct service *s = mem_zalloc(sizeof(*s));

	(void) arg;
	if (!s)
		return error_set(err, ERR_NOMEM, "out of memory");
	s->sp = sp;
	*ret = s;
	return 0;
}

static void service_request(void *state, uint64_t id, const uint8_t *msg, size_t n)
{
	struct service *s = state;
	struct unpack u;
	uint64_t parallel;

	unpack_init(&u, msg, n);
	parallel = unpack_u64(&u);
	s->slice_us = unpack_u64(&u);
	s->id = id;
	s->runs = 0;
	s->active = 0;
	s->err = (struct error)ERROR_INIT;
	s->began = clock_now_us();
	for (uint64_t i = 0; i < parallel && s->err.code == 0; i++)
		(void) start_box(s);
	if (s->active == 0)
		answer(s);
}

static void service_cancel(void *state, uint64_t id)
{
	(void) state;
	(void) id; /* main waits for every answer */
}

static void service_stop(void *state)
{
	mem_free(state);
}

static const struct spawner_service service = {
	.start = service_start,
	.request = service_request,
	.cancel = service_cancel,
	.stop = service_stop,
};

/* --- in main --- */

struct bench_box {
	struct sandbox *sandbox;
	uint64_t next_id;
};

int bench_box_open(const struct sandbox_options *opt, unsigned slots, struct bench_box **ret, struct error *err)
{
	struct sandbox_options mine = *opt;
	struct bench_box *b = mem_zalloc(sizeof(*b));
	int r;

	if (!b)
		return error_set(err, ERR_NOMEM, "out of memory");
	mine.slots = slots;
	mine.service = &service;
	b->next_id = 1;
	r = sandbox_open(&mine, &b->sandbox, err);
	if (r < 0) {
		mem_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void bench_box_close(struct bench_box *b)
{
	if (!b)
		return;
	sandbox_close(b->sandbox);
	mem_free(b);
}

const struct sandbox_info *bench_box_info(const struct bench_box *b)
{
	return sandbox_info(b->sandbox);
}

/* Wait for the reply of the one request under way. */
static int wait_reply(struct bench_box *b, uint64_t id, const uint8_t **ret_msg, size_t *ret_n, struct error *err)
{
	for (;;) {
		struct pollfd p = { .fd = sandbox_fd(b->sandbox), .events = POLLIN };
		uint64_t got = 0;
		int r = sandbox_pump(b->sandbox, err);

		if (r == 0)
			r = sandbox_next(b->sandbox, &got, ret_msg, ret_n, err);
		if (r < 0)
			return r;
		if (r == 1 && got == id)
			return 0;
		if (r == 1)
			continue;
		if (sandbox_wants_write(b->sandbox))
			p.events |= POLLOUT;
		(void) poll(&p, 1, 1000);
	}
}

static int measure(void *ctx, unsigned parallel, uint64_t slice_us, double *ret_per_s, struct error *err)
{
	struct bench_box *b = ctx;
	cleanup_buf struct buf request = { 0 };
	uint64_t id = b->next_id++, runs, us;
	const uint8_t *msg = NULL, *words;
	size_t n = 0, n_words = 0;
	struct unpack u;
	int r;

	buf_init(&request, 64);
	pack_u64(&request, parallel);
	pack_u64(&request, slice_us);
	r = sandbox_send(b->sandbox, id, request.data, request.len, err);
	if (r == 0)
		r = wait_reply(b, id, &msg, &n, err);
	if (r < 0)
		return r;
	unpack_init(&u, msg, n);
	runs = unpack_u64(&u);
	us = unpack_u64(&u);
	words = unpack_bytes(&u, &n_words);
	if (n_words)
		return error_set(err, ERR_IO, "%.*s", (int)n_words, (const char *)words);
	*ret_per_s = (double)runs * 1e6 / (double)(us ? us : 1);
	return 0;
}

static int measure_floor(void *ctx, unsigned parallel, uint64_t slice_us, double *ret_per_s, struct error *err)
{
	static const char *const argv[] = { true_path, NULL };
	uint64_t runs, us;
	int r = spawnfloor_run(argv, NULL, parallel, slice_us, &runs, &us, err);

	(void) ctx;
	if (r == 0)
		*ret_per_s = (double)runs * 1e6 / (double)(us ? us : 1);
	return r;
}

struct bench_pair bench_box_pair(struct bench_box *b)
{
	return (struct bench_pair){ .name = "one-shot box",
				    .baseline = "vfork and exec",
				    .measure = measure,
				    .measure_baseline = measure_floor,
				    .ctx = b };
}
