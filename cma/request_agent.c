// SPDX-License-Identifier: Apache-2.0
/*
 * Requests about who may talk to the CMA: what waits to be approved, and what operators decide.
 * Each decision is durable first, then holds at the hub, and then is answered.
 */
#include <errno.h>
#include <string.h>

#include "base/suggest.h"
#include "base/text.h"
#include "cma/enlist.h"
#include "cma/graph/admit.h"
#include "cma/graph/incident.h"
#include "cma/hub_admit.h"
#include "cma/loop.h"
#include "cma/request.h"
#include "cma/server.h"
#include "wire/keys.h"

/* Columns of the queries "agents" and "tokens". */
enum { AGENT_FINGERPRINT, AGENT_HOST, AGENT_KEY = 8, TOKEN_ID_COLUMN = 0 };

static const char *text_at(const json_t *row, size_t column)
{
	const char *text = json_string_value(json_array_get(row, column));

	return text ? text : "";
}

/* ---- who waits ----------------------------------------------------------------------------- */

struct waiting {
	struct pending_agent *agents;
	size_t count;
};

static void waiting_cleanup(struct waiting *waiting)
{
	if (waiting->agents)
		seal_wipe(waiting->agents, waiting->count * sizeof(*waiting->agents));
	free(waiting->agents);
}

static void copy_pending(struct server *server, void *argument)
{
	struct waiting *waiting = argument;
	const struct pending_agent *agents =
		hub_pending(server->hub, wall_now_ms(), &waiting->count);

	if (waiting->count)
		waiting->agents = mem_copy(agents, waiting->count * sizeof(*agents));
}

/* False after telling why not. */
static bool get_waiting(struct server *server, struct waiting *waiting, struct answer *answer)
{
	if (!loop_ask(server->loop, copy_pending, waiting))
		return true;
	answer_error(answer, false, "the CMA is ending");
	return false;
}

void request_pending(void *user, const json_t *request, struct answer *answer)
{
	struct waiting waiting cleanup(waiting_cleanup) = { .count = 0 };

	(void)request;
	if (!get_waiting(user, &waiting, answer))
		return;
	answer_columns(answer,
		json_pack("[s,s,s,s,s]", "fingerprint", "address", "first", "last", "key"), NULL);
	for (size_t i = 0; i < waiting.count; i++) {
		const struct pending_agent *agent = &waiting.agents[i];
		char fingerprint[KEYS_FINGERPRINT_SIZE], address[ADDR_TEXT_SIZE];
		char first[TEXT_TIME_SIZE], last[TEXT_TIME_SIZE], key[2 * SEAL_KEY + 1];

		keys_fingerprint(agent->key, fingerprint);
		addr_text(&agent->address, address);
		text_time(agent->first_ms, first);
		text_time(agent->last_ms, last);
		text_hex(agent->key, SEAL_KEY, key);
		answer_row(
			answer, json_pack("[s,s,s,s,s]", fingerprint, address, first, last, key));
	}
}

/* ---- approve ------------------------------------------------------------------------------- */

/* What is approved, and what came of it. */
struct admission {
	const char *tenant;
	struct graph_agent agent; /* its key and, with these, what it will be known by */
	bool may_be_new, new_psk;
	uint64_t hub_id;
	int err; /* of it alone */
};

static int admit(struct act *act, void *context)
{
	struct admission *admission = context;
	const uint8_t *key = admission->agent.public_key, *psk = admission->agent.psk;
	int err = graph_admit(act->graph, admission->tenant, key, admission->new_psk ? psk : NULL,
		&admission->agent.id);

	if (err == -ENOENT && admission->may_be_new)
		err = graph_admit(act->graph, admission->tenant, key, psk, &admission->agent.id);
	if (err == -ENOENT || err == -EEXIST || err == -EINVAL) {
		admission->err = err;
		return 0;
	}
	if (!err)
		act_name(act, admission->hub_id, admission->agent.id);
	return err;
}

static void reserve_id(struct server *server, void *argument)
{
	*(uint64_t *)argument = hub_new_id(server->hub);
}

static void admit_to_hub(struct server *server, void *argument)
{
	const struct admission *admission = argument;
	struct hub_agent known;

	enlist_agent(&admission->agent, &known);
	known.id = admission->hub_id;
	hub_admit(server->hub, &known, admission->new_psk);
	vigil_admitted(server->vigil, instant_now(), known.key);
	seal_wipe(&known, sizeof(known));
}

static int admit_everywhere(struct server *server, struct admission *admission)
{
	int err = loop_ask(server->loop, reserve_id, &admission->hub_id);

	text_copy_to(admission->agent.tenant_name, sizeof(admission->agent.tenant_name),
		admission->tenant);
	if (!err)
		err = store_change(server->store, admit, admission);
	if (!err)
		err = admission->err;
	return err ? err : loop_ask(server->loop, admit_to_hub, admission);
}

/* Of one that waits: by its fingerprint or its key. */
static bool find_waiting(const struct waiting *waiting, const char *word,
	struct admission *admission, struct suggest *suggest, char nearest[KEYS_FINGERPRINT_SIZE])
{
	for (size_t i = 0; i < waiting->count; i++) {
		const struct pending_agent *agent = &waiting->agents[i];
		char fingerprint[KEYS_FINGERPRINT_SIZE], key[2 * SEAL_KEY + 1];

		keys_fingerprint(agent->key, fingerprint);
		text_hex(agent->key, SEAL_KEY, key);
		if (!strcmp(fingerprint, word) || !strcmp(key, word)) {
			memcpy(admission->agent.public_key, agent->key, SEAL_KEY);
			memcpy(admission->agent.psk, agent->psk, SEAL_KEY);
			admission->may_be_new = admission->new_psk = true;
			return true;
		}
		suggest_offer(suggest, fingerprint);
		if (suggest->best == fingerprint) {
			memcpy(nearest, fingerprint, sizeof(fingerprint));
			suggest->best = nearest;
		}
	}
	return false;
}

static void copy_key(struct server *server, void *argument)
{
	*(struct key_pair *)argument = server->keyring.key;
}

/* A key that is approved before it calls, such as that of an image's first host. */
static bool take_key(struct server *server, const char *word, struct admission *admission)
{
	uint8_t secret[SEAL_KEY];
	struct key_pair own;
	bool good = !text_parse_hex(word, admission->agent.public_key, SEAL_KEY) &&
		!loop_ask(server->loop, copy_key, &own) &&
		!keys_asking_secret(&own, admission->agent.public_key, secret);

	if (good)
		keys_agent_psk(secret, admission->agent.public_key, admission->agent.psk);
	admission->may_be_new = good;
	seal_wipe(&own, sizeof(own));
	seal_wipe(secret, sizeof(secret));
	return good;
}

/*
 * The one row of the query "agents" about the word, a new reference; NULL after telling why not.
 */
static json_t *find_agent(
	struct server *server, const json_t *request, const char *word, struct answer *answer)
{
	const char *tenant = request_tenant(request);
	json_t *params autojson = json_pack("{s:s}", "agent", word);
	json_t *rows autojson = request_rows(server, tenant, "agents", params, answer);
	json_t *all autojson = NULL, *row;
	struct suggest suggest = { .word = word };
	size_t i;

	if (json_array_size(rows) == 1)
		return json_incref(json_array_get(rows, 0));
	if (rows && json_array_size(rows) > 1) {
		answer_error(answer, true, "%zu hosts are called '%s': give a fingerprint",
			json_array_size(rows), word);
		return NULL;
	}
	if (rows)
		all = request_rows(server, tenant, "agents", NULL, answer);
	if (!all)
		return NULL;
	json_array_foreach (all, i, row) {
		suggest_offer(&suggest, text_at(row, AGENT_FINGERPRINT));
		suggest_offer(&suggest, text_at(row, AGENT_HOST));
	}
	answer_error(answer, true,
		suggest.best ? "there is no agent '%s', did you mean '%s'?"
			     : "there is no agent '%s' (see 'cmactl agents' and 'cmactl pending')",
		word, suggest.best);
	return NULL;
}

/* False after telling why not. */
static bool find_admission(struct server *server, const json_t *request, const char *word,
	struct admission *admission, struct answer *answer)
{
	struct waiting waiting cleanup(waiting_cleanup) = { .count = 0 };
	struct suggest suggest = { .word = word };
	char nearest[KEYS_FINGERPRINT_SIZE];
	json_t *row autojson = NULL;

	if (!get_waiting(server, &waiting, answer))
		return false;
	if (find_waiting(&waiting, word, admission, &suggest, nearest) ||
		take_key(server, word, admission))
		return true;
	if (suggest.best) {
		answer_error(answer, true, "no agent '%s' waits, did you mean '%s'?", word,
			suggest.best);
		return false;
	}
	row = find_agent(server, request, word, answer);
	return row &&
		!text_parse_hex(text_at(row, AGENT_KEY), admission->agent.public_key, SEAL_KEY);
}

/* request[key], or "" after complaining. */
static const char *needed(const json_t *request, const char *key, struct answer *answer)
{
	const char *word = json_get_text(request, key);

	if (!*word)
		answer_error(answer, true, "the request has no \"%s\"", key);
	return word;
}

void request_approve(void *user, const json_t *request, struct answer *answer)
{
	const char *word = needed(request, "agent", answer);
	struct admission admission = { .tenant = request_tenant(request) };
	char fingerprint[KEYS_FINGERPRINT_SIZE];
	int err;

	if (!*word || !find_admission(user, request, word, &admission, answer))
		return;
	err = admit_everywhere(user, &admission);
	keys_fingerprint(admission.agent.public_key, fingerprint);
	seal_wipe(admission.agent.psk, sizeof(admission.agent.psk));
	if (err == -EINVAL) {
		answer_error(answer, true, "'%s' is no name for a tenant", admission.tenant);
	} else if (err == -EEXIST || err == -ENOENT) {
		answer_error(answer, true, "'%s' cannot join tenant '%s'", word, admission.tenant);
	} else if (err) {
		answer_error(answer, false, "cannot approve it: %s", strerror(-err));
	} else {
		answer_columns(answer, json_pack("[s,s]", "fingerprint", "tenant"), NULL);
		answer_row(answer, json_pack("[s,s]", fingerprint, admission.tenant));
	}
}

/* ---- revoke -------------------------------------------------------------------------------- */

struct revocation {
	const char *tenant;
	uint8_t key[SEAL_KEY];	 /* of an agent, or */
	uint8_t token[TOKEN_ID]; /* of a token, or */
	json_int_t incident;
	int err; /* of it alone */
};

/* What is not there is no failure of the store. */
static int settle(struct revocation *revocation, int err)
{
	revocation->err = err == -ENOENT ? err : 0;
	return revocation->err ? 0 : err;
}

static int revoke_agent(struct act *act, void *context)
{
	struct revocation *revocation = context;

	return settle(revocation, graph_revoke(act->graph, revocation->tenant, revocation->key));
}

static void revoke_at_hub(struct server *server, void *argument)
{
	const struct revocation *revocation = argument;

	hub_revoke(server->hub, revocation->key);
	vigil_revoked(server->vigil, instant_now(), revocation->key);
}

static int revoke_token(struct act *act, void *context)
{
	struct revocation *revocation = context;

	return settle(
		revocation, graph_token_revoke(act->graph, revocation->tenant, revocation->token));
}

static void revoke_token_at_hub(struct server *server, void *argument)
{
	hub_revoke_token(server->hub, ((const struct revocation *)argument)->token);
}

/* at_hub may be NULL. */
static int decide(struct server *server, struct revocation *revocation, store_change_fn *change,
	void (*at_hub)(struct server *server, void *argument))
{
	int err = store_change(server->store, change, revocation);

	if (!err)
		err = revocation->err;
	return err || !at_hub ? err : loop_ask(server->loop, at_hub, revocation);
}

void request_revoke(void *user, const json_t *request, struct answer *answer)
{
	struct revocation revocation = { .tenant = request_tenant(request) };
	const char *word = needed(request, "agent", answer);
	json_t *row autojson = *word ? find_agent(user, request, word, answer) : NULL;
	int err;

	if (!row)
		return;
	err = text_parse_hex(text_at(row, AGENT_KEY), revocation.key, SEAL_KEY);
	if (!err)
		err = decide(user, &revocation, revoke_agent, revoke_at_hub);
	if (err) {
		answer_error(answer, false, "cannot revoke it: %s", strerror(-err));
		return;
	}
	answer_columns(answer, json_pack("[s,s]", "fingerprint", "host"), NULL);
	answer_row(answer,
		json_pack("[s,s]", text_at(row, AGENT_FINGERPRINT), text_at(row, AGENT_HOST)));
}

static void no_token(
	struct server *server, const json_t *request, const char *word, struct answer *answer)
{
	json_t *rows autojson =
		request_rows(server, request_tenant(request), "tokens", NULL, answer);
	struct suggest suggest = { .word = word };
	json_t *row;
	size_t i;

	if (!rows)
		return;
	json_array_foreach (rows, i, row)
		suggest_offer(&suggest, text_at(row, TOKEN_ID_COLUMN));
	answer_error(answer, true,
		suggest.best ? "there is no token '%s', did you mean '%s'?"
			     : "there is no token '%s' (see 'cmactl tokens')",
		word, suggest.best);
}

void request_token_revoke(void *user, const json_t *request, struct answer *answer)
{
	struct revocation revocation = { .tenant = request_tenant(request) };
	const char *word = needed(request, "id", answer);
	int err;

	if (!*word)
		return;
	err = text_parse_hex(word, revocation.token, TOKEN_ID) ? -ENOENT : 0;
	if (!err)
		err = decide(user, &revocation, revoke_token, revoke_token_at_hub);
	if (err == -ENOENT) {
		no_token(user, request, word, answer);
	} else if (err) {
		answer_error(answer, false, "cannot revoke it: %s", strerror(-err));
	} else {
		answer_columns(answer, json_pack("[s]", "id"), NULL);
		answer_row(answer, json_pack("[s]", word));
	}
}

/* ---- incidents ----------------------------------------------------------------------------- */

static int clear_incident(struct act *act, void *context)
{
	struct revocation *revocation = context;
	int64_t tenant, id;
	int err = graph_tenant(act->graph, revocation->tenant, &tenant);

	if (!err)
		err = graph_incident_numbered(act->graph, tenant, revocation->incident, &id);
	if (!err)
		err = graph_incident_clear(act->graph, tenant, id);
	return settle(revocation, err);
}

void request_incident_clear(void *user, const json_t *request, struct answer *answer)
{
	struct revocation revocation = {
		.tenant = request_tenant(request),
		.incident = json_integer_value(json_object_get(request, "id")),
	};
	int err = decide(user, &revocation, clear_incident, NULL);

	if (err == -ENOENT) {
		answer_error(answer, true, "no incident %" JSON_INTEGER_FORMAT " is open",
			revocation.incident);
	} else if (err) {
		answer_error(answer, false, "cannot clear it: %s", strerror(-err));
	} else {
		answer_columns(answer, json_pack("[s]", "id"), NULL);
		answer_row(answer, json_pack("[I]", revocation.incident));
	}
}
