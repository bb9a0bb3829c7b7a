// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/alert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/privilege.h"
#include "cma/alert/rules.h"
#include "cma/graph/sink.h"

enum { ALERT_SINKS_MAX = 64 };

struct alerts {
	const struct config *config;
	const struct log *log;
	struct privilege_user user; /* whom root becomes */
	bool is_root;
	struct teller *tellers[ALERT_SINKS_MAX];
	size_t count;
	struct rules *rules;
	char error[SETTINGS_ERROR];
};

static bool is_known(const struct alerts *alerts, const char *name)
{
	for (size_t i = 0; i < alerts->count; i++)
		if (!strcmp(teller_name(alerts->tellers[i]), name))
			return true;
	return false;
}

static int take_sink(void *context, struct settings *settings)
{
	struct alerts *alerts = context;
	int err;

	if (is_known(alerts, settings->name) || alerts->count == ALERT_SINKS_MAX) {
		snprintf(alerts->error, sizeof(alerts->error),
			alerts->count < ALERT_SINKS_MAX ? "%s is given twice"
							: "%s is one sink too many",
			settings->name);
		settings_free(settings);
		return -EINVAL;
	}
	err = teller_new(settings, alerts->is_root ? &alerts->user : NULL,
		&alerts->tellers[alerts->count++]);
	if (err)
		snprintf(alerts->error, sizeof(alerts->error), "cannot start a process: %s",
			strerror(-err));
	return err;
}

static int find_user(struct alerts *alerts)
{
	const char *name = config_text(alerts->config, "alert-user");

	alerts->is_root = !geteuid();
	if (!alerts->is_root)
		return 0;
	if (privilege_user(name, &alerts->user) || !alerts->user.uid) {
		log_error(alerts->log, "alert-user: there is no user '%s' in /etc/passwd%s", name,
			strcmp(name, "root") ? "" : " that is not root");
		return -ENOENT;
	}
	return 0;
}

int alert_open(const struct config *config, const struct log *log, struct alerts **made)
{
	struct alerts *alerts = mem_alloc(1, sizeof(*alerts));
	char *lines autofree = text_copy(config_text(config, "alert")), *rest;
	int err = 0;

	*made = alerts;
	alerts->config = config;
	alerts->log = log;
	if (lines)
		err = find_user(alerts);
	for (char *line = lines ? strtok_r(lines, "\n", &rest) : NULL; line && !err;
		line = strtok_r(NULL, "\n", &rest)) {
		err = settings_parse(line, take_sink, alerts, alerts->error);
		if (err)
			log_error(log, "alert: %s", alerts->error);
	}
	return err;
}

void alert_free(struct alerts *alerts)
{
	if (!alerts)
		return;
	rules_free(alerts->rules);
	for (size_t i = 0; i < alerts->count; i++)
		teller_free(alerts->tellers[i]);
	free(alerts);
}

int alert_load(struct alerts *alerts, struct graph *graph)
{
	int err = 0;

	for (size_t i = 0; i < alerts->count && !err; i++) {
		int64_t event = 0;

		err = graph_sink_open(graph, teller_name(alerts->tellers[i]), &event);
		teller_begin(alerts->tellers[i], event);
	}
	return err ? err : graph_sinks_forget(graph);
}

int alert_start(struct alerts *alerts, const struct teller_world *world)
{
	int err = rules_start(world, config_text(alerts->config, "rules-dir"), &alerts->rules);

	for (size_t i = 0; i < alerts->count && !err; i++)
		err = teller_start(alerts->tellers[i], world);
	if (err)
		log_error(alerts->log, "cannot start the alerts: %s", strerror(-err));
	return err;
}

void alert_stop(struct alerts *alerts)
{
	if (!alerts)
		return;
	rules_stop(alerts->rules);
	for (size_t i = 0; i < alerts->count; i++)
		teller_stop(alerts->tellers[i]);
	for (size_t i = 0; i < alerts->count; i++)
		teller_join(alerts->tellers[i]);
	rules_join(alerts->rules);
}

json_t *alert_status(struct alerts *alerts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < alerts->count; i++)
		json_array_append_new(list, teller_status(alerts->tellers[i]));
	return list;
}
