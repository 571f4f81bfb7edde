/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_internal.h - what the kinds of policy share: the table of operations.
 *
 * Each kind embeds struct policy as its first member and gives a policy_ops.
 * Invariants that every kind keeps:
 *   1. No callback is made from within policy_request(), policy_drain() or
 *      policy_close(): completions come from the loop only.
 *   2. An index that was asked gets exactly one callback, or none after on_dead
 *      or a drain that dropped it.
 *   3. on_dead is called once at most, and nothing is called after it.
 */
#ifndef WINNOW_POLICY_POLICY_INTERNAL_H
#define WINNOW_POLICY_POLICY_INTERNAL_H

#include "policy/policy.h"

struct policy_ops {
	const char *kind;
	bool bare;                 /* "kind" alone is a whole spec */
	/* rest is the spec after "kind:".  *ret is set on success only. */
	int (*open)(const struct policy_options *opt, const char *rest, struct loop *loop,
		    struct policy **ret, struct error *err);
	int (*request)(struct policy *p, const struct policy_request *req, struct error *err);
	unsigned (*room)(const struct policy *p);
	void (*drain)(struct policy *p, uint64_t grace_us);
	void (*close)(struct policy *p); /* frees p itself, but not name and version */
};

struct policy {
	const struct policy_ops *ops;
	struct loop *loop;
	policy_completion_fn *on_completion;
	policy_dead_fn *on_dead;
	void *ctx;
	char *name;
	char *version;
	bool dead;
	bool draining;
	struct policy_stats stats;
};

extern const struct policy_ops policy_replay_ops;
extern const struct policy_ops policy_openai_ops;
extern const struct policy_ops policy_command_ops;
extern const struct policy_ops policy_grammar_ops;

/* Tell the owner, once. */
void policy_die(struct policy *p, const struct error *why);
/* Hand a completion on, counting failures. */
void policy_deliver(struct policy *p, const struct policy_completion *c);

/* A copy of a NULL-terminated list, NULL where it is empty; str_list_free() it. */
int policy_copy_stop(char *const *stop, char ***ret, struct error *err);

#endif
