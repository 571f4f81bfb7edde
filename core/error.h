/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - one error convention for the whole program.
 *
 * A candidate's failure is data; our failure is an error.  Functions that can
 * fail take a `struct error *err` last and return 0 (or a non-negative count)
 * on success and a negative code on failure, having filled *err.  The error is
 * the caller's, on its stack, and owns nothing.  err may be NULL where the
 * caller wants the code alone.
 */
#ifndef WINNOW_CORE_ERROR_H
#define WINNOW_CORE_ERROR_H

#include <stdarg.h>

/* name, value, word (for logs and JSON), text */
#define ERROR_CODES(X)                                                              \
	X(ERR_NOMEM, -1, "nomem", "out of memory")                                  \
	X(ERR_IO, -2, "io", "input or output failed")                               \
	X(ERR_INPUT, -3, "input", "bad input or usage")                             \
	X(ERR_LIMIT, -4, "limit", "a limit was met")                                \
	X(ERR_KERNEL, -5, "kernel", "a needed kernel feature is missing")           \
	X(ERR_NOTFOUND, -6, "notfound", "no such thing")                            \
	X(ERR_BUSY, -7, "busy", "held by another process")                          \
	X(ERR_NOSPACE, -8, "nospace", "no space left")                              \
	X(ERR_CORRUPT, -9, "corrupt", "stored content is damaged")                  \
	X(ERR_VERSION, -10, "version", "made by another version")                   \
	X(ERR_REMOTE, -11, "remote", "a server failed")                             \
	X(ERR_EXISTS, -12, "exists", "is there already")                            \
	X(ERR_CANCELLED, -13, "cancelled", "was cancelled")                         \
	X(ERR_INTERNAL, -14, "internal", "a mistake in this program")

enum error_code {
#define X(name, value, word, text) name = value,
	ERROR_CODES(X)
#undef X
};

struct error {
	int code;      /* one of enum error_code, 0 when unset */
	int sys_errno; /* 0 where no system call failed */
	char msg[512]; /* one line, lower case, no full stop */
};
#define ERROR_INIT { 0, 0, "" }

/* Fill *err and return code.  Messages: lower case, no full stop, what failed
 * first, names in single quotes. */
int error_set(struct error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int error_setv(struct error *err, int code, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* As error_set() with ": strerror(errno)" appended.  errno ENOMEM becomes
 * ERR_NOMEM and ENOSPC, EDQUOT become ERR_NOSPACE whatever code says. */
int error_set_errno(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "prefix: " before the message of *err, for context on the way up.
 * Returns code unchanged. */
int error_prefix(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The four above give back negative codes alone; said so, the compiler sees that
 * what is filled on success is not read after a failure. */
static inline int error_negative(int code)
{
	if (code >= 0)
		__builtin_unreachable();
	return code;
}
#define error_set(...) error_negative(error_set(__VA_ARGS__))
#define error_setv(...) error_negative(error_setv(__VA_ARGS__))
#define error_set_errno(...) error_negative(error_set_errno(__VA_ARGS__))
#define error_prefix(...) error_negative(error_prefix(__VA_ARGS__))

/* The word of a code ("nomem"); "unknown" for what is none. */
const char *error_word(int code);

/* The exit status that a command ends with when this error ends it
 * (DESIGN section 5): 2 for input, notfound, version and exists, 3 for all
 * that a retry could mend. */
int error_exit_status(int code);

#endif
