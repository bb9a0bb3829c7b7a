/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H
/*
 * Which system calls a process may still make, for good (seccomp(2)). What it may not make kills
 * the whole process with SIGSYS, and the kernel's audit log says so. docs/privileges.md has what
 * each process keeps and why.
 */
#include <stddef.h>
#include <stdint.h>

enum { SANDBOX_TESTS = 2 };

/* One call, only when all tests hold: (argument & mask) == value; mask 0: there is no test. */
struct sandbox_rule {
	const char *call; /* its name; one that this architecture lacks is passed over */
	struct {
		unsigned int argument; /* 0 is the first */
		uint32_t mask;	       /* arguments are compared as the 32 bits of an int */
		uint32_t value;
	} tests[SANDBOX_TESTS];
};

/*
 * Only these calls, and those that no program can do without (memory, clocks, reading and writing
 * what is open, waiting, its own end); never memory that can be executed. For all threads. -ENOSYS
 * when the kernel has no such filter, other -errno.
 */
int sandbox_allow(const struct sandbox_rule *rules, size_t count);
/* All but the calls that reach beyond one's own files and sockets: exec, ptrace, mount and such. */
int sandbox_forbid(void);

#endif
