/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run.h - `run --dry-run`: what would be done, with nothing changed. */
#ifndef WINNOW_ROLLOUT_DRY_RUN_H
#define WINNOW_ROLLOUT_DRY_RUN_H

#include "rollout/run.h"

/* run is planned or loaded; s is open for reading. */
int dry_run_print(const struct run *r, struct store *s, const struct judging *j, bool json, struct error *err);

#endif
