/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.h - what fences a tier puts up, and what of the host a box may see.
 *
 * One jail a spawner: entered once at its start, then packed into every job.
 */
#ifndef WINNOW_SANDBOX_JAIL_H
#define WINNOW_SANDBOX_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "core/buf.h"
#include "core/error.h"
#include "sandbox/box.h"
#include "sandbox/init/protocol.h"
#include "sandbox/landlock.h"

/* One way to build a tier: a host may allow one and not another. */
struct jail_way {
	enum tier tier;
	bool user_namespace; /* capabilities come from a user namespace */
	bool set_ids;        /* each slot has a user id of its own, from uid_base on */
	uint32_t uid_base;
};
/* The ways worth trying for this user, strongest first.  Returns how many. */
size_t jail_ways(const struct jail_way **ret);

struct jail_mount { enum job_mount_kind kind; char *source, *target; };
struct jail {
	struct jail_way way;
	bool own_root, pid_namespace, seccomp;
	int landlock_abi; /* in force: 0 in tier none */
	struct landlock_attr handled;
	uint32_t uid, gid;       /* ours; in the user namespace where there is one */
	uint32_t first_uid;      /* of slot 0, where set_ids */
	char *stage;             /* folder on which init builds the root */
	char *scratch;           /* a folder of our own for boxes without a tmpfs */
	int scratch_fd;          /* holds its lock: nobody takes it for a leftover; where scratch is NULL: unused */
	struct jail_mount *mounts; size_t n_mounts, cap_mounts;
	struct buf programs[BOX_JUDGE + 1]; /* system call tables by phase */
	struct buf listener, heard; /* the pair of a run whose refused calls are named; made on first use */
};

/* Become the process that can start such boxes: namespaces, tables.
 * ERR_KERNEL names the step that the host refuses. */
int jail_enter(struct jail *j, const struct jail_way *way, const char *scratch_dir, struct error *err);
void jail_clear(struct jail *j);
/* Make the pair of tables above, unless it is there. */
int jail_build_listener(struct jail *j, struct error *err);

/* Flags of clone() for a box's init. */
int jail_clone_flags(const struct jail *j);
/* Ids of a slot inside its box. */
uint32_t jail_slot_uid(const struct jail *j, unsigned slot);
/* A private folder for one box where it gets no tmpfs: made, owned by the slot. */
int jail_make_home(struct jail *j, unsigned slot, char **ret, struct error *err);
void jail_remove_home(const char *home);
/* The box's private folder as its program sees it, given what jail_make_home() made or NULL. */
const char *jail_home(const struct jail *j, const char *made);

#endif
