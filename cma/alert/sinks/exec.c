// SPDX-License-Identifier: Apache-2.0
/* Runs a program: the alert as JSON on its standard input, its fields in the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cma/alert/sink.h"

/* Nothing of our own environment: it is that of a service with keys. */
static const char *const environment[][2] = {
	{ "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	{ "HOME", "/" },
	{ "LANG", "C.UTF-8" },
	{ "SHELL", "/bin/sh" },
};

static const char *check(const char *target)
{
	if (*target != '/')
		return "needs the absolute path of an executable, or of a directory of them";
	return access(target, X_OK) ? "is neither an executable nor a directory of them" : NULL;
}

static void set_variable(void *context, const char *name, const char *value)
{
	(void)context;
	setenv(name, value, 1);
}

/* A file, so that a program that does not read it, or reads it twice, is as good. */
static int give_input(const char *text)
{
	int fd = memfd_create("alert", 0);
	size_t size = strlen(text);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) ||
		dup2(fd, STDIN_FILENO) < 0)
		return -1;
	close(fd);
	return 0;
}

static int deliver(const char *target, const struct sink_alert *alert)
{
	const char *const arguments[] = { target, NULL };

	clearenv();
	for (size_t i = 0; i < sizeof(environment) / sizeof(*environment); i++)
		setenv(environment[i][0], environment[i][1], 1);
	sink_each_field(alert, set_variable, NULL);
	if (!give_input(alert->text))
		execv(target, (char *const *)arguments);
	fprintf(stderr, "%s: %m\n", target);
	return EXIT_FAILURE;
}

const struct sink_kind sink_exec = {
	.name = "exec",
	.time_ms = 30000,
	.programs = true,
	.check = check,
	.deliver = deliver,
};
