// SPDX-License-Identifier: Apache-2.0
#include "cma/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cma/job.h"
#include "cma/keep.h"
#include "cma/outcome.h"

enum {
	STORE_BATCH = 4096, /* messages in one transaction at most, */
	STORE_KEPT = 2048,  /* and decisions of our own */
	/*
	 * What a transaction takes on is so much that it lasts about so long: the longer, the less
	 * often a page is written that many change, and the longer what is urgent may have to wait.
	 */
	STORE_COMMIT_MS = 10,
	STORE_COMMIT_BUSY_MS = 30, /* when so many wait: */
	STORE_BUSY = 4096,
	STORE_BUDGET_MIN = 64,
	STORE_BUDGET_MAX = 1 << 14,
	STORE_IDLE_MS = 1000, /* of silence, then the WAL is moved to the database */
	STORE_STOP_MS = 500,  /* to commit what is queued when we are told to end */
};

struct result_entry {
	STAILQ_ENTRY(result_entry) entry;
	struct store_result result;
};

struct store {
	struct store_config config;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything down to the empty line */
	pthread_cond_t queued, waiter_done;
	struct lanes lanes;
	struct keep keep;
	STAILQ_HEAD(, result_entry) results;
	/*
	 * After a failed transaction the hub forgets what it handed out, so what it had handed out
	 * until it heard of the failure must not be acted on: those jobs are of an older era. The
	 * network thread stamps jobs with its era, which store_take raises with the bad news.
	 */
	uint32_t era_pushed, era_wanted;
	bool stopping;
	struct instant stop_by; /* while stopping: what was not begun by then is left */

	struct act act;	   /* only the thread's, as is the rest */
	bool busy;	   /* much waits */
	size_t budget;	   /* of the next transaction: what fits into the time */
	int64_t worked_ns; /* in the last one, before the disk was waited for */
	struct lanes_item *taken[STORE_BATCH];
	struct job *batch[STORE_BATCH];
	struct keep acting;	    /* what of keep is to be written first, again if that fails */
	struct keep_item *hopeless; /* of acting: failed in a way that it always would; NULL */
	char error[STORE_ERROR_SIZE];
};

static void wake_waiter(struct store *store, struct waiter *waiter, int err)
{
	pthread_mutex_lock(&store->lock);
	waiter->err = err;
	waiter->done = true;
	pthread_cond_broadcast(&store->waiter_done);
	pthread_mutex_unlock(&store->lock);
}

static void post(void *owner, const struct store_result *result)
{
	struct store *store = owner;
	struct result_entry *entry = mem_alloc(1, sizeof(*entry));

	entry->result = *result;
	pthread_mutex_lock(&store->lock);
	STAILQ_INSERT_TAIL(&store->results, entry, entry);
	pthread_mutex_unlock(&store->lock);
}

/* 0 or what makes the whole transaction useless. */
static int act_job(struct store *store, struct job *job)
{
	if (job->waiter)
		return job->waiter->change(&store->act, job->waiter->context);
	job->err = act_event(&store->act, &job->event, &job->result);
	return job->err == ACT_REFUSED ? 0 : job->err;
}

static void count_committed(struct store *store, struct job *const *jobs, size_t count)
{
	struct instant now = instant_now();

	for (size_t i = 0; i < count; i++) {
		if (!jobs[i]->waiter && jobs[i]->err == ACT_REFUSED)
			stats_refused(store->config.stats);
		else if (!jobs[i]->waiter && jobs[i]->event.kind == HUB_MESSAGE)
			stats_message(store->config.stats, now, act_facts(&jobs[i]->event),
				instant_sub(now, jobs[i]->arrived));
	}
	stats_commit(store->config.stats);
}

/* Ends jobs, whose waiters are told err or, when that is 0, what became of their own job. */
static void end_jobs(struct store *store, struct job *const *jobs, size_t count, int err)
{
	for (size_t i = 0; i < count; i++) {
		if (jobs[i]->waiter)
			wake_waiter(store, jobs[i]->waiter, err ? err : jobs[i]->err);
		job_free(jobs[i]);
	}
}

/* Ends a transaction that failed, and keeps why. */
static void keep_error(struct store *store, int err)
{
	snprintf(store->error, sizeof(store->error), "%s: %s", strerror(-err),
		graph_error(store->config.graph));
	graph_rollback(store->config.graph);
	act_failed(&store->act);
}

/* What was decided here comes before what agents say. */
static int act_kept(struct store *store)
{
	struct keep_item *item;
	int err = 0;

	STAILQ_FOREACH (item, &store->acting.items, next) {
		err = keep_act(&store->act, item);
		if (err)
			break;
	}
	store->hopeless = err == -ENOTRECOVERABLE ? item : NULL;
	return err;
}

/* It would take every transaction along, of all agents and for ever. */
static void set_aside(struct store *store)
{
	if (!store->hopeless)
		return;
	keep_set_aside(&store->acting, store->hopeless);
	store->hopeless = NULL;
	stats_unwritten(store->config.stats);
}

static void drop_kept(struct store *store)
{
	struct instant now = instant_now();

	while (store->acting.count) {
		const struct keep_item *item = STAILQ_FIRST(&store->acting.items);

		stats_decision(store->config.stats, instant_sub(now, item->since));
		if (item->refused)
			stats_unwritten(store->config.stats);
		keep_drop(&store->acting);
	}
}

/*
 * Acts on some of the jobs, at least one if there is one, and commits: how many, or -errno and
 * none. All, unless they take much longer than was expected of them.
 */
static ssize_t transaction(struct store *store, struct job *const *jobs, size_t count)
{
	struct graph *graph = store->config.graph;
	struct instant began = instant_now();
	struct instant late = instant_add(began, 2 * STORE_COMMIT_BUSY_MS * NS_PER_MS);
	int err = graph_begin(graph, feed_begin(store->config.feed, wall_now_ms()));
	size_t done = 0;

	if (!err)
		err = act_kept(store);
	while (!err && done < count && (!done || instant_before(instant_now(), late)))
		err = act_job(store, jobs[done++]);
	store->worked_ns = instant_sub(instant_now(), began);
	if (!err)
		err = graph_commit(graph);
	if (err)
		keep_error(store, err);
	else
		drop_kept(store);
	set_aside(store);
	feed_end(store->config.feed);
	return err ? err : (ssize_t)done;
}

/* Everything the hub has handed out is forgotten, here and there. */
static void fail(struct store *store, struct job *const *jobs, size_t count, int err)
{
	struct store_result result = { .kind = STORE_FAILED };

	text_copy_to(result.error, sizeof(result.error), store->error);
	pthread_mutex_lock(&store->lock);
	store->era_wanted++;
	pthread_mutex_unlock(&store->lock);
	post(store, &result);
	end_jobs(store, jobs, count, err);
	store->config.wake(store->config.owner);
}

static bool is_late(const struct store *store)
{
	return store->stopping && !instant_before(instant_now(), store->stop_by);
}

/* The CMA is told to end, and a backlog can be seconds long. */
static bool must_leave(struct store *store)
{
	bool late;

	pthread_mutex_lock(&store->lock);
	late = is_late(store);
	pthread_mutex_unlock(&store->lock);
	return late;
}

/* A disk that is full now is so a moment later. */
static void pause_unless_stopping(struct store *store)
{
	struct instant until = instant_add(instant_now(), STORE_PAUSE_MS * NS_PER_MS);
	struct timespec deadline = { until.ns / NS_PER_SEC, until.ns % NS_PER_SEC };

	pthread_mutex_lock(&store->lock);
	while (!store->stopping && instant_before(instant_now(), until))
		pthread_cond_timedwait(&store->queued, &store->lock, &deadline);
	pthread_mutex_unlock(&store->lock);
}

/* The next transaction takes on what would have made this one as long as it should be. */
static void adapt(struct store *store, size_t cost)
{
	int64_t wanted = (store->busy ? STORE_COMMIT_BUSY_MS : STORE_COMMIT_MS) * NS_PER_MS;
	size_t budget = store->budget;

	if (store->worked_ns > wanted)
		budget = budget / 4 * 3;
	else if (cost >= budget && store->worked_ns < wanted / 4 * 3)
		budget += budget / 2;
	if (budget < STORE_BUDGET_MIN)
		budget = STORE_BUDGET_MIN;
	store->budget = budget > STORE_BUDGET_MAX ? STORE_BUDGET_MAX : budget;
}

static size_t cost_of(struct job *const *jobs, size_t count)
{
	size_t cost = 0;

	for (size_t i = 0; i < count; i++)
		cost += jobs[i]->item.cost;
	return cost;
}

static void run_batch(struct store *store, size_t count)
{
	size_t at = 0;

	job_sort(store->batch, count);
	while ((at < count || store->acting.count) && !must_leave(store)) {
		struct job *const *jobs = store->batch + at;
		ssize_t done = transaction(store, jobs, count - at);

		if (done < 0) {
			fail(store, jobs, count - at, (int)done);
			pause_unless_stopping(store);
			return;
		}
		adapt(store, cost_of(jobs, (size_t)done));
		outcome_tell(&store->act, jobs, (size_t)done, post, store);
		count_committed(store, jobs, (size_t)done);
		end_jobs(store, jobs, (size_t)done, 0);
		at += (size_t)done;
		store->config.wake(store->config.owner);
	}
	end_jobs(store, store->batch + at, count - at, -ESHUTDOWN);
}

/* Waits for jobs, or for a moment of silence (0, *idle set), or for the end (0). */
static size_t take_jobs(struct store *store, bool *idle)
{
	struct instant until = instant_add(instant_now(), STORE_IDLE_MS * NS_PER_MS);
	struct timespec deadline = { until.ns / NS_PER_SEC, until.ns % NS_PER_SEC };
	size_t count = 0, taken;
	int err = 0;

	pthread_mutex_lock(&store->lock);
	while (!store->lanes.count && !store->keep.count && !store->acting.count &&
		!store->stopping && !err)
		err = *idle ? pthread_cond_wait(&store->queued, &store->lock)
			    : pthread_cond_timedwait(&store->queued, &store->lock, &deadline);
	store->busy = store->lanes.count >= STORE_BUSY;
	keep_move(&store->keep, &store->acting, STORE_KEPT);
	taken = lanes_take(&store->lanes, store->budget, store->taken, STORE_BATCH);
	for (size_t i = 0; i < taken; i++) {
		struct job *job = job_of_item(store->taken[i]);

		if (job->waiter || job->era == store->era_wanted)
			store->batch[count++] = job;
		else
			job_free(job);
	}
	*idle = err == ETIMEDOUT && !taken && !store->acting.count;
	pthread_mutex_unlock(&store->lock);
	return count;
}

static bool is_over(struct store *store)
{
	bool over;

	pthread_mutex_lock(&store->lock);
	over = store->stopping &&
		((!store->lanes.count && !store->keep.count && !store->acting.count) ||
			is_late(store));
	pthread_mutex_unlock(&store->lock);
	return over;
}

/* What nobody will act on: the hub never hears of it, so the agents send it again. */
static void leave_jobs(struct store *store)
{
	bool idle = true;

	while (store_backlog(store)) {
		size_t count = take_jobs(store, &idle);

		end_jobs(store, store->batch, count, -ESHUTDOWN);
	}
}

static void *store_thread(void *user)
{
	struct store *store = user;
	bool idle = false;

	while (!is_over(store)) {
		size_t count = take_jobs(store, &idle);

		if (count || store->acting.count)
			run_batch(store, count);
		else if (idle)
			graph_checkpoint(store->config.graph);
	}
	leave_jobs(store);
	return NULL;
}

int store_start(const struct store_config *config, struct store **store)
{
	struct store *made = mem_alloc(1, sizeof(*made));
	pthread_condattr_t monotonic;
	int err;

	made->config = *config;
	made->act.graph = config->graph;
	made->budget = STORE_BUDGET_MIN;
	lanes_init(&made->lanes);
	keep_init(&made->keep);
	keep_init(&made->acting);
	STAILQ_INIT(&made->results);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&made->lock, NULL);
	pthread_cond_init(&made->queued, &monotonic);
	pthread_cond_init(&made->waiter_done, NULL);
	pthread_condattr_destroy(&monotonic);
	err = pthread_create(&made->thread, NULL, store_thread, made);
	if (err) {
		store_free(made);
		return -err;
	}
	*store = made;
	return 0;
}

void store_stop(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->stopping = true;
	store->stop_by = instant_add(instant_now(), STORE_STOP_MS * NS_PER_MS);
	pthread_cond_signal(&store->queued);
	pthread_mutex_unlock(&store->lock);
	pthread_join(store->thread, NULL);
}

void store_free(struct store *store)
{
	struct store_result result;

	if (!store)
		return;
	while (store_take(store, &result))
		continue;
	act_deinit(&store->act);
	lanes_deinit(&store->lanes);
	keep_deinit(&store->keep);
	keep_deinit(&store->acting);
	pthread_cond_destroy(&store->waiter_done);
	pthread_cond_destroy(&store->queued);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

void store_push(struct store *store, struct instant now, const struct hub_event *event)
{
	struct job *job = job_of_event(now, event);

	pthread_mutex_lock(&store->lock);
	job->era = store->era_pushed;
	lanes_push(&store->lanes, &job->item);
	pthread_cond_signal(&store->queued);
	pthread_mutex_unlock(&store->lock);
}

bool store_take(struct store *store, struct store_result *result)
{
	struct result_entry *entry;

	pthread_mutex_lock(&store->lock);
	entry = STAILQ_FIRST(&store->results);
	if (entry) {
		STAILQ_REMOVE_HEAD(&store->results, entry);
		if (entry->result.kind == STORE_FAILED)
			store->era_pushed++;
	}
	pthread_mutex_unlock(&store->lock);
	if (entry)
		*result = entry->result;
	free(entry);
	return entry != NULL;
}

size_t store_backlog(struct store *store)
{
	size_t count;

	pthread_mutex_lock(&store->lock);
	count = store->lanes.count;
	pthread_mutex_unlock(&store->lock);
	return count;
}

void store_keep(struct store *store, const struct alive_event *events, size_t count)
{
	struct instant now = instant_now();

	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < count; i++)
		keep_event(&store->keep, now, &events[i]);
	pthread_cond_signal(&store->queued);
	pthread_mutex_unlock(&store->lock);
}

void store_keep_beat(struct store *store, uint64_t agent, uint16_t port)
{
	pthread_mutex_lock(&store->lock);
	keep_beat(&store->keep, instant_now(), agent, port);
	pthread_cond_signal(&store->queued);
	pthread_mutex_unlock(&store->lock);
}

size_t store_kept(struct store *store)
{
	size_t count;

	pthread_mutex_lock(&store->lock);
	count = store->keep.count;
	pthread_mutex_unlock(&store->lock);
	return count;
}

int store_change(struct store *store, store_change_fn *change, void *context)
{
	struct waiter waiter = { .change = change, .context = context };
	struct job *job = job_of_waiter(&waiter);

	pthread_mutex_lock(&store->lock);
	if (store->stopping) {
		waiter = (struct waiter){ .err = -ESHUTDOWN, .done = true };
		free(job);
	} else {
		lanes_push(&store->lanes, &job->item);
		pthread_cond_signal(&store->queued);
	}
	while (!waiter.done)
		pthread_cond_wait(&store->waiter_done, &store->lock);
	pthread_mutex_unlock(&store->lock);
	return waiter.err;
}
