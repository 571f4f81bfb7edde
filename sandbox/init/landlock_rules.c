/* SPDX-License-Identifier: Apache-2.0 */
/* landlock_rules.c - build and enter the Landlock domain that the job describes. */
#include "sandbox/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sandbox/landlock.h"

int landlock_build(const struct job *j)
{
	struct landlock_attr attr = { j->landlock_fs, j->landlock_net, j->landlock_scoped };
	/* Kernels of a lower ABI refuse a longer struct only where its tail is not zero. */
	size_t size = attr.scoped ? 24 : attr.net ? 16 : 8;
	int ruleset;

	if (!j->landlock_fs)
		return -1;
	ruleset = (int)syscall(LANDLOCK_NR_CREATE, &attr, size, 0);
	if (ruleset < 0)
		init_fail("make a Landlock ruleset", NULL);
	for (size_t i = 0; i < j->n_rules; i++) {
		struct landlock_path_rule rule = { .access = j->rules[i].access & j->landlock_fs };
		struct stat st;

		rule.fd = open(j->rules[i].path, O_PATH | O_CLOEXEC);
		if (rule.fd < 0 && errno == ENOENT)
			continue; /* not there: nothing to allow */
		if (rule.fd < 0 || fstat(rule.fd, &st) < 0)
			init_fail("open for Landlock", j->rules[i].path);
		if (!S_ISDIR(st.st_mode))
			rule.access &= LANDLOCK_FS_FILE;
		if (syscall(LANDLOCK_NR_ADD, ruleset, 1, &rule, 0) < 0)
			init_fail("add a Landlock rule", j->rules[i].path);
		close(rule.fd);
	}
	return ruleset;
}

void landlock_enter(int ruleset_fd)
{
	if (ruleset_fd >= 0 && syscall(LANDLOCK_NR_ENTER, ruleset_fd, 0) < 0)
		init_fail("enter the Landlock domain", NULL);
}
