/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VMLINUX_SOCKET_H
#define VMLINUX_SOCKET_H
/* The fields of sockets that we read. Their places are found in the running kernel's BTF. */
#include "vmlinux/types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_ipv6only : 1;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	int skc_incoming_cpu; /* of the last datagram a connected socket got; -1: none */
};

struct sock {
	struct sock_common __sk_common;
	__u8 sk_userlocks : 4;
	__u16 sk_protocol;
	__u16 sk_type;
	int sk_err;
	__u32 sk_max_ack_backlog;
};

/* Counts the datagrams that a connected socket sends over IPv4; of 16 bits before Linux 6.7. */
struct inet_sock {
	atomic_t inet_id;
};
struct inet_sock___narrow {
	__u16 inet_id;
};

/* Bit of sk_userlocks: the port was chosen by bind(). */
enum { SOCK_BINDPORT_LOCK = 8 };

struct socket {
	struct sock *sk;
};

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
};

#pragma clang attribute pop

#endif
