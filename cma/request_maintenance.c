// SPDX-License-Identifier: Apache-2.0
/* Requests about what operators are at work on. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "cma/graph/maintenance.h"
#include "cma/graph/query.h"
#include "cma/request.h"
#include "cma/server.h"

enum { OPERATOR_SIZE = 64, NOTE_MAX = 1000, USER_BUFFER = 4096 };

struct change {
	bool on;
	struct graph_maintenance maintenance;
	int err; /* of it alone */
};

/* Who asks, as the kernel says: a name, or a number that has none. */
static void name_peer(int fd, char operator[OPERATOR_SIZE])
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	char buffer[USER_BUFFER];
	struct passwd entry, *found = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		snprintf(operator, OPERATOR_SIZE, "somebody");
	else if (!getpwuid_r(peer.uid, &entry, buffer, sizeof(buffer), &found) && found)
		text_copy_to(operator, OPERATOR_SIZE, found->pw_name);
	else
		snprintf(operator, OPERATOR_SIZE, "user %u", peer.uid);
}

/* A time, or a duration from now. */
static int parse_until(const char *text, int64_t *until_ms)
{
	int64_t now_ms = wall_now_ms(), for_ms;

	*until_ms = GRAPH_NO_END;
	if (!*text)
		return 0;
	if (!text_parse_duration(text, &for_ms)) {
		*until_ms = now_ms + for_ms;
		return 0;
	}
	return *text == '-' ? -EINVAL : text_parse_time(text, now_ms, until_ms);
}

static int make_change(struct act *act, void *context)
{
	struct change *change = context;
	struct graph_maintenance *m = &change->maintenance;
	int err = change->on ? graph_maintenance_on(act->graph, m)
			     : graph_maintenance_off(act->graph, m->tenant, m->node, m->operator);

	change->err = err == -ENOENT || err == -EINVAL ? err : 0;
	return change->err ? 0 : err;
}

static void tell_failure(
	const struct change *change, int err, const char *word, struct answer *answer)
{
	if (err == -ENOENT && change->on)
		answer_error(answer, true, "'%s' is neither a host nor a switch", word);
	else if (err == -ENOENT)
		answer_error(answer, true, "'%s' is not under maintenance", word);
	else if (err == -EINVAL)
		answer_error(answer, true, "until: that time is over");
	else
		answer_error(answer, false, "cannot keep it: %s", strerror(-err));
}

/* What request["node"] names; -errno after telling why it is nothing. */
static int find_node(struct server *server, const json_t *request,
	struct graph_maintenance *maintenance, struct answer *answer)
{
	const char *directory = config_text(server->config, "state-dir");
	struct queries *queries = NULL;
	char why[512] = "";
	int err = queries_open(directory, NULL, &queries, why, sizeof(why));

	if (!err)
		err = query_node(queries, request_tenant(request), json_get_text(request, "node"),
			&maintenance->node, &maintenance->tenant, why, sizeof(why));
	queries_close(queries);
	if (err)
		answer_error(answer, err == -EINVAL, "%s", *why ? why : strerror(-err));
	return err;
}

void request_maintenance_set(void *user, const json_t *request, struct answer *answer)
{
	const char *word = json_get_text(request, "node"), *state = json_get_text(request, "state");
	char operator[OPERATOR_SIZE];
	struct change change = {
		.on = !strcmp(state, "on"),
		.maintenance = { .operator= operator, .note = json_get_text(request, "note") },
	};
	struct server *server = user;
	int err;

	if (!*word || (!change.on && strcmp(state, "off") != 0)) {
		answer_error(answer, true, "the request has no %s",
			*word ? "\"state\" that is on or off" : "\"node\"");
		return;
	}
	if (strlen(change.maintenance.note) > NOTE_MAX) {
		answer_error(answer, true, "note: longer than %d bytes", NOTE_MAX);
		return;
	}
	if (parse_until(json_get_text(request, "until"), &change.maintenance.until_ms)) {
		answer_error(answer, true, "until '%s': must be a time or a duration such as 2h",
			json_get_text(request, "until"));
		return;
	}
	if (find_node(server, request, &change.maintenance, answer))
		return;
	name_peer(answer->fd, operator);
	err = store_change(server->store, make_change, &change);
	if (!err)
		err = change.err;
	if (err) {
		tell_failure(&change, err, word, answer);
		return;
	}
	answer_columns(answer, json_pack("[s,s]", "node", "maintenance"), NULL);
	answer_row(answer, json_pack("[s,s]", word, state));
}
