/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_ADDRESS_H
#define BPF_ADDRESS_H
/* Addresses as 16 bytes, IPv4 mapped; and the namespace of a socket. */
#include "bpf/maps.h"
#include <bpf/bpf_endian.h>

static __always_inline void address_v4(__u8 *to, __be32 v4)
{
	__u32 *word = (__u32 *)to;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = v4;
}

static __always_inline void address_v6(__u8 *to, const __be32 v6[4])
{
	__u32 *word = (__u32 *)to;

	word[0] = v6[0];
	word[1] = v6[1];
	word[2] = v6[2];
	word[3] = v6[3];
}

/* The address a socket is bound to, and the one it is connected to. sk is known to the verifier. */
static __always_inline void address_local(__u8 *to, const struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET6)
		address_v6(to, sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32);
	else
		address_v4(to, sk->__sk_common.skc_rcv_saddr);
}

static __always_inline void address_peer(__u8 *to, const struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET6)
		address_v6(to, sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32);
	else
		address_v4(to, sk->__sk_common.skc_daddr);
}

static __always_inline bool address_any(const __u8 *address)
{
	const __u64 *half = (const __u64 *)address;

	return !half[0] && !half[1];
}

static __always_inline bool address_same(const __u8 *a, const __u8 *b)
{
	const __u64 *left = (const __u64 *)a, *right = (const __u64 *)b;

	return left[0] == right[0] && left[1] == right[1];
}

/* True when what happens in this network namespace is to be told. */
static __always_inline bool netns_watched(__u32 netns)
{
	return !only_netns || netns == only_netns;
}

#endif
