// SPDX-License-Identifier: Apache-2.0
#include "cma/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/privilege.h"
#include "base/sandbox.h"
#include "cma/enlist.h"
#include "cma/graph/command.h"
#include "cma/hub_command.h"
#include "cma/hub_key.h"
#include "cma/hub_wake.h"
#include "cma/loop.h"
#include "cma/request.h"

/* Who --user is, if we are another one. */
static int find_user(struct server *server)
{
	const char *name = config_text(server->config, "user");

	if (!name)
		return 0;
	if (privilege_user(name, &server->user)) {
		log_error(server->log, "there is no user '%s' in /etc/passwd", name);
		return -ENOENT;
	}
	if (server->user.uid == geteuid())
		return 0;
	if (geteuid()) {
		log_error(server->log, "--user %s: only root can become another user", name);
		return -EPERM;
	}
	server->user_name = name;
	return 0;
}

/* Root makes nothing there that is not the user's, and gives nothing away. */
static int check_owner(const struct server *server, const char *directory)
{
	struct stat info;

	if (!server->user_name || (!stat(directory, &info) && info.st_uid == server->user.uid))
		return 0;
	log_error(server->log,
		"state directory %s does not belong to user '%s'; 'install -d -m 700 -o %s %s' "
		"makes one, 'chown -R' hands over what is in it",
		directory, server->user_name, server->user_name, directory);
	return -EPERM;
}

/* mkdir for a state directory and the one above it: /var/lib/assim/cma on a bare system. */
static int make_state_dir(const char *path)
{
	char *above autofree = text_copy(path), *slash = strrchr(above, '/');

	if (slash && slash > above) {
		*slash = '\0';
		file_make_dir(above, 0755);
	}
	return file_make_dir(path, 0700);
}

static int open_graph(struct server *server, const char *directory)
{
	struct graph_options options = { .directory = directory };
	char why[512] = "";
	int err = make_state_dir(directory);

	if (err) {
		log_error(server->log, "state directory %s: %s", directory, strerror(-err));
		return err;
	}
	err = graph_open(&options, &server->graph, why, sizeof(why));
	if (err == -EWOULDBLOCK)
		log_error(server->log, "state directory %s is in use by another cma", directory);
	else if (err == -EOVERFLOW)
		log_error(server->log, "state directory %s was written by a newer version: %s",
			directory, why);
	else if (err)
		log_error(server->log, "state directory %s: %s", directory,
			*why ? why : strerror(-err));
	return err;
}

/* How far each sink of alerts was told. */
static int load_alerts(struct server *server)
{
	struct graph *graph = server->graph;
	int err = graph_begin(graph, feed_begin(server->feed, wall_now_ms()));

	if (!err)
		err = alert_load(server->alerts, graph);
	if (!err)
		err = graph_commit(graph);
	if (err) {
		log_error(server->log, "cannot read how far alerts were told: %s",
			graph_error(graph));
		graph_rollback(graph);
	}
	feed_end(server->feed);
	return err;
}

/* The clock may stand behind what the store has seen of it. */
static int open_feed(struct server *server)
{
	int64_t latest_ms, now_ms = wall_now_ms();
	int err = graph_latest(server->graph, &latest_ms);

	if (err)
		log_error(server->log, "cannot read the history: %s", graph_error(server->graph));
	else
		server->feed = feed_new(latest_ms > now_ms ? latest_ms : now_ms);
	return err;
}

static int open_keys(struct server *server, const char *directory)
{
	char why[KEYRING_ERROR_SIZE];
	int err = keyring_open(&server->keyring, directory, getenv("CREDENTIALS_DIRECTORY"),
		config_text(server->config, "root-key"), why);

	if (err)
		log_error(server->log, "keys in %s: %s", directory, why);
	return err;
}

static int open_socket(struct server *server, const char *listen)
{
	struct addr addr;
	int err;

	addr_parse(listen, &addr); /* checked when it was set */
	err = inbound_open(&addr, INBOUND_CALLS, &server->inbound);
	if (err)
		log_error(server->log, "cannot listen on %s: %s", listen, strerror(-err));
	else
		inbound_address(server->inbound, &server->address);
	server->multicast = !err && addr_is_any(server->address.ip) &&
		!strcmp(config_text(server->config, "multicast"), "yes");
	return err;
}

static int open_control(struct server *server)
{
	const struct control_config config = {
		.path = config_text(server->config, "control"),
		.group = config_text(server->config, "control-group"),
		.requests = requests,
		.user = server,
	};
	char why[CONTROL_ERROR_SIZE];
	int err = control_open(&config, &server->control, why, sizeof(why));

	if (err)
		log_error(server->log, "%s", why);
	return err;
}

static int load_token(void *context, const struct graph_token *token)
{
	struct server *server = context;
	struct hub_token known;

	enlist_token(token, &known);
	hub_add_token(server->hub, &known);
	seal_wipe(&known, sizeof(known));
	return 0;
}

static int load_agent(void *context, const struct graph_agent *agent)
{
	struct server *server = context;
	struct hub_agent known;
	struct addr last;

	enlist_agent(agent, &known);
	hub_add_agent(server->hub, &known);
	if (agent->session && !addr_parse(agent->address, &last))
		hub_wake_know(server->hub, known.id, &last, agent->session);
	seal_wipe(&known, sizeof(known));
	return 0;
}

static int load_command(void *context, const struct graph_command *command)
{
	struct server *server = context;
	/* An earlier process may have sent it. */
	const struct hub_command known = { .frame = command->frame, .sent = true };

	/* What finds no room waits in the store for the next start. */
	hub_command_add(server->hub, instant_now(), wall_now_ms(), &known);
	return 0;
}

/* In the middle of a change of keys there are two. */
static void make_hub(struct server *server, uint64_t epoch)
{
	const struct keyring *ring = &server->keyring;
	struct hub_config config = {
		.key = ring->has_old ? ring->old : ring->key,
		.epoch = epoch,
		.random = seal_draw,
	};

	memcpy(config.reset_key, ring->reset_key, sizeof(config.reset_key));
	server->hub = hub_new(&config);
	if (ring->has_old)
		hub_key_rotate(server->hub, &ring->key, ring->certificate);
	seal_wipe(&config, sizeof(config));
}

/* Before the socket: the epoch is on disk when the first datagram can come. */
static int open_hub(struct server *server)
{
	uint64_t epoch;
	int err = graph_epoch_bump(server->graph, &epoch);

	if (!err) {
		make_hub(server, epoch);
		err = graph_tokens(server->graph, load_token, server);
	}
	if (!err)
		err = graph_agents(server->graph, load_agent, server);
	if (!err)
		err = graph_commands(server->graph, load_command, server);
	if (!err)
		err = vigil_load(server->vigil);
	if (err)
		log_error(server->log, "cannot load who is known: %s: %s", strerror(-err),
			graph_error(server->graph));
	return err;
}

/* All files of the state directory are the user's from the first. */
static int open_state(struct server *server, const char *directory)
{
	int err = server->user_name ? privilege_act_as(&server->user) : 0, back;

	if (err)
		log_error(
			server->log, "cannot be user '%s': %s", server->user_name, strerror(-err));
	if (!err)
		err = open_graph(server, directory);
	if (!err)
		err = open_feed(server);
	if (!err)
		err = open_keys(server, directory);
	if (!err)
		err = vigil_new(server, &server->vigil);
	if (!err)
		err = open_hub(server);
	if (!err)
		err = load_alerts(server);
	back = server->user_name ? privilege_act_as(NULL) : 0;
	return err ? err : back;
}

/*
 * All that takes a privilege is open; what comes from outside is parsed after this. Before the
 * first thread, for capabilities are a thread's own.
 */
static int confine(const struct server *server)
{
	int err = server->user_name ? privilege_become(&server->user) : 0;

	if (!err)
		err = privilege_keep_none();
	if (err) {
		log_error(server->log, "cannot give up privileges: %s", strerror(-err));
		return err;
	}
	err = sandbox_forbid();
	if (err == -ENOSYS) {
		log_warn(server->log,
			"this kernel has no filter for system calls (seccomp): "
			"going on without");
		return 0;
	}
	if (err)
		log_error(server->log, "filter for system calls: %s", strerror(-err));
	return err;
}

static int open_store(struct server *server)
{
	const struct store_config config = {
		.graph = server->graph,
		.stats = &server->stats,
		.feed = server->feed,
		.wake = loop_wake,
		.owner = server->loop,
	};
	int err = store_start(&config, &server->store);

	if (err)
		log_error(server->log, "cannot start the store: %s", strerror(-err));
	return err;
}

static int start_alerts(struct server *server)
{
	int err;

	server->world = (struct teller_world){
		.log = server->log,
		.state_dir = config_text(server->config, "state-dir"),
		.store = server->store,
		.feed = server->feed,
	};
	err = alert_start(server->alerts, &server->world);
	if (err) {
		alert_stop(server->alerts);
		store_stop(server->store);
	}
	return err;
}

int server_open(struct server *server, const struct config *config, const struct log *log)
{
	const char *directory = config_text(config, "state-dir");
	int err = seal_init();

	*server = (struct server){ .config = config, .log = log, .started = instant_now() };
	server->keyring.dir = server->keyring.credentials = -1;
	stats_init(&server->stats);
	server->loop = loop_new(server);
	if (err)
		log_error(log, "libsodium: %s", strerror(-err));
	if (!err)
		err = find_user(server);
	if (!err)
		err = check_owner(server, directory);
	if (!err)
		err = alert_open(config, log, &server->alerts);
	if (!err)
		err = open_state(server, directory);
	if (!err)
		err = open_socket(server, config_text(config, "listen"));
	if (!err)
		err = vigil_open(server->vigil);
	if (!err)
		err = open_control(server);
	if (!err)
		err = confine(server);
	if (!err)
		err = open_store(server);
	if (!err)
		err = start_alerts(server);
	return err;
}

void server_run(struct server *server)
{
	loop_run(server->loop);
	alert_stop(server->alerts);
	/* Commits what was queued, and what could be acknowledged after it still is. */
	store_stop(server->store);
	loop_finish(server->loop);
	control_close(server->control);
	server->control = NULL;
}

void server_close(struct server *server)
{
	control_close(server->control);
	alert_free(server->alerts);
	store_free(server->store);
	vigil_free(server->vigil);
	hub_free(server->hub);
	inbound_close(server->inbound);
	graph_close(server->graph);
	loop_free(server->loop);
	feed_free(server->feed);
	stats_free(&server->stats);
	keyring_close(&server->keyring);
}
