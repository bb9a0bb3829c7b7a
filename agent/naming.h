/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_NAMING_H
#define AGENT_NAMING_H
/*
 * Names that stay: of processes over restarts, of network namespaces.
 *
 * A process is "basename:" and 8 hex digits of a hash of exe, cmdline (as told, without secrets),
 * uid, gid and unit; of container and named network namespace too where there are any, because
 * two containers of one image are two services. The hash is FNV-1a (64 bit, folded to 32 by xor)
 * over each text with its terminating NUL (an unknown one is empty), uid and gid as 4 little-endian
 * bytes. It is a name, not a proof: nothing secret depends on it.
 */
#include <stddef.h>
#include <stdint.h>

#include "agent/process.h"

enum { NAMING_PROCESS_SIZE = 80, NAMING_NETNS_SIZE = 64 };

/* The same without the command line: what all the runs of one program by one user have in common.
 */
uint64_t naming_kin(const struct process *process, const char *netns);
/* netns as in process_json; to holds NAMING_PROCESS_SIZE. */
void naming_process(const struct process *process, const char *netns, char *to);
/*
 * The name below dir (/run/netns; -1: none) whose inode number this is, else the number as text.
 * to holds NAMING_NETNS_SIZE.
 */
void naming_netns(int dir, uint32_t inode, char *to);

/* FNV-1a, 64 bit: start with NAMING_HASH_START, feed each piece. */
#define NAMING_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t naming_hash(uint64_t hash, const void *data, size_t size);

#endif
