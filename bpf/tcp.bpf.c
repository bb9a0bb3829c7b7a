/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP: every change of state of every socket passes here, so this is the hot path. The current
 * process is the one that acts only at SYN_SENT and at LISTEN; all else may come from an interrupt.
 */
#include "bpf/address.h"
#include "bpf/edge.h"
#include "bpf/process.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/*
 * Connects that wait for their answer, at the lower bits of the socket's cookie. check makes a
 * slot that two CPUs wrote at once worthless instead of wrong. A socket that finds its slot taken
 * keeps its owner in its own storage, which is exact too, but costs an allocation.
 */
struct pending {
	__u64 socket; /* 2 * cookie; + 1: the edge's last outcome is not EDGE_OK */
	__u64 workload;
	__u64 check; /* socket ^ workload */
};

enum { PENDING_SLOTS = 1024 };
static struct pending pending[PENDING_SLOTS];

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pending);
} pending_crowded SEC(".maps");

static __always_inline void pending_put(const struct sock *sk, __u64 workload, bool tell)
{
	__u64 cookie = bpf_get_socket_cookie((void *)sk);
	struct pending *slot = &pending[cookie % PENDING_SLOTS];

	if (slot->socket) {
		slot = bpf_sk_storage_get(
			&pending_crowded, (void *)sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (!slot)
			return;
	}
	slot->socket = 2 * cookie + tell;
	slot->workload = workload;
	slot->check = slot->socket ^ workload;
}

/* Moves what was put for the socket to *to; false when there is nothing. */
static __always_inline bool pending_take(const struct sock *sk, struct pending *to)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;
	struct pending *slot = &pending[cookie % PENDING_SLOTS];

	if (!cookie)
		return false;
	if (slot->socket / 2 != cookie) {
		slot = bpf_sk_storage_get(&pending_crowded, (void *)sk, NULL, 0);
		if (!slot || !slot->socket)
			return false;
	}
	*to = *slot;
	slot->socket = 0;
	return to->check == (to->socket ^ to->workload);
}

static __always_inline __u32 netns_of(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ns.inum;
}

static __always_inline void client_key(
	struct edge_key *key, const struct sock *sk, __u32 netns, __u64 workload)
{
	key->workload = workload;
	((__u64 *)key->local)[1] = 0;
	address_peer(key->peer, sk);
	key->netns = netns;
	key->port = bpf_ntohs(sk->__sk_common.skc_dport);
	key->protocol = IPPROTO_TCP;
	key->role = EDGE_CLIENT;
}

static __always_inline void client_tries(const struct sock *sk, __u32 netns)
{
	struct process *process = process_current();
	struct edge_value *value;
	struct edge_key key;
	bool tell = true;

	if (!process)
		return;
	client_key(&key, sk, netns, process->workload);
	value = bpf_map_lookup_elem(&edges, &key);
	if (value) {
		value->count++;
		tell = value->outcome != EDGE_OK;
	} else {
		edge_add(&key, EDGE_PENDING);
	}
	pending_put(sk, process->workload, tell);
}

static __always_inline void client_answered(const struct sock *sk, __u32 netns, int state)
{
	__u32 outcome = EDGE_OK;
	struct pending pending;
	struct edge_key key;

	if (!pending_take(sk, &pending)) {
		if (state == TCP_CLOSE)
			count(&door.unowned);
		return;
	}
	if (state == TCP_CLOSE)
		outcome = sk->sk_err ?: EDGE_ABANDONED;
	else if (!(pending.socket & 1))
		return;
	client_key(&key, sk, netns, pending.workload);
	edge_outcome(&key, outcome);
}

/* A socket that connected to itself takes this way too, and is no server. */
static __always_inline void server_accepts(const struct sock *sk, __u32 netns)
{
	struct edge_key key;

	address_local(key.local, sk);
	address_peer(key.peer, sk);
	key.netns = netns;
	key.port = sk->__sk_common.skc_num;
	key.protocol = IPPROTO_TCP;
	key.role = EDGE_SERVER;
	if (!address_same(key.local, key.peer) || sk->__sk_common.skc_dport != bpf_htons(key.port))
		edge_use(&key);
}

static __always_inline void listens(const struct sock *sk, __u32 netns)
{
	struct process *process = process_current();
	struct event_socket *event;

	if (!process)
		return;
	event = ring_reserve(struct event_socket);
	if (!event) {
		ring_full();
		return;
	}
	event->kind = EVENT_LISTEN;
	event->tgid = process->tgid;
	event->workload = process->workload;
	event->start = process->start;
	event->cookie = bpf_get_socket_cookie((void *)sk);
	address_local(event->addr, sk);
	event->netns = netns;
	event->port = sk->__sk_common.skc_num;
	event->protocol = IPPROTO_TCP;
	event->flags = SOCKET_BOUND;
	if (sk->__sk_common.skc_family == AF_INET6 && address_any(event->addr) &&
		!BPF_CORE_READ_BITFIELD(sk, __sk_common.skc_ipv6only))
		event->flags |= SOCKET_DUAL;
	ring_submit(event);
}

static __always_inline void listens_no_more(const struct sock *sk, __u32 netns)
{
	struct event_socket *event = ring_reserve(struct event_socket);

	if (!event) {
		ring_full();
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = EVENT_UNLISTEN;
	event->cookie = bpf_get_socket_cookie((void *)sk);
	event->netns = netns;
	event->protocol = IPPROTO_TCP;
	ring_submit(event);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, const struct sock *sk, int old, int state)
{
	bool accepted = old == TCP_SYN_RECV && state == TCP_ESTABLISHED;
	bool unlistened = old == TCP_LISTEN && state == TCP_CLOSE;
	__u32 netns;

	if (old != TCP_SYN_SENT && state != TCP_SYN_SENT && state != TCP_LISTEN && !accepted &&
		!unlistened)
		return 0;
	netns = netns_of(sk);
	if (!netns_watched(netns) || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (old == TCP_SYN_SENT)
		client_answered(sk, netns, state);
	else if (state == TCP_SYN_SENT)
		client_tries(sk, netns);
	else if (accepted)
		server_accepts(sk, netns);
	else if (state == TCP_LISTEN)
		listens(sk, netns);
	else
		listens_no_more(sk, netns);
	return 0;
}
