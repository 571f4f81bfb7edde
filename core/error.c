/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - filling and prefixing of struct error, and the tables of codes. */
#include "core/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#undef error_set
#undef error_setv
#undef error_set_errno
#undef error_prefix

/* A message is one line whatever was put into it (a path may hold a newline). */
static void one_line(char *msg)
{
	for (; *msg; msg++)
		if ((unsigned char)*msg < 0x20 || *msg == 0x7f)
			*msg = ' ';
}

int error_setv(struct error *err, int code, const char *fmt, va_list ap)
{
	if (!err)
		return code;
	err->code = code;
	err->sys_errno = 0;
	(void) vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	one_line(err->msg);
	return code;
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_setv(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int error_set_errno(struct error *err, int code, const char *fmt, ...)
{
	int saved = errno;
	char text[128];
	size_t n;
	va_list ap;

	if (saved == ENOMEM)
		code = ERR_NOMEM;
	else if (saved == ENOSPC || saved == EDQUOT)
		code = ERR_NOSPACE;
	if (!err)
		return code;
	va_start(ap, fmt);
	error_setv(err, code, fmt, ap);
	va_end(ap);
	err->sys_errno = saved;
	n = strlen(err->msg);
	(void) snprintf(err->msg + n, sizeof(err->msg) - n, ": %s",
			strerror_r(saved, text, sizeof(text)));
	errno = saved;
	return code;
}

int error_prefix(struct error *err, int code, const char *fmt, ...)
{
	char was[sizeof(err->msg)];
	size_t n;
	va_list ap;

	if (!err)
		return code;
	memcpy(was, err->msg, sizeof(was));
	va_start(ap, fmt);
	(void) vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void) snprintf(err->msg + n, sizeof(err->msg) - n, ": %.*s",
			(int)(sizeof(err->msg) - n), was);
	one_line(err->msg);
	if (!err->code)
		err->code = code;
	return code;
}

const char *error_word(int code)
{
	switch (code) {
#define X(name, value, word, text) case name: return word;
	ERROR_CODES(X)
#undef X
	default:
		return "unknown";
	}
}

int error_exit_status(int code)
{
	switch (code) {
	case ERR_INPUT:
	case ERR_NOTFOUND:
	case ERR_VERSION:
	case ERR_EXISTS:
	case ERR_CORRUPT:
		return 2;
	default:
		return 3;
	}
}
