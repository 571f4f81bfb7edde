/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sample_file.c - any bytes as a file of recorded samples, joined to three tasks.
 *
 * What is read belongs to a task, has a text, and gets an index that no other
 * sample of its task has; what is refused is ERR_INPUT with words.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct task *make_task(const char *id, const char *prompt)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:[{s:[], s:i}]}}", "task_id", id, "prompt", prompt,
			      "prompt_language", "python", "entry_point", "f", "tests", "kind", "calls", "cases", "args",
			      "expect", 1);
	struct task *t = NULL;

	must(task_parse(j, &t, NULL) == 0);
	return t;
}

static void check(const struct sample_file *f)
{
	struct error err = ERROR_INIT;
	uint32_t *index = NULL;
	int r = sample_file_index(f, &index, &err);

	must(r == 0 || (r == ERR_INPUT && err.msg[0]));
	must(f->n > 0 && f->shape);
	for (size_t i = 0; i < f->n; i++) {
		must(f->items[i].text && f->items[i].task < 3 && f->items[i].task_id);
		must(f->items[i].text[f->items[i].text_len] == '\0');
		for (size_t k = 0; r == 0 && f->n < 200 && k < i; k++)
			must(f->items[i].task != f->items[k].task || index[i] != index[k]);
	}
	mem_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct task *tasks[3];
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;
	char path[64];
	int fd = memfd_create("samples", MFD_CLOEXEC);
	int r;

	if (!tasks[0]) {
		tasks[0] = make_task("T/0", "def f(a):\n    one\n");
		tasks[1] = make_task("T/1", "def f(a):\n    two\n");
		tasks[2] = make_task("T/2", "def f(b):\n    three\n");
	}
	must(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = sample_file_read(path, tasks, 3, &f, &err);
	must(r == 0 || (err.msg[0] && r != ERR_NOMEM));
	if (r == 0)
		check(&f);
	sample_file_clear(&f);
	close(fd);
	return 0;
}
