// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/runner.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES_MAX = 64, CASES_MAX = 32, REPORT_SECONDS = 60 };

/* What one process has done; it alone writes there, and the parent reads. */
struct tally {
	uint64_t running; /* the number of its run; 0: none */
	uint64_t runs[CASES_MAX], packets[CASES_MAX], failed;
	int64_t longest_ns[CASES_MAX]; /* until all was told after the faults */
	struct world_figures sum;
};

struct board {
	atomic_uint_fast64_t next, packets; /* number of the next run; sent so far */
	struct tally tallies[PROCESSES_MAX];
};

struct runner {
	const struct runner_config *config;
	const struct sim_case *cases[CASES_MAX];
	size_t case_count;
	struct board *board; /* shared by all processes */
	struct instant start;
	pid_t pids[PROCESSES_MAX];
};

static void choose_cases(struct runner *runner)
{
	const char *only = runner->config->only;

	for (size_t i = 0; i < sim_case_count && runner->case_count < CASES_MAX; i++) {
		if (!only || !strcmp(only, sim_cases[i].name))
			runner->cases[runner->case_count++] = &sim_cases[i];
	}
}

/* Run number n: the cases in turn, all with one seed, then with the next. */
static const struct sim_case *case_of(const struct runner *runner, uint64_t n)
{
	return runner->cases[n % runner->case_count];
}

static uint64_t seed_of(const struct runner *runner, uint64_t n)
{
	return runner->config->seed + n / runner->case_count;
}

static int64_t elapsed(const struct runner *runner)
{
	return instant_sub(instant_now(), runner->start);
}

/* Each case has its turn before the time is over. */
static bool is_over(const struct runner *runner, uint64_t n)
{
	const struct runner_config *config = runner->config;

	if (config->seeds && n >= config->seeds * runner->case_count)
		return true;
	if (config->packets && runner->board->packets >= config->packets)
		return true;
	return config->seconds && n >= runner->case_count &&
		elapsed(runner) >= config->seconds * NS_PER_SEC;
}

static void add(struct world_figures *sum, const struct world_figures *one)
{
#define RUNNER_ADD(name, text) sum->name += one->name;
	WORLD_FIGURES(RUNNER_ADD)
#undef RUNNER_ADD
}

static void report_failure(const struct runner *runner, uint64_t n, const char *wrong)
{
	const struct sim_case *which = case_of(runner, n);
	unsigned long long seed = seed_of(runner, n);

	printf("FAILED %s with seed %llu: %s\n       again: make sim CASE=%s SEED=%llu SEEDS=1\n",
		which->name, seed, wrong, which->name, seed);
	fflush(stdout);
}

static void run_all(struct runner *runner, struct tally *tally)
{
	uint64_t n;

	while (!is_over(runner, n = runner->board->next++)) {
		size_t which = n % runner->case_count;
		struct sim_result result;

		tally->running = n + 1;
		sim_run(case_of(runner, n), seed_of(runner, n), &result);
		tally->running = 0;
		tally->runs[which]++;
		tally->packets[which] += result.figures.packets;
		if (result.settle_ns > tally->longest_ns[which])
			tally->longest_ns[which] = result.settle_ns;
		add(&tally->sum, &result.figures);
		runner->board->packets += result.figures.packets;
		if (!*result.wrong)
			continue;
		tally->failed++;
		report_failure(runner, n, result.wrong);
	}
}

static void start(struct runner *runner, size_t i)
{
	struct tally *tally = &runner->board->tallies[i];

	fflush(stdout);
	runner->pids[i] = fork();
	if (runner->pids[i])
		return;
	run_all(runner, tally);
	fflush(stdout);
	_exit(0);
}

/* A process ended. One that broke off in a run has failed it, and another goes on in its place. */
static void reap(struct runner *runner, size_t i, int status)
{
	struct tally *tally = &runner->board->tallies[i];
	char wrong[64];

	runner->pids[i] = 0;
	if (!tally->running)
		return;
	snprintf(wrong, sizeof(wrong), "the process ended (status %d)", status);
	report_failure(runner, tally->running - 1, wrong);
	tally->running = 0;
	tally->failed++;
	start(runner, i);
}

static struct tally total(const struct runner *runner)
{
	struct tally sum = { 0 };

	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		const struct tally *tally = &runner->board->tallies[i];

		sum.failed += tally->failed;
		add(&sum.sum, &tally->sum);
		for (size_t c = 0; c < runner->case_count; c++) {
			sum.runs[c] += tally->runs[c];
			sum.packets[c] += tally->packets[c];
			if (tally->longest_ns[c] > sum.longest_ns[c])
				sum.longest_ns[c] = tally->longest_ns[c];
		}
	}
	return sum;
}

static void report_sum(const struct runner *runner, const struct tally *sum)
{
	unsigned long long seconds = (unsigned long long)(elapsed(runner) / NS_PER_SEC) + 1;
	unsigned long long seed = runner->config->seed;
	uint64_t seeds = 0;

	for (size_t c = 0; c < runner->case_count; c++)
		seeds = sum->runs[c] > seeds ? sum->runs[c] : seeds;
	printf("%llu packets in %llu s (%llu/s), seeds %llu to %llu, %llu violations\n",
		(unsigned long long)sum->sum.packets, seconds, sum->sum.packets / seconds, seed,
		seed + (seeds ? seeds - 1 : 0), (unsigned long long)sum->failed);
	fflush(stdout);
}

static void report_end(const struct runner *runner, const struct tally *sum)
{
	printf("%-12s %10s %14s %12s\n", "case", "runs", "packets", "told within");
	for (size_t c = 0; c < runner->case_count; c++)
		printf("%-12s %10llu %14llu %10.1f s\n", runner->cases[c]->name,
			(unsigned long long)sum->runs[c], (unsigned long long)sum->packets[c],
			(double)sum->longest_ns[c] / NS_PER_SEC);
#define RUNNER_PRINT(name, text) printf("%14llu %s\n", (unsigned long long)sum->sum.name, text);
	WORLD_FIGURES(RUNNER_PRINT)
#undef RUNNER_PRINT
	report_sum(runner, sum);
}

static bool wait_one(struct runner *runner)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);
	bool busy = false;

	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		if (pid > 0 && runner->pids[i] == pid)
			reap(runner, i, status);
		busy = busy || runner->pids[i];
	}
	return busy;
}

uint64_t runner_run(const struct runner_config *config)
{
	struct runner runner = { .config = config, .start = instant_now() };
	const struct timespec pause = { .tv_nsec = 50 * NS_PER_MS };
	int64_t reported = 0;
	struct tally sum;

	choose_cases(&runner);
	if (!runner.case_count)
		return 1;
	runner.board = mmap(NULL, sizeof(*runner.board), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (runner.board == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < config->processes && i < PROCESSES_MAX; i++)
		start(&runner, i);
	while (wait_one(&runner)) {
		nanosleep(&pause, NULL);
		if (elapsed(&runner) / NS_PER_SEC / REPORT_SECONDS == reported)
			continue;
		reported++;
		sum = total(&runner);
		report_sum(&runner, &sum);
	}
	sum = total(&runner);
	report_end(&runner, &sum);
	munmap(runner.board, sizeof(*runner.board));
	return sum.failed;
}
