/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol.h - what the spawner and winnow-init say to each other.
 *
 * Both are of one build, so messages are plain structs.  The job (what to set
 * up and run) is a memfd: a u32 with the header's length, the header in the
 * words of core/pack.h (order: see box_job.c, which writes it, and job.c,
 * which reads it), then the bytes of the files to be placed.
 *
 * Descriptors of init at its start:
 *   0, 1, 2   stdin, stdout, stderr of the program
 *   3         the program's channel, closed where it has none
 *   4         status: SOCK_SEQPACKET to the spawner, never seen by the program
 *   5         the job
 *   6…        memfds of files, as the job numbers them
 */
#ifndef WINNOW_SANDBOX_INIT_PROTOCOL_H
#define WINNOW_SANDBOX_INIT_PROTOCOL_H

#include <stdint.h>

#define INIT_FD_CHANNEL 3
#define INIT_FD_STATUS 4
#define INIT_FD_JOB 5
#define INIT_FD_FILES 6
#define WARM_MAX_FDS 32 /* so many at most go to a warm runner (warm_library.c) */

#define INIT_PROBE_ARGUMENT "prove-the-tier"
#define INIT_PROBE_EXIT 42

#define JOB_MAGIC 0x314a4e57u /* "WNJ1" */
#define JOB_MAX_HEADER (512u << 10)
#define JOB_MAX_ARGS 1024
#define JOB_MAX_FILES 256
#define JOB_MAX_MOUNTS 64
#define JOB_MAX_RULES 64
#define JOB_MAX_LIMITS 16

/* What of the fences is to be put up; the tier decides (jail.c). */
#define JOB_NEW_ROOT 1u      /* mount namespace of our own: build a root, leave the old one */
#define JOB_PID_NAMESPACE 2u /* we are pid 1: our death is everybody's */
#define JOB_SET_IDS 4u       /* the program runs under uid and gid of the job */
#define JOB_CHANNEL 8u       /* keep descriptor 3 for the program */
#define JOB_PROC 16u         /* mount /proc in the new root */
#define JOB_LISTEN 64u       /* refused calls are told of and not killed for: the job holds two tables (enter.c) */
#define JOB_RUNNER 32u       /* a warm runner: trusted, keeps what it needs to build boxes (warm_library.c) */

enum job_mount_kind {
	JOB_MOUNT_READ_ONLY, /* bind a file or folder of the host read-only, nosuid, nodev */
	JOB_MOUNT_DEVICE,    /* bind a device node */
	JOB_MOUNT_SYMLINK    /* source is the link's text */
};

/* The constant in the system call programs that init replaces by the
 * program's own process id just before it loads them ("WNME"). */
#define SYSCALL_OWN_PID 0x454d4e57u

#define INIT_LISTEN_STEP "listen to refused calls" /* INIT_FAILED: the kernel or a container refuses it */

enum init_msg_kind {
	INIT_CHILD = 1,   /* from the program's process just before exec (its start); carries its pidfd */
	INIT_STARTED,     /* exec succeeded */
	INIT_EXEC_FAILED, /* error: errno */
	INIT_ENDED,       /* the program and all its descendants are dead; may carry the collected memfd */
	INIT_FAILED,      /* our set-up failed: step and error */
	INIT_LISTENER     /* JOB_LISTEN, before INIT_STARTED; carries the descriptor that hears of refused calls */
};
struct init_msg {
	uint32_t kind;
	int32_t error;
	int32_t status;        /* wait status of the program */
	uint32_t has_fd;
	uint64_t time_us;      /* CLOCK_MONOTONIC at the event */
	uint64_t cpu_us;       /* CHILD: used before exec; ENDED: of the whole tree */
	uint64_t memory_bytes; /* ENDED: peak resident size of its largest process */
	char step[120];
};

#endif
