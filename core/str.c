/* SPDX-License-Identifier: Apache-2.0 */
/* str.c - strict parsing of numbers, sizes and durations, globs, UTF-8. */
#include "core/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/*
 * Match one byte against the set that starts after '['.  *ret_next is set past
 * the closing ']'; a set that is never closed is an ordinary '['.
 */
static bool glob_set(const char *p, char c, const char **ret_next)
{
	const char *start = p;
	bool negate = *p == '!' || *p == '^', found = false;

	if (negate)
		p++;
	for (bool first = true; *p && (first || *p != ']'); first = false) {
		if (p[1] == '-' && p[2] && p[2] != ']') {
			if ((unsigned char)p[0] <= (unsigned char)c &&
			    (unsigned char)c <= (unsigned char)p[2])
				found = true;
			p += 3;
		} else {
			found |= *p == c;
			p++;
		}
	}
	if (*p != ']') {
		*ret_next = start;
		return c == '[';
	}
	*ret_next = p + 1;
	return found != negate;
}

bool str_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *star_s = NULL, *next;

	/* Only the last star is ever retried: linear for each star. */
	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			star_s = s;
			continue;
		}
		if (*pattern == '[' ? glob_set(pattern + 1, *s, &next)
				    : (next = pattern + 1,
				       *pattern && (*pattern == '?' || *pattern == *s))) {
			pattern = next;
			s++;
			continue;
		}
		if (!star)
			return false;
		pattern = star;
		s = ++star_s;
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

int str_parse_u64(const char *s, const char *what, uint64_t min, uint64_t max, uint64_t *ret,
		  struct error *err)
{
	uint64_t v = 0;

	if (!*s)
		return error_set(err, ERR_INPUT, "%s: a number is missing", what);
	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9')
			return error_set(err, ERR_INPUT, "%s: '%s' is not a whole number", what, s);
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return error_set(err, ERR_INPUT, "%s: '%s' is too large", what, s);
	}
	if (v < min)
		return error_set(err, ERR_INPUT, "%s: '%s' is less than %llu", what, s,
				 (unsigned long long)min);
	if (v > max)
		return error_set(err, ERR_INPUT, "%s: '%s' is more than %llu", what, s,
				 (unsigned long long)max);
	*ret = v;
	return 0;
}

/* The number at the start of s: decimal digits, point, exponent; NULL where there is none. */
static const char *parse_number(const char *s, double *ret)
{
	const char *p = s;
	char *end;
	bool digits = false;

	if (*p == '-' || *p == '+')
		p++;
	for (; (*p >= '0' && *p <= '9') || *p == '.'; p++)
		digits |= *p != '.';
	if (!digits)
		return NULL;
	if ((s[0] == '0' || ((s[0] == '-' || s[0] == '+') && s[1] == '0')) &&
	    (*p == 'x' || *p == 'X'))
		return NULL; /* strtod would read hexadecimal */
	*ret = strtod(s, &end);
	return end;
}

int str_parse_double(const char *s, const char *what, double min, double max, double *ret,
		     struct error *err)
{
	double v = 0;
	const char *end = parse_number(s, &v);

	if (!end || *end)
		return error_set(err, ERR_INPUT, "%s: '%s' is not a number", what, s);
	if (!isfinite(v) || v < min || v > max)
		return error_set(err, ERR_INPUT, "%s: '%s' is not between %g and %g", what, s, min,
				 max);
	*ret = v;
	return 0;
}

struct unit {
	const char *suffix;
	uint64_t factor;
};

static int parse_with_unit(const char *s, const char *what, const char *kind,
			   const struct unit *units, size_t n_units, uint64_t *ret,
			   struct error *err)
{
	double v = 0;
	const char *end = *s >= '0' && *s <= '9' ? parse_number(s, &v) : NULL;

	for (size_t i = 0; end && i < n_units; i++) {
		uint64_t whole = 0;
		bool exact = true;

		if (strcasecmp(end, units[i].suffix) != 0)
			continue;
		/* Whole numbers stay exact beyond 2^53. */
		for (const char *p = s; p < end && exact; p++)
			if (*p < '0' || *p > '9' || __builtin_mul_overflow(whole, 10, &whole) ||
			    __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
				exact = false;
		if (exact && !__builtin_mul_overflow(whole, units[i].factor, &whole)) {
			*ret = whole;
			return 0;
		}
		v *= (double)units[i].factor;
		if (!isfinite(v) || v >= 0x1.0p63)
			return error_set(err, ERR_INPUT, "%s: '%s' is too large", what, s);
		*ret = (uint64_t)v;
		return 0;
	}
	return error_set(err, ERR_INPUT, "%s: '%s' is not %s", what, s, kind);
}

int str_parse_size(const char *s, const char *what, uint64_t *ret_bytes, struct error *err)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", UINT64_C(1) << 10 },
		{ "M", UINT64_C(1) << 20 },
		{ "G", UINT64_C(1) << 30 },
		{ "T", UINT64_C(1) << 40 },
	};

	return parse_with_unit(s, what, "a size (such as 512, 64K, 5G)", units, ARRAY_SIZE(units),
			       ret_bytes, err);
}

int str_parse_duration(const char *s, const char *what, uint64_t *ret_us, struct error *err)
{
	static const struct unit units[] = {
		{ "", 1000000 },
		{ "s", 1000000 },
		{ "ms", 1000 },
		{ "m", UINT64_C(60) * 1000000 },
		{ "h", UINT64_C(3600) * 1000000 },
		{ "d", UINT64_C(86400) * 1000000 },
	};

	return parse_with_unit(s, what, "a duration (such as 90s, 15m, 8h)", units,
			       ARRAY_SIZE(units), ret_us, err);
}

/* Length of the valid sequence at s (n bytes left), or 0. */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
	uint32_t c = s[0];
	size_t len;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf) {
		len = 2;
		c &= 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		len = 3;
		c &= 0x0f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		len = 4;
		c &= 0x07;
	} else {
		return 0;
	}
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

size_t str_utf8_valid(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t len = utf8_sequence((const unsigned char *)s + i, n - i);

		if (!len)
			return i;
		i += len;
	}
	return n;
}

int str_split(const char *s, char sep, char ***ret, size_t *ret_n, struct error *err)
{
	size_t n = 1, i = 0;
	char **list;

	for (const char *p = s; *p; p++)
		n += *p == sep;
	list = mem_calloc(n + 1, sizeof(*list));
	if (!list)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (const char *p = s;; i++) {
		const char *end = strchrnul(p, sep);

		list[i] = mem_memdup(p, (size_t)(end - p));
		if (!list[i]) {
			str_list_free(list);
			return error_set(err, ERR_NOMEM, "out of memory");
		}
		if (!*end)
			break;
		p = end + 1;
	}
	*ret = list;
	if (ret_n)
		*ret_n = n;
	return 0;
}

void str_list_free(char **list)
{
	if (!list)
		return;
	for (char **p = list; *p; p++)
		mem_free(*p);
	mem_free(list);
}
