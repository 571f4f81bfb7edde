/* SPDX-License-Identifier: Apache-2.0 */
/* box_harness.c - the test service and its caller. */
#include "box_harness.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/pack.h"

#define WAIT_US 60000000
#define BIG_FRAME 900000

static char *actor;
static size_t actor_len;
static uint64_t next_id = 1;

/* --- in the spawner --- */

struct state { struct spawner *sp; };
struct talk {
	struct spawner *sp;
	uint64_t id;
	enum run_talk kind;
	uint32_t frames;
	struct spawner_timer *timer;
	struct box *box;
};

static int service_start(struct spawner *sp, void *arg, void **ret, struct error *err)
{
	struct state *st = mem_zalloc(sizeof(*st));

	(void)arg;
	if (!st)
		return error_set(err, ERR_NOMEM, "no memory");
	st->sp = sp;
	*ret = st;
	return 0;
}

static void ask(struct talk *t, const void *p, size_t n)
{
	box_question(t->box, true);
	box_send(t->box, p, n, NULL);
}

static void on_frame(void *ctx, struct box *box, const uint8_t *frame, size_t n)
{
	static char big[BIG_FRAME];
	struct talk *t = ctx;

	(void)frame;
	t->frames++;
	box_question(box, false);
	if (t->kind == TALK_ECHO)
		ask(t, t->frames < 3 ? "hello" : "q", t->frames < 3 ? 5 : 1);
	else if (t->kind == TALK_BIG && n == sizeof(big))
		ask(t, "q", 1);
	else if (t->kind == TALK_LISTEN && t->frames >= 1000)
		box_kill(box);
}

static void on_ended(void *ctx, struct box *box, const struct box_result *r)
{
	struct talk *t = ctx;
	cleanup_buf struct buf b;
	cleanup_buf struct buf refused;
	struct stat st = { 0 };
	char *data = NULL;

	(void)box;
	spawner_timer_cancel(t->timer);
	buf_init(&b, 256 << 20);
	pack_i64(&b, 0);
	pack_u32(&b, r->end);
	pack_u32(&b, r->flags);
	pack_u32(&b, t->frames);
	pack_i64(&b, r->exit_code);
	pack_i64(&b, r->signal);
	pack_u64(&b, r->cpu_us);
	pack_u64(&b, r->wall_us);
	pack_u64(&b, r->memory_bytes);
	pack_u64(&b, r->out_total);
	pack_u64(&b, r->err_total);
	pack_bytes(&b, r->out.data, r->out.len);
	pack_bytes(&b, r->err.data, r->err.len);
	pack_str(&b, r->failure);
	buf_init(&refused, 4096);
	for (size_t i = 0; i < r->n_refused; i++)
		buf_addf(&refused, "%s%s %u", i ? ", " : "", r->refused[i].call, r->refused[i].count);
	buf_addc(&refused, '\0');
	pack_str(&b, refused.data);
	pack_u8(&b, r->collected_fd >= 0);
	if (r->collected_fd >= 0 && fstat(r->collected_fd, &st) == 0)
		data = mem_alloc((size_t)st.st_size + 1);
	if (data && pread(r->collected_fd, data, (size_t)st.st_size, 0) == st.st_size)
		pack_bytes(&b, data, (size_t)st.st_size);
	else
		pack_bytes(&b, "", 0);
	mem_free(data);
	spawner_reply(t->sp, t->id, b.data, b.len);
	mem_free(t);
}

static void later(void *ctx)
{
	struct talk *t = ctx;

	t->timer = NULL;
	if (t->kind == TALK_STALL)
		usleep(1500000);
	else if (t->kind == TALK_IDLE)
		ask(t, "q", 1);
	else
		box_kill(t->box);
}

static void reply_error(struct spawner *sp, uint64_t id, int r, const struct error *err)
{
	cleanup_buf struct buf b;

	buf_init(&b, 4096);
	pack_i64(&b, r);
	pack_str(&b, err->msg);
	spawner_reply(sp, id, b.data, b.len);
}

static void service_request(void *state, uint64_t id, const uint8_t *msg, size_t n)
{
	static const struct box_events events = { on_frame, on_ended };
	static char big[BIG_FRAME] = "B";
	struct state *st = state;
	struct box_spec spec = { 0 };
	struct box_file files[2] = { { .fd = -1 }, { .fd = -1 } };
	const char *argv[RUN_MAX_ARGS + 1] = { NULL }, *envp[RUN_MAX_ARGS + 1] = { NULL };
	const char *read_only[2] = { NULL, NULL };
	struct error err = ERROR_INIT;
	uint64_t kill_after;
	struct unpack u;
	struct talk *t = mem_zalloc(sizeof(*t));
	uint32_t count;
	int r;

	unpack_init(&u, msg, n);
	spec.phase = unpack_u32(&u);
	count = unpack_u32(&u);
	for (uint32_t i = 0; i < count; i++)
		argv[i] = unpack_str(&u);
	count = unpack_u32(&u);
	for (uint32_t i = 0; i < count && count < RUN_MAX_ARGS; i++)
		envp[i] = unpack_str(&u);
	spec.argv = argv;
	spec.envp = count < RUN_MAX_ARGS ? envp : NULL;
	count = unpack_u32(&u);
	for (uint32_t i = 0; i < count; i++) {
		files[i].name = unpack_str(&u);
		files[i].data = unpack_bytes(&u, &files[i].len);
		files[i].executable = true;
	}
	spec.files = files;
	spec.n_files = count;
	spec.stdin_data = unpack_bytes(&u, &spec.stdin_len);
	spec.collect = unpack_str(&u);
	spec.collect_max = 16 << 20;
	read_only[0] = unpack_str(&u);
	spec.read_only = read_only[0] ? read_only : NULL;
	spec.cpu_us = unpack_u64(&u);
	spec.wall_us = unpack_u64(&u);
	spec.memory_bytes = unpack_u64(&u);
	spec.output_bytes = unpack_u64(&u);
	spec.stdout_keep = spec.stderr_keep = unpack_u64(&u);
	spec.file_bytes = unpack_u64(&u);
	spec.output_ends = !unpack_u8(&u);
	spec.memory = unpack_u32(&u);
	spec.processes = unpack_u32(&u);
	t->kind = unpack_u32(&u);
	spec.channel = t->kind != TALK_NONE;
	spec.wall_counts_questions = unpack_u8(&u);
	spec.needs_proc = unpack_u8(&u);
	spec.name_refused = unpack_u8(&u);
	kill_after = unpack_u64(&u);
	t->sp = st->sp;
	t->id = id;
	r = unpack_done(&u) ? box_start(st->sp, &spec, &events, t, &t->box, &err) : ERR_INTERNAL;
	if (r < 0) {
		reply_error(st->sp, id, r, &err);
		mem_free(t);
		return;
	}
	if (kill_after || t->kind == TALK_IDLE)
		t->timer = spawner_timer_start(st->sp, kill_after ? kill_after : 1000000, later, t);
	if (t->kind == TALK_ECHO)
		ask(t, "hello", 5);
	else if (t->kind == TALK_BIG)
		ask(t, big, sizeof(big));
	else if (t->kind == TALK_SILENT)
		ask(t, "s", 1);
}

static void service_stop(void *state)
{
	mem_free(state);
}

/* --- in the test --- */

static const struct spawner_service service = { service_start, service_request, NULL, service_stop };

int harness_open(enum tier tier, struct sandbox **ret, struct error *err)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;

	o.tier_given = true;
	o.tier = tier;
	o.floor = TIER_NONE;
	o.service = &service;
	return sandbox_open(&o, ret, err);
}

int harness_send(struct sandbox *s, uint64_t id, const struct run *run)
{
	cleanup_buf struct buf b;
	bool place_actor = actor && !run->no_actor;
	uint32_t n = 0;

	buf_init(&b, 256 << 20);
	pack_u32(&b, run->phase);
	while (run->argv[n])
		n++;
	pack_u32(&b, n);
	for (uint32_t i = 0; i < n; i++)
		pack_str(&b, run->argv[i]);
	for (n = 0; run->envp && run->envp[n];)
		n++;
	pack_u32(&b, run->envp ? n : RUN_MAX_ARGS);
	for (uint32_t i = 0; run->envp && i < n; i++)
		pack_str(&b, run->envp[i]);
	pack_u32(&b, (uint32_t)place_actor + (run->file_name != NULL));
	if (place_actor) {
		pack_str(&b, "actor");
		pack_bytes(&b, actor, actor_len);
	}
	if (run->file_name) {
		pack_str(&b, run->file_name);
		pack_bytes(&b, run->file, run->file_len);
	}
	pack_bytes(&b, run->input ? run->input : "", run->input_len);
	pack_str(&b, run->collect);
	pack_str(&b, run->read_only);
	pack_u64(&b, run->cpu_us ? run->cpu_us : 5000000);
	pack_u64(&b, run->wall_us ? run->wall_us : 20000000);
	pack_u64(&b, run->memory_bytes ? run->memory_bytes : UINT64_C(256) << 20);
	pack_u64(&b, run->output_bytes ? run->output_bytes : UINT64_C(4) << 20);
	pack_u64(&b, run->keep ? run->keep : UINT64_C(4) << 20);
	pack_u64(&b, run->file_bytes ? run->file_bytes : UINT64_C(16) << 20);
	pack_u8(&b, run->output_drops);
	pack_u32(&b, run->memory);
	pack_u32(&b, run->processes ? run->processes : 16);
	pack_u32(&b, run->talk);
	pack_u8(&b, run->counts_questions);
	pack_u8(&b, run->needs_proc);
	pack_u8(&b, run->name_refused);
	pack_u64(&b, run->kill_after_us);
	return sandbox_send(s, id, b.data, b.len, NULL);
}

int harness_wait(struct sandbox *s, uint64_t *ret_id, struct ran *ret)
{
	uint64_t deadline = clock_now_us() + WAIT_US;
	const uint8_t *p;
	struct unpack u;
	const void *bytes;
	size_t n;
	int r;

	memset(ret, 0, sizeof(*ret));
	while ((r = sandbox_next(s, ret_id, &p, &n, NULL)) == 0) {
		struct pollfd f = { .fd = sandbox_fd(s), .events = POLLIN };

		if (sandbox_wants_write(s))
			f.events |= POLLOUT;
		if (clock_now_us() > deadline || (poll(&f, 1, 1000) < 0 && errno != EINTR))
			return ERR_IO;
		if (sandbox_pump(s, NULL) < 0)
			return ERR_IO;
	}
	if (r < 0)
		return r;
	unpack_init(&u, p, n);
	ret->start_error = (int)unpack_i64(&u);
	if (ret->start_error) {
		ret->failure = mem_strdup(unpack_str(&u));
		return 0;
	}
	ret->end = unpack_u32(&u);
	ret->flags = unpack_u32(&u);
	ret->frames = unpack_u32(&u);
	ret->exit_code = (int)unpack_i64(&u);
	ret->signal = (int)unpack_i64(&u);
	ret->cpu_us = unpack_u64(&u);
	ret->wall_us = unpack_u64(&u);
	ret->memory_bytes = unpack_u64(&u);
	ret->out_total = unpack_u64(&u);
	ret->err_total = unpack_u64(&u);
	bytes = unpack_bytes(&u, &ret->out_len);
	ret->out = mem_memdup(bytes, ret->out_len);
	bytes = unpack_bytes(&u, &n);
	ret->err = mem_memdup(bytes, n);
	ret->failure = mem_strdup(unpack_str(&u));
	ret->refused = mem_strdup(unpack_str(&u));
	ret->has_collected = unpack_u8(&u);
	bytes = unpack_bytes(&u, &ret->collected_len);
	ret->collected = mem_memdup(bytes, ret->collected_len);
	return unpack_done(&u) ? 0 : ERR_INTERNAL;
}

int harness_run(struct sandbox *s, const struct run *run, struct ran *ret)
{
	uint64_t id = next_id++, got;
	int r = harness_send(s, id, run);

	if (r == 0)
		r = harness_wait(s, &got, ret);
	return r < 0 ? r : got == id ? 0 : ERR_INTERNAL;
}

int harness_compile_actor(struct sandbox *s, struct ran *ret)
{
	cleanup_buf struct buf source;
	struct run run = { .phase = BOX_COMPILE,
			   .argv = { "/usr/bin/gcc", "-O1", "-pthread", "-w", "-o", "actor", "actor.c" },
			   .file_name = "actor.c",
			   .collect = "actor",
			   .cpu_us = 60000000,
			   .wall_us = 120000000,
			   .memory_bytes = UINT64_C(2) << 30,
			   .processes = 32,
			   .output_drops = true,
			   .no_actor = true };
	int r;

	buf_init(&source, 1 << 20);
	r = fs_read_file("tests/conformance/box/actor.c", &source, NULL);
	if (r < 0)
		return r;
	run.file = source.data;
	run.file_len = source.len;
	r = harness_run(s, &run, ret);
	if (r == 0 && ret->has_collected) {
		mem_free(actor);
		actor = mem_memdup(ret->collected, ret->collected_len);
		actor_len = ret->collected_len;
	}
	return r;
}

const void *harness_actor(size_t *ret_len)
{
	*ret_len = actor_len;
	return actor;
}

void ran_clear(struct ran *r)
{
	mem_free(r->out);
	mem_free(r->err);
	mem_free(r->failure);
	mem_free(r->refused);
	mem_free(r->collected);
	memset(r, 0, sizeof(*r));
}
