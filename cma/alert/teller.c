// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/teller.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "cma/alert/courier.h"
#include "cma/alert/letter.h"
#include "cma/alert/pace.h"
#include "cma/graph/query.h"
#include "cma/graph/sink.h"

enum {
	WAIT_MS = 200,	      /* how soon we notice that we are to stop, */
	SAVE_MS = 1000,	      /* how often it is kept how far we came, */
	READ_AGAIN_MS = 1000, /* and when we try again to read */
	EVENTS = 256	      /* that are read at once; cma/alert/next.sql has the same figure */
};

/* Columns of cma/alert/next.sql. */
enum { NEXT_EVENT, NEXT_INCIDENT, NEXT_CAUSE };

/* For people; the thread writes it, others read. */
struct progress {
	int64_t delivered, failures; /* alerts; failures since the last success */
	int64_t failing_since_ms;    /* 0: it does not */
	size_t waiting;
	struct instant retry;
	char why[COURIER_WHY_MAX];
};

struct teller {
	struct settings settings;
	char *shown;
	int courier, stop;
	pthread_t thread;
	bool started;
	_Atomic bool stopping;
	pthread_mutex_t lock; /* of progress */
	struct progress progress;

	const struct teller_world *world; /* only the thread's from here on */
	struct queries *queries;
	struct pace *pace;
	json_t *columns;
	int64_t read, saved; /* events */
	struct instant save_at;
	bool cannot_read, over;
};

int teller_new(struct settings *settings, const struct privilege_user *user, struct teller **teller)
{
	struct teller *made = mem_alloc(1, sizeof(*made));
	struct courier_config config;
	int err;

	made->settings = *settings;
	*settings = (struct settings){ .kind = NULL };
	made->shown = settings_shown(&made->settings);
	made->courier = -1;
	pthread_mutex_init(&made->lock, NULL);
	made->stop = eventfd(0, EFD_CLOEXEC);
	config = (struct courier_config){ made->settings.kind, made->settings.target,
		made->settings.time_ms, user };
	*teller = made;
	err = made->stop < 0 ? -errno : 0;
	return err ? err : courier_start(&config, &made->courier);
}

void teller_free(struct teller *teller)
{
	if (!teller)
		return;
	if (teller->courier >= 0)
		close(teller->courier);
	if (teller->stop >= 0)
		close(teller->stop);
	queries_close(teller->queries);
	pace_free(teller->pace);
	json_decref(teller->columns);
	pthread_mutex_destroy(&teller->lock);
	settings_free(&teller->settings);
	free(teller->shown);
	free(teller);
}

const char *teller_name(const struct teller *teller)
{
	return teller->settings.name;
}

void teller_begin(struct teller *teller, int64_t event)
{
	teller->read = teller->saved = event;
	teller->pace = pace_new(event);
}

/* ---- reading ---- */

static int on_columns(void *context, const json_t *columns)
{
	struct teller *teller = context;

	json_decref(teller->columns);
	teller->columns = json_deep_copy(columns);
	return 0;
}

static int on_row(void *context, const json_t *row)
{
	struct teller *teller = context;
	const char *cause = json_string_value(json_array_get(row, NEXT_CAUSE));
	int64_t event = json_integer_value(json_array_get(row, NEXT_EVENT));
	json_t *alert autojson = cause ? letter_of_row(teller->columns, row) : NULL;

	if (alert &&
		settings_want(&teller->settings, json_get_text(alert, "kind"),
			json_get_text(alert, "severity")))
		pace_offer(teller->pace, event,
			json_integer_value(json_array_get(row, NEXT_INCIDENT)), cause, alert);
	else
		pace_skip(teller->pace, event);
	teller->read = event;
	return 0;
}

static bool on_step(void *context)
{
	return ((struct teller *)context)->stopping;
}

static int open_reader(struct teller *teller, char *why, size_t size)
{
	if (teller->queries)
		return 0;
	return queries_open_set(
		"alert", teller->world->state_dir, NULL, &teller->queries, why, size);
}

/* A part of what is new. -errno when it cannot be read, which is told once. */
static int read_some(struct teller *teller)
{
	const struct query_sink sink = { on_columns, on_row, on_step, teller };
	json_t *params autojson = json_pack("{s:I}", "after", (json_int_t)teller->read);
	char why[256] = "";
	int err = open_reader(teller, why, sizeof(why));

	if (!err)
		err = query_run(teller->queries, "next", params, "default", wall_now_ms(), &sink,
			why, sizeof(why));
	if (err && !teller->cannot_read && !teller->stopping)
		log_error(teller->world->log, "alert %s: cannot read the events: %s", teller->shown,
			*why ? why : strerror(-err));
	teller->cannot_read = err != 0;
	return err;
}

static int read_news(struct teller *teller)
{
	int64_t before;
	int err;

	do {
		before = teller->read;
		err = read_some(teller);
	} while (!err && teller->read - before >= EVENTS && !pace_is_full(teller->pace));
	return err;
}

/* ---- telling ---- */

static void note_waiting(struct teller *teller)
{
	pthread_mutex_lock(&teller->lock);
	teller->progress.waiting = pace_waiting(teller->pace);
	pthread_mutex_unlock(&teller->lock);
}

static void note_taken(struct teller *teller, size_t count, const char *said)
{
	struct progress *progress = &teller->progress;
	bool failed = progress->failing_since_ms != 0;

	pthread_mutex_lock(&teller->lock);
	progress->delivered += (int64_t)count;
	progress->failing_since_ms = progress->failures = 0;
	pthread_mutex_unlock(&teller->lock);
	if (failed)
		log_info(teller->world->log, "alert %s: it works again", teller->shown);
	if (*said)
		log_info(teller->world->log, "alert %s: says: %s", teller->shown, said);
}

static void note_failed(struct teller *teller, const char *why)
{
	struct progress *progress = &teller->progress;
	struct instant retry = pace_deadline(teller->pace);

	pthread_mutex_lock(&teller->lock);
	progress->failures++;
	if (!progress->failing_since_ms)
		progress->failing_since_ms = wall_now_ms();
	progress->retry = retry;
	text_copy_to(progress->why, sizeof(progress->why), why);
	pthread_mutex_unlock(&teller->lock);
	log_warn(teller->world->log, "alert %s: not taken, try %lld, next in %lld s: %s",
		teller->shown, (long long)progress->failures,
		(long long)((instant_sub(retry, instant_now()) + NS_PER_SEC / 2) / NS_PER_SEC),
		why);
}

/* Its process is gone, which it never should be, and we may not start another one. */
static void give_up(struct teller *teller)
{
	teller->over = true;
	note_failed(teller, "its process has ended: the CMA has to be started again");
}

/* Whether there was something to tell. */
static bool tell(struct teller *teller)
{
	json_t *alerts autojson = pace_next(teller->pace, instant_now());
	char *text autofree = alerts ? letter_text(alerts, wall_now_ms()) : NULL;
	char why[COURIER_WHY_MAX];
	int err;

	if (!alerts)
		return false;
	err = courier_deliver(teller->courier, text, teller->stop, why);
	if (err == -ECANCELED)
		return false;
	pace_done(teller->pace, instant_now(), !err);
	if (err == -EPIPE)
		give_up(teller);
	else if (err)
		note_failed(teller, why);
	else
		note_taken(teller, json_array_size(alerts), why);
	return true;
}

/* ---- keeping how far it came ---- */

static int save_told(struct act *act, void *context)
{
	const struct teller *teller = context;

	return graph_sink_told(act->graph, teller->settings.name, pace_told(teller->pace));
}

static void save(struct teller *teller)
{
	int64_t told = pace_told(teller->pace);

	teller->save_at = instant_add(instant_now(), SAVE_MS * NS_PER_MS);
	if (told != teller->saved && !store_change(teller->world->store, save_told, teller))
		teller->saved = told;
}

/* ---- the thread ---- */

/* Until something is committed after now_ms, is due or to be kept, and a short while at most. */
static int64_t wait_for_news(const struct teller *teller, int64_t now_ms)
{
	struct instant until = teller->over ? INSTANT_NEVER : pace_deadline(teller->pace);
	int64_t left_ms;

	if (pace_told(teller->pace) != teller->saved)
		until = instant_first(until, teller->save_at);
	left_ms = instant_sub(until, instant_now()) / NS_PER_MS + 1;
	if (left_ms > WAIT_MS)
		left_ms = WAIT_MS;
	return feed_wait(teller->world->feed, now_ms, left_ms > 0 ? left_ms : 0);
}

static void *teller_thread(void *user)
{
	struct teller *teller = user;
	int64_t read_ms = -1, now_ms = 0; /* horizons of the feed */
	struct instant again = { 0 };

	while (!teller->stopping) {
		if (now_ms != read_ms && !pace_is_full(teller->pace) &&
			!instant_before(instant_now(), again)) {
			if (!read_news(teller))
				read_ms = now_ms;
			else
				again = instant_add(instant_now(), READ_AGAIN_MS * NS_PER_MS);
			note_waiting(teller);
		}
		if (!teller->over && tell(teller))
			note_waiting(teller);
		else
			now_ms = wait_for_news(teller, now_ms);
		if (!instant_before(instant_now(), teller->save_at))
			save(teller);
	}
	save(teller);
	return NULL;
}

int teller_start(struct teller *teller, const struct teller_world *world)
{
	int err;

	teller->world = world;
	err = pthread_create(&teller->thread, NULL, teller_thread, teller);
	teller->started = !err;
	return -err;
}

void teller_stop(struct teller *teller)
{
	teller->stopping = true;
	eventfd_write(teller->stop, 1);
}

void teller_join(struct teller *teller)
{
	if (teller->started)
		pthread_join(teller->thread, NULL);
	teller->started = false;
}

/* ---- for people ---- */

static void set_time(json_t *object, const char *key, int64_t wall_ms)
{
	char text[TEXT_TIME_SIZE];

	text_time(wall_ms, text);
	json_object_set_new(object, key, json_string(text));
}

json_t *teller_status(struct teller *teller)
{
	json_t *status = json_object();
	struct progress now;

	pthread_mutex_lock(&teller->lock);
	now = teller->progress;
	pthread_mutex_unlock(&teller->lock);
	json_object_set_new(status, "sink", json_string(teller->shown));
	json_object_set_new(status, "delivered", json_integer(now.delivered));
	json_object_set_new(status, "waiting", json_integer((json_int_t)now.waiting));
	if (!now.failing_since_ms)
		return status;
	set_time(status, "failing_since", now.failing_since_ms);
	set_time(status, "next_try",
		wall_now_ms() + instant_sub(now.retry, instant_now()) / NS_PER_MS);
	json_object_set_new(status, "failures", json_integer(now.failures));
	json_object_set_new(status, "why", json_bytes(SPAN_TEXT(now.why)));
	return status;
}
