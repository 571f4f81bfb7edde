/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement.h - the statement of a problem package as text for a prompt.
 */
#ifndef WINNOW_STORE_STATEMENT_H
#define WINNOW_STORE_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include "core/buf.h"
#include "core/error.h"

/* HTML to plain text: no head, scripts, styles or tags; entities decoded; pre kept as it is. */
void statement_from_html(const char *p, size_t n, struct buf *out);

/*
 * A library-checker task.md: its English part, with @{param.X} from `param`,
 * @{keyword.X} as the word and @{example.X} from `example`.  Either callback
 * appends to out and says whether it knew the name.
 */
struct statement_names {
	bool (*param)(void *ctx, const char *name, struct buf *out);
	bool (*example)(void *ctx, const char *name, struct buf *out);
	void *ctx;
};
void statement_from_task_md(const char *p, size_t n, const struct statement_names *names,
			    struct buf *out);

#endif
