/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H
/* What the programs share with each other, and, marked so, with agent/sensor.c. */
#include "vmlinux/task.h"
#include <bpf/bpf_helpers.h>
#include "bpf/door.h"
#include "bpf/event.h"

/* Set before loading. 0: watch every network namespace. */
extern const volatile __u32 only_netns;
/* The pid namespace whose numbers tgid fields are; 0: the first one. */
extern const volatile __u32 reader_pidns;
/* Random, so that nobody can choose arguments that give the workload of somebody else. */
extern const volatile __u64 hash_seed;

/* The process whose heartbeats are not told, as the reader numbers it. */
extern const volatile __u32 beating_tgid;

/* A process that has used or holds a socket, by tgid: what its workload was computed from. */
struct process {
	__u64 workload; /* 0: only known as a holder */
	__u64 start;
	__u64 cgroup;
	__u64 exec_id;
	__u32 uid;
	__u32 tgid; /* as the reader numbers it */
};

/* A cache: a process that fell out of it is told once more. */
struct process_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u32);
	__type(value, struct process);
};
extern struct process_map processes SEC(".maps");

/* Shared with user space. */
struct edge_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct edge_key);
	__type(value, struct edge_value);
};
extern struct edge_map edges SEC(".maps");

/* Shared with user space: struct event_*. */
struct ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
};
extern struct ring_map ring SEC(".maps");

/* A UDP socket on a port that its program chose. */
struct udp_service {
	__u8 addr[16];
	__u32 netns;
	__u16 port;
	__u16 told; /* 0: bind() is under way */
};
struct udp_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct udp_service);
};
extern struct udp_map udp_services SEC(".maps");

/* Mapped by user space: struct door. */
extern struct door door;

#endif
