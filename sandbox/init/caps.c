/* SPDX-License-Identifier: Apache-2.0 */
/* caps.c - give capabilities away. */
#include "sandbox/init/init.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void caps_bound(void)
{
	/* EINVAL: past the kernel's last one; EPERM: we hold none, and no_new_privs
	 * sees to it that no exec gives any. */
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			break;
}

void caps_drop(bool keep_some)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct have[2] = { { 0 } }, d[2] = { { 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (keep_some && syscall(SYS_capget, &h, have) == 0) {
		d[0].permitted = have[0].permitted & (1u << CAP_KILL | 1u << CAP_DAC_READ_SEARCH);
		d[0].effective = d[0].permitted;
	}
	if (syscall(SYS_capset, &h, d) < 0)
		init_fail("drop capabilities", NULL);
}

void caps_keep(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	static const int wanted[] = { CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_DAC_OVERRIDE };

	if (syscall(SYS_capget, &h, d) < 0)
		init_fail("read capabilities", NULL);
	d[0].inheritable = d[1].inheritable = 0;
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		d[0].inheritable |= d[0].permitted & 1u << wanted[i];
	if (syscall(SYS_capset, &h, d) < 0)
		init_fail("pass capabilities on", NULL);
	caps_bound(); /* now that nothing more is to become inheritable */
	d[0].permitted = d[0].effective = d[0].inheritable;
	d[1].permitted = d[1].effective = 0;
	if (syscall(SYS_capset, &h, d) < 0)
		init_fail("keep capabilities", NULL);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (d[0].permitted & 1u << wanted[i])
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, wanted[i], 0, 0);
}
