// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/instant.h"

enum { CHILDREN_MAX = 1 << 16, CHUNK = 1 << 16, PAUSE_MS = 5 };

/* What is under way. */
struct work {
	struct errand_end *end;
	pid_t pid;
	int pidfd;  /* readable once it has ended */
	int output; /* its stdout and stderr; -1: closed by everybody */
	int watch;
	size_t used;
};

int errand_init(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) ? -errno : 0;
}

/* In the new process: nothing of us but its output. */
static void become(const struct errand *errand, int output)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(EXIT_FAILURE);
	syscall(SYS_close_range, 3, ~0U, 0);
	_exit(errand->run(errand->context));
}

static int begin(const struct errand *errand, struct work *work)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	work->output = ends[0];
	fcntl(ends[1], F_SETFL, 0);
	work->pid = fork();
	if (!work->pid)
		become(errand, ends[1]);
	if (work->pid > 0)
		setpgid(work->pid, work->pid); /* both do: whoever comes first */
	close(ends[1]);
	if (work->pid > 0)
		work->pidfd = (int)syscall(SYS_pidfd_open, work->pid, 0);
	return work->pid < 0 || work->pidfd < 0 ? -errno : 0;
}

/* Takes what it says, of which only the beginning is kept. */
static void listen_to(struct work *work)
{
	char chunk[CHUNK];
	ssize_t got = read(work->output, chunk, sizeof(chunk));
	size_t room = ERRAND_OUTPUT - work->used;

	if (got > 0) {
		size_t kept = (size_t)got < room ? (size_t)got : room;

		memcpy(work->end->output + work->used, chunk, kept);
		work->used += kept;
	} else if (!got || (errno != EAGAIN && errno != EINTR)) {
		close(work->output);
		work->output = -1;
	}
}

/* Until it has ended (0), or -ETIMEDOUT, or -EPIPE: nobody waits for it any more. */
static int wait_for(struct work *work, struct instant deadline)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = work->pidfd, .events = POLLIN },
			{ .fd = work->output, .events = POLLIN },
			{ .fd = work->watch, .events = POLLRDHUP } };
		int64_t left_ms = instant_sub(deadline, instant_now()) / NS_PER_MS + 1;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(fds, 3, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) < 0 &&
			errno != EINTR)
			return -errno;
		if (fds[1].revents)
			listen_to(work);
		if (fds[0].revents)
			return 0;
		if (fds[2].revents)
			return -EPIPE;
	}
}

/* Kills every child that we have; how many there were. */
static size_t kill_children(void)
{
	char *path autofree = text_format("/proc/self/task/%d/children", (int)getpid());
	char *list autofree = file_read(AT_FDCWD, path, CHILDREN_MAX, NULL);
	size_t count = 0;
	char *next;

	for (char *at = list; at && *at; at = next) {
		long pid = strtol(at, &next, 10);

		if (next == at)
			break;
		count++;
		kill((pid_t)pid, SIGKILL);
	}
	return count;
}

/*
 * What the work left behind: its group, and what fled from that and is ours since its parents
 * ended. Whoever is killed may leave children of his own, which are then there before he is reaped.
 */
static void end_all(struct work *work)
{
	struct instant late = instant_add(instant_now(), ERRAND_REAP_MS * NS_PER_MS);

	kill(-work->pid, SIGKILL);
	while (instant_before(instant_now(), late)) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0)
			return; /* there is none */
		if (pid == work->pid)
			work->end->status = status;
		if (!pid) {
			kill_children();
			poll(NULL, 0, PAUSE_MS);
		}
	}
}

void errand_run(const struct errand *errand, struct errand_end *end)
{
	struct work work = { .end = end, .pidfd = -1, .output = -1, .watch = errand->watch };
	int err = begin(errand, &work);

	*end = (struct errand_end){ .err = err };
	if (!err)
		end->err = wait_for(&work, instant_add(instant_now(), errand->time_ms * NS_PER_MS));
	if (!err && end->err) {
		kill(-work.pid, SIGTERM);
		work.watch = -1;
		wait_for(&work, instant_add(instant_now(), ERRAND_GRACE_MS * NS_PER_MS));
	}
	if (work.pid > 0)
		end_all(&work);
	while (work.output >= 0 && work.used < ERRAND_OUTPUT) {
		size_t before = work.used;

		listen_to(&work);
		if (work.used == before)
			break;
	}
	if (work.output >= 0)
		close(work.output);
	if (work.pidfd >= 0)
		close(work.pidfd);
}
