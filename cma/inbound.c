// SPDX-License-Identifier: Apache-2.0
#include "cma/inbound.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cma/local.h"
#include "wire/packet.h"

enum {
	INBOUND_BATCH = 64,
	/* Bytes of kernel memory, each way: that is some 80,000 small datagrams. */
	INBOUND_BUFFER = 64 << 20,
	UDP_HEADER = 8,
	INBOUND_DATAGRAM = PACKET_MAX + 1, /* one more shows that it was longer */
};

/* One side of recvmmsg and sendmmsg. */
struct batch {
	struct mmsghdr headers[INBOUND_BATCH];
	struct iovec parts[INBOUND_BATCH];
	struct sockaddr_storage peers[INBOUND_BATCH];
	union {
		struct cmsghdr header; /* aligns it */
		uint8_t room[LOCAL_ROOM];
	} controls[INBOUND_BATCH];
	uint8_t bytes[INBOUND_BATCH][INBOUND_DATAGRAM];
};

struct inbound {
	int fd, family;
	bool anywhere; /* bound to all addresses of this host */
	struct local local;
	struct batch in, out;
	unsigned int out_count;
	uint32_t drops_seen; /* the kernel's count, which wraps */
	struct inbound_counters counters;
};

static void batch_init(struct batch *batch)
{
	for (size_t i = 0; i < INBOUND_BATCH; i++) {
		batch->parts[i] = (struct iovec){ batch->bytes[i], INBOUND_DATAGRAM };
		batch->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->peers[i],
			.msg_namelen = sizeof(batch->peers[i]),
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
		};
	}
}

static void set_option(int fd, int level, int name, int value)
{
	/* What a kernel does not have, we do without. */
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		errno = 0;
}

static void set_options(int fd, int family)
{
	set_option(fd, SOL_SOCKET, SO_RCVBUF, INBOUND_BUFFER);
	set_option(fd, SOL_SOCKET, SO_SNDBUF, INBOUND_BUFFER);
	/* Beyond net.core.rmem_max, where we may. */
	set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, INBOUND_BUFFER);
	set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, INBOUND_BUFFER);
	/* Don't Fragment on all, and no trust in what routers (or forgers) say about the size. */
	set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	if (family == AF_INET6) {
		set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	}
}

/*
 * INIT of its size, and DATA from the least to the greatest, of our version. What reaches a UDP
 * socket's filter begins with the UDP header. A classic filter needs no privilege.
 */
static const struct sock_filter only_calls[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, UDP_HEADER + 1),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_VERSION, 0, 8),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, UDP_HEADER),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_DATA, 3, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_INIT, 0, 5),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UDP_HEADER + PACKET_INIT_SIZE, 4, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, UDP_HEADER + PACKET_DATA_EXTRA, 0, 1),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, UDP_HEADER + PACKET_MAX, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
};

/* BEAT and ECHO of their sizes. */
static const struct sock_filter only_answers[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, UDP_HEADER + 1),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_VERSION, 0, 7),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, UDP_HEADER),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_BEAT, 3, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_ECHO, 0, 4),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UDP_HEADER + PACKET_ECHO_SIZE, 3, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UDP_HEADER + PACKET_BEAT_SIZE, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
};

#define FILTER(code)                                                                      \
	(struct sock_fprog)                                                               \
	{                                                                                 \
		sizeof(code) / sizeof((code)[0]), (struct sock_filter *)(uintptr_t)(code) \
	}

static void set_filter(int fd, enum inbound_kind kind)
{
	const struct sock_fprog program =
		kind == INBOUND_CALLS ? FILTER(only_calls) : FILTER(only_answers);

	/* Without it the packets are looked at all the same. */
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		errno = 0;
}

int inbound_open(const struct addr *addr, enum inbound_kind kind, struct inbound **inbound)
{
	int family = addr_is_v4(addr->ip) ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct sockaddr_storage at;
	socklen_t size = addr_to_sockaddr(addr, family, &at);
	struct inbound *in;

	if (fd < 0)
		return -errno;
	set_options(fd, family);
	set_filter(fd, kind);
	if (bind(fd, (struct sockaddr *)&at, size)) {
		err = -errno;
		close(fd);
		return err;
	}
	in = mem_alloc(1, sizeof(*in));
	in->fd = fd;
	in->family = family;
	in->anywhere = addr_is_any(addr->ip);
	if (in->anywhere)
		local_ask(fd, family);
	batch_init(&in->in);
	batch_init(&in->out);
	*inbound = in;
	return 0;
}

void inbound_close(struct inbound *in)
{
	if (!in)
		return;
	close(in->fd);
	free(in);
}

int inbound_fd(const struct inbound *in)
{
	return in->fd;
}

void inbound_address(const struct inbound *in, struct addr *addr)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(at);

	*addr = (struct addr){ .port = 0 };
	if (!getsockname(in->fd, (struct sockaddr *)&at, &size))
		addr_from_sockaddr(&at, addr);
}

/*
 * The kernel counts all that it dropped on this socket in one number. What was dropped while the
 * buffer was more than half full is taken to be for that.
 */
static void count_drops(struct inbound *in)
{
	uint32_t info[SK_MEMINFO_VARS], dropped;
	socklen_t size = sizeof(info);

	if (getsockopt(in->fd, SOL_SOCKET, SO_MEMINFO, info, &size) ||
		size <= SK_MEMINFO_DROPS * sizeof(info[0]))
		return;
	dropped = info[SK_MEMINFO_DROPS] - in->drops_seen;
	in->drops_seen = info[SK_MEMINFO_DROPS];
	if (info[SK_MEMINFO_RMEM_ALLOC] > info[SK_MEMINFO_RCVBUF] / 2)
		in->counters.overflowed += dropped;
	else
		in->counters.filtered += dropped;
}

/* What the kernel writes over. */
static void batch_renew(struct batch *batch, bool anywhere)
{
	for (size_t i = 0; i < INBOUND_BATCH; i++) {
		struct msghdr *header = &batch->headers[i].msg_hdr;

		header->msg_namelen = sizeof(batch->peers[i]);
		if (anywhere) {
			header->msg_control = &batch->controls[i];
			header->msg_controllen = sizeof(batch->controls[i].room);
		}
	}
}

static int from_header(struct inbound *in, struct msghdr *header, struct addr *from)
{
	int err = addr_from_sockaddr(header->msg_name, from);

	if (!err && in->anywhere)
		from->local = local_number(&in->local, header);
	return err;
}

size_t inbound_receive(struct inbound *in, inbound_fn *fn, void *owner)
{
	int count;

	count_drops(in);
	batch_renew(&in->in, in->anywhere);
	count = recvmmsg(in->fd, in->in.headers, INBOUND_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		size_t size = in->in.headers[i].msg_len;
		struct addr from;

		in->counters.received++;
		if (size > PACKET_MAX)
			in->counters.truncated++;
		else if (!from_header(in, &in->in.headers[i].msg_hdr, &from))
			fn(owner, &from, SPAN(in->in.bytes[i], size));
	}
	return count > 0 ? (size_t)count : 0;
}

uint8_t *inbound_room(struct inbound *in)
{
	return in->out.bytes[in->out_count];
}

void inbound_send(struct inbound *in, const struct addr *to, size_t size)
{
	unsigned int i = in->out_count++;

	in->out.parts[i].iov_len = size;
	in->out.headers[i].msg_hdr.msg_namelen =
		addr_to_sockaddr(to, in->family, &in->out.peers[i]);
	if (in->anywhere)
		local_leave_from(&in->local, to, &in->out.controls[i], &in->out.headers[i].msg_hdr);
	if (in->out_count == INBOUND_BATCH)
		inbound_flush(in);
}

void inbound_flush(struct inbound *in)
{
	unsigned int done = 0;
	bool again = true;

	while (done < in->out_count) {
		int sent = sendmmsg(
			in->fd, in->out.headers + done, in->out_count - done, MSG_DONTWAIT);

		if (sent > 0) {
			done += (unsigned int)sent;
			in->counters.sent += (unsigned int)sent;
			again = true;
		} else if (errno != EINTR && again) {
			/* It may have been told of the error of an earlier one: it goes again. */
			again = false;
		} else if (errno != EINTR) {
			/* This one cannot go now (full buffer, no route): try those behind it. */
			done++;
			again = true;
			in->counters.unsent++;
		}
	}
	in->out_count = 0;
}

const struct inbound_counters *inbound_counters(struct inbound *in)
{
	count_drops(in);
	return &in->counters;
}
