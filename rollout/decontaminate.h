/* SPDX-License-Identifier: Apache-2.0 */
/* decontaminate.h - evaluation sets given as files, for whoever asks whether a task's text is one of theirs. */
#ifndef WINNOW_ROLLOUT_DECONTAMINATE_H
#define WINNOW_ROLLOUT_DECONTAMINATE_H

#include "core/error.h"
#include "core/json.h"

struct contamination;

/*
 * Read task files of any format that import reads.  *ret (contamination_free() it) holds the text of every task; *ret_sets
 * (new reference) says of each file {"file" (its last part), "format", "items", "usable"}.  ERR_INPUT names the file.
 */
int decontaminate_load(const char *const *files, struct contamination **ret, json_t **ret_sets, struct error *err);

/* An export_contaminated_fn; ctx is the struct contamination.  {"set", "item", "shared_8", "shared_13", "items"}. */
int decontaminate_find(void *ctx, const char *text, json_t **ret, struct error *err);

#endif
