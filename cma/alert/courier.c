// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "cma/alert/errand.h"

enum { SOCKET = 3 /* the descriptor of the courier's end */ };

/* ---- the process ---- */

struct delivery {
	const struct courier_config *config;
	struct span text;
};

/* In a process for this one alert. */
static int hand_over(void *context)
{
	const struct delivery *delivery = context;
	char why[256];
	json_t *fields = json_parse(delivery->text, COURIER_TEXT_MAX, why, sizeof(why));
	const struct sink_alert alert = { fields, (const char *)delivery->text.data };

	if (fields)
		return delivery->config->kind->deliver(delivery->config->target, &alert);
	fprintf(stderr, "%s\n", why);
	return EXIT_FAILURE;
}

/* The last line that says something, which is where programs tell why they end. */
static const char *last_line(char *output)
{
	size_t size = strlen(output);
	char *line;

	while (size && strchr(" \t\r\n", output[size - 1]))
		output[--size] = '\0';
	line = strrchr(output, '\n');
	return line ? line + 1 : output;
}

/* What is no program has no exit code of its own. */
static void describe(const struct courier_config *config, struct errand_end *end, char *why)
{
	const char *said = last_line(end->output), *between = *said ? ": " : "";

	if (end->err == -ETIMEDOUT)
		snprintf(why, COURIER_WHY_MAX, "it took longer than %.1f s%s%s",
			(double)config->time_ms / 1000, between, said);
	else if (end->err)
		snprintf(why, COURIER_WHY_MAX, "cannot start it: %s", strerror(-end->err));
	else if (WIFSIGNALED(end->status))
		snprintf(why, COURIER_WHY_MAX, "signal %d ended it%s%s", WTERMSIG(end->status),
			between, said);
	else if (WEXITSTATUS(end->status) && (config->kind->programs || !*said))
		snprintf(why, COURIER_WHY_MAX, "exit code %d%s%s", WEXITSTATUS(end->status),
			between, said);
	else
		snprintf(why, COURIER_WHY_MAX, "%s", said);
}

/* The first byte of the answer is 0 when the alert was taken; what there is to say follows. */
static void serve(const struct courier_config *config, char *text)
{
	struct delivery delivery = { .config = config };
	const struct errand errand = { hand_over, &delivery, config->time_ms, SOCKET };
	struct errand_end end;
	char answer[1 + COURIER_WHY_MAX];
	ssize_t got;

	while ((got = recv(SOCKET, text, COURIER_TEXT_MAX, 0)) > 0) {
		text[got] = '\0';
		delivery.text = SPAN(text, (size_t)got);
		errand_run(&errand, &end);
		answer[0] = end.err || end.status ? 1 : 0;
		describe(config, &end, answer + 1);
		if (send(SOCKET, answer, 1 + strlen(answer + 1), MSG_NOSIGNAL) < 0)
			return;
	}
}

/* Everything that we do not need goes, first of all the privileges. */
static void courier_main(const struct courier_config *config, int fd)
{
	char *text = mem_alloc(COURIER_TEXT_MAX + 1, 1);

	/* We end with our other end, not with the terminal or the unit: there may be a last alert.
	 */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "cma-alert", 0, 0, 0);
	if (dup2(fd, SOCKET) < 0 || fcntl(SOCKET, F_SETFD, FD_CLOEXEC))
		_exit(EXIT_FAILURE);
	syscall(SYS_close_range, SOCKET + 1, ~0U, 0);
	if ((config->user && privilege_become(config->user)) || privilege_keep_none() ||
		errand_init() || chdir("/"))
		_exit(EXIT_FAILURE);
	serve(config, text);
	_exit(EXIT_SUCCESS);
}

int courier_start(const struct courier_config *config, int *fd)
{
	int ends[2], size = 2 * COURIER_TEXT_MAX;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	pid = fork();
	if (!pid)
		courier_main(config, ends[1]);
	close(ends[1]);
	*fd = ends[0];
	if (pid > 0)
		return 0;
	close(ends[0]);
	return -errno;
}

/* ---- our side ---- */

int courier_deliver(int fd, const char *text, int stop, char *why)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
	char answer[1 + COURIER_WHY_MAX];
	ssize_t got;

	why[0] = '\0';
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
		snprintf(why, COURIER_WHY_MAX, "cannot hand it over: %s", strerror(errno));
		return errno == EPIPE || errno == ECONNRESET ? -EPIPE : -EIO;
	}
	while (!fds[0].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -EPIPE;
		if (fds[1].revents && !fds[0].revents)
			return -ECANCELED;
	}
	got = recv(fd, answer, sizeof(answer) - 1, 0);
	if (got < 1)
		return -EPIPE;
	answer[got] = '\0';
	text_copy_to(why, COURIER_WHY_MAX, answer + 1);
	return answer[0] ? -EIO : 0;
}
