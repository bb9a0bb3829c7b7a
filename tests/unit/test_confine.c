// SPDX-License-Identifier: Apache-2.0
/*
 * Each process in a child that gives up what the real one gives up, and then tries what it must not
 * do: the kernel kills it. What it must be able to do, it can.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/confine.h"
#include "base/sandbox.h"

enum { COULD = 0, COULD_NOT = 1, NO_SANDBOX = 77 };

typedef void confine_fn(void);
typedef long try_fn(void);

static void be_net(void)
{
	const struct log log = log_open("test");
	struct privilege_user nobody;

	if (privilege_user(NULL, &nobody) || confine_net_begin(&nobody, &log) || confine_net(&log))
		_exit(NO_SANDBOX);
}

static void be_sense(void)
{
	const struct log log = log_open("test");

	if (confine_sense(NULL, &log))
		_exit(NO_SANDBOX);
}

static void be_cma(void)
{
	if (privilege_keep_none() || sandbox_forbid())
		_exit(NO_SANDBOX);
}

/* The exit code of a confined child that tries, or minus the signal that killed it. */
static int outcome(confine_fn *confine, try_fn *try)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		confine();
		_exit(try() < 0 ? COULD_NOT : COULD);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define TRY(name, call)              \
	static long name(void)       \
	{                            \
		return (long)(call); \
	}

static char *const no_words[] = { NULL };

TRY(nothing, 0)
TRY(execs, execve("/bin/true", no_words, no_words))
TRY(forks, fork())
TRY(traces, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(signals, kill(getppid(), 0))
TRY(mounts, mount("x", "/", "tmpfs", 0, NULL))
TRY(unshares, unshare(CLONE_NEWUSER))
TRY(opens, open("/etc/passwd", O_RDONLY))
TRY(tcp, socket(AF_INET, SOCK_STREAM, 0))
TRY(tcp6, socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0))
TRY(raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
TRY(packets, socket(AF_PACKET, SOCK_RAW, 0))
TRY(udp, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
TRY(udp6, socket(AF_INET6, SOCK_DGRAM, 0))
TRY(unix_stream, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0))
TRY(rtnetlink, socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
TRY(sock_diag, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG))
TRY(audit, socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT))
TRY(code, (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
TRY(memory, (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
TRY(types_for_it, ioctl(0, TIOCSTI, "x"))
TRY(becomes_root, setuid(0))
TRY(loads, syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0))
TRY(makes_a_map, syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0))
TRY(rings, syscall(SYS_io_uring_setup, 1, NULL))
TRY(cores, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))

static long aborts(void)
{
	abort();
}

static void *run_nothing(void *argument)
{
	return argument;
}

static long threads(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, run_nothing, NULL) || pthread_join(thread, NULL) ? -1
											      : 0;
}

static pid_t other; /* a process of another user */

static int start_other(void **state)
{
	int ready[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (setresuid(1, 1, 1) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), geteuid() ? 0 : 1);
	close(ready[0]);
	return 0;
}

static int stop_other(void **state)
{
	(void)state;
	kill(other, SIGKILL);
	return waitpid(other, NULL, 0) == other ? 0 : -1;
}

/* What it runs and has open: without a capability, nobody else sees that. */
static long sees_others(void)
{
	char path[32], target[256];

	snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)other);
	return readlink(path, target, sizeof(target));
}

/* Nothing is there to be opened, even where no filter is. */
static void be_in_empty_root(void)
{
	if (privilege_empty_root())
		_exit(NO_SANDBOX);
}

static long finds_a_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long makes_a_file(void)
{
	return open("/file", O_WRONLY | O_CREAT, 0600);
}

static long finds_a_way_up(void)
{
	return open("../../../../../../etc/passwd", O_RDONLY);
}

struct attempt {
	const char *text;
	try_fn *try;
	int net, sense, cma;
};

static const struct attempt attempts[] = {
	{ "nothing", nothing, COULD, COULD, COULD },
	{ "abort", aborts, -SIGABRT, -SIGABRT, -SIGABRT },
	{ "memory", memory, COULD, COULD, COULD },
	{ "exec", execs, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "fork", forks, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "ptrace", traces, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "mount", mounts, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "user namespace", unshares, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "setuid", becomes_root, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "loading a kernel program", loads, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "making a map", makes_a_map, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "io_uring", rings, -SIGSYS, -SIGSYS, -SIGSYS },
	{ "kill", signals, -SIGSYS, -SIGSYS, COULD },
	{ "open", opens, -SIGSYS, COULD, COULD },
	{ "TCP", tcp, -SIGSYS, -SIGSYS, COULD },
	{ "TCP6", tcp6, -SIGSYS, -SIGSYS, COULD },
	{ "raw", raw, -SIGSYS, -SIGSYS, COULD_NOT },
	{ "packet", packets, -SIGSYS, -SIGSYS, COULD_NOT },
	{ "UDP", udp, COULD, -SIGSYS, COULD },
	{ "UDP6", udp6, COULD, -SIGSYS, COULD },
	{ "unix", unix_stream, -SIGSYS, COULD, COULD },
	{ "rtnetlink", rtnetlink, COULD, -SIGSYS, COULD },
	{ "sock_diag", sock_diag, -SIGSYS, COULD, COULD },
	{ "audit", audit, -SIGSYS, -SIGSYS, COULD },
	{ "memory that can be executed", code, -SIGSYS, -SIGSYS, COULD },
	{ "TIOCSTI", types_for_it, -SIGSYS, -SIGSYS, COULD_NOT },
	{ "PR_SET_DUMPABLE", cores, -SIGSYS, -SIGSYS, COULD },
	{ "thread", threads, -SIGSYS, -SIGSYS, COULD },
	{ "/proc of another user", sees_others, -SIGSYS, COULD, COULD_NOT },
};

static void check_outcome(const struct attempt *attempt, confine_fn *confine, int expected)
{
	int got = outcome(confine, attempt->try);

	if (got != expected)
		fail_msg("%s: %d instead of %d", attempt->text, got, expected);
}

static bool can_confine(void)
{
#ifdef SANDBOX_REPORTS
	return false; /* nothing is refused in this build */
#else
	return !geteuid() && outcome(be_net, nothing) == COULD;
#endif
}

static void test_net(void **state)
{
	(void)state;
	if (!can_confine())
		skip();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		check_outcome(&attempts[i], be_net, attempts[i].net);
}

static void test_sense(void **state)
{
	(void)state;
	if (!can_confine())
		skip();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		check_outcome(&attempts[i], be_sense, attempts[i].sense);
}

static void test_cma(void **state)
{
	(void)state;
	if (!can_confine())
		skip();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		check_outcome(&attempts[i], be_cma, attempts[i].cma);
}

static void test_the_empty_root_is_empty(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(outcome(be_in_empty_root, finds_a_file), COULD_NOT);
	assert_int_equal(outcome(be_in_empty_root, makes_a_file), COULD_NOT);
	assert_int_equal(outcome(be_in_empty_root, finds_a_way_up), COULD_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_sense),
		cmocka_unit_test(test_cma),
		cmocka_unit_test(test_the_empty_root_is_empty),
	};

	return cmocka_run_group_tests(tests, start_other, stop_other);
}
