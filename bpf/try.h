/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_TRY_H
#define BPF_TRY_H
/*
 * connect() of a UDP socket sends nothing. Who does it mostly sends then; but getaddrinfo() does it
 * with each address it found, to see which address of ours the kernel would take (RFC 6724): it
 * asks for the name of the socket, and closes it or connects it elsewhere within microseconds. That
 * is no use of the network. A new edge is therefore told as pending, and by its end as used or not;
 * a connect() along an edge that is known costs nothing more.
 */
#include "bpf/edge.h"
#include <bpf/bpf_core_read.h>

/* A socket that was open for longer is used. */
#define TRY_NS 5000000

struct udp_try {
	struct edge_key edge;
	__u64 since;		/* 0: it has ended */
	__u32 datagrams, asked; /* asked: for the name of the socket, and had sent so many then */
};
struct try_map {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct udp_try);
};
struct try_map udp_tries SEC(".maps");

/* The socket behind a context, whose fields the verifier does not know, as a mere address. */
static __always_inline const struct sock *kernel_sock(const void *sk)
{
	const struct sock *address = NULL;

	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

/* From a number that connect() chose; it does not move for IPv6. */
static __always_inline __u32 datagrams_sent(const struct sock *sk)
{
	const struct inet_sock *inet = (const void *)sk;
	const struct inet_sock___narrow *narrow = (const void *)sk;

	if (bpf_core_field_exists(inet->inet_id))
		return BPF_CORE_READ(inet, inet_id.counter);
	return BPF_CORE_READ(narrow, inet_id);
}

static __always_inline bool was_used(const struct sock *sk, const struct udp_try *try)
{
	if (bpf_ktime_get_ns() - try->since >= TRY_NS ||
		BPF_CORE_READ(sk, __sk_common.skc_incoming_cpu) != -1)
		return true;
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_ESTABLISHED)
		return false; /* connect() failed, or was taken back */
	return !try->asked || datagrams_sent(sk) != try->datagrams;
}

/* The socket is closed or connected elsewhere. */
static __always_inline void try_end(struct bpf_sock *sk)
{
	struct udp_try *try = bpf_sk_storage_get(&udp_tries, sk, NULL, 0);
	struct edge_value *value;
	bool used;

	if (!try || !try->since)
		return;
	used = was_used(kernel_sock(sk), try);
	try->since = 0;
	if (used) {
		edge_outcome(&try->edge, EDGE_OK);
		return;
	}
	value = bpf_map_lookup_elem(&edges, &try->edge);
	if (value) {
		if (value->outcome != EDGE_PENDING || __sync_fetch_and_sub(&value->count, 1) > 1)
			return;
		bpf_map_delete_elem(&edges, &try->edge);
	}
	edge_tell(&try->edge, EDGE_UNUSED);
}

/* value is of the edge in the table, or NULL. While it is pending it counts the tries. */
static __always_inline void try_begin(
	struct bpf_sock *sk, const struct edge_key *edge, struct edge_value *value)
{
	struct udp_try *try = bpf_sk_storage_get(&udp_tries, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!try) {
		edge_outcome(edge, EDGE_OK);
		return;
	}
	try->edge = *edge;
	try->asked = 0;
	try->since = bpf_ktime_get_ns();
	if (value)
		__sync_fetch_and_add(&value->count, 1);
	else if (edge_add(edge, EDGE_PENDING))
		edge_tell(edge, EDGE_PENDING);
}

static __always_inline void try_asks(struct bpf_sock *sk)
{
	struct udp_try *try = bpf_sk_storage_get(&udp_tries, sk, NULL, 0);

	if (!try || !try->since || try->asked)
		return;
	try->asked = 1;
	try->datagrams = datagrams_sent(kernel_sock(sk));
}

#endif
