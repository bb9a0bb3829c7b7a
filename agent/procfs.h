/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_PROCFS_H
#define AGENT_PROCFS_H
/*
 * Files of one process and of the host's accounts. dir is the process' directory below /proc (open
 * for as long as it is needed: it never becomes another process). Texts are owned by the caller.
 */
#include <stdbool.h>
#include <stdint.h>

struct procfs_stat {
	uint64_t start; /* ticks of 10 ms from boot */
	bool kernel;	/* a kernel thread: it has no exe and no command line */
};

/* -ESRCH when the process is gone or a zombie. */
int procfs_stat(int dir, struct procfs_stat *stat);
/* Effective ids; -errno. */
int procfs_ids(int dir, uint32_t *uid, uint32_t *gid);
/* What a symbolic link points to, without " (deleted)"; NULL. */
char *procfs_link(int dir, const char *name);
/* The working directory; NULL, too, when it was removed. */
char *procfs_cwd(int dir);
/* Inode number of the network namespace; 0 when it is not known. */
uint32_t procfs_netns(int dir);
/*
 * The redacted words of the command line (agent/redact.h), each ended by NUL; the name of the
 * thread in brackets when there are none, and of a title the name (agent/title.h; exe may be NULL).
 * NULL when it cannot be read.
 */
char *procfs_cmdline(int dir, const char *exe, uint32_t *size);

/* Name of an id in "passwd" or "group" below etc; NULL when there is none. */
char *procfs_account(int etc, const char *file, uint32_t id);

#endif
