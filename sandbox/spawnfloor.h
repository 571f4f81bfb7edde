/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawnfloor.h - what starting a process costs at the very least here: vfork, exec, wait.
 *
 * No box, no limits: for trusted commands of the benchmarks alone, as the floor
 * that boxes are compared with.  Works in the main process, blocks.
 */
#ifndef WINNOW_SANDBOX_SPAWNFLOOR_H
#define WINNOW_SANDBOX_SPAWNFLOOR_H

#include <stdint.h>
#include "core/error.h"

#define SPAWNFLOOR_PARALLEL_MAX 64

/*
 * For slice_us, keep `parallel` (1 to SPAWNFLOOR_PARALLEL_MAX) processes of argv
 * (argv[0] absolute) under way; then wait for the last of them.  dirs: the
 * working directory of each of them, NULL: ours.  *ret_runs is how many ended,
 * *ret_us how long that took.  ERR_IO where one cannot be started or ends with
 * anything but 0; none is left behind on failure either.
 */
int spawnfloor_run(const char *const *argv, const char *const *dirs, unsigned parallel, uint64_t slice_us,
		   uint64_t *ret_runs, uint64_t *ret_us, struct error *err);

#endif
