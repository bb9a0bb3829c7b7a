/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial tcp|mapped|uring|udp|sendto ADDR:PORT [UID] [hold]
 *
 * A client that connects once and is gone: a plain connect, one through an IPv6 socket to a
 * v4-mapped address, one by io_uring, a connected and an unconnected datagram. With UID it becomes
 * that user first, with "hold" it stays. Its exit code is the errno of what failed, or 0.
 */
#include <err.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

#include "base/addr.h"

static int connect_by_ring(int fd, const struct sockaddr *name, socklen_t size)
{
	struct io_uring_cqe *done;
	struct io_uring ring;
	int result = io_uring_queue_init(2, &ring, 0);

	if (result)
		return -result;
	io_uring_prep_connect(io_uring_get_sqe(&ring), fd, name, size);
	io_uring_submit(&ring);
	result = io_uring_wait_cqe(&ring, &done);
	if (!result)
		result = done->res;
	io_uring_queue_exit(&ring);
	return -result;
}

static int dial(const char *kind, const char *where)
{
	bool datagram = !strcmp(kind, "udp") || !strcmp(kind, "sendto");
	struct sockaddr_storage name;
	struct addr addr;
	socklen_t size;
	int fd, family;

	if (addr_parse(where, &addr))
		errx(2, "not ADDR:PORT: '%s'", where);
	family = addr_is_v4(addr.ip) && strcmp(kind, "mapped") ? AF_INET : AF_INET6;
	fd = socket(family, datagram ? SOCK_DGRAM : SOCK_STREAM, 0);
	size = addr_to_sockaddr(&addr, family, &name);
	if (!strcmp(kind, "uring"))
		return connect_by_ring(fd, (struct sockaddr *)&name, size);
	if (!strcmp(kind, "sendto"))
		return sendto(fd, "x", 1, 0, (struct sockaddr *)&name, size) < 0 ? errno : 0;
	if (connect(fd, (struct sockaddr *)&name, size))
		return errno;
	return datagram && send(fd, "x", 1, 0) < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	bool hold = argc > 3 && !strcmp(argv[argc - 1], "hold");
	int result;

	if (argc < 3)
		errx(2, "usage: dial tcp|mapped|uring|udp|sendto ADDR:PORT [UID] [hold]");
	if (argc - hold > 3 && setuid((uid_t)atoi(argv[3])))
		err(1, "setuid %s", argv[3]);
	prctl(PR_SET_PDEATHSIG, hold ? SIGKILL : 0);
	result = dial(argv[1], argv[2]);
	if (hold)
		pause();
	return result;
}
