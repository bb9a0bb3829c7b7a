// SPDX-License-Identifier: Apache-2.0
#include "agent/ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

/* The kernel charges bookkeeping to the buffer too: room for a few packets of the largest size. */
enum { IPC_BUFFER = 8 * IPC_PACKET_MAX };

int ipc_pair(int ends[2])
{
	int size = IPC_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return -errno;
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/* Room for one descriptor, aligned for a struct cmsghdr. */
union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int ipc_send(int socket, struct span packet, int pass)
{
	struct iovec part = { (void *)(uintptr_t)packet.data, packet.size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control = { .bytes = { 0 } };

	if (pass >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.align = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.align), &pass, sizeof(pass));
	}
	while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static void take_descriptor(struct msghdr *message, struct ipc_packet *packet)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
		header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&packet->passed, CMSG_DATA(header), sizeof(packet->passed));
}

/*
 * Size of the next packet without taking it, so that memory is no larger than it needs to be. The
 * other side closing with our packets unread is the end of the stream, too (unix(7): ECONNRESET).
 */
static ssize_t next_size(int socket)
{
	ssize_t size;

	do {
		size = recv(socket, NULL, 0, MSG_PEEK | MSG_TRUNC);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == ECONNRESET ? 0 : -errno;
	return size;
}

int ipc_receive(int socket, struct ipc_packet *packet)
{
	union control control;
	struct iovec part;
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)) }; /* the kernel closes any more */
	ssize_t size = next_size(socket);

	*packet = (struct ipc_packet){ .passed = -1 };
	if (size <= 0)
		return (int)size;
	if (size > IPC_PACKET_MAX)
		return -EMSGSIZE;
	packet->data = mem_alloc((size_t)size, 1);
	part = (struct iovec){ packet->data, (size_t)size };
	size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (size > 0)
		take_descriptor(&message, packet);
	if (size <= 0) {
		int err = size < 0 ? -errno : 0;

		ipc_free(packet);
		return err;
	}
	packet->size = (size_t)size;
	return 1;
}

void ipc_free(struct ipc_packet *packet)
{
	free(packet->data);
	if (packet->passed >= 0)
		close(packet->passed);
	*packet = (struct ipc_packet){ .passed = -1 };
}
