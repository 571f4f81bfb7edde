/* SPDX-License-Identifier: Apache-2.0 */
/* spawner.h - what the files of the spawner process share. */
#ifndef WINNOW_SANDBOX_SPAWNER_H
#define WINNOW_SANDBOX_SPAWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "core/buf.h"
#include "core/error.h"
#include "sandbox/box.h"
#include "sandbox/jail.h"
#include "sandbox/link.h"
#include "sandbox/timer.h"

/* A descriptor in the loop.  fd -1: not watched. */
struct watch {
	int fd;
	void (*ready)(struct watch *w, uint32_t events);
	void *owner;
};

struct spawner {
	int epoll_fd, null_fd, image_fd; /* image: winnow-init */
	struct jail jail;
	struct sandbox_info info;
	struct timers timers;
	struct link link;
	struct watch link_watch;
	uint32_t link_events;
	const struct spawner_service *service;
	void *service_state;
	bool service_started, leaving;
	struct box *boxes;    /* alive */
	struct box *dead;     /* freed between two rounds of the loop */
	struct warm *warm;    /* runners (warm.c) */
	struct warm_failure *warm_failures;
	unsigned n_boxes;
	uint64_t stalled_us;  /* of rounds in which one event took so long that others had to wait */
	uint8_t slot_used[256];
	unsigned cpus;
};

int spawner_watch(struct spawner *sp, struct watch *w, int fd, uint32_t events, struct error *err);
void spawner_rewatch(struct spawner *sp, struct watch *w, uint32_t events);
void spawner_unwatch(struct spawner *sp, struct watch *w); /* closes the descriptor */
/* One round: wait for the first event or deadline, at most until_us, and serve it. */
int spawner_round(struct spawner *sp, uint64_t until_us, struct error *err);

/* The life of the forked process; does not return. */
struct spawner_start {
	const struct sandbox_options *options;
	const struct jail_way *way;
	const struct sandbox_info *so_far; /* reasons of what was tried before */
	int link_fd, peer_fd;
	pid_t parent;
};
void spawner_main(const struct spawner_start *start) __attribute__((noreturn));

void boxes_free_dead(struct spawner *sp); /* box.c */
void boxes_kill_all(struct spawner *sp);

/* peer.c: a helper process on the host's side of the fences that starts
 * trusted programs for main.  Forks; the helper does not return. */
int peer_start_helper(int peer_fd, struct error *err);
int peer_request(int peer_fd, const char *const *argv, int *ret_in_fd, int *ret_out_fd, struct error *err);

/* box_job.c: the job of a spec as a memfd, to be read by init from its start. */
int box_job_write(const struct spawner *sp, const struct box_spec *spec, unsigned slot, const char *made_home,
		  struct error *err);

/* box_listen.c: this box's refused calls will be told of. */
bool box_hears(const struct spawner *sp, const struct box_spec *spec);

/* box_watch.c: /proc shows what boxes hold, so that it can be looked at while they run. */
bool box_watch_works(void);

/* box_clone.c: start init of a box.  fds are the descriptors it gets as 0, 1, 2….
 * Returns its process id, or -1 with errno and the step that failed. */
struct box_clone {
	const int *fds;
	size_t n_fds;
	int image_fd;
	int flags;
	bool map_ids; /* in a new user namespace: map these to themselves */
	uint32_t uid, gid;
	const char *failed_step;
	int failed_errno;
	int pidfd;
};
#define BOX_CLONE_MAX_FDS (INIT_FD_FILES + JOB_MAX_FILES)
pid_t box_clone(struct box_clone *c);

/* init_image.S: the bytes of winnow-init. */
extern const uint8_t winnow_init_image[], winnow_init_image_end[];
/* The same of init/warm_library.c. */
extern const uint8_t winnow_warm_library[], winnow_warm_library_end[];

#endif
