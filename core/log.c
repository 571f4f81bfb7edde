/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - lines "winnow: warning: ..." on stderr. */
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum log_level max_level = LOG_INFO;
static void (*before_line)(void *ctx);
static void *before_ctx;

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_before(void (*before)(void *ctx), void *ctx)
{
	before_line = before;
	before_ctx = ctx;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = { "error: ", "warning: ", "", "debug: " };
	int saved = errno;
	char line[4096];
	size_t n;
	va_list ap;

	if (level > max_level)
		return;
	(void) snprintf(line, sizeof(line), "winnow: %s", words[level]);
	n = strlen(line);
	va_start(ap, fmt);
	(void) vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	/* One line and one write whatever the text holds. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	n = strlen(line);
	line[n++] = '\n';
	if (before_line)
		before_line(before_ctx);
	(void) fwrite(line, 1, n, stderr);
	(void) fflush(stderr);
	errno = saved;
}
