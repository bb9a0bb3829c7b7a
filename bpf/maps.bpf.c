/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps and variables themselves; see maps.h. */
#include "bpf/maps.h"

const volatile __u32 only_netns = 0;
const volatile __u32 reader_pidns = 0;
const volatile __u64 hash_seed = 0;
const volatile __u32 beating_tgid = 0;

struct process_map processes SEC(".maps");
struct edge_map edges SEC(".maps");
struct ring_map ring SEC(".maps");
struct udp_map udp_services SEC(".maps");

struct door door SEC(".data.door") = { .state = DOOR_AWAKE };

char LICENSE[] SEC("license") = "Dual BSD/GPL";
