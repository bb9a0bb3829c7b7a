/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_PROCESS_H
#define BPF_PROCESS_H
/*
 * Who is doing it. Only for programs that run in the context of the process that acts: at connect,
 * listen, bind, send and exec.
 */
#include "bpf/maps.h"

/*
 * Tells the workload of the current process and remembers it. 0 when there is no room on the ring:
 * then it is told next time. The slow path, once for each process, so out of line.
 */
int process_tell(void);

static __always_inline __u64 process_cgroup(const struct task_struct *task)
{
	return task->cgroups->dfl_cgrp->kn->id;
}

/* The current process; told first if it is new or has changed. NULL: counted as not told. */
static __always_inline struct process *process_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 tgid = task->tgid;
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);

	if (process && process->workload && process->exec_id == task->self_exec_id &&
		process->start == task->group_leader->start_boottime &&
		process->uid == task->cred->euid.val && process->cgroup == process_cgroup(task))
		return process;
	if (!process_tell())
		return NULL;
	return bpf_map_lookup_elem(&processes, &tgid);
}

#endif
