/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_PRIVILEGE_H
#define AGENT_PRIVILEGE_H
/* Which rights the two processes have; nanoprobe(8), PRIVILEGES, says why. */
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
 * For good: other user (when we are root), no capability, none to be had by exec, no core dump
 * and no ptrace of the secrets in memory, and SIGTERM when the parent dies. -errno.
 */
int privilege_drop(const struct privilege_user *user);

/* Names, separated by ", ", of the capabilities that sense wants and lacks; "" when it has all. */
void privilege_missing(char *names, size_t size);

#endif
