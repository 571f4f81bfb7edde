/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checker.h - is this the expected answer?  Pure: text against text, value against value.
 * (Checkers that are programs run in a box: judge_stdio.c.)
 */
#ifndef WINNOW_FILTERS_CHECKER_H
#define WINNOW_FILTERS_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include "core/record.h"

/*
 * Compare all that a program wrote with what is expected.
 *
 * exact      the same bytes; one newline more or less at the very end is forgiven
 * tokens     words between white space, letters of either case unless case_sensitive; with
 *            space_sensitive the white space must be the same too
 * float      as tokens, but where the expected token is a number any number within abs_tol or
 *            rel_tol (of the expected) will do; neither given: numerically the same
 * unordered  the same lines in any order; white space at the ends of lines and empty lines at the
 *            end do not count
 * program    never equal here
 *
 * *ret_line (may be NULL) is the line of the output, from 1, at which the first difference was
 * seen; 0 where there is none to name.  Out of memory (unordered only) compares as different
 * with *ret_nomem true.
 */
bool checker_text(const struct checker *c, const char *got, size_t got_len, const char *want,
		  size_t want_len, size_t *ret_line, bool *ret_nomem);
/* The same for values of `calls`: exact, float (numbers at any depth), unordered. */
bool checker_value(const struct checker *c, const struct value *got, const struct value *want);

#endif
