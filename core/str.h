/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.h - strict parsing of numbers, sizes and durations, and small string helpers.
 */
#ifndef WINNOW_CORE_STR_H
#define WINNOW_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"

bool str_eq(const char *a, const char *b);              /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_glob(const char *pattern, const char *s);      /* * ? [abc]; whole string */

/* Whole string or ERR_INPUT, which names `what` ("--samples") and the text. */
int str_parse_u64(const char *s, const char *what, uint64_t min, uint64_t max, uint64_t *ret, struct error *err);
int str_parse_double(const char *s, const char *what, double min, double max, double *ret, struct error *err);
/* "512", "64K", "5G", "1.5T" (powers of 1024) to bytes. */
int str_parse_size(const char *s, const char *what, uint64_t *ret_bytes, struct error *err);
/* "90", "90s", "15m", "8h", "2d" to microseconds. */
int str_parse_duration(const char *s, const char *what, uint64_t *ret_us, struct error *err);

/* Position of the first byte that is not valid UTF-8 (surrogates and overlong
 * forms are invalid), or n where all is valid. */
size_t str_utf8_valid(const char *s, size_t n);

/* Split s at sep into newly made strings; *ret is NULL-terminated, str_list_free() it. */
int str_split(const char *s, char sep, char ***ret, size_t *ret_n, struct error *err);
void str_list_free(char **list);

#endif
