/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - what this host has, as doctor and languages tell it. */
#ifndef WINNOW_ROLLOUT_FACTS_H
#define WINNOW_ROLLOUT_FACTS_H

#include "core/json.h"
#include "sandbox/language.h"

/* "apt install nodejs" where the toolchain is missing, else NULL.  mem_free() it. */
char *facts_language_note(const struct language *l);
/* {"name","title","aliases","extensions","present","toolchain","calls","compiled","needs_proc","package"}. */
json_t *facts_language_json(const struct language *l);

#endif
