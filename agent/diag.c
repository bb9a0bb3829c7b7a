// SPDX-License-Identifier: Apache-2.0
#include "agent/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#define uthash_fatal(why) abort()
#include <uthash.h>

enum { REPLY_SIZE = 32768, PORTS = 65536 };

struct entry {
	UT_hash_handle hh;
	uint32_t inode;
	struct diag_socket socket;
};

struct diag {
	struct entry *entries;
	uint32_t netns;
	uint16_t ephemeral;	    /* ports from here on are the kernel's choice */
	uint8_t listens[PORTS / 8]; /* TCP ports that somebody listens on */
};

static struct entry *add(struct diag *diag, uint32_t inode, const uint32_t cookie[2])
{
	struct entry *entry;

	HASH_FIND(hh, diag->entries, &inode, sizeof(inode), entry);
	if (entry)
		return entry;
	entry = mem_alloc(1, sizeof(*entry));
	entry->inode = inode;
	entry->socket.row.cookie = (uint64_t)cookie[1] << 32 | cookie[0];
	entry->socket.row.netns = diag->netns;
	HASH_ADD(hh, diag->entries, inode, sizeof(inode), entry);
	return entry;
}

static void copy_ip(uint8_t to[16], const __be32 from[4], uint8_t family)
{
	memset(to, 0, 16);
	if (family == AF_INET) {
		to[10] = to[11] = 0xff;
		memcpy(to + 12, from, 4);
	} else {
		memcpy(to, from, 16);
	}
}

/* Returns whether the answer has an attribute that says an IPv6 socket takes only IPv6. */
static bool is_v6_only(const struct nlmsghdr *head)
{
	const struct rtattr *attribute = (const struct rtattr *)((const char *)NLMSG_DATA(head) +
		sizeof(struct inet_diag_msg));
	int left = (int)NLMSG_PAYLOAD(head, sizeof(struct inet_diag_msg));

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == INET_DIAG_SKV6ONLY && RTA_PAYLOAD(attribute))
			return *(const uint8_t *)RTA_DATA(attribute);
	}
	return false;
}

static void on_inet(struct diag *diag, const struct nlmsghdr *head, uint8_t protocol)
{
	static const uint8_t any6[16];
	const struct inet_diag_msg *message = NLMSG_DATA(head);
	struct event_row *row;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*message)) || !message->idiag_inode)
		return;
	row = &add(diag, message->idiag_inode, message->id.idiag_cookie)->socket.row;
	copy_ip(row->local, message->id.idiag_src, message->idiag_family);
	copy_ip(row->peer, message->id.idiag_dst, message->idiag_family);
	row->local_port = ntohs(message->id.idiag_sport);
	row->peer_port = ntohs(message->id.idiag_dport);
	row->protocol = protocol;
	row->family = message->idiag_family;
	row->type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	row->state = message->idiag_state;
	if (message->idiag_family == AF_INET6 && !memcmp(row->local, any6, 16) && !is_v6_only(head))
		row->flags |= SOCKET_DUAL;
	if (protocol == IPPROTO_UDP && row->local_port < diag->ephemeral)
		row->flags |= SOCKET_BOUND;
	if (row->state == TCP_LISTEN)
		diag->listens[row->local_port / 8] |= (uint8_t)(1 << row->local_port % 8);
}

static void on_unix(struct diag *diag, const struct nlmsghdr *head)
{
	const struct unix_diag_msg *message = NLMSG_DATA(head);
	const struct rtattr *attribute = (const struct rtattr *)(message + 1);
	int left = (int)NLMSG_PAYLOAD(head, sizeof(*message));
	struct diag_socket *to;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*message)) || !message->udiag_ino)
		return;
	to = &add(diag, message->udiag_ino, message->udiag_cookie)->socket;
	to->row.family = AF_UNIX;
	to->row.type = message->udiag_type;
	to->row.state = message->udiag_state;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		size_t size = RTA_PAYLOAD(attribute);

		if (attribute->rta_type != UNIX_DIAG_NAME)
			continue;
		if (size > sizeof(to->path))
			size = sizeof(to->path);
		memcpy(to->path, RTA_DATA(attribute), size);
		/* A path may or may not bring its NUL; an abstract name has none. */
		to->row.path_size = (uint8_t)(to->path[0] ? strnlen(to->path, size) : size);
	}
}

/* Reads answers until the last one. */
static int receive(int fd, struct diag *diag, uint8_t family, uint8_t protocol)
{
	char *reply autofree = mem_alloc(1, REPLY_SIZE);

	for (;;) {
		ssize_t got = recv(fd, reply, REPLY_SIZE, 0);
		const struct nlmsghdr *head = (const struct nlmsghdr *)reply;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		for (; NLMSG_OK(head, (size_t)got); head = NLMSG_NEXT(head, got)) {
			if (head->nlmsg_type == NLMSG_DONE)
				return 0;
			if (head->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(head))->error
					?: -EPROTO;
			if (family == AF_UNIX)
				on_unix(diag, head);
			else
				on_inet(diag, head, protocol);
		}
	}
}

static int dump(int fd, struct diag *diag, uint8_t family, uint8_t protocol)
{
	struct {
		struct nlmsghdr head;
		union {
			struct inet_diag_req_v2 inet;
			struct unix_diag_req local;
		};
	} request = { .head = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };

	if (family == AF_UNIX) {
		request.local = (struct unix_diag_req){
			.sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_show = UDIAG_SHOW_NAME
		};
		request.head.nlmsg_len = NLMSG_LENGTH(sizeof(request.local));
	} else {
		request.inet = (struct inet_diag_req_v2){ .sdiag_family = family,
			.sdiag_protocol = protocol,
			.idiag_states = ~(1u << TCP_TIME_WAIT) };
		request.head.nlmsg_len = NLMSG_LENGTH(sizeof(request.inet));
	}
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0)
		return -errno;
	return receive(fd, diag, family, protocol);
}

/* Who took the connection: in doubt the one whose port is listened on. */
static void find_directions(struct diag *diag)
{
	struct entry *entry, *next;

	HASH_ITER (hh, diag->entries, entry, next) {
		struct event_row *row = &entry->socket.row;

		if (row->protocol == IPPROTO_TCP && row->peer_port && row->state != TCP_LISTEN &&
			diag->listens[row->local_port / 8] & 1 << row->local_port % 8)
			row->flags |= SOCKET_ACCEPTED;
	}
}

static uint16_t first_ephemeral_port(void)
{
	char *text autofree =
		file_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", 64, NULL);
	unsigned int first;

	return text && sscanf(text, "%u", &first) == 1 && first < PORTS ? (uint16_t)first
									: EPHEMERAL_FROM;
}

int diag_open(struct diag **diag, uint32_t netns)
{
	static const struct {
		uint8_t family, protocol;
	} dumps[] = { { AF_INET, IPPROTO_TCP }, { AF_INET6, IPPROTO_TCP }, { AF_INET, IPPROTO_UDP },
		{ AF_INET6, IPPROTO_UDP }, { AF_UNIX, 0 } };
	int fd autoclose = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int err = 0;

	if (fd < 0)
		return -errno;
	*diag = mem_alloc(1, sizeof(**diag));
	(*diag)->netns = netns;
	(*diag)->ephemeral = first_ephemeral_port();
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]) && !err; i++) {
		err = dump(fd, *diag, dumps[i].family, dumps[i].protocol);
		if (err == -ENOENT) /* a kernel without that family or its module */
			err = 0;
	}
	if (err)
		diag_close(*diag);
	else
		find_directions(*diag);
	return err;
}

void diag_close(struct diag *diag)
{
	struct entry *entry, *next;

	HASH_ITER (hh, diag->entries, entry, next) {
		HASH_DELETE(hh, diag->entries, entry);
		free(entry);
	}
	free(diag);
}

const struct diag_socket *diag_find(const struct diag *diag, uint32_t inode)
{
	struct entry *entry;

	HASH_FIND(hh, diag->entries, &inode, sizeof(inode), entry);
	return entry ? &entry->socket : NULL;
}
