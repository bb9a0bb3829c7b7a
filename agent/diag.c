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
#define uthash_fatal(why) mem_exhausted()
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
	unsigned int missing;	    /* bits of enum diag_missing */
	uint32_t ephemeral;	    /* ports from here on are the kernel's choice */
	uint8_t listens[PORTS / 8]; /* TCP ports that somebody listens on */
};

static uint64_t cookie_of(const uint32_t cookie[2])
{
	return (uint64_t)cookie[1] << 32 | cookie[0];
}

static struct entry *add(struct diag *diag, uint32_t inode, const uint32_t cookie[2])
{
	struct entry *entry;

	HASH_FIND(hh, diag->entries, &inode, sizeof(inode), entry);
	if (entry)
		return entry;
	entry = mem_alloc(1, sizeof(*entry));
	entry->inode = inode;
	entry->socket.row.cookie = cookie_of(cookie);
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

/* NULL when it is no whole answer about a socket, or about one that nothing can refer to. */
static const struct inet_diag_msg *inet_message(const struct nlmsghdr *head)
{
	const struct inet_diag_msg *message = NLMSG_DATA(head);

	return head->nlmsg_len >= NLMSG_LENGTH(sizeof(*message)) && message->idiag_inode ? message
											 : NULL;
}

static void fill_row(struct event_row *row, const struct nlmsghdr *head, uint8_t protocol)
{
	static const uint8_t any6[16];
	const struct inet_diag_msg *message = NLMSG_DATA(head);

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
}

static void on_inet(void *owner, const struct nlmsghdr *head, uint8_t protocol)
{
	const struct inet_diag_msg *message = inet_message(head);
	struct diag *diag = owner;
	struct event_row *row;

	if (!message)
		return;
	row = &add(diag, message->idiag_inode, message->id.idiag_cookie)->socket.row;
	fill_row(row, head, protocol);
	if (protocol == IPPROTO_UDP && row->local_port < diag->ephemeral)
		row->flags |= SOCKET_BOUND;
	if (row->state == TCP_LISTEN)
		diag->listens[row->local_port / 8] |= (uint8_t)(1 << row->local_port % 8);
}

static void on_unix(void *owner, const struct nlmsghdr *head, uint8_t protocol)
{
	struct diag *diag = owner;
	const struct unix_diag_msg *message = NLMSG_DATA(head);
	const struct rtattr *attribute = (const struct rtattr *)(message + 1);
	int left = (int)NLMSG_PAYLOAD(head, sizeof(*message));
	struct diag_socket *to;

	(void)protocol;
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

typedef void answer_fn(void *owner, const struct nlmsghdr *head, uint8_t protocol);

struct question {
	uint8_t family, protocol;
	uint32_t states; /* of inet sockets: only these */
	answer_fn *answer;
};

/* Reads answers until the last one. */
static int receive(int fd, const struct question *question, void *owner)
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
			question->answer(owner, head, question->protocol);
		}
	}
}

static int dump(int fd, const struct question *question, void *owner)
{
	struct {
		struct nlmsghdr head;
		union {
			struct inet_diag_req_v2 inet;
			struct unix_diag_req local;
		};
	} request = { .head = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };

	if (question->family == AF_UNIX) {
		request.local = (struct unix_diag_req){
			.sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_show = UDIAG_SHOW_NAME
		};
		request.head.nlmsg_len = NLMSG_LENGTH(sizeof(request.local));
	} else {
		request.inet = (struct inet_diag_req_v2){ .sdiag_family = question->family,
			.sdiag_protocol = question->protocol,
			.idiag_states = question->states };
		request.head.nlmsg_len = NLMSG_LENGTH(sizeof(request.inet));
	}
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0)
		return -errno;
	return receive(fd, question, owner);
}

static unsigned int module_of(const struct question *question)
{
	if (question->family == AF_UNIX)
		return DIAG_UNIX;
	return question->protocol == IPPROTO_TCP ? DIAG_TCP : DIAG_UDP;
}

static int ask(const struct question *questions, size_t count, unsigned int *missing, void *owner)
{
	int fd autoclose = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int err = fd < 0 ? -errno : 0;

	for (size_t i = 0; i < count && !err; i++) {
		err = dump(fd, &questions[i], owner);
		if (err == -ENOENT) {
			*missing |= module_of(&questions[i]);
			err = 0;
		}
	}
	return err;
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
	enum { ALL = 0xffffffff & ~(1u << TCP_TIME_WAIT) };
	static const struct question questions[] = { { AF_INET, IPPROTO_TCP, ALL, on_inet },
		{ AF_INET6, IPPROTO_TCP, ALL, on_inet }, { AF_INET, IPPROTO_UDP, ALL, on_inet },
		{ AF_INET6, IPPROTO_UDP, ALL, on_inet }, { AF_UNIX, 0, 0, on_unix } };
	int err;

	*diag = mem_alloc(1, sizeof(**diag));
	(*diag)->netns = netns;
	(*diag)->ephemeral = first_ephemeral_port();
	err = ask(questions, sizeof(questions) / sizeof(questions[0]), &(*diag)->missing, *diag);
	if (err)
		diag_close(*diag);
	else
		find_directions(*diag);
	return err;
}

unsigned int diag_missing(const struct diag *diag)
{
	return diag->missing;
}

struct services {
	uint32_t netns;
	diag_row_fn *row;
	void *owner;
};

static void on_service(void *owner, const struct nlmsghdr *head, uint8_t protocol)
{
	const struct inet_diag_msg *message = inet_message(head);
	const struct services *services = owner;
	struct event_row row = { .netns = services->netns, .flags = SOCKET_BOUND };

	if (!message)
		return;
	row.cookie = cookie_of(message->id.idiag_cookie);
	fill_row(&row, head, protocol);
	services->row(services->owner, &row);
}

int diag_services(uint32_t netns, diag_row_fn *row, void *owner)
{
	enum { LISTENING = 1u << TCP_LISTEN, WITHOUT_PEER = 1u << TCP_CLOSE };
	static const struct question questions[] = { { AF_INET, IPPROTO_TCP, LISTENING,
							     on_service },
		{ AF_INET6, IPPROTO_TCP, LISTENING, on_service },
		{ AF_INET, IPPROTO_UDP, WITHOUT_PEER, on_service },
		{ AF_INET6, IPPROTO_UDP, WITHOUT_PEER, on_service } };
	struct services services = { .netns = netns, .row = row, .owner = owner };
	unsigned int missing = 0;
	int err = ask(questions, sizeof(questions) / sizeof(questions[0]), &missing, &services);

	return !err && missing ? -EPROTONOSUPPORT : err;
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
