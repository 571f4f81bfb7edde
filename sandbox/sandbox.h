/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - the main process's side of the sandbox: start the spawner, talk to it.
 *
 * The spawner is a small process, forked before anything large is loaded, that
 * owns every box, deadline and pipe (theory of operation: spawner.c).  A
 * *service*, given at start as callbacks (box.h), runs inside it; main sends it
 * requests and gets one reply each, over one stream socket.  Nothing here
 * blocks after sandbox_open() but sandbox_close().
 *
 * Call sandbox_open() before any thread is started, any library keeps locks, or
 * memory has grown: it is the only fork of the main process.
 */
#ifndef WINNOW_SANDBOX_SANDBOX_H
#define WINNOW_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/buf.h"

struct sandbox;
struct spawner_service; /* box.h */

/* What holds a candidate, strongest first (BOX-AND-JUDGE section 2). */
enum tier { TIER_NAMESPACES, TIER_UID, TIER_LANDLOCK, TIER_NONE, TIER_COUNT };
const char *tier_name(enum tier t); /* "namespaces"… */
int tier_parse(const char *name, enum tier *ret, struct error *err);

struct sandbox_options {
	unsigned slots;                        /* boxes at a time; 0: one a core that we may use */
	bool tier_given;                       /* use `tier` and no other; else the best that is proved */
	enum tier tier;
	enum tier floor;                       /* refuse (ERR_KERNEL) what is weaker; default TIER_LANDLOCK */
	const char *languages_dir;             /* NULL: language_default_dir() */
	const char *scratch_dir;               /* for tiers without tmpfs; NULL: TMPDIR or /tmp */
	const struct spawner_service *service; /* copied by the fork; NULL: only what box_* of the probe needs */
	void *service_arg;
};
#define SANDBOX_OPTIONS_INIT { .floor = TIER_LANDLOCK }

/* Fork the spawner and have it prove a tier: it builds a whole box and runs a
 * program in it.  ERR_KERNEL: no tier at or above the floor works here; the
 * message names the step that failed. */
int sandbox_open(const struct sandbox_options *opt, struct sandbox **ret, struct error *err);

/* What was proved: JSON-ready facts. */
struct sandbox_info {
	enum tier tier;
	int landlock_abi;         /* 0: none */
	bool user_namespace;      /* boxes sit in user namespaces of their own */
	bool seccomp;
	char cgroup[8];           /* "v2", "v1", "none" */
	char reason[TIER_COUNT][160]; /* why a stronger tier was not taken; "" where it was not tried or works */
	unsigned slots;
};
const struct sandbox_info *sandbox_info(const struct sandbox *s);

int sandbox_fd(const struct sandbox *s);           /* poll it; see the two below */
bool sandbox_wants_write(const struct sandbox *s); /* also poll for writing */
/* Queue a request for the service.  id is the caller's and comes back with the
 * reply; 0 is refused.  Copies the bytes.  ERR_NOMEM, ERR_CANCELLED (closed). */
int sandbox_send(struct sandbox *s, uint64_t id, const void *msg, size_t n, struct error *err);
int sandbox_cancel(struct sandbox *s, uint64_t id, struct error *err); /* no reply follows, unless it is under way */
/* Move bytes both ways, as far as goes without blocking. */
int sandbox_pump(struct sandbox *s, struct error *err);
/* 1: *ret_id and *ret_msg (borrowed until the next call) hold a reply; 0: none
 * waiting; ERR_IO: the spawner died. */
int sandbox_next(struct sandbox *s, uint64_t *ret_id, const uint8_t **ret_msg, size_t *ret_n, struct error *err);
size_t sandbox_queued_bytes(const struct sandbox *s);

/* Start a trusted helper (a `command:` policy) outside any box, as a child of
 * the spawner: its stdin and stdout come back as descriptors of ours
 * (close-on-exec, non-blocking); its stderr is ours.  It dies with the spawner.
 * Blocks for the hand-over only.  ERR_IO with the exec's errno. */
int sandbox_spawn_peer(struct sandbox *s, const char *const *argv, int *ret_in_fd, int *ret_out_fd, struct error *err);

/* Kill every box, end the spawner, wait for it.  NULL is fine. */
void sandbox_close(struct sandbox *s);

#endif
