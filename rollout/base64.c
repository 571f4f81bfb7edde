/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - RFC 4648 with padding. */
#include "rollout/base64.h"

#include <stdint.h>

#include "core/mem.h"

char *base64_of(const void *data, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = data;
	char *out = n > SIZE_MAX / 2 ? NULL : mem_alloc((n + 2) / 3 * 4 + 1), *o = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
				 (i + 2 < n ? p[i + 2] : 0);

		*o++ = digits[three >> 18];
		*o++ = digits[three >> 12 & 63];
		*o++ = (char)(i + 1 < n ? digits[three >> 6 & 63] : '=');
		*o++ = (char)(i + 2 < n ? digits[three & 63] : '=');
	}
	*o = '\0';
	return out;
}
