/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_EVENT_H
#define BPF_EVENT_H
/*
 * What the kernel programs tell user space: records on the ring, the edge table, and rows of the
 * snapshot. Addresses are 16 bytes, IPv4 v4-mapped (RFC 4291 2.5.5.2); ports are in host order;
 * times are nanoseconds of CLOCK_BOOTTIME; a tgid is a number of our own pid namespace, or 0.
 */
#ifndef __bpf__
#include <linux/types.h>
#endif
#include "bpf/heartbeat.h"

enum { EVENT_ARGV_SIZE = 256, EVENT_PATH_SIZE = 512, EVENT_COMM_SIZE = 16 };

enum event_kind {
	EVENT_WORKLOAD = 1, /* struct event_workload */
	EVENT_LISTEN,	    /* struct event_socket: TCP listener, or UDP socket on a chosen port */
	EVENT_UNLISTEN,	    /* struct event_socket with only cookie and protocol: it is gone */
	EVENT_EDGE,	    /* struct event_edge: first sight, or its outcome changed */
	EVENT_EXIT,	    /* struct event_exit: a process that used or held sockets is gone */
};

/*
 * A process uses the network for the first time, or again after exec, a new user or a new cgroup.
 * It comes before every record that has this workload, so that a process that lives 5 ms has a
 * name. Processes with the same exe, cgroup, user and argv prefix share a workload.
 */
struct event_workload {
	__u32 kind, tgid;
	__u64 workload; /* never 0 */
	__u64 start;	/* of the process; with tgid it is unique until the next boot */
	__u64 cgroup;	/* id in the v2 hierarchy = inode number of its directory */
	__u64 exe_inode;
	__u32 exe_dev;	/* major << 20 | minor */
	__u32 netns;	/* inode number; of the process, not of a socket */
	__u32 uid, gid; /* effective */
	__u16 argv_size, path_size, path_cut, argv_cut; /* cut: 1 if it is; a path at the root */
	char comm[EVENT_COMM_SIZE];
	char argv[EVENT_ARGV_SIZE]; /* argv_size bytes: arguments, each NUL-terminated */
	char path[EVENT_PATH_SIZE]; /* path_size bytes: names from leaf to root, NUL-terminated */
};

/* Flags of sockets, in events and in rows. */
enum {
	SOCKET_DUAL = 1,     /* on :: and takes IPv4 too */
	SOCKET_BOUND = 2,    /* the program chose the port: for UDP, a service */
	SOCKET_ACCEPTED = 4, /* TCP: came out of a listener */
};

/* port 0: listen() without bind(), the kernel chooses the port next; only the snapshot knows it. */
struct event_socket {
	__u32 kind, tgid;
	__u64 workload;
	__u64 start;
	__u64 cookie; /* of the socket, never reused */
	__u8 addr[16];
	__u32 netns;
	__u16 port;
	__u8 protocol, flags; /* IPPROTO_, SOCKET_ */
};

/* Who talks to whom. No ephemeral port is ever in it. */
enum edge_role { EDGE_CLIENT = 1, EDGE_SERVER };
struct edge_key {
	union {
		__u64 workload; /* EDGE_CLIENT; the upper 8 bytes are 0 */
		__u8 local[16]; /* EDGE_SERVER: address the peer reached, :: for UDP on any */
	};
	__u8 peer[16];
	__u32 netns;
	__u16 port; /* EDGE_CLIENT: of the peer; EDGE_SERVER: our own */
	__u8 protocol, role;
};

enum {
	EDGE_OK = 0,		 /* connected, or a datagram passed */
	EDGE_UNUSED = 0xfffd,	 /* UDP: what was pending has ended, and nothing was sent */
	EDGE_ABANDONED = 0xfffe, /* closed by the client before there was an answer */
	EDGE_PENDING = 0xffff, /* no answer yet; told only of UDP, where connect() sends nothing */
};
enum { EPHEMERAL_FROM = 32768 }; /* in doubt, a UDP port from here on is a client's */

/* Told at the outcome of the first attempt, and whenever the outcome differs from the last one. */
struct event_edge {
	__u32 kind;
	__u32 outcome; /* EDGE_OK, EDGE_ABANDONED or an errno (ECONNREFUSED, ETIMEDOUT, ...) */
	struct edge_key key;
};

struct event_exit {
	__u32 kind, tgid;
	__u64 start;
};

/* Value of the edge table: a cache of what was told, that may be emptied at any time. */
struct edge_value {
	__u32 count; /* uses; wraps; loses some between CPUs: a change means "seen since" */
	__u32 outcome;
};

/* One row of the snapshot for each file descriptor of each process that refers to a socket. */
struct event_row {
	__u64 cookie;
	__u64 start;		  /* of the process */
	__u8 local[16], peer[16]; /* peer is zero when not connected */
	__u32 netns;		  /* of the socket */
	__u32 tgid, uid;	  /* uid is the effective one */
	__u16 local_port, peer_port;
	__u16 protocol, family; /* IPPROTO_ (0 for unix), AF_ */
	__u8 type, state;	/* SOCK_, TCP_ (TCP_LISTEN for unix listeners too) */
	__u8 flags;		/* SOCKET_ACCEPTED ... */
	__u8 path_size;		/* unix: bytes that follow; first one 0 for an abstract name */
};

_Static_assert(sizeof(struct event_workload) == 848, "layout");
_Static_assert(sizeof(struct event_socket) == 56 && sizeof(struct event_edge) == 48, "layout");
_Static_assert(sizeof(struct edge_key) == 40 && sizeof(struct event_row) == 72, "layout");

#endif
