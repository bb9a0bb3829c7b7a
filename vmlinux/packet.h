/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VMLINUX_PACKET_H
#define VMLINUX_PACKET_H
/*
 * The contexts of programs that see frames (linux/bpf.h, stable): the verifier rewrites their
 * accesses, so nothing is relocated.
 */
#include "vmlinux/types.h"

struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
};

enum { PACKET_HOST = 0 };			    /* pkt_type: sent to our own MAC address */
enum { TCX_NEXT = -1 };				    /* the next program decides */
enum { XDP_ABORTED = 0, XDP_PASS = 2, XDP_TX = 3 }; /* XDP_TX: back out of where it came in */

#endif
