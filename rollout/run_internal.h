/* SPDX-License-Identifier: Apache-2.0 */
/* run_internal.h - what run.c, run_config.c and run_load.c share. */
#ifndef WINNOW_ROLLOUT_RUN_INTERNAL_H
#define WINNOW_ROLLOUT_RUN_INTERNAL_H

#include "rollout/run.h"

/* Fill the plain fields of r from r->config. */
int run_apply_config(struct run *r, struct error *err);
/* Put the stored half over r->config; ERR_INPUT names what was given and differs. */
int run_merge_config(struct run *r, const json_t *stored, const struct options *o, struct error *err);
/* Resolve r->config's languages against those that there are. */
int run_resolve_languages(struct run *r, const struct judging *j, struct error *err);
/* The template's stop strings, where they count and none were given. */
int run_adopt_stop(struct run *r, struct error *err);
int run_open_template(struct run *r, struct error *err);
/* Plan, tally groups and skip counts for r->items. */
int run_init_plan(struct run *r, struct error *err);

#endif
