/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One pass over every file of every task: each socket with each of its holders. */
#include "bpf/address.h"
#include "bpf/pidns.h"
#include "vmlinux/iterator.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct row {
	struct event_row row;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* The holder is known from now on, so that its exec and its exit are told. */
static __always_inline void holder_known(const struct event_row *row, __u32 tgid)
{
	struct process process = { .start = row->start, .tgid = row->tgid };

	if (!bpf_map_lookup_elem(&processes, &tgid))
		bpf_map_update_elem(&processes, &tgid, &process, BPF_NOEXIST);
}

/* A UDP service older than us gets the mark that bind() would have given it. */
static __always_inline void service_known(struct sock *sk, const struct event_row *row)
{
	struct udp_service *service =
		bpf_sk_storage_get(&udp_services, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!service || service->told)
		return;
	address_local(service->addr, sk);
	service->netns = row->netns;
	service->port = row->local_port;
	service->told = 1;
}

/* False when it says nothing: not bound, not connected. */
static __always_inline bool inet_row(struct event_row *row, struct sock *sk)
{
	__u8 locks = BPF_CORE_READ_BITFIELD(sk, sk_userlocks);

	row->local_port = sk->__sk_common.skc_num;
	row->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
	if (!row->local_port && !row->peer_port)
		return false;
	address_local(row->local, sk);
	if (row->peer_port)
		address_peer(row->peer, sk);
	if (locks & SOCK_BINDPORT_LOCK)
		row->flags |= SOCKET_BOUND;
	if (row->state != TCP_LISTEN && sk->sk_max_ack_backlog)
		row->flags |= SOCKET_ACCEPTED;
	if (row->family == AF_INET6 && address_any(row->local) &&
		!BPF_CORE_READ_BITFIELD(sk, __sk_common.skc_ipv6only))
		row->flags |= SOCKET_DUAL;
	if (row->protocol == IPPROTO_UDP && (row->flags & SOCKET_BOUND))
		service_known(sk, row);
	return true;
}

/* A unix socket is told when it listens, or takes datagrams under a name. */
static __always_inline bool unix_row(struct row *to, const struct sock *sk)
{
	const struct unix_address *address = BPF_CORE_READ((const struct unix_sock *)sk, addr);
	__u64 size;

	if (!address || (to->row.state != TCP_LISTEN && to->row.type != SOCK_DGRAM))
		return false;
	size = BPF_CORE_READ(address, len) - sizeof(unsigned short);
	barrier_var(size); /* the verifier wants two plain comparisons */
	if (size == 0 || size > sizeof(to->path))
		return false;
	bpf_probe_read_kernel(to->path, size, address->name[0].sun_path);
	to->row.path_size = size;
	return true;
}

SEC("iter/task_file")
int snapshot(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task, *leader;
	struct file *file = ctx->file;
	struct seq_file *seq = ctx->meta->seq;
	struct row to = {};
	struct socket *socket;
	struct sock *sk;
	__u32 size;
	bool inet;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	to.row.family = sk->__sk_common.skc_family;
	inet = to.row.family == AF_INET || to.row.family == AF_INET6;
	to.row.netns = sk->__sk_common.skc_net.net->ns.inum;
	if ((!inet && to.row.family != AF_UNIX) || !netns_watched(to.row.netns))
		return 0;
	to.row.type = sk->sk_type;
	to.row.state = sk->__sk_common.skc_state;
	to.row.protocol = inet ? sk->sk_protocol : 0;
	leader = task->group_leader;
	to.row.start = leader->start_boottime;
	if (inet ? !inet_row(&to.row, sk) : !unix_row(&to, sk))
		return 0;
	to.row.tgid = pidns_tgid(leader);
	to.row.uid = task->cred->euid.val;
	to.row.cookie = bpf_get_socket_cookie(sk);
	holder_known(&to.row, leader->tgid);
	size = sizeof(to.row) + to.row.path_size;
	if (size <= sizeof(to))
		bpf_seq_write(seq, &to, size);
	return 0;
}
