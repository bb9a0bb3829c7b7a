// SPDX-License-Identifier: Apache-2.0
/*
 * Memory runs out at the n-th allocation of a whole scenario of nanoprobe and CMA, once or for
 * good, for n = 1, 2, ... until it is not reached any more. Each time the scenario comes to its
 * end nevertheless, or ends with an error, or says "out of memory" and aborts; and the store then
 * holds what was acknowledged, and no part of a message.
 *
 *	crash_memory [-e every] [-a]
 *
 * Every 17th, or as told, of those while they talk, and 25 times fewer of those that open the store
 * and prepare the queries; -a all.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "tests/crash/both.h"
#include "tests/crash/memory.h"
#include "wire/seal.h"

enum { CHILD_SECONDS = 60, DEFAULT_EVERY = 17, RARELY = 25 };

struct run {
	char directory[40];
	struct both_told *told; /* shared with the child */
	int output;		/* its stderr */
	uint64_t rows;		/* of the answer when nothing fails */
	uint64_t ended, refused, aborted, wrong;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void clear(const struct run *run)
{
	static const char *const files[] = { "graph.db", "graph.db-wal", "graph.db-shm",
		"graph.db-journal", "lock" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path autofree = text_format("%s/%s", run->directory, files[i]);

		unlink(path);
	}
	*run->told = (struct both_told){ 0 };
	if (ftruncate(run->output, 0) || lseek(run->output, 0, SEEK_SET))
		die("ftruncate");
}

static void child(const struct run *run, uint64_t n, bool for_good)
{
	struct rlimit no_core = { 0, 0 };
	int failed;

	setrlimit(RLIMIT_CORE, &no_core);
	alarm(CHILD_SECONDS);
	dup2(run->output, STDERR_FILENO);
	memory_fail(n, for_good);
	failed = both_run(run->directory, run->told);
	memory_stop();
	_exit(failed ? 3 : 0);
}

/* The status of the child. */
static int start(const struct run *run, uint64_t n, bool for_good)
{
	int status;
	pid_t pid;

	clear(run);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		child(run, n, for_good);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return status;
}

static bool said_so(const struct run *run)
{
	static const char text[] = "out of memory\n";
	char said[sizeof(text)] = "";

	return pread(run->output, said, sizeof(said), 0) == (ssize_t)sizeof(text) - 1 &&
		strcmp(said, text) == 0;
}

static const char *judge(struct run *run, int status)
{
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) != SIGABRT)
			return strsignal(WTERMSIG(status));
		if (!said_so(run))
			return "aborted without the word";
		run->aborted++;
	} else if (WEXITSTATUS(status) == 3) {
		run->refused++;
	} else if (WEXITSTATUS(status)) {
		return "its exit status";
	} else if (run->told->rows != run->rows) {
		return "its answer has other rows";
	} else {
		run->ended++;
	}
	return both_check(run->directory, run->told->round);
}

static void try(struct run *run, uint64_t n, bool for_good)
{
	const char *wrong = judge(run, start(run, n, for_good));

	if (!wrong)
		return;
	run->wrong++;
	printf("allocation %" PRIu64 "%s: %s\n", n, for_good ? " and all after it" : "", wrong);
	fflush(stdout);
}

static void prepare(struct run *run)
{
	snprintf(run->directory, sizeof(run->directory), "%s/crash.XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(run->directory))
		die("mkdtemp");
	run->output = memfd_create("stderr", 0);
	run->told = mmap(NULL, sizeof(*run->told), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run->output < 0 || run->told == MAP_FAILED)
		die("memory");
}

static void try_some(struct run *run, uint64_t from, uint64_t until, uint64_t every)
{
	for (uint64_t n = from; n <= until; n += every) {
		try(run, n, false);
		try(run, n, true);
	}
}

static void try_all(struct run *run, uint64_t every)
{
	struct both_told whole;
	uint64_t often = every ? every : 1;
	uint64_t rarely = every ? RARELY * every : 1;

	if (start(run, 0, false)) {
		fprintf(stderr, "the scenario does not end well\n");
		exit(1);
	}
	whole = *run->told;
	run->rows = whole.rows;
	printf("allocations: %" PRIu64 " to begin, %" PRIu64 " to talk, %" PRIu64 " to ask\n",
		whole.begun, whole.asked - whole.begun, whole.ended - whole.asked);
	try_some(run, 1, whole.begun, rarely);
	try_some(run, whole.begun + 1, whole.asked, often);
	try_some(run, whole.asked + 1, whole.ended, rarely);
}

int main(int argc, char **argv)
{
	struct run run = { .rows = 0 };
	uint64_t every = DEFAULT_EVERY, tried;
	int option;

	while ((option = getopt(argc, argv, "e:a")) >= 0) {
		if (option == '?')
			return 2;
		every = option == 'e' ? strtoull(optarg, NULL, 10) : 0;
	}
	if (seal_init())
		return 2;
	json_init();
	prepare(&run);
	try_all(&run, every);
	tried = run.ended + run.refused + run.aborted;
	printf("%" PRIu64 " runs: %" PRIu64 " came to the end, %" PRIu64
	       " ended with an error, %" PRIu64 " aborted, %" PRIu64 " wrong\n",
		tried, run.ended, run.refused, run.aborted, run.wrong);
	clear(&run);
	rmdir(run.directory);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", tried - run.wrong, run.wrong);
	return run.wrong != 0;
}
