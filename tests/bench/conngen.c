/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conngen CONNECTIONS DESTINATIONS: one thread that makes loopback connections as fast as it can:
 * socket, connect, accept, close, close (with SO_LINGER 0: six state changes, no TIME_WAIT).
 * Destinations are 127.0.0.0/8 addresses, used in turn; 0 makes each connection go to a new one.
 * Prints connections a second and CPU microseconds per connection. Pinned to CPU 0.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/instant.h"

enum { PORT = 7000 };

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(1, "sched_setaffinity");
}

static int listener(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
		bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 128) < 0)
		err(1, "listen on port %d", PORT);
	return fd;
}

static void connection(int listening, uint32_t address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct linger reset = { .l_onoff = 1 };
	int client = socket(AF_INET, SOCK_STREAM, 0), served;

	to.sin_addr.s_addr = htonl(address);
	if (client < 0 || connect(client, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "connect");
	served = accept4(listening, NULL, NULL, 0);
	if (served < 0)
		err(1, "accept");
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(client);
	close(served);
}

static double cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	uint32_t count, destinations;
	struct instant start;
	double cpu, wall;
	int listening;

	if (argc != 3)
		errx(2, "usage: conngen CONNECTIONS DESTINATIONS");
	count = (uint32_t)strtoul(argv[1], NULL, 10);
	destinations = (uint32_t)strtoul(argv[2], NULL, 10);
	pin();
	listening = listener();
	start = instant_now();
	cpu = cpu_seconds();
	for (uint32_t i = 0; i < count; i++)
		connection(listening, 0x7f000001 + (destinations ? i % destinations : i));
	cpu = cpu_seconds() - cpu;
	wall = (double)instant_sub(instant_now(), start) / (double)NS_PER_SEC;
	printf("%.0f conn/s %.3f us/conn\n", count / wall, 1e6 * cpu / count);
	return 0;
}
