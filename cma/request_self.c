// SPDX-License-Identifier: Apache-2.0
/* Requests about the CMA itself and who may join it. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cma/drops.h"
#include "cma/enlist.h"
#include "cma/hub_counters.h"
#include "cma/loop.h"
#include "cma/request.h"
#include "cma/server.h"
#include "wire/keys.h"

enum { TOKEN_TTL_DEFAULT_MS = 24 * 3600 * 1000 };

/* What only the network thread may look at. */
struct hub_view {
	struct hub_counters hub;
	struct inbound_counters inbound;
	struct vigil_view vigil;
	uint8_t key[SEAL_KEY];
	size_t agents, sessions;
};

static void look_at_hub(struct server *server, void *argument)
{
	struct hub_view *view = argument;

	view->hub = *hub_counters(server->hub);
	view->inbound = *inbound_counters(server->inbound);
	vigil_look(server->vigil, &view->vigil);
	memcpy(view->key, server->keyring.key.public, sizeof(view->key));
	view->agents = hub_agent_count(server->hub);
	view->sessions = hub_session_count(server->hub);
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* Two digits behind the point are what the figures are good for. */
static void set_figure(json_t *object, const char *key, double value)
{
	json_object_set_new(object, key, json_real((double)(int64_t)(value * 100 + 0.5) / 100));
}

static void set_time(json_t *object, const char *key, int64_t wall_ms)
{
	char text[TEXT_TIME_SIZE];

	text_time(wall_ms, text);
	json_object_set_new(object, key, json_string(text));
}

/* By reason; reasons that never happened are left out. */
static json_t *drops_object(const struct hub_view *view)
{
	json_t *object = json_object();
	struct drop drops[DROPS_MAX];
	size_t count = drops_list(&view->hub, &view->inbound, &view->vigil, drops);

	for (size_t i = 0; i < count; i++) {
		if (drops[i].count)
			set_count(object, drops[i].name, drops[i].count);
	}
	return object;
}

static void set_store_size(json_t *object, const char *directory)
{
	static const char *const files[] = { "graph.db", "graph.db-wal" };
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path autofree = text_format("%s/%s", directory, files[i]);
		struct stat info;

		if (!stat(path, &info))
			bytes += (uint64_t)info.st_size;
	}
	set_count(object, "store_bytes", bytes);
}

/* Heartbeats, what agents told of them, and what came of it. */
static void set_vigil(json_t *status, struct server *server, const struct hub_view *view,
	const struct stats_view *stats)
{
	const struct vigil_view *vigil = &view->vigil;

	json_object_set_new(
		status, "ring_degree", json_string(config_text(server->config, "ring-degree")));
	set_count(status, "lists_waiting", vigil->lists);
	set_count(status, "sights", vigil->alive.sights);
	set_count(status, "questions", vigil->alive.questions);
	set_count(status, "answers", vigil->alive.answers);
	set_count(status, "refusals", vigil->refused.refused);
	set_count(status, "decisions", stats->decisions);
	set_count(status, "decisions_unwritten", stats->unwritten);
	set_count(status, "decisions_waiting", store_kept(server->store));
	set_figure(status, "decision_p99_ms", stats->decision_p99_ms);
}

static json_t *status_of(struct server *server, const struct hub_view *view)
{
	struct instant now = instant_now();
	struct stats_view stats = stats_view(&server->stats, now);
	int64_t up_ns = instant_sub(now, server->started);
	char address[ADDR_TEXT_SIZE], key[KEYS_TEXT_SIZE];
	json_t *status = json_object();

	addr_text(&server->address, address);
	json_object_set_new(status, "version", json_string(VERSION));
	json_object_set_new(status, "listen", json_string(address));
	keys_text(view->key, key);
	json_object_set_new(status, "key", json_string(key));
	set_time(status, "started", wall_now_ms() - up_ns / NS_PER_MS);
	set_count(status, "uptime_s", (uint64_t)(up_ns / NS_PER_SEC));
	set_count(status, "epoch", graph_epoch(server->graph));
	set_count(status, "agents", view->agents);
	set_count(status, "sessions", view->sessions);
	set_count(status, "messages", stats.messages);
	set_count(status, "deltas", stats.deltas);
	set_figure(status, "deltas_per_s", stats.deltas_per_second);
	set_count(status, "commits", stats.commits);
	set_count(status, "refused", stats.refused);
	set_figure(status, "commit_p50_ms", stats.p50_ms);
	set_figure(status, "commit_p99_ms", stats.p99_ms);
	set_count(status, "backlog", store_backlog(server->store));
	set_count(status, "datagrams_received", view->inbound.received);
	set_count(status, "datagrams_sent", view->inbound.sent);
	set_vigil(status, server, view, &stats);
	json_object_set_new(status, "drops", drops_object(view));
	json_object_set_new(status, "alerts", alert_status(server->alerts));
	set_store_size(status, config_text(server->config, "state-dir"));
	return status;
}

/* An object as an answer of one row. */
static void answer_object(struct answer *answer, const json_t *object)
{
	json_t *names = json_array(), *row = json_array(), *value;
	const char *name;

	json_object_foreach ((json_t *)object, name, value) {
		json_array_append_new(names, json_string(name));
		json_array_append(row, value);
	}
	answer_columns(answer, names, NULL);
	answer_row(answer, row);
}

void request_status(void *user, const json_t *request, struct answer *answer)
{
	struct server *server = user;
	struct hub_view view;
	json_t *status autojson = NULL;

	if (loop_ask(server->loop, look_at_hub, &view)) {
		answer_error(answer, false, "the CMA is ending");
		return;
	}
	status = status_of(server, &view);
	request_add_counts(server, request_tenant(request), answer, status);
	if (!answer->ended)
		answer_object(answer, status);
}

static bool is_usable(const struct ifaddrs *at, struct addr *addr)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };

	if (!at->ifa_addr || !(at->ifa_flags & IFF_RUNNING))
		return false;
	if (at->ifa_addr->sa_family == AF_INET)
		memcpy(&storage, at->ifa_addr, sizeof(struct sockaddr_in));
	else if (at->ifa_addr->sa_family == AF_INET6)
		memcpy(&storage, at->ifa_addr, sizeof(struct sockaddr_in6));
	return !addr_from_sockaddr(&storage, addr) && !addr_is_loopback(addr->ip) &&
		!addr_is_link_local(addr->ip);
}

/* An address under which other hosts may reach us: the first of IPv4, else of IPv6, else ::1. */
static void guess_address(struct addr *addr)
{
	uint16_t port = addr->port;
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all))
		all = NULL;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		struct addr candidate;

		if (is_usable(at, &candidate) &&
			(!found || (addr_is_v4(candidate.ip) && !addr_is_v4(addr->ip)))) {
			*addr = candidate;
			found = true;
		}
	}
	freeifaddrs(all);
	if (!found)
		addr_parse_ip(addr_is_v4(addr->ip) ? "127.0.0.1" : "::1", addr->ip);
	addr->port = port;
}

/* Where nanoprobes shall call. */
static struct addr public_address(const struct server *server)
{
	const char *configured = config_text(server->config, "public-address");
	struct addr addr = server->address;

	if (configured)
		addr_parse(configured, &addr); /* checked when it was set */
	else if (addr_is_any(addr.ip))
		guess_address(&addr);
	return addr;
}

static void add_token(struct server *server, void *argument)
{
	hub_add_token(server->hub, argument);
}

struct new_token {
	const struct graph_token *token;
	int err; /* of the token alone */
};

static int create_token(struct act *act, void *context)
{
	struct new_token *made = context;
	int err = graph_token_create(act->graph, made->token);

	made->err = err == -EEXIST || err == -EINVAL ? err : 0;
	return made->err ? 0 : err;
}

/* Durable first, then known to the hub, then told: whoever has the text can use it at once. */
static int make_token(struct server *server, const struct graph_token *token)
{
	struct new_token made = { .token = token };
	struct hub_token known;
	int err = store_change(server->store, create_token, &made);

	if (!err)
		err = made.err;
	if (err)
		return err;
	enlist_token(token, &known);
	err = loop_ask(server->loop, add_token, &known);
	seal_wipe(&known, sizeof(known));
	return err;
}

static void add_keys(struct server *server, void *argument)
{
	const struct keyring *ring = &server->keyring;
	struct token *token = argument;

	memcpy(token->cma_public, ring->key.public, sizeof(token->cma_public));
	memcpy(token->root, ring->root, sizeof(token->root));
	token->has_root = ring->has_root;
}

static void answer_token(
	struct server *server, const struct graph_token *stored, struct answer *answer)
{
	struct token token = { .cma = public_address(server) };
	char text[TOKEN_TEXT_SIZE];

	if (loop_ask(server->loop, add_keys, &token)) {
		answer_error(answer, false, "the CMA is ending");
		return;
	}
	memcpy(token.id, stored->id, sizeof(token.id));
	memcpy(token.secret, stored->secret, sizeof(token.secret));
	token_text(&token, text);
	answer_columns(answer, json_pack("[s]", "token"), NULL);
	answer_row(answer, json_pack("[s]", text));
	seal_wipe(&token, sizeof(token));
	seal_wipe(text, sizeof(text));
}

/* request[key] as a number in [low, high]; initial when it is absent. */
static int number_of(const json_t *request, const char *key, int64_t low, int64_t high,
	int64_t initial, int64_t *value)
{
	const json_t *given = json_object_get(request, key);

	*value = given ? json_integer_value(given) : initial;
	return (given && !json_is_integer(given)) || *value < low || *value > high ? -EINVAL : 0;
}

void request_token_create(void *user, const json_t *request, struct answer *answer)
{
	const int64_t ttl_max_ms = 3650LL * 86400 * 1000;
	const char *tenant = request_tenant(request);
	struct server *server = user;
	struct graph_token token = { .uses = 0 };
	int64_t ttl_ms;
	int err;

	if (number_of(request, "ttl_ms", 1, ttl_max_ms, TOKEN_TTL_DEFAULT_MS, &ttl_ms)) {
		answer_error(answer, true, "ttl_ms must be a number from 1 to ten years");
		return;
	}
	if (number_of(request, "uses", 0, INT32_MAX, 0, &token.uses)) {
		answer_error(answer, true, "uses must be a number from 0 to %d", INT32_MAX);
		return;
	}
	if (strlen(tenant) >= sizeof(token.tenant)) {
		answer_error(answer, true, "tenant '%s' is longer than %d bytes", tenant,
			GRAPH_TENANT_MAX - 1);
		return;
	}
	text_copy_to(token.tenant, sizeof(token.tenant), tenant);
	token.expires_ms = wall_now_ms() + ttl_ms;
	seal_random(token.id, sizeof(token.id));
	seal_random(token.secret, sizeof(token.secret));
	err = make_token(server, &token);
	if (err == -EINVAL)
		answer_error(answer, true, "'%s' is no name for a tenant", tenant);
	else if (err)
		answer_error(answer, false, "cannot keep the token: %s", strerror(-err));
	else
		answer_token(server, &token, answer);
	seal_wipe(&token, sizeof(token));
}
