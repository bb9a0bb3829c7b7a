/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdsock SOCKETS PROCESSES: holds that many TCP sockets, as loopback connections of which each
 * process holds both ends, until its standard input ends. Says "ready" when all are there.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 7100, PROCESSES_MAX = 64 };

static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void hold(uint32_t address, unsigned long pairs, int ready)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct linger reset = { .l_onoff = 1 };
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(address);
	if (bind(listening, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(listening, 128) < 0)
		err(1, "listen");
	for (unsigned long i = 0; i < pairs; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);

		if (client < 0 || connect(client, (struct sockaddr *)&to, sizeof(to)) < 0 ||
			accept(listening, NULL, NULL) < 0)
			err(1, "connection %lu", i);
		/* Killed, it leaves nothing in TIME_WAIT for the next measurement. */
		setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	}
	if (write(ready, "", 1) != 1)
		err(1, "ready");
	pause();
}

int main(int argc, char **argv)
{
	unsigned long sockets, processes;
	pid_t holders[PROCESSES_MAX];
	int ready[2];
	char byte;

	if (argc != 3)
		errx(2, "usage: holdsock SOCKETS PROCESSES");
	sockets = strtoul(argv[1], NULL, 10);
	processes = strtoul(argv[2], NULL, 10);
	if (processes == 0 || processes > PROCESSES_MAX)
		errx(2, "1 to %d processes", PROCESSES_MAX);
	raise_limit();
	if (pipe(ready) < 0)
		err(1, "pipe");
	for (unsigned long i = 0; i < processes; i++) {
		holders[i] = fork();
		if (holders[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			hold(0x7f000001 + (uint32_t)i, sockets / processes / 2, ready[1]);
		}
	}
	close(ready[1]);
	for (unsigned long i = 0; i < processes; i++)
		if (read(ready[0], &byte, 1) != 1)
			errx(1, "a holder ended");
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (unsigned long i = 0; i < processes; i++)
		kill(holders[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
