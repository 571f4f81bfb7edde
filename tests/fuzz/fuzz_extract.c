/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_extract.c - any bytes as a completion.
 *
 * The first byte chooses the mode, the language and whether the prompt is code.  What comes out
 * must hold together: no more program than there was text and prompt, found or empty, and the same
 * bytes give the same program.
 */
#include <stdlib.h>
#include <string.h>

#include "filters/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const languages[] = { "python", "c", "cpp", "go" };
	static const char prompt[] = "import math\ndef f(x):\n    \"\"\"Doc.\"\"\"\n";
	struct error err = ERROR_INIT;
	struct extracted a, b;
	struct task task = { .entry_point = "f", .prompt = prompt };
	const char *language, *text;
	enum extract_mode mode;
	size_t lines = 1;

	if (!n)
		return 0;
	mode = (enum extract_mode)(data[0] % 3);
	language = languages[data[0] / 3 % 4];
	task.prompt_language = data[0] & 0x80 ? language : NULL;
	text = (const char *)data + 1;
	n--;
	if (extract_program(&task, language, mode, text, n, &a, &err) < 0)
		return 0;
	must(extract_program(&task, language, mode, text, n, &b, &err) == 0);
	must(a.found == b.found && a.program.len == b.program.len &&
	     !memcmp(a.program.data, b.program.data, a.program.len));
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	must(a.found == (a.program.len > 0));
	must(a.program.len <= n + sizeof(prompt) + 16 + lines * 4);
	must(a.reasoning.len <= n);
	must(!a.joined || task.prompt_language);
	must(mode == EXTRACT_CHAT || (!a.fenced && !a.reasoning.len));
	extracted_clear(&a);
	extracted_clear(&b);
	return 0;
}
