/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes: what they are, and when they become something else or end. */
#include "bpf/process.h"
#include "bpf/pidns.h"
#include "bpf/ring.h"
#include <bpf/bpf_tracing.h>

enum {
	PATH_NAME = 128, /* bytes of one name that we take, with its NUL */
	PATH_DEPTH = 32, /* names and mount points between the file and the root */
};

/* Writes the names from the file up to the root of its mount tree. */
static __always_inline void tell_path(struct event_workload *event, const struct file *exe)
{
	const struct dentry *dentry = BPF_CORE_READ(exe, f_path.dentry), *up;
	const void *vfsmount = BPF_CORE_READ(exe, f_path.mnt);
	const struct mount *mount = vfsmount - bpf_core_field_offset(struct mount, mnt);
	__u64 used = 0;

	event->path_cut = 1;
	for (int i = 0; i < PATH_DEPTH; i++) {
		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			const struct mount *parent = BPF_CORE_READ(mount, mnt_parent);

			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			if (parent == mount) {
				event->path_cut = 0;
				break;
			}
			mount = parent;
			continue;
		}
		up = BPF_CORE_READ(dentry, d_parent);
		barrier_var(used); /* the verifier wants the check on what is used below */
		if (up == dentry || used > EVENT_PATH_SIZE - PATH_NAME)
			break;
		long size = bpf_probe_read_kernel_str(
			event->path + used, PATH_NAME, BPF_CORE_READ(dentry, d_name.name));

		if (size <= 0)
			break;
		used += size;
		dentry = up;
	}
	event->path_size = used;
}

static __always_inline void tell_program(struct event_workload *event, const struct mm_struct *mm)
{
	const struct file *exe = mm->exe_file;
	__u64 start = mm->arg_start, size = mm->arg_end - start;

	if (size > EVENT_ARGV_SIZE) {
		size = EVENT_ARGV_SIZE;
		event->argv_cut = 1;
	}
	if (bpf_probe_read_user(event->argv, size, (const void *)start) == 0)
		event->argv_size = size;
	if (!exe)
		return;
	event->exe_inode = exe->f_inode->i_ino;
	event->exe_dev = exe->f_inode->i_sb->s_dev;
	tell_path(event, exe);
}

static __always_inline __u64 mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 29);
}

static __always_inline __u64 workload_hash(const struct event_workload *event)
{
	const __u64 *argv = (const __u64 *)event->argv;
	__u64 hash = mix(hash_seed, event->exe_inode);

	hash = mix(hash, (__u64)event->exe_dev << 32 | event->netns);
	hash = mix(hash, (__u64)event->uid << 32 | event->gid);
	hash = mix(hash, event->cgroup);
	for (int i = 0; i < EVENT_ARGV_SIZE / 8; i++)
		hash = mix(hash, argv[i]);
	return hash | 1;
}

int process_tell(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct event_workload *event = ring_reserve(struct event_workload);
	struct process process = {};
	__u32 tgid = task->tgid;

	if (!event) {
		ring_full();
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = EVENT_WORKLOAD;
	event->tgid = process.tgid = pidns_tgid(task->group_leader);
	event->start = process.start = task->group_leader->start_boottime;
	event->cgroup = process.cgroup = process_cgroup(task);
	event->uid = process.uid = task->cred->euid.val;
	event->gid = task->cred->egid.val;
	process.exec_id = task->self_exec_id;
	if (task->nsproxy)
		event->netns = task->nsproxy->net_ns->ns.inum;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	if (task->mm)
		tell_program(event, task->mm);
	event->workload = process.workload = workload_hash(event);
	ring_submit(event);
	bpf_map_update_elem(&processes, &tgid, &process, BPF_ANY);
	return 1;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (bpf_map_lookup_elem(&processes, &tgid))
		process_tell();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;
	struct process *process;
	struct event_exit *event;

	if (task->signal->live.counter > 0)
		return 0;
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process)
		return 0;
	event = ring_reserve(struct event_exit);
	if (event) {
		event->kind = EVENT_EXIT;
		event->tgid = process->tgid;
		event->start = process->start;
		ring_submit(event);
	} else {
		ring_full();
	}
	bpf_map_delete_elem(&processes, &tgid);
	return 0;
}
