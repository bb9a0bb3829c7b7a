/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UDP, which has no states: seen at the calls of its users. Each program returns 1 on every path:
 * any other value would refuse the call.
 *
 * A socket whose program chose its port is a service. What it sends to somebody who wrote to it
 * first is an answer; what it sends to others, it sends as a client. When it is not known who was
 * first (the socket is older than us, or the edge table was emptied), what goes to a port that
 * looks ephemeral is an answer.
 */
#include "bpf/address.h"
#include "bpf/process.h"
#include "bpf/try.h"

enum { ALLOW = 1 };

static __always_inline struct udp_service *service_of(struct bpf_sock *sk, __u64 flags)
{
	return bpf_sk_storage_get(&udp_services, sk, NULL, flags);
}

static __always_inline __u32 netns_of(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline bool only_v6(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
}

/* Word by word: the fields of a context can only be read so. */
#define copy_v6(to, from) \
	address_v6((to), (const __be32[4]){ (from)[0], (from)[1], (from)[2], (from)[3] })

/* Before bind(): only here can be seen whether the port was chosen or left to the kernel. */
static __always_inline int binds(struct bpf_sock_addr *ctx)
{
	if (ctx->protocol == IPPROTO_UDP && ctx->user_port && ctx->sk)
		service_of(ctx->sk, BPF_SK_STORAGE_GET_F_CREATE);
	return ALLOW;
}

static __always_inline void tell_service(
	struct bpf_sock *sk, const struct udp_service *service, bool dual)
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
	event->cookie = bpf_get_socket_cookie(sk);
	address_v6(event->addr, (const __be32 *)service->addr);
	event->netns = service->netns;
	event->port = service->port;
	event->protocol = IPPROTO_UDP;
	event->flags = SOCKET_BOUND | (dual ? SOCKET_DUAL : 0);
	ring_submit(event);
}

/* After bind(). */
static __always_inline int bound(struct bpf_sock *sk, bool v6)
{
	struct udp_service *service;
	bool dual = false;

	if (sk->protocol != IPPROTO_UDP)
		return ALLOW;
	service = service_of(sk, 0);
	if (!service)
		return ALLOW;
	if (v6) {
		copy_v6(service->addr, sk->src_ip6);
		dual = address_any(service->addr) && !only_v6(kernel_sock(sk));
	} else {
		address_v4(service->addr, sk->src_ip4);
	}
	service->port = sk->src_port;
	service->netns = netns_of(kernel_sock(sk));
	service->told = netns_watched(service->netns);
	if (service->told)
		tell_service(sk, service, dual);
	return ALLOW;
}

static __always_inline void server_key(struct edge_key *key, const struct udp_service *service)
{
	address_v6((__u8 *)key->local, (const __be32 *)service->addr);
	key->port = service->port;
	key->role = EDGE_SERVER;
}

/* False when the ring has no room for the process. */
static __always_inline bool client_key(struct edge_key *key, struct bpf_sock_addr *ctx)
{
	struct process *process = process_current();

	if (!process)
		return false;
	key->workload = process->workload;
	((__u64 *)key->local)[1] = 0;
	key->port = bpf_ntohs(ctx->user_port);
	key->role = EDGE_CLIENT;
	return true;
}

/* Who sends to "any" sends to itself. */
static __always_inline void key_peer(struct edge_key *key, struct bpf_sock_addr *ctx, bool v6)
{
	__u32 *word = (__u32 *)key->peer;

	if (v6)
		copy_v6(key->peer, ctx->user_ip6);
	else
		address_v4(key->peer, ctx->user_ip4);
	if (!word[3] && !word[0] && !word[1] && (!word[2] || word[2] == bpf_htonl(0xffff)))
		word[3] = word[2] ? bpf_htonl(0x7f000001) : bpf_htonl(1);
	key->protocol = IPPROTO_UDP;
}

/* The service that a socket older than us is, until the snapshot comes to it; NULL. */
static __always_inline struct udp_service *older_service(struct bpf_sock *sk, __u32 netns)
{
	const struct sock *address = kernel_sock(sk);
	struct udp_service *service;

	if (!(BPF_CORE_READ_BITFIELD_PROBED(address, sk_userlocks) & SOCK_BINDPORT_LOCK))
		return NULL;
	service = service_of(sk, BPF_SK_STORAGE_GET_F_CREATE);
	if (!service || service->told)
		return service;
	if (BPF_CORE_READ(address, __sk_common.skc_family) == AF_INET6)
		BPF_CORE_READ_INTO(&service->addr, address, __sk_common.skc_v6_rcv_saddr);
	else
		address_v4(service->addr, BPF_CORE_READ(address, __sk_common.skc_rcv_saddr));
	service->port = BPF_CORE_READ(address, __sk_common.skc_num);
	service->netns = netns;
	service->told = 1;
	return service;
}

/* What goes to a peer that is not known yet; key is that of a client. */
static __always_inline bool is_answer(const struct udp_service *service, const struct edge_key *key)
{
	return service && service->told && service->port < EPHEMERAL_FROM &&
		key->port >= EPHEMERAL_FROM;
}

static __always_inline bool is_heartbeat(const struct bpf_sock *sk)
{
	const struct process *process;

	if (sk->mark == HEARTBEAT_MARK)
		return true;
	if (sk->priority != BEAT_PRIORITY || !beating_tgid)
		return false;
	process = process_current();
	return process && process->tgid == beating_tgid;
}

/* connect() and sendto(): the peer is where it goes to. */
static __always_inline int sends(struct bpf_sock_addr *ctx, bool v6, bool connects)
{
	struct udp_service *service;
	struct edge_value *value;
	struct edge_key key;

	if (ctx->protocol != IPPROTO_UDP || !ctx->sk)
		return ALLOW;
	if (connects)
		try_end(ctx->sk);
	key.netns = netns_of(kernel_sock(ctx->sk));
	if (!netns_watched(key.netns) || !ctx->user_port || is_heartbeat(ctx->sk))
		return ALLOW;
	key_peer(&key, ctx, v6);
	service = service_of(ctx->sk, 0);
	if (service && service->told) {
		server_key(&key, service);
		value = bpf_map_lookup_elem(&edges, &key);
		if (value) {
			value->count++;
			return ALLOW;
		}
	}
	if (!client_key(&key, ctx))
		return ALLOW;
	value = bpf_map_lookup_elem(&edges, &key);
	if (value && value->outcome == EDGE_OK) {
		value->count++;
		return ALLOW;
	}
	if (!service)
		service = older_service(ctx->sk, key.netns);
	if (is_answer(service, &key)) {
		server_key(&key, service);
		edge_use(&key);
	} else if (connects) {
		try_begin(ctx->sk, &key, value);
	} else if (value) {
		edge_outcome(&key, EDGE_OK);
	} else {
		edge_use(&key);
	}
	return ALLOW;
}

/* recvfrom(): the peer is where it came from. */
static __always_inline int receives(struct bpf_sock_addr *ctx, bool v6)
{
	struct udp_service *service;
	struct edge_value *value;
	struct edge_key key;

	if (ctx->protocol != IPPROTO_UDP || !ctx->sk)
		return ALLOW;
	service = service_of(ctx->sk, 0);
	if (!service || !service->told || is_heartbeat(ctx->sk))
		return ALLOW;
	key.netns = service->netns;
	key_peer(&key, ctx, v6);
	server_key(&key, service);
	value = bpf_map_lookup_elem(&edges, &key);
	if (value) {
		value->count++;
		return ALLOW;
	}
	if (!client_key(&key, ctx) || bpf_map_lookup_elem(&edges, &key))
		return ALLOW;
	server_key(&key, service);
	edge_use(&key);
	return ALLOW;
}

SEC("cgroup/bind4")
int udp_bind4(struct bpf_sock_addr *ctx)
{
	return binds(ctx);
}

SEC("cgroup/bind6")
int udp_bind6(struct bpf_sock_addr *ctx)
{
	return binds(ctx);
}

SEC("cgroup/post_bind4")
int udp_bound4(struct bpf_sock *ctx)
{
	return bound(ctx, false);
}

SEC("cgroup/post_bind6")
int udp_bound6(struct bpf_sock *ctx)
{
	return bound(ctx, true);
}

SEC("cgroup/connect4")
int udp_connect4(struct bpf_sock_addr *ctx)
{
	return sends(ctx, false, true);
}

SEC("cgroup/connect6")
int udp_connect6(struct bpf_sock_addr *ctx)
{
	return sends(ctx, true, true);
}

/* After getsockname(). */
static __always_inline int asks(struct bpf_sock_addr *ctx)
{
	if (ctx->protocol == IPPROTO_UDP && ctx->sk)
		try_asks(ctx->sk);
	return ALLOW;
}

SEC("cgroup/getsockname4")
int udp_asks4(struct bpf_sock_addr *ctx)
{
	return asks(ctx);
}

SEC("cgroup/getsockname6")
int udp_asks6(struct bpf_sock_addr *ctx)
{
	return asks(ctx);
}

SEC("cgroup/sendmsg4")
int udp_send4(struct bpf_sock_addr *ctx)
{
	return sends(ctx, false, false);
}

SEC("cgroup/sendmsg6")
int udp_send6(struct bpf_sock_addr *ctx)
{
	return sends(ctx, true, false);
}

SEC("cgroup/recvmsg4")
int udp_receive4(struct bpf_sock_addr *ctx)
{
	return receives(ctx, false);
}

SEC("cgroup/recvmsg6")
int udp_receive6(struct bpf_sock_addr *ctx)
{
	return receives(ctx, true);
}

SEC("cgroup/sock_release")
int udp_released(struct bpf_sock *ctx)
{
	struct udp_service *service;
	struct event_socket *event;

	if (ctx->protocol != IPPROTO_UDP)
		return ALLOW;
	try_end(ctx);
	service = service_of(ctx, 0);
	if (!service || !service->told)
		return ALLOW;
	event = ring_reserve(struct event_socket);
	if (!event) {
		ring_full();
		return ALLOW;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = EVENT_UNLISTEN;
	event->cookie = bpf_get_socket_cookie(ctx);
	event->netns = service->netns;
	event->protocol = IPPROTO_UDP;
	ring_submit(event);
	return ALLOW;
}
