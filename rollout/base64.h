/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - bytes as text, for JSON. */
#ifndef WINNOW_ROLLOUT_BASE64_H
#define WINNOW_ROLLOUT_BASE64_H

#include <stddef.h>

/* RFC 4648 with padding.  mem_free() it; NULL: no memory. */
char *base64_of(const void *data, size_t n);

#endif
