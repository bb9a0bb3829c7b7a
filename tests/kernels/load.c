// SPDX-License-Identifier: Apache-2.0
/*
 * load OBJECT [together]
 *
 * Loads each kernel program of an object on its own, as the nanoprobe does where they do not load
 * together; with "together" only where that is so. Prints a line for each, "NAME ok" or
 * "NAME ERROR: what the verifier said last", and ends with 0 when all loaded.
 */
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAMS_MAX = 64, LOG_SIZE = 1 << 20 };

/* The last line before the verifier's statistics; log is cut. */
static const char *last_words(char *log)
{
	char *line, *next = log, *last = log;

	while ((line = strsep(&next, "\n"))) {
		if (!strncmp(line, "processed ", 10))
			break;
		if (line[0])
			last = line;
	}
	return last;
}

/* 0 or -errno; log gets what the verifier says. name NULL: all of them. */
static int load_only(const char *path, const char *name, char *log)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	int error;

	if (!object)
		return -errno;
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_autoload(
			program, !name || !strcmp(bpf_program__name(program), name));
		bpf_program__set_log_buf(program, log, LOG_SIZE);
	}
	error = bpf_object__load(object);
	bpf_object__close(object);
	return error;
}

static int silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

int main(int argc, char **argv)
{
	char *names[PROGRAMS_MAX], *log = calloc(1, LOG_SIZE);
	struct bpf_object *object;
	struct bpf_program *program;
	size_t count = 0, failed = 0;
	bool loaded;

	if (argc != 2 && (argc != 3 || strcmp(argv[2], "together")))
		errx(2, "usage: load OBJECT [together]");
	libbpf_set_print(silent);
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || !log)
		err(2, "%s", argv[1]);
	bpf_object__for_each_program(program, object)
	{
		if (count < PROGRAMS_MAX)
			names[count++] = strdup(bpf_program__name(program));
	}
	bpf_object__close(object);
	loaded = argc == 3 && !load_only(argv[1], NULL, log);
	for (size_t i = 0; i < count; i++) {
		int error;

		log[0] = '\0';
		error = loaded ? 0 : load_only(argv[1], names[i], log);
		if (error)
			printf("%s %s: %s\n", names[i], strerror(-error), last_words(log));
		else
			printf("%s ok\n", names[i]);
		failed += error != 0;
	}
	return failed || !count;
}
