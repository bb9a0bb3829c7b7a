/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve tcp|udp ADDR:PORT [prefork N | reuseport N | keep], serve unix PATH, serve inherited
 *
 * A service that answers nothing, in the ways that services hold their sockets: one process; N
 * children that share a listener (prefork); N processes with a listener each (reuseport); a
 * listener that somebody else opened and passed as descriptor 3 (inherited). "[::]:PORT" takes
 * IPv4 as well. It closes a connection at once, or keeps it (keep). Prints "ready" when it
 * listens. Ends with its parent.
 */
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"

enum { INHERITED_FD = 3, BACKLOG = 512 };

static int open_inet(const char *where, int type, bool shared)
{
	struct sockaddr_storage name;
	struct addr addr;
	socklen_t size;
	int fd, on = 1, off = 0;

	if (addr_parse(where, &addr))
		errx(2, "not ADDR:PORT: '%s'", where);
	fd = socket(where[0] == '[' ? AF_INET6 : AF_INET, type, 0);
	if (where[0] == '[')
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, shared ? SO_REUSEPORT : SO_REUSEADDR, &on, sizeof(on));
	size = addr_to_sockaddr(&addr, where[0] == '[' ? AF_INET6 : AF_INET, &name);
	if (bind(fd, (struct sockaddr *)&name, size))
		err(1, "bind %s", where);
	return fd;
}

static int open_unix(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)))
		err(1, "bind %s", path);
	return fd;
}

/* How one of n processes goes on: the children at once, the parent after all of them. */
static void split(int n)
{
	for (int i = 1; i < n; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			return;
		}
	}
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void serve_stream(int fd, bool keep)
{
	for (;;) {
		int connection = accept(fd, NULL, NULL);

		if (connection >= 0 && !keep)
			close(connection);
	}
}

static void serve_datagrams(int fd)
{
	char bytes[2048];

	while (recv(fd, bytes, sizeof(bytes), 0) >= 0)
		;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "", *where = argc > 2 ? argv[2] : "";
	const char *how = argc > 3 ? argv[3] : "";
	int processes = argc > 4 ? atoi(argv[4]) : 1, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	if (!strcmp(how, "reuseport"))
		split(processes);
	if (!strcmp(kind, "inherited"))
		fd = INHERITED_FD;
	else if (!strcmp(kind, "unix"))
		fd = open_unix(where);
	else
		fd = open_inet(where, strcmp(kind, "udp") ? SOCK_STREAM : SOCK_DGRAM,
			!strcmp(how, "reuseport"));
	if (strcmp(kind, "udp") && listen(fd, BACKLOG))
		err(1, "listen");
	if (!strcmp(how, "prefork"))
		split(processes);
	ready();
	if (!strcmp(kind, "udp"))
		serve_datagrams(fd);
	else
		serve_stream(fd, !strcmp(how, "keep"));
	return 0;
}
