// SPDX-License-Identifier: Apache-2.0
#include "agent/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* From the file and not through NSS, whose libraries would stay in memory for good. */
static bool find_user(const char *name, struct privilege_user *user)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;

	while (file && (entry = fgetpwent(file)) && strcmp(entry->pw_name, name))
		;
	if (entry)
		*user = (struct privilege_user){ entry->pw_uid, entry->pw_gid };
	if (file)
		fclose(file);
	return entry != NULL;
}

int privilege_user(const char *name, struct privilege_user *user)
{
	if (name)
		return find_user(name, user) ? 0 : -ENOENT;
	return find_user("_nanoprobe", user) || find_user("nobody", user) ? 0 : -ENOENT;
}

static int change_user(const struct privilege_user *user)
{
	if (geteuid())
		return 0;
	if (setgroups(0, NULL) || setresgid(user->gid, user->gid, user->gid) ||
		setresuid(user->uid, user->uid, user->uid))
		return -errno;
	/* Root that comes back would be a bug in the kernel or in the lines above. */
	return user->uid && !setuid(0) ? -EPERM : 0;
}

int privilege_drop(const struct privilege_user *user)
{
	pid_t parent = getppid();
	int err;

	/* The bounding set needs CAP_SETPCAP, so it goes before the user changes. */
	capng_clear(CAPNG_SELECT_BOTH);
	if (!geteuid() && capng_apply(CAPNG_SELECT_BOUNDS))
		return -EPERM;
	err = change_user(user);
	if (err)
		return err;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it died before the signal was asked for */
}

void privilege_missing(char *names, size_t size)
{
	static const struct {
		unsigned capability;
		const char *name;
	} wanted[] = { { CAP_BPF, "CAP_BPF" }, { CAP_PERFMON, "CAP_PERFMON" },
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN" }, { CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
		{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" } };
	size_t used = 0;

	names[0] = '\0';
	capng_get_caps_process();
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (!capng_have_capability(CAPNG_EFFECTIVE, wanted[i].capability) && used < size)
			used += (size_t)snprintf(names + used, size - used, "%s%s",
				used ? ", " : "", wanted[i].name);
	}
}
