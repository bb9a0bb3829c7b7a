// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/rules.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cma/graph/admit.h"
#include "cma/graph/incident.h"
#include "cma/graph/maintenance.h"
#include "cma/graph/query.h"
#include "cma/graph/severity.h"

enum { WAIT_MS = 200 /* how soon we notice that we are to stop */ };

/* Columns of a rule, of found.sql and of tenants.sql. */
enum { ROW_NODE, ROW_HOST, ROW_TEXT };
enum { FOUND_RULE, FOUND_NODE, FOUND_TEXT };
enum { TENANT_NAME };

struct rules {
	const struct teller_world *world;
	const char *directory;
	pthread_t thread;
	bool started;
	_Atomic bool stopping;
	json_t *complaints; /* {rule: what is wrong with it}: each is logged once */
	char why[512];
};

/* One look at one tenant. */
struct look {
	struct rules *rules;
	struct queries *asked, *rules_asked; /* cma/alert/, and the rules */
	const char *tenant;
	const struct query *rule; /* that is asked now */
	json_t *found;		  /* {"RULE NODE": {rule, node, host, text, severity}} */
	json_t *open;		  /* likewise, of the store */
	json_t *unknown;	  /* {RULE: true}: could not be asked */
};

static void close_queries(struct queries **queries)
{
	queries_close(*queries);
}

static bool on_step(void *context)
{
	return ((struct look *)context)->rules->stopping;
}

static int run(struct look *look, struct queries *queries, const char *name,
	int (*row)(void *context, const json_t *values))
{
	const struct query_sink sink = { NULL, row, on_step, look };

	look->rules->why[0] = '\0';
	return query_run(queries, name, NULL, look->tenant, wall_now_ms(), &sink, look->rules->why,
		sizeof(look->rules->why));
}

/* ---- what the rules find ---- */

static json_t *finding(const char *rule, const json_t *node, const json_t *text)
{
	return json_pack("{s:s,s:O,s:O}", "rule", rule, "node", node, "text", text);
}

static void put_finding(json_t *all, const char *rule, const json_t *node, json_t *value)
{
	char *key autofree = text_format("%s %lld", rule, (long long)json_integer_value(node));

	json_object_set_new(all, key, value);
}

static int on_found(void *context, const json_t *values)
{
	struct look *look = context;
	const json_t *node = json_array_get(values, ROW_NODE);
	const json_t *host = json_array_get(values, ROW_HOST);
	const json_t *text = json_array_get(values, ROW_TEXT);
	const char *severity = look->rule->severity ? look->rule->severity : "warning";
	json_t *value;

	if (!json_is_integer(node) || !json_is_string(text)) {
		snprintf(look->rules->why, sizeof(look->rules->why),
			"its columns are not node, host and text");
		return -EINVAL;
	}
	value = finding(look->rule->name, node, text);
	json_object_set(value, "host", (json_t *)host);
	json_object_set_new(value, "severity", json_string(severity));
	put_finding(look->found, look->rule->name, node, value);
	return json_object_size(look->found) < RULES_ROWS_MAX ? 0 : -E2BIG;
}

/* Logs what is wrong with a rule, unless it was so the last time. */
static void complain(struct rules *rules, const char *name, const char *why)
{
	if (why && strcmp(json_get_text(rules->complaints, name), why) != 0)
		log_warn(rules->world->log, "rule %s: %s", name, why);
	if (why)
		json_object_set_new(rules->complaints, name, json_bytes(SPAN_TEXT(why)));
	else
		json_object_del(rules->complaints, name);
}

static void ask_rule(struct look *look, json_t *into)
{
	struct rules *rules = look->rules;
	const char *name = look->rule->name;
	json_t *found autojson = look->found = json_object();
	int err = run(look, look->rules_asked, name, on_found);

	if (err == -E2BIG) {
		snprintf(rules->why, sizeof(rules->why), "it finds more than %d", RULES_ROWS_MAX);
		complain(rules, name, rules->why);
	} else if (err) {
		json_object_set_new(look->unknown, name, json_true());
		if (err != -ECANCELED)
			complain(rules, name, *rules->why ? rules->why : strerror(-err));
		return;
	} else {
		complain(rules, name, NULL);
	}
	json_object_update(into, found);
}

static int on_open(void *context, const json_t *values)
{
	struct look *look = context;
	const char *rule = json_string_value(json_array_get(values, FOUND_RULE));
	const json_t *node = json_array_get(values, FOUND_NODE);

	put_finding(
		look->open, rule, node, finding(rule, node, json_array_get(values, FOUND_TEXT)));
	return 0;
}

/* ---- what follows from it ---- */

struct changes {
	const char *tenant;
	json_t *open, *clear; /* arrays */
};

static int open_one(struct graph *g, int64_t tenant, const json_t *finding)
{
	char *kind autofree = text_format("rule:%s", json_get_text(finding, "rule"));
	const json_t *host = json_object_get(finding, "host");
	int64_t id = 0;
	int err = graph_incident_open(g, tenant, kind,
		json_integer_value(json_object_get(finding, "node")),
		json_get_text(finding, "text"), &id);

	if (!err)
		err = graph_incident_severity(g, id, json_get_text(finding, "severity"));
	if (!err && json_is_integer(host))
		err = graph_incident_host(g, id, json_integer_value(host));
	return err;
}

static int clear_one(struct graph *g, int64_t tenant, const json_t *finding)
{
	char *kind autofree = text_format("rule:%s", json_get_text(finding, "rule"));
	int64_t id = 0;
	int got = graph_incident_find(
		g, tenant, kind, json_integer_value(json_object_get(finding, "node")), &id);

	return got > 0 ? graph_incident_clear(g, tenant, id) : got;
}

static int apply(struct act *act, void *context)
{
	const struct changes *changes = context;
	int64_t tenant = 0;
	int err = graph_tenant(act->graph, changes->tenant, &tenant);
	json_t *value;
	size_t i;

	json_array_foreach (changes->clear, i, value)
		err = err ? err : clear_one(act->graph, tenant, value);
	json_array_foreach (changes->open, i, value)
		err = err ? err : open_one(act->graph, tenant, value);
	return err;
}

static void compare(const struct look *look, const json_t *found, struct changes *changes)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)found, key, value) {
		const json_t *known = json_object_get(look->open, key);

		if (!known ||
			strcmp(json_get_text(known, "text"), json_get_text(value, "text")) != 0)
			json_array_append(changes->open, value);
	}
	json_object_foreach (look->open, key, value) {
		if (!json_object_get(found, key) &&
			!json_object_get(look->unknown, json_get_text(value, "rule")))
			json_array_append(changes->clear, value);
	}
}

static int look_at_tenant(struct look *look)
{
	json_t *found autojson = json_object(), *unknown autojson = json_object();
	json_t *open autojson = json_object();
	json_t *to_open autojson = json_array(), *to_clear autojson = json_array();
	struct changes changes = { look->tenant, to_open, to_clear };
	int err;

	look->open = open;
	look->unknown = unknown;
	for (size_t i = 0; (look->rule = queries_at(look->rules_asked, i)) != NULL; i++)
		ask_rule(look, found);
	err = run(look, look->asked, "found", on_open);
	if (err || look->rules->stopping)
		return err;
	compare(look, found, &changes);
	if (!json_array_size(to_open) && !json_array_size(to_clear))
		return 0;
	return store_change(look->rules->world->store, apply, &changes);
}

static int on_count(void *context, const json_t *values)
{
	*(json_int_t *)context = json_integer_value(json_array_get(values, 0));
	return 0;
}

static int end_expired(struct act *act, void *context)
{
	(void)context;
	return graph_maintenance_expired(act->graph);
}

/* What is past its end is over: there is something to tell again. */
static int end_maintenance(struct rules *rules, struct queries *asked)
{
	json_int_t count = 0;
	const struct query_sink sink = { NULL, on_count, NULL, &count };
	int err = query_run(asked, "expired", NULL, "default", wall_now_ms(), &sink, rules->why,
		sizeof(rules->why));

	return err || !count ? err : store_change(rules->world->store, end_expired, NULL);
}

static int on_tenant(void *context, const json_t *values)
{
	return json_array_append(context, json_array_get(values, TENANT_NAME));
}

static int look_at_all(struct rules *rules)
{
	struct queries *asked cleanup(close_queries) = NULL, *own cleanup(close_queries) = NULL;
	json_t *tenants autojson = json_array(), *tenant;
	const struct query_sink sink = { NULL, on_tenant, NULL, tenants };
	const char *directory = rules->world->state_dir;
	size_t i;
	int err =
		queries_open_set("alert", directory, NULL, &asked, rules->why, sizeof(rules->why));

	if (!err)
		err = end_maintenance(rules, asked);
	if (!err)
		err = queries_open_set(
			"rules", directory, rules->directory, &own, rules->why, sizeof(rules->why));
	if (!err)
		err = query_run(asked, "tenants", NULL, "default", wall_now_ms(), &sink, rules->why,
			sizeof(rules->why));
	if (err)
		return err;
	json_array_foreach (tenants, i, tenant) {
		struct look look = { rules, asked, own, json_string_value(tenant), NULL, NULL, NULL,
			NULL };

		err = look_at_tenant(&look);
		if (err || rules->stopping)
			break;
	}
	return err;
}

/* ---- the thread ---- */

/*
 * Waits until it is time to look again, or to stop; seen_ms is what was committed by then. took_ns:
 * how long the last look was.
 */
static void wait_for_turn(struct rules *rules, int64_t took_ns, int64_t *seen_ms)
{
	struct instant now = instant_now();
	struct instant latest = instant_add(now, RULES_IDLE_MS * NS_PER_MS);
	struct instant earliest = instant_add(now, RULES_AFTER_MS * NS_PER_MS);
	int64_t at_ms = *seen_ms;

	took_ns *= RULES_SHARE - 1;
	if (took_ns > RULES_AFTER_MS * NS_PER_MS)
		earliest = instant_add(now, took_ns);
	if (instant_before(latest, earliest))
		latest = earliest;
	while (!rules->stopping && instant_before(now, latest)) {
		bool early = instant_before(now, earliest);

		/* Nothing is later than the end of time: that waits only. */
		at_ms = feed_wait(rules->world->feed, early ? INT64_MAX : *seen_ms, WAIT_MS);
		if (!early && at_ms != *seen_ms)
			break;
		now = instant_now();
	}
	*seen_ms = feed_horizon(rules->world->feed);
}

static void *rules_thread(void *user)
{
	struct rules *rules = user;
	int64_t seen_ms = 0, took_ns = 0;

	for (;;) {
		struct instant began;
		int err;

		wait_for_turn(rules, took_ns, &seen_ms);
		if (rules->stopping)
			return NULL;
		began = instant_now();
		err = look_at_all(rules);
		took_ns = instant_sub(instant_now(), began);

		if (err && err != -ECANCELED && err != -ESHUTDOWN)
			complain(rules, "(all)", *rules->why ? rules->why : strerror(-err));
		else if (!err)
			complain(rules, "(all)", NULL);
	}
}

int rules_start(const struct teller_world *world, const char *directory, struct rules **made)
{
	struct rules *rules = mem_alloc(1, sizeof(*rules));
	int err;

	*made = rules;
	rules->world = world;
	rules->directory = directory;
	rules->complaints = json_object();
	err = pthread_create(&rules->thread, NULL, rules_thread, rules);
	rules->started = !err;
	return -err;
}

void rules_stop(struct rules *rules)
{
	if (rules)
		rules->stopping = true;
}

void rules_join(struct rules *rules)
{
	if (rules && rules->started)
		pthread_join(rules->thread, NULL);
	if (rules)
		rules->started = false;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	json_decref(rules->complaints);
	free(rules);
}
