// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/spread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/instant.h"

struct board {
	atomic_uint_fast64_t next;
	uint8_t results[];
};

static void work_on(const struct spread *spread, struct board *board)
{
	for (;;) {
		uint64_t i;

		if (spread->until_ns && instant_now().ns >= spread->until_ns)
			return;
		i = board->next++;
		if (i >= spread->count)
			return;
		spread->work(spread->owner, i, board->results + i * spread->size);
	}
}

static void wait_for(unsigned processes)
{
	for (unsigned i = 0; i < processes; i++) {
		int status;

		if (wait(&status) < 0 || status) {
			fprintf(stderr, "a process of the simulation died: status %#x\n", status);
			abort();
		}
	}
}

void *spread_run(const struct spread *spread, uint64_t *done)
{
	size_t size = sizeof(struct board) + spread->count * spread->size;
	struct board *board =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *results;

	if (board == MAP_FAILED)
		abort();
	fflush(stdout);
	for (unsigned i = 0; i < spread->processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			abort();
		if (!pid) {
			work_on(spread, board);
			fflush(stdout);
			_exit(0);
		}
	}
	wait_for(spread->processes);
	*done = board->next < spread->count ? board->next : spread->count;
	results = mem_copy(board->results, *done * spread->size + 1);
	munmap(board, size);
	return results;
}
