/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_assertions.c - any bytes as what a Python judge recognised; each constant as an answer to each assertion. */
#include <stdlib.h>

#include "filters/assertions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t visible[] = { 0, 2 };
	struct error err = ERROR_INIT;
	struct assertions *a = NULL;

	if (assertions_read(data, n, visible, 2, &a, &err) < 0)
		return 0;
	for (size_t i = 0; i < a->n && i < 50; i++) {
		if (a->cases[i].args->kind != VALUE_TUPLE)
			abort();
		for (size_t k = 0; k < a->n && k < 50; k++)
			(void) assertion_check(&a->items[i], a->cases[k].expect, a->cases[i].expect);
	}
	assertions_free(a);
	return 0;
}
