/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activate ADDR:PORT PROGRAM [ARGUMENT...]
 *
 * Socket activation as the first process of a system does it: opens the listener, starts PROGRAM
 * with it as descriptor 3 (LISTEN_FDS, sd_listen_fds(3)), and keeps a copy for ever.
 */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"

enum { PASSED_FD = 3 };

int main(int argc, char **argv)
{
	struct sockaddr_storage name;
	struct addr addr;
	socklen_t size;
	int fd, on = 1;

	if (argc < 3 || addr_parse(argv[1], &addr))
		errx(2, "usage: activate ADDR:PORT PROGRAM [ARGUMENT...]");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	size = addr_to_sockaddr(&addr, AF_INET, &name);
	if (bind(fd, (struct sockaddr *)&name, size) || listen(fd, SOMAXCONN))
		err(1, "listen on %s", argv[1]);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fd != PASSED_FD)
			dup2(fd, PASSED_FD);
		setenv("LISTEN_FDS", "1", 1);
		execv(argv[2], argv + 2);
		err(1, "%s", argv[2]);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
