/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H
/*
 * Users, capabilities and limits, and how to be rid of them for good. docs/privileges.md says which
 * process has which.
 */
#include <stddef.h>
#include <sys/types.h>

struct privilege_user {
	uid_t uid;
	gid_t gid;
};

/*
 * The user to run the network process as, of those in /etc/passwd: name, or when that is NULL
 * _nanoprobe, else nobody. -ENOENT.
 */
int privilege_user(const char *name, struct privilege_user *user);

/*
 * Files are made and looked for as that user, until it is called with NULL: then as root again.
 * Other groups than the user's are gone from the first call on. Only for root, and before there is
 * a second thread. -errno.
 */
int privilege_act_as(const struct privilege_user *user);
/* That user for good, without his other groups; nothing changes unless we are root. -errno. */
int privilege_become(const struct privilege_user *user);
/*
 * For good: other user (when we are root), no capability, none to be had by exec, no core dump
 * and no ptrace of the secrets in memory, and SIGTERM when the parent dies. -errno.
 */
int privilege_drop(const struct privilege_user *user);
/* A root directory that nothing is in and nothing can be put into. Needs CAP_SYS_CHROOT. -errno. */
int privilege_empty_root(void);
/* No core dump, no further process, and so many descriptors. -errno. */
int privilege_limit(unsigned int descriptors);

/*
 * Of all groups but the own one only that of a file, or while there is no such file, the group of
 * that name in /etc/group, if any. Who may not change groups keeps his.
 */
void privilege_group_of(const char *file, const char *name);

/*
 * Of the capabilities only those that looking takes once the kernel programs are loaded; none to be
 * had by exec, no core dump and no ptrace. -errno.
 */
int privilege_keep_sight(void);
/* The same without any capability; the user stays. -errno. */
int privilege_keep_none(void);

/* Names, separated by ", ", of the capabilities that sense wants and lacks; "" when it has all. */
void privilege_missing(char *names, size_t size);

#endif
