// SPDX-License-Identifier: Apache-2.0
/*
 * A net in foreign hands: 10^6 requests of random sizes, operations and arguments, with descriptors
 * attached, in floods and without reading the answers. The real sense, a new one whenever one has
 * ended, either serves a listed request or ends. HOSTILE_REQUESTS and HOSTILE_SEED repeat a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/ipc.h"
#include "agent/request.h"
#include "base/alloc.h"
#include "base/text.h"
#include "tests/sim/random.h"

enum {
	REQUESTS = 1000000,
	PATIENCE_MS =
		60000, /* kernel programs take a second of CPU to load, which others want, too */
	SENSOR_EVERY =
		100, /* lives: in the others the kernel programs are not loaded, to be fast */
	DESCRIPTORS_MAX = 64,
	COST_LLDPD = 4, /* as in agent/sense.c */
	COST_KEEP = 8,	/* an enrolment or a key */
#ifdef SANDBOX_REPORTS
	RSS_MAX_KIB = 1 << 20,
	FLOOD_CPU_MS = 2000,
#else
	RSS_MAX_KIB = 64 << 10,
	FLOOD_CPU_MS = 300,
#endif
};

struct siege {
	struct random random;
	struct sockaddr_un lldpd;
	int lldpd_server;
	int log; /* what senses wrote */
	_Atomic unsigned int *kept;
	struct instant began; /* of this life */
	pid_t sense;
	int peer;
	unsigned int lives, served;
	bool odd_first;
};

static void count_kept(void *user)
{
	++*((struct siege *)user)->kept;
}

static int count_key(void *user, const uint8_t certificate[CERTIFICATE_SIZE])
{
	(void)certificate;
	count_kept(user);
	return 0;
}

/* What takes long to set up, and is the same for each life. */
static void without_sensor(void)
{
	capng_get_caps_process();
	capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF, CAP_SYS_ADMIN,
		CAP_PERFMON, -1);
	capng_apply(CAPNG_SELECT_CAPS);
}

static void be_sense(struct siege *siege, int peer)
{
	struct log log = log_open("sense");
	const struct sense_config config = { .lldpd_socket = siege->lldpd.sun_path,
		.own_netns = true,
		.enrolled = count_kept,
		.new_key = count_key,
		.user = siege,
		.log = &log };

	dup2(siege->log, STDERR_FILENO);
	if (siege->lives % SENSOR_EVERY)
		without_sensor();
	_exit(-sense_run(&config, peer));
}

static void begin_life(struct siege *siege)
{
	int ends[2];

	assert_int_equal(ipc_pair(ends), 0);
	assert_int_equal(ftruncate(siege->log, 0), 0);
	*siege->kept = 0;
	siege->began = instant_now();
	siege->sense = fork();
	assert_true(siege->sense >= 0);
	if (!siege->sense) {
		close(ends[0]);
		be_sense(siege, ends[1]);
	}
	close(ends[1]);
	siege->peer = ends[0];
	siege->lives++;
}

/* How often something of that cost can have been done since the life began, at most. */
static unsigned int bound(const struct siege *siege, int cost)
{
	int64_t took = instant_sub(instant_now(), siege->began);

	return (unsigned int)((REQUEST_CREDIT + REQUEST_CREDIT_PER_S * (took / NS_PER_SEC + 1)) /
		cost);
}

static void check_bounds(struct siege *siege)
{
	unsigned int connected = 0;
	int fd;

	while ((fd = accept4(siege->lldpd_server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		close(fd);
		connected++;
	}
	siege->served += connected + *siege->kept;
	assert_in_range(connected, 0, bound(siege, COST_LLDPD));
	assert_in_range(*siege->kept, 0, bound(siege, COST_KEEP));
}

static void print_log(const struct siege *siege)
{
	char text[4096];
	ssize_t size = pread(siege->log, text, sizeof(text), 0);

	fprintf(stderr, "what sense wrote:\n%.*s\n", (int)(size > 0 ? size : 0), text);
}

/* Returns the exit code; a signal, or memory without bound, is a failure. */
static int end_life(struct siege *siege)
{
	struct instant until = instant_add(instant_now(), PATIENCE_MS * NS_PER_MS);
	struct rusage usage;
	int status, code;

	close(siege->peer);
	while (wait4(siege->sense, &status, WNOHANG, &usage) == 0) {
		assert_true(instant_before(instant_now(), until));
		poll(NULL, 0, 1);
	}
	code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	if ((code != 0 && code != EPROTO) || (siege->odd_first && code != EPROTO)) {
		print_log(siege);
		fail_msg("life %u ended with %d", siege->lives, code);
	}
	assert_in_range(usage.ru_maxrss, 0, RSS_MAX_KIB);
	check_bounds(siege);
	return code;
}

static unsigned int descriptors(pid_t pid)
{
	char *path autofree = text_format("/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	unsigned int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static ssize_t send_with(int peer, const void *bytes, size_t size, int count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[3] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		control.align.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.align), fds, (size_t)count * sizeof(int));
	}
	return sendmsg(peer, &message, MSG_NOSIGNAL);
}

static uint32_t listed_op(struct siege *siege)
{
	static const enum sense_op ops[] = { SENSE_RESNAPSHOT, SENSE_CONNECT_LLDPD, SENSE_ENROLLED,
		SENSE_NEW_KEY, SENSE_ECHO };

	return ops[random_below(&siege->random, sizeof(ops) / sizeof(*ops))];
}

static ssize_t send_listed(struct siege *siege)
{
	struct sense_request request = { .op = listed_op(siege) };

	if (request.op == SENSE_NEW_KEY)
		random_fill(&siege->random, request.certificate, sizeof(request.certificate));
	if (request.op == SENSE_ECHO) {
		request.argument = (uint32_t)random_below(&siege->random, 65536);
		random_fill(&siege->random, &request.value, sizeof(request.value));
	}
	return send_with(siege->peer, &request, sizeof(request), 0);
}

/* Something that is no request. */
static ssize_t send_odd(struct siege *siege)
{
	static uint8_t bytes[IPC_PACKET_MAX];
	struct sense_request request = { .op = listed_op(siege) };
	size_t size;

	switch (random_below(&siege->random, 5)) {
	case 0: /* arguments where there are none */
		random_fill(&siege->random, (uint8_t *)&request + sizeof(request.op),
			sizeof(request) - sizeof(request.op));
		break;
	case 1: /* another operation */
		random_fill(&siege->random, &request, sizeof(request));
		request.op |= 0x100;
		break;
	case 2: /* descriptors */
		return send_with(siege->peer, &request, sizeof(request),
			1 + (int)random_below(&siege->random, 3));
	case 3: /* another size */
		size = 1 + random_below(&siege->random, 4 * sizeof(request));
		size += size == sizeof(request);
		memcpy(bytes, &request, sizeof(request));
		return send_with(siege->peer, bytes, size, 0);
	default:
		return send_with(siege->peer, bytes, IPC_PACKET_MAX, 0);
	}
	return send_with(siege->peer, &request, sizeof(request), 0);
}

/* One life: requests until one is refused; returns how many were sent. */
static unsigned int besiege(struct siege *siege, unsigned int max)
{
	unsigned int sent = 0, good = (unsigned int)random_below(&siege->random, 4000);
	bool drains = random_below(&siege->random, 2);

	siege->odd_first = !random_below(&siege->random, 4);
	begin_life(siege);
	if (siege->odd_first)
		sent += send_odd(siege) > 0;
	while (sent < max) {
		ssize_t size = sent < good ? send_listed(siege) : send_odd(siege);
		struct ipc_packet packet;

		if (size < 0)
			break; /* it has ended, or there is no more room */
		sent++;
		if (drains && ipc_receive(siege->peer, &packet) == 1)
			ipc_free(&packet);
	}
	if (siege->odd_first) { /* nothing after it counts, and it needs nobody to go away */
		struct pollfd end = { .fd = siege->peer };

		assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	}
	assert_in_range(descriptors(siege->sense), 0, DESCRIPTORS_MAX);
	end_life(siege);
	return sent;
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

static int set_up(void **state)
{
	struct siege *siege = mem_alloc(1, sizeof(*siege));
	unsigned long seed = from_environment("HOSTILE_SEED", (unsigned long)instant_now().ns);

	fprintf(stderr, "seed %lu\n", seed);
	siege->random = (struct random){ seed };
	siege->lldpd.sun_family = AF_UNIX;
	snprintf(siege->lldpd.sun_path, sizeof(siege->lldpd.sun_path), "/tmp/test-hostile-%d",
		(int)getpid());
	siege->lldpd_server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	unlink(siege->lldpd.sun_path);
	assert_int_equal(
		bind(siege->lldpd_server, (struct sockaddr *)&siege->lldpd, sizeof(siege->lldpd)),
		0);
	assert_int_equal(listen(siege->lldpd_server, 1000), 0);
	siege->log = memfd_create("log", 0);
	siege->kept = mmap(NULL, sizeof(*siege->kept), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*state = siege;
	return 0;
}

static int tear_down(void **state)
{
	struct siege *siege = *state;

	unlink(siege->lldpd.sun_path);
	close(siege->lldpd_server);
	close(siege->log);
	munmap((void *)siege->kept, sizeof(*siege->kept));
	free(siege);
	return 0;
}

static void test_a_million_requests(void **state)
{
	struct siege *siege = *state;
	unsigned long wanted = from_environment("HOSTILE_REQUESTS", REQUESTS), sent = 0;

	while (sent < wanted)
		sent += besiege(siege, (unsigned int)(wanted - sent));
	fprintf(stderr, "%lu requests, %u lives, %u served\n", sent, siege->lives, siege->served);
	assert_true(siege->served > 0);
}

/* What is asked again and again makes nobody work again and again. */
static void test_a_flood_costs_little(void **state)
{
	struct siege *siege = *state;
	struct instant until;
	struct ipc_packet packet;
	struct rusage before, after;
	int64_t spent_ms;

	siege->odd_first = false;
	siege->lives = 1; /* without the sensor */
	getrusage(RUSAGE_CHILDREN, &before);
	begin_life(siege);
	until = instant_add(instant_now(), 2 * NS_PER_SEC);
	while (instant_before(instant_now(), until)) {
		const struct sense_request request = { .op = SENSE_RESNAPSHOT };
		struct pollfd wait = { .fd = siege->peer, .events = POLLIN | POLLOUT };

		if (send_with(siege->peer, &request, sizeof(request), 0) < 0)
			poll(&wait, 1, 10);
		if (ipc_receive(siege->peer, &packet) == 1)
			ipc_free(&packet);
	}
	end_life(siege);
	getrusage(RUSAGE_CHILDREN, &after);
	spent_ms = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000 +
		(after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1000 +
		(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000 +
		(after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1000;
	fprintf(stderr, "%d ms of CPU in 2 s of flood\n", (int)spent_ms);
	assert_in_range(spent_ms, 0, FLOOD_CPU_MS);
}

/* Few processes and sockets around, so that each sense starts fast. */
static int run_alone(int (*run)(void))
{
	int status;
	pid_t child;

	if (geteuid() || unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET))
		return run();
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
			mount("proc", "/proc", "proc", 0, NULL))
			_exit(2);
		status = run();
		fflush(NULL);
		_exit(status); /* what looks for leaks at exit cannot do so as a first process */
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 2;
	fflush(NULL);
	/* Nor can it where no process can be made: the first one of the namespace has ended. */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static int besiege_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_million_requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_flood_costs_little, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_alone(besiege_all);
}
