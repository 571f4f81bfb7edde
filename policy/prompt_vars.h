/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt_vars.h - the words that a template may use, filled from one task.
 *
 * The only place that reads a task for a prompt: it takes visible cases alone.
 */
#ifndef WINNOW_POLICY_PROMPT_VARS_H
#define WINNOW_POLICY_PROMPT_VARS_H

#include "core/buf.h"
#include "core/error.h"
#include "core/record.h"

/* name, for {{#if}} alone */
#define PROMPT_VARS(X)                                                                                \
	X(PROMPT_TASK_PROMPT, "task.prompt", false)                                                   \
	X(PROMPT_LANGUAGE, "language", false)                                                         \
	X(PROMPT_LANGUAGE_TITLE, "language.title", false)                                             \
	X(PROMPT_PROMPT_LANGUAGE, "prompt_language", false)                                           \
	X(PROMPT_ENTRY_POINT, "entry_point", false)                                                   \
	X(PROMPT_SIGNATURE, "signature", false)                                                       \
	X(PROMPT_CONVENTIONS, "conventions", false) /* how values look in the wanted language */             \
	X(PROMPT_EXAMPLES, "examples", false)                                                         \
	X(PROMPT_COMPLETION, "completion", true)  /* the prompt is code of the wanted language */     \
	X(PROMPT_FOREIGN, "foreign", true)        /* the prompt is code of another language */        \
	X(PROMPT_TEXT, "text", true)              /* the prompt is words */                           \
	X(PROMPT_STDIO, "stdio", true)                                                                \
	X(PROMPT_CALLS, "calls", true)                                                                \
	X(PROMPT_FREE_ENTRY_POINT, "free_entry_point", true) /* words, an entry point, no signature */

enum prompt_var {
#define X(id, name, only_if) id,
	PROMPT_VARS(X)
#undef X
	PROMPT_VAR_COUNT
};
/* The number of a name of n bytes, or -1. */
int prompt_var_find(const char *name, size_t n);
bool prompt_var_is_condition(enum prompt_var v); /* has no text: for {{#if}} alone */

struct prompt_vars {
	struct buf text[PROMPT_VAR_COUNT]; /* empty: false in an {{#if}} */
};
/* prompt_vars_clear() it, on failure too. */
int prompt_vars_fill(struct prompt_vars *v, const struct task *task, const char *language, const char *language_title,
		    const char *conventions,
		     struct error *err);
void prompt_vars_clear(struct prompt_vars *v);

#endif
