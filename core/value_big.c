/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_big.c - integers beyond 64 bits: decimal text to hexadecimal and back.
 *
 * One number has one form: INT where it fits int64_t, else BIGINT with canonical
 * decimal digits, so that equality of big integers is equality of text.  Both
 * conversions are quadratic in limbs (base 2^32 and 10^9), which for the
 * 100,000 digits of VALUE_MAX_DIGITS is some 6 * 10^7 steps; frames are held to
 * VALUE_HEX_BUDGET steps altogether.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/value_internal.h"

#define BASE10 UINT32_C(1000000000)

/* digits: canonical, no sign, n > 0. */
static int make_int(struct value_pool *p, bool negative, const char *digits, size_t n,
		    struct value **ret, struct error *err)
{
	uint64_t magnitude = 0, limit = negative ? UINT64_C(1) << 63 : INT64_MAX;
	struct value *v;
	bool small = n <= 19; /* 10^19 - 1 fits uint64_t */
	char *text;

	for (size_t i = 0; small && i < n; i++)
		magnitude = magnitude * 10 + (uint64_t)(digits[i] - '0');
	small = small && magnitude <= limit;
	v = value_new(p, small ? VALUE_INT : VALUE_BIGINT);
	if (!v)
		return error_set(err, ERR_NOMEM, "out of memory for an integer");
	if (small) {
		v->integer = (int64_t)(negative ? -magnitude : magnitude);
	} else {
		text = value_alloc(p, n + 2);
		if (!text)
			return error_set(err, ERR_NOMEM, "out of memory for an integer");
		v->str = text;
		v->len = n + negative;
		if (negative)
			*text++ = '-';
		memcpy(text, digits, n);
		text[n] = '\0';
	}
	*ret = v;
	return 0;
}

int value_int_from_decimal(struct value_pool *p, const char *s, size_t n, struct value **ret,
			   struct error *err)
{
	bool negative = n && *s == '-';

	if (n && (*s == '-' || *s == '+')) {
		s++;
		n--;
	}
	if (!n)
		return error_set(err, ERR_INPUT, "expected decimal digits");
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return error_set(err, ERR_INPUT, "expected decimal digits");
	while (n > 1 && *s == '0') {
		s++;
		n--;
	}
	if (n > VALUE_MAX_DIGITS)
		return error_set(err, ERR_LIMIT, "an integer has more than %d digits",
				 VALUE_MAX_DIGITS);
	return make_int(p, negative && !(n == 1 && *s == '0'), s, n, ret, err);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int value_int_from_hex(struct value_pool *p, bool negative, const char *s, size_t n,
		       uint64_t *budget, struct value **ret, struct error *err)
{
	size_t in_limbs = (n + 7) / 8, n_limbs = 0, cap = in_limbs * 108 / 100 + 2, len = 0;
	cleanup_mem uint32_t *limbs = NULL; /* base 10^9, lowest first */
	cleanup_mem char *digits = NULL;
	uint64_t work;

	if (!n || (*s == '0' && n > 1))
		return error_set(err, ERR_INPUT, "an integer's digits are not in canonical form");
	for (size_t i = 0; i < n; i++)
		if (hex_digit(s[i]) < 0)
			return error_set(err, ERR_INPUT, "an integer has a bad digit");
	/* 16^n > 10^(1.204 n): what is surely too long costs nothing. */
	if (n > (size_t)VALUE_MAX_DIGITS / 6 * 5)
		return error_set(err, ERR_LIMIT, "an integer has more than %d digits",
				 VALUE_MAX_DIGITS);
	work = (uint64_t)in_limbs * in_limbs / 2 + in_limbs;
	if (work > *budget)
		return error_set(err, ERR_LIMIT, "too many digits of integers in one frame");
	*budget -= work;
	limbs = mem_alloc(cap * sizeof(*limbs));
	digits = mem_alloc(cap * 9 + 1);
	if (!limbs || !digits)
		return error_set(err, ERR_NOMEM, "out of memory for an integer");
	for (size_t i = 0; i < n;) {
		size_t end = i ? i + 8 : (n % 8 ? n % 8 : 8);
		uint64_t carry = 0;

		for (; i < end; i++)
			carry = carry << 4 | (uint64_t)hex_digit(s[i]);
		for (size_t k = 0; k < n_limbs; k++) {
			carry += (uint64_t)limbs[k] << 32;
			limbs[k] = (uint32_t)(carry % BASE10);
			carry /= BASE10;
		}
		for (; carry; carry /= BASE10)
			limbs[n_limbs++] = (uint32_t)(carry % BASE10);
	}
	if (!n_limbs)
		limbs[n_limbs++] = 0;
	len = (size_t)sprintf(digits, "%u", limbs[--n_limbs]);
	while (n_limbs)
		len += (size_t)sprintf(digits + len, "%09u", limbs[--n_limbs]);
	if (len > VALUE_MAX_DIGITS)
		return error_set(err, ERR_LIMIT, "an integer has more than %d digits",
				 VALUE_MAX_DIGITS);
	return make_int(p, negative && !(len == 1 && *digits == '0'), digits, len, ret, err);
}

void value_decimal_to_hex(const char *digits, size_t n, struct buf *out)
{
	cleanup_mem uint32_t *limbs = mem_alloc((n / 9 + 2) * sizeof(*limbs)); /* base 2^32 */
	size_t n_limbs = 0;
	char text[16];

	if (!limbs) {
		if (!out->error)
			out->error = ERR_NOMEM;
		return;
	}
	for (size_t i = 0; i < n;) {
		size_t end = i ? i + 9 : (n % 9 ? n % 9 : 9);
		uint64_t carry = 0;

		for (; i < end; i++)
			carry = carry * 10 + (uint64_t)(digits[i] - '0');
		for (size_t k = 0; k < n_limbs; k++) {
			carry += (uint64_t)limbs[k] * BASE10;
			limbs[k] = (uint32_t)carry;
			carry >>= 32;
		}
		if (carry)
			limbs[n_limbs++] = (uint32_t)carry;
	}
	if (!n_limbs)
		limbs[n_limbs++] = 0;
	(void) snprintf(text, sizeof(text), "%x", limbs[--n_limbs]);
	buf_adds(out, text);
	while (n_limbs) {
		(void) snprintf(text, sizeof(text), "%08x", limbs[--n_limbs]);
		buf_adds(out, text);
	}
}
