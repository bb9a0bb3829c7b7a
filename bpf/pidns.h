/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_PIDNS_H
#define BPF_PIDNS_H
/* Process numbers as the reader sees them. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

enum { PIDNS_DEPTH = 8 }; /* that we look at; the kernel allows 32 */

/* The number of the process in reader_pidns; 0 when it has none there. */
static __always_inline __u32 pidns_tgid(const struct task_struct *leader)
{
	struct pid *pid;
	struct upid upid;
	__u32 level;

	if (!reader_pidns)
		return leader->tgid;
	pid = BPF_CORE_READ(leader, thread_pid);
	level = BPF_CORE_READ(pid, level);
	for (__u32 i = 0; i < PIDNS_DEPTH && i <= level; i++) {
		const void *number = (const void *)pid +
			bpf_core_field_offset(struct pid, numbers) + i * sizeof(upid);

		if (bpf_probe_read_kernel(&upid, sizeof(upid), number))
			return 0;
		if (BPF_CORE_READ(upid.ns, ns.inum) == reader_pidns)
			return upid.nr;
	}
	return 0;
}

#endif
