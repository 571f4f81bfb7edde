/* SPDX-License-Identifier: Apache-2.0 */
/* store_flags.c - flags as the sorted JSON array of words that rows hold. */
#include <string.h>

#include "core/mem.h"
#include "store/store_internal.h"

int store_flags_text(uint32_t flags, char **owned, const char **ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	cleanup_buf struct buf out;
	int r;

	buf_init(&out, 4096);
	*owned = NULL;
	if (!flags) {
		*ret = "[]";
		return 0;
	}
	j = flags_to_json(flags);
	if (!j)
		return error_set(err, ERR_NOMEM, "out of memory for flags");
	r = json_dump_canonical(j, &out, err);
	if (r < 0)
		return r;
	*owned = buf_steal(&out, NULL);
	if (!*owned)
		return error_set(err, ERR_NOMEM, "out of memory for flags");
	*ret = *owned;
	return 0;
}

int store_flags_read(const char *text, uint32_t *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	int r;

	*ret = 0;
	if (!text || strcmp(text, "[]") == 0)
		return 0;
	r = json_parse(text, strlen(text), &j, err);
	if (r == 0)
		r = flags_parse(j, ret, err);
	return r == ERR_INPUT ? error_prefix(err, ERR_CORRUPT, "stored flags") : r;
}
