// SPDX-License-Identifier: Apache-2.0
#include "base/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

int privilege_act_as(const struct privilege_user *user)
{
	if (!user)
		return seteuid(0) || setegid(0) ? -errno : 0;
	return setgroups(0, NULL) || setegid(user->gid) || seteuid(user->uid) ? -errno : 0;
}

int privilege_become(const struct privilege_user *user)
{
	/* The bounding set needs CAP_SETPCAP, so it goes before the user changes. */
	capng_clear(CAPNG_SELECT_BOTH);
	if (!geteuid() && capng_apply(CAPNG_SELECT_BOUNDS))
		return -EPERM;
	return change_user(user);
}

int privilege_drop(const struct privilege_user *user)
{
	pid_t parent = getppid();
	int err = privilege_become(user);

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

/* The directory is gone before it becomes the root: not even root can make a file in it. */
int privilege_empty_root(void)
{
	char path[] = "/tmp/nanoprobe-XXXXXX";
	int err = 0;

	if (!mkdtemp(path))
		return -errno;
	if (chdir(path))
		err = -errno;
	if (rmdir(path) && !err)
		err = -errno;
	if (!err && chroot("."))
		err = -errno;
	if (err && chdir("/"))
		return -errno;
	return err;
}

int privilege_limit(unsigned int descriptors)
{
	const struct rlimit none = { 0, 0 }, few = { descriptors, descriptors };

	if (setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_NPROC, &none) ||
		setrlimit(RLIMIT_NOFILE, &few))
		return -errno;
	return 0;
}

static bool find_group(const char *name, gid_t *gid)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *entry = NULL;

	while (file && (entry = fgetgrent(file)) && strcmp(entry->gr_name, name))
		;
	if (entry)
		*gid = entry->gr_gid;
	if (file)
		fclose(file);
	return entry != NULL;
}

void privilege_group_of(const char *file, const char *name)
{
	struct stat info;
	gid_t gid = 0;
	bool found = file && !stat(file, &info);

	if (found)
		gid = info.st_gid;
	else
		found = find_group(name, &gid);
	(void)!setgroups(found, &gid);
}

/* Of these, those that we have; and with CAP_SETPCAP no others can come back. */
static int keep(const unsigned int *capabilities, size_t count)
{
	bool had[CAP_LAST_CAP + 1] = { false };
	bool bounds;

	capng_get_caps_process();
	bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (size_t i = 0; i < count; i++)
		had[capabilities[i]] = capng_have_capability(CAPNG_PERMITTED, capabilities[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
		if (had[i])
			capng_update(CAPNG_ADD,
				CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, i);
	}
	if ((bounds && capng_apply(CAPNG_SELECT_BOUNDS)) || capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

int privilege_keep_sight(void)
{
	/* A kernel without CAP_BPF (before 5.8) wants CAP_SYS_ADMIN for the tables of programs. */
	const unsigned int sight[] = { CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE,
		prctl(PR_CAPBSET_READ, CAP_BPF, 0, 0, 0) < 0 ? CAP_SYS_ADMIN : CAP_BPF };

	return keep(sight, sizeof(sight) / sizeof(*sight));
}

int privilege_keep_none(void)
{
	return keep(NULL, 0);
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
