/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.h - shards that a policy trainer reads, and their manifest.
 *
 * NAME-00000-of-0000N.jsonl[.zst|.gz] and manifest.json: written aside in the
 * target's own file system, fsynced, renamed; a reader never sees half a shard;
 * a group (run, task) is never split over shards.  Two exports of one store are byte-identical.
 * Shapes: docs/formats/shards.md.
 */
#ifndef WINNOW_STORE_EXPORT_H
#define WINNOW_STORE_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include "core/compress.h"
#include "core/error.h"
#include "core/json.h"
#include "store/export_reward.h"
#include "store/store.h"

enum export_format { EXPORT_SFT, EXPORT_ROLLOUTS, EXPORT_DPO, EXPORT_KTO, EXPORT_PROMPTS, EXPORT_HARD_UNSOLVED, EXPORT_FORMAT_COUNT };
int export_format_parse(const char *name, enum export_format *ret, struct error *err); /* unknown: lists the names */

/* Whether a task's text is one of an evaluation set: 1 and what it shares with which item in *ret (an object, new
 * reference), 0, or negative. */
typedef int export_contaminated_fn(void *ctx, const char *text, json_t **ret, struct error *err);

/* Whether a program is near one of its language that was asked before, in this export: 1, 0, or negative. */
typedef int export_near_fn(void *ctx, const char *language, const char *program, size_t n, struct error *err);

struct export_options {
	enum export_format format;
	const char *out_dir;           /* made if missing; what a previous export of this name left is replaced at the end */
	enum compress_kind compress;   /* default zstd */
	uint32_t shards;               /* 0: by size, about 256 MiB each */
	const char *runs;              /* "1,3" or "last"; NULL: all */
	const char *where;             /* SQL over v_samples; NULL */
	bool with_measurements, with_same_process, with_flaky;
	bool with_tests;               /* prompts, hard-unsolved: hidden tests too */
	const char *trainer;           /* NULL, "trl" */
	uint64_t pairs_per_task;       /* dpo: at most so many; 0: 8 */
	uint64_t per_task;             /* sft, kto: at most so many rows a task and language (kto: of each label); 0: all */
	enum export_reward reward;     /* rollouts */
	const char *split;             /* only tasks of this split; NULL: all */
	export_contaminated_fn *contaminated; /* asked once a task; NULL: no evaluation sets */
	void *contaminated_ctx;
	const json_t *evaluation_sets; /* for the manifest: what they are; borrowed */
	bool with_contaminated;        /* listed, but not left out */
	export_near_fn *near;          /* sft: one program of those that are near each other; NULL: all */
	void (*near_reset)(void *ctx); /* the export begins anew: forget all programs */
	void *near_ctx;
	double near_threshold;         /* for the manifest */
	const char *winnow_version;
};
/* *ret_manifest: the manifest as JSON (new reference). ERR_INPUT: bad where/run; ERR_NOSPACE, ERR_IO: nothing left behind. */
int export_run(struct store *s, const struct export_options *opt, json_t **ret_manifest, struct error *err);

#endif
