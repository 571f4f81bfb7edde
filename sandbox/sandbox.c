/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - main's side: fork a spawner for each way to build a box until one is proved. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/pack.h"
#include "core/str.h"
#include "sandbox/jail.h"
#include "sandbox/link.h"
#include "sandbox/spawner.h"

#define PROOF_MS 60000 /* a whole proof, on a machine under load */
#define CLOSE_US 5000000

struct sandbox {
	pid_t pid;
	int peer_fd;
	struct link link;
	struct sandbox_info info;
	char *scratch; /* the spawner's; removed by us should it be killed */
};

static const char *const tier_names[] = { "namespaces", "uid", "landlock", "none" };
_Static_assert(sizeof(tier_names) / sizeof(*tier_names) == TIER_COUNT, "a name for each tier");

const char *tier_name(enum tier t)
{
	return (unsigned)t < TIER_COUNT ? tier_names[t] : "unknown";
}

int tier_parse(const char *name, enum tier *ret, struct error *err)
{
	for (unsigned t = 0; t < TIER_COUNT; t++)
		if (str_eq(name, tier_names[t])) {
			*ret = (enum tier)t;
			return 0;
		}
	return error_set(err, ERR_INPUT, "'%s' is no isolation tier; there are namespaces, uid, landlock, none", name);
}

static void reap(struct sandbox *s)
{
	while (s->pid > 0 && waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	if (s->scratch && fs_exists(s->scratch))
		fs_remove_tree(s->scratch, NULL);
}

static void kill_and_reap(struct sandbox *s)
{
	if (s->pid > 0)
		kill(s->pid, SIGKILL);
	reap(s);
}

static int start_process(struct sandbox *s, const struct sandbox_options *o, const struct jail_way *way,
			 struct error *err)
{
	struct spawner_start start = { .options = o, .way = way, .so_far = &s->info, .parent = getpid() };
	int link[2], peer[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0)
		return error_set_errno(err, ERR_IO, "cannot make the spawner's socket");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peer) < 0) {
		close(link[0]);
		close(link[1]);
		return error_set_errno(err, ERR_IO, "cannot make the spawner's socket");
	}
	s->pid = fork();
	if (s->pid == 0) {
		close(link[0]);
		close(peer[0]);
		start.link_fd = link[1];
		start.peer_fd = peer[1];
		spawner_main(&start);
	}
	close(link[1]);
	close(peer[1]);
	link_init(&s->link, link[0]);
	s->peer_fd = peer[0];
	if (s->pid < 0)
		return error_set_errno(err, ERR_IO, "cannot fork the spawner");
	return 0;
}

/* Wait for the first message.  0: proved; ERR_KERNEL: refused, err says why;
 * else the service's own failure or ours. */
static int await_proof(struct sandbox *s, bool *ret_refused, struct error *err)
{
	uint64_t deadline = clock_now_us() + (uint64_t)PROOF_MS * 1000;
	enum link_kind kind;
	const uint8_t *p;
	uint64_t id;
	size_t n;
	struct unpack u;
	const char *text;
	const void *info;
	int code;

	*ret_refused = false;
	while (!link_next(&s->link, &kind, &id, &p, &n)) {
		struct pollfd f = { .fd = s->link.fd, .events = POLLIN };
		uint64_t now = clock_now_us();
		int r = now < deadline ? poll(&f, 1, (int)((deadline - now) / 1000) + 1) : 0;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			*ret_refused = true;
			return error_set(err, ERR_KERNEL, "no answer from the spawner within %d s", PROOF_MS / 1000);
		}
		if (link_fill(&s->link, err) < 0 && s->link.in.len - s->link.in_done < 13) {
			*ret_refused = true;
			return error_set(err, ERR_KERNEL, "the spawner died while proving it");
		}
	}
	unpack_init(&u, p, n);
	switch (kind) {
	case LINK_READY:
		info = unpack_bytes(&u, &n);
		text = unpack_str(&u);
		if (u.bad || n != sizeof(s->info))
			return error_set(err, ERR_INTERNAL, "the spawner's report cannot be read");
		memcpy(&s->info, info, sizeof(s->info));
		s->scratch = mem_strdup(text);
		return 0;
	case LINK_BROKEN:
		code = (int)unpack_u32(&u);
		text = unpack_str(&u);
		return error_set(err, code, "%s", text ? text : "the spawner's service could not start");
	case LINK_REFUSED:
		*ret_refused = true;
		return error_set(err, ERR_KERNEL, "%.*s", (int)n, (const char *)p);
	default:
		return error_set(err, ERR_INTERNAL, "the spawner said something unknown");
	}
}

static bool worth_trying(const struct sandbox_options *o, const struct jail_way *way)
{
	if (o->tier_given)
		return way->tier == o->tier;
	/* Without a fence only by name. */
	return way->tier <= o->floor && way->tier != TIER_NONE;
}

static int refuse(const struct sandbox *s, const struct sandbox_options *o, bool tried, struct error *err)
{
	char why[400] = "";
	size_t at = 0;

	for (unsigned t = 0; t < TIER_COUNT; t++)
		if (s->info.reason[t][0] && at < sizeof(why))
			at += (size_t)snprintf(why + at, sizeof(why) - at, "; %s: %s", tier_names[t], s->info.reason[t]);
	if (o->tier_given && !tried)
		return error_set(err, ERR_KERNEL, "isolation tier '%s' is not for this user", tier_name(o->tier));
	return error_set(err, ERR_KERNEL, "no isolation tier at or above '%s' works here%s",
			 tier_name(o->tier_given ? o->tier : o->floor), why);
}

int sandbox_open(const struct sandbox_options *o, struct sandbox **ret, struct error *err)
{
	const struct jail_way *ways;
	size_t n = jail_ways(&ways);
	struct sandbox *s;
	bool tried = false;

	if (o->tier_given && o->tier > o->floor)
		return error_set(err, ERR_KERNEL, "isolation tier '%s' is weaker than the floor '%s'",
				 tier_name(o->tier), tier_name(o->floor));
	s = mem_zalloc(sizeof(*s));
	if (!s)
		return error_set(err, ERR_NOMEM, "no memory for the sandbox");
	snprintf(s->info.cgroup, sizeof(s->info.cgroup), "none");
	for (size_t i = 0; i < n; i++) {
		struct error why = ERROR_INIT;
		bool refused = false;
		int r;

		if (!worth_trying(o, &ways[i]))
			continue;
		tried = true;
		r = start_process(s, o, &ways[i], &why);
		if (r == 0)
			r = await_proof(s, &refused, &why);
		if (r == 0) {
			*ret = s;
			return 0;
		}
		kill_and_reap(s);
		link_clear(&s->link);
		close(s->peer_fd);
		if (!refused) {
			if (err)
				*err = why;
			mem_free(s);
			return r;
		}
		/* The first way is the fullest: its reason tells most. */
		if (!s->info.reason[ways[i].tier][0])
			snprintf(s->info.reason[ways[i].tier], sizeof(s->info.reason[0]), "%.159s", why.msg);
	}
	refuse(s, o, tried, err);
	mem_free(s);
	return ERR_KERNEL;
}

const struct sandbox_info *sandbox_info(const struct sandbox *s)
{
	return &s->info;
}

int sandbox_fd(const struct sandbox *s)
{
	return s->link.fd;
}

bool sandbox_wants_write(const struct sandbox *s)
{
	return link_wants_write(&s->link);
}

int sandbox_send(struct sandbox *s, uint64_t id, const void *msg, size_t n, struct error *err)
{
	if (id == 0)
		return error_set(err, ERR_INPUT, "request id 0 is not allowed");
	return link_send(&s->link, LINK_REQUEST, id, msg, n, err);
}

int sandbox_cancel(struct sandbox *s, uint64_t id, struct error *err)
{
	return link_send(&s->link, LINK_CANCEL, id, NULL, 0, err);
}

int sandbox_pump(struct sandbox *s, struct error *err)
{
	int r = link_flush(&s->link, err);

	if (r == 0)
		r = link_fill(&s->link, err);
	/* What came before the hang-up is still to be handed out; then
	 * sandbox_next() says it. */
	return r < 0 && s->link.in.len > s->link.in_done ? 0 : r;
}

int sandbox_next(struct sandbox *s, uint64_t *ret_id, const uint8_t **ret_msg, size_t *ret_n, struct error *err)
{
	enum link_kind kind;

	while (link_next(&s->link, &kind, ret_id, ret_msg, ret_n))
		if (kind == LINK_REPLY)
			return 1;
	if (s->link.hung_up)
		return error_set(err, ERR_IO, "the spawner died");
	return 0;
}

size_t sandbox_queued_bytes(const struct sandbox *s)
{
	return link_queued_bytes(&s->link);
}

int sandbox_spawn_peer(struct sandbox *s, const char *const *argv, int *ret_in_fd, int *ret_out_fd, struct error *err)
{
	return peer_request(s->peer_fd, argv, ret_in_fd, ret_out_fd, err);
}

void sandbox_close(struct sandbox *s)
{
	uint64_t deadline;

	if (!s)
		return;
	link_clear(&s->link); /* the hang-up tells it to end */
	close(s->peer_fd);
	deadline = clock_now_us() + CLOSE_US;
	while (s->pid > 0 && clock_now_us() < deadline) {
		struct timespec t = { 0, 1000000 };
		pid_t pid = waitpid(s->pid, NULL, WNOHANG);

		if (pid == s->pid || (pid < 0 && errno == ECHILD))
			s->pid = 0;
		else
			nanosleep(&t, NULL);
	}
	kill_and_reap(s);
	mem_free(s->scratch);
	mem_free(s);
}
