/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt.h - prompts are data: versioned templates in policy/templates/NAME/.
 *
 * A template is a folder with template.yaml (name, version, messages: list of
 * {role, file}; stop: strings that end a plain completion), and text files with
 * {{task.prompt}}, {{language}}, {{language.title}}, {{prompt_language}},
 * {{entry_point}}, {{signature}}, {{conventions}} (how values look in another language), {{examples}} (visible cases only: hidden ones
 * never enter a prompt), and {{#if NAME}}…{{/if}}, where NAME is one of these or
 * completion, foreign, text, stdio, calls, free_entry_point (prompt_vars.h).
 */
#ifndef WINNOW_POLICY_PROMPT_H
#define WINNOW_POLICY_PROMPT_H

#include <stdint.h>
#include "core/error.h"
#include "core/json.h"
#include "core/record.h"

struct prompt_template;
/* WINNOW_TEMPLATES, else ../share/winnow/templates beside the program, else the source tree's.  Static memory. */
const char *prompt_default_dir(void);
/* ERR_NOTFOUND lists the names that there are; ERR_INPUT names file and line. */
int prompt_template_open(const char *dir, const char *name, struct prompt_template **ret, struct error *err);
void prompt_template_close(struct prompt_template *t);
const char *prompt_template_name(const struct prompt_template *t);
const char *prompt_template_version(const struct prompt_template *t);
const uint8_t *prompt_template_digest(const struct prompt_template *t); /* 32 bytes over all of its files */
/* NULL-terminated; NULL: none.  For plain completions of code prompts. */
const char *const *prompt_template_stop(const struct prompt_template *t);
json_t *prompt_template_text(const struct prompt_template *t);         /* the whole template as one JSON value, to store; new reference */

/* [{"role","content"}…]; new reference.  conventions: how values look in the language (language.h), NULL: nothing to say. */
int prompt_messages(const struct prompt_template *t, const struct task *task, const char *language, const char *language_title,
		    const char *conventions, json_t **ret, struct error *err);
/* For plain completions: the code prompt of a completion task as it is, else
 * the messages' contents joined by blank lines.  mem_free() it. */
int prompt_plain(const struct prompt_template *t, const struct task *task, const char *language, const char *language_title,
		    const char *conventions, char **ret, struct error *err);

#endif
