// SPDX-License-Identifier: Apache-2.0
#include "cma/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
/* After time.h, which it needs and does not include. */
#include <linux/errqueue.h>

#include "base/alloc.h"
#include "cma/local.h"
#include "wire/beat.h"

enum { PROBE_BATCH = 64 };

/* What the kernel tells of an error: where we asked from, what it is, and who reported it. */
union control {
	struct cmsghdr header; /* aligns it */
	uint8_t room[LOCAL_ROOM +
		CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6))];
};

struct probe {
	struct inbound *in;
	struct probe_counters counters;
	struct mmsghdr headers[PROBE_BATCH];
	struct sockaddr_storage questions[PROBE_BATCH];
	union control controls[PROBE_BATCH];
};

/* Not without CAP_NET_ADMIN: then whom we ask is shown as one whose service we use. */
static void mark(int fd)
{
	int value = BEAT_MARK;

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof(value)))
		errno = 0;
}

static int ask_for_errors(int fd)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)))
		return -errno;
	/* Of a socket for IPv6, which may speak IPv4 too. */
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one)))
		errno = 0;
	return 0;
}

int probe_open(const struct addr *listen, struct probe **probe)
{
	struct addr any_port = *listen;
	struct probe *made = mem_alloc(1, sizeof(*made));
	int err;

	any_port.port = 0;
	err = inbound_open(&any_port, INBOUND_ANSWERS, &made->in);
	if (!err) {
		mark(inbound_fd(made->in));
		err = ask_for_errors(inbound_fd(made->in));
	}
	if (err) {
		probe_close(made);
		return err;
	}
	*probe = made;
	return 0;
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	inbound_close(probe->in);
	free(probe);
}

struct inbound *probe_inbound(struct probe *probe)
{
	return probe->in;
}

static const struct cmsghdr *find_error(struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return c;
	}
	return NULL;
}

/*
 * Does the host that was asked say itself that there is nobody at the port? A router may say so,
 * too, in the name of a firewall.
 */
static bool is_refusal(struct msghdr *header, struct addr *question)
{
	const struct cmsghdr *found = find_error(header);
	struct sockaddr_storage offender = { .ss_family = AF_UNSPEC };
	struct sock_extended_err error;
	struct addr from;
	size_t size;

	if (!found || found->cmsg_len < CMSG_LEN(sizeof(error)))
		return false;
	size = found->cmsg_len - CMSG_LEN(sizeof(error));
	memcpy(&error, CMSG_DATA(found), sizeof(error));
	memcpy(&offender, CMSG_DATA(found) + sizeof(error),
		size < sizeof(offender) ? size : sizeof(offender));
	return (error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6) &&
		error.ee_errno == ECONNREFUSED && !addr_from_sockaddr(&offender, &from) &&
		!addr_from_sockaddr(header->msg_name, question) &&
		!memcmp(from.ip, question->ip, sizeof(from.ip));
}

size_t probe_refusals(struct probe *probe, probe_fn *fn, void *owner)
{
	int count;

	for (size_t i = 0; i < PROBE_BATCH; i++) {
		probe->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &probe->questions[i],
			.msg_namelen = sizeof(probe->questions[i]),
			.msg_control = &probe->controls[i],
			.msg_controllen = sizeof(probe->controls[i].room),
		};
	}
	count = recvmmsg(inbound_fd(probe->in), probe->headers, PROBE_BATCH,
		MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		struct addr question;

		if (is_refusal(&probe->headers[i].msg_hdr, &question)) {
			probe->counters.refused++;
			fn(owner, &question);
		} else {
			probe->counters.others++;
		}
	}
	return count > 0 ? (size_t)count : 0;
}

const struct probe_counters *probe_counters(const struct probe *probe)
{
	return &probe->counters;
}
