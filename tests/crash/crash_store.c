// SPDX-License-Identifier: Apache-2.0
/*
 * A store is cut off at every write and every sync: each image that a crash there may leave must
 * open undamaged and hold all that was acknowledged, each effect once, and no part of a
 * transaction.
 *
 *	crash_store [-a] [-n points] [-p images] [-s seed] [-j jobs]
 *
 * -n so many of the points, spread evenly, -a all of them; -p images of a loss of power at each.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cma/graph/store.h"
#include "tests/crash/disk.h"
#include "tests/crash/scenario.h"

enum { BOUNDARIES_MAX = 2 * SCENARIO_TRANSACTIONS, JOBS_MAX = 64, CHECK_EVERY = 4 };

static const char VFS[] = "crash";

/* The store as of a commit. */
struct boundary {
	size_t step; /* graph_commit had returned before that one */
	size_t next; /* transaction */
	uint64_t print, epoch;
};

struct campaign {
	struct disk *disk;
	struct scenario scenario;
	struct boundary boundaries[BOUNDARIES_MAX];
	size_t count;
	char directory[32];
	uint64_t seed, images;
	size_t points, powers, jobs; /* as told; then the points that were tried */
	pid_t running[JOBS_MAX];
	bool lies;
	uint64_t failed;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

/* ---- the run that is recorded ---- */

static void mark(struct campaign *c, struct graph *g, size_t next)
{
	if (!scenario_holds(&c->scenario, g, next))
		die("the run", "the store does not hold what the model does");
	c->boundaries[c->count++] =
		(struct boundary){ disk_steps(c->disk), next, scenario_print(g), graph_epoch(g) };
}

static struct graph *open_store(const char *directory)
{
	struct graph_options options = { .directory = directory, .vfs = VFS, .cache_kib = 4096 };
	struct graph *g;
	char error[256];

	if (graph_open(&options, &g, error, sizeof(error)))
		die("graph_open", error);
	return g;
}

static struct graph *start_store(struct campaign *c, size_t next)
{
	struct graph *g = open_store(c->directory);
	uint64_t epoch;

	if (!c->count)
		mark(c, g, next);
	if (graph_epoch_bump(g, &epoch))
		die("graph_epoch_bump", graph_error(g));
	mark(c, g, next);
	return g;
}

static void run(struct campaign *c)
{
	struct graph *g = start_store(c, 0);

	for (size_t i = 0; i < SCENARIO_TRANSACTIONS; i++) {
		if (scenario_say(&c->scenario, g, i, false))
			die("the run", graph_error(g));
		mark(c, g, i + 1);
		if (scenario_checkpoints(i) && graph_checkpoint(g))
			die("graph_checkpoint", graph_error(g));
		if (!scenario_reopens(i))
			continue;
		graph_close(g);
		g = start_store(c, i + 1);
	}
	graph_close(g);
}

/* ---- what a crash leaves ---- */

/* The last boundary that was acknowledged at the step; the first when there is none. */
static size_t acknowledged(const struct campaign *c, size_t step)
{
	size_t i = 0;

	while (i + 1 < c->count && c->boundaries[i + 1].step <= step)
		i++;
	return i;
}

static const char *check_whole(struct graph *g, const char *pragma)
{
	sqlite3_stmt *s = NULL;
	bool is_ok = false;

	sqlite3_prepare_v2(g->db.handle, pragma, -1, &s, NULL);
	if (s && sqlite3_step(s) == SQLITE_ROW)
		is_ok = strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
	sqlite3_finalize(s);
	return is_ok ? NULL : "the database is damaged";
}

/* The agents say again what was under way: nothing has its effect twice. */
static const char *go_on(struct campaign *c, struct graph *g, size_t held, size_t from)
{
	const struct boundary *boundary = &c->boundaries[from];
	size_t transaction = boundary->next, at = held;
	uint64_t epoch;

	if (transaction && transaction < SCENARIO_TRANSACTIONS) {
		if (scenario_say(&c->scenario, g, transaction, true))
			return "what the agents say again is not taken";
		while (c->boundaries[at].next <= transaction)
			at++;
		/* No epoch was counted up in between, or there is nothing to compare. */
		if (c->boundaries[at].epoch == c->boundaries[held].epoch &&
			scenario_print(g) != c->boundaries[at].print)
			return "what the agents said again had another effect";
	}
	if (graph_epoch_bump(g, &epoch) || epoch <= boundary->epoch)
		return "an epoch was used before";
	return NULL;
}

/* NULL, or what is wrong with what is on the disk now. */
static const char *examine(struct campaign *c, const char *directory, bool thoroughly)
{
	size_t from = acknowledged(c, disk_step_at(c->disk)), held = from;
	struct graph *g = open_store(directory);
	uint64_t print = scenario_print(g);
	const char *wrong =
		check_whole(g, thoroughly ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)");

	if (!wrong && print != c->boundaries[held].print &&
		(++held == c->count || print != c->boundaries[held].print))
		wrong = "it is not the store as of a commit since the last that was acknowledged";
	if (!wrong && thoroughly)
		wrong = go_on(c, g, held, from);
	graph_close(g);
	return wrong;
}

static void reap(struct campaign *c, size_t job)
{
	int status;

	if (!c->running[job])
		return;
	if (waitpid(c->running[job], &status, 0) < 0 || status)
		c->failed++;
	c->running[job] = 0;
}

/* An image in a process of its own. */
static void try(struct campaign *c, enum disk_crash crash, uint64_t seed)
{
	static const char *const names[] = { "killed", "torn", "power lost" };
	size_t job = c->images++ % c->jobs;
	char *directory autofree = text_format("%s/%zu", c->directory, job);
	const char *wrong;

	reap(c, job);
	fflush(stdout);
	c->running[job] = fork();
	if (c->running[job] < 0)
		die("fork", strerror(errno));
	if (c->running[job])
		return;
	if (c->lies && !freopen("/dev/null", "w", stderr))
		_exit(1);
	disk_crash(c->disk, crash, seed);
	wrong = examine(c, directory, c->images % CHECK_EVERY == 0);
	if (wrong && !c->lies)
		fprintf(stderr, "%s before step %zu, seed %" PRIu64 ": %s\n", names[crash],
			disk_step_at(c->disk), seed, wrong);
	_exit(wrong != NULL);
}

static void try_point(struct campaign *c)
{
	uint64_t seed = c->seed + disk_step_at(c->disk) * 64;

	try(c, DISK_KILL, seed);
	try(c, DISK_TORN, seed);
	for (size_t i = 0; i < c->powers; i++)
		try(c, DISK_POWER, seed + i);
}

/* Returns the number of points that were tried. */
static size_t try_all(struct campaign *c)
{
	size_t steps = disk_steps(c->disk), tried = 0;

	disk_rewind(c->disk);
	for (size_t at = 0;; at++) {
		/* Evenly spread: as many so far as the share of the way. */
		if (tried * steps <= at * c->points || at == steps) {
			try_point(c);
			tried++;
		}
		if (at == steps)
			break;
		disk_step(c->disk);
	}
	for (size_t i = 0; i < c->jobs; i++)
		reap(c, i);
	return tried;
}

static void make_directories(struct campaign *c)
{
	strcpy(c->directory, "/tmp/crash.XXXXXX");
	if (!mkdtemp(c->directory))
		die("mkdtemp", strerror(errno));
	for (size_t i = 0; i < c->jobs; i++) {
		char *path autofree = text_format("%s/%zu", c->directory, i);

		if (mkdir(path, 0700))
			die(path, strerror(errno));
	}
}

static void remove_directories(const struct campaign *c)
{
	char *command autofree = text_format("rm -r %s", c->directory);

	if (system(command))
		die(command, "failed");
}

static void campaign(struct campaign *c)
{
	make_directories(c);
	c->scenario.seed = c->seed;
	c->disk = disk_new(VFS);
	if (c->lies)
		disk_lie(c->disk);
	run(c);
	if (c->points > disk_steps(c->disk))
		c->points = disk_steps(c->disk);
	if (!c->lies)
		printf("%d deltas in %zu commits, %zu writes and syncs, seed %" PRIu64 "\n",
			SCENARIO_DELTAS, c->count, disk_steps(c->disk), c->seed);
	c->points = try_all(c);
	remove_directories(c);
	disk_free(c->disk);
}

/* The same on a disk that says that it has synced and has not: that must be seen. */
static bool sees_loss(const struct campaign *like)
{
	struct campaign *c = mem_alloc(1, sizeof(*c));
	bool seen;

	*c = (struct campaign){
		.seed = like->seed, .points = 20, .powers = 1, .jobs = like->jobs, .lies = true
	};
	campaign(c);
	printf("%" PRIu64 " of %" PRIu64 " images wrong of a disk that does not sync\n", c->failed,
		c->images);
	seen = c->failed > 0;
	free(c);
	return seen;
}

static void read_options(struct campaign *c, int argc, char **argv)
{
	int option;

	*c = (struct campaign){ .seed = 1, .points = 200, .powers = 2, .jobs = 2 };
	while ((option = getopt(argc, argv, "an:p:s:j:")) >= 0) {
		uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;

		if (option == 'a')
			c->points = SIZE_MAX;
		else if (option == 'n')
			c->points = number;
		else if (option == 'p')
			c->powers = number;
		else if (option == 's')
			c->seed = number;
		else if (option == 'j')
			c->jobs = number;
		else
			exit(2);
	}
	if (!c->jobs || c->jobs > JOBS_MAX)
		exit(2);
}

int main(int argc, char **argv)
{
	struct campaign *c = mem_alloc(1, sizeof(*c));
	uint64_t failed;
	bool seen;

	read_options(c, argc, argv);
	if (seal_init())
		die("seal_init", "failed");
	campaign(c);
	printf("%zu points, %" PRIu64 " images, %" PRIu64 " wrong\n", c->points, c->images,
		c->failed);
	seen = sees_loss(c);
	failed = c->failed + !seen;
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", c->images - c->failed + seen, failed);
	free(c);
	return failed != 0;
}
