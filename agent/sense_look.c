// SPDX-License-Identifier: Apache-2.0
#include "agent/sense_look.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sense_cover.h"
#include "agent/fallback.h"
#include "agent/naming.h"
#include "agent/unheld.h"

enum { WALK_S = 15 * 60, RETELL_S = 1, POLL_S = 5 };

static int read_process(void *user, uint32_t tgid, uint64_t start, struct process *process)
{
	const struct look *look = user;

	return process_read(&look->view, tgid, start, process);
}

static void captured_process(
	void *user, const struct event_workload *event, struct process *process)
{
	const struct look *look = user;

	process_captured(&look->view, event, process);
}

static void name_netns(void *user, uint32_t inode, char *to)
{
	const struct look *look = user;

	naming_netns(look->netns_names, inode, to);
}

static void on_workload(void *owner, const struct event_workload *event)
{
	struct look *look = owner;

	watch_workload(look->watch, look->now, event);
}

static void on_listen(void *owner, const struct event_socket *event)
{
	struct look *look = owner;

	watch_listen(look->watch, look->now, event);
}

static void on_unlisten(void *owner, const struct event_socket *event)
{
	struct look *look = owner;

	watch_unlisten(look->watch, look->now, event);
}

static void on_edge(void *owner, const struct event_edge *event)
{
	struct look *look = owner;

	watch_edge(look->watch, look->now, event);
}

static void on_exit_event(void *owner, const struct event_exit *event)
{
	struct look *look = owner;

	watch_exit(look->watch, look->now, event);
}

static void on_row(void *owner, const struct event_row *row, const char *path)
{
	struct look *look = owner;

	unheld_named(look->unheld, row->cookie);
	watch_row(look->watch, look->now, row, path);
}

static void on_unheld(void *owner, const struct event_row *row)
{
	struct look *look = owner;

	watch_row(look->watch, look->now, row, "");
}

static void on_walked(void *owner, const struct edge_key *key, const struct edge_value *value)
{
	struct look *look = owner;

	watch_walk_edge(look->watch, look->now, key, value);
}

static uint32_t own_netns(void)
{
	struct stat info;

	return stat("/proc/self/ns/net", &info) ? 0 : (uint32_t)info.st_ino;
}

static enum sensor_reflector reflector_of(const char *name)
{
	if (!name || !strcmp(name, "off"))
		return SENSOR_REFLECTOR_OFF;
	return strcmp(name, "xdp") ? SENSOR_REFLECTOR_TC : SENSOR_REFLECTOR_XDP;
}

static void open_sensor(struct look *look)
{
	static const enum sensor_feature_id needed[] = { SENSOR_TCP, SENSOR_SNAPSHOT,
		SENSOR_UDP_SERVICE, SENSOR_UDP_EDGE };
	struct sensor_config config = { .own_netns_only = look->config->own_netns,
		.beating = (uint32_t)look->config->net,
		.reflector = reflector_of(look->config->reflector),
		.interfaces = look->config->reflector_interfaces };
	int err = sensor_open(&config, &look->sensor, look->failure, sizeof(look->failure));

	if (err) {
		look->sensor = NULL;
		log_warn(look->config->log, "no kernel sensor: %s", look->failure);
	}
	look->watches = look->sensor != NULL;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && look->watches; i++)
		look->watches = sensor_feature(look->sensor, needed[i])->attached;
	look->polls = !look->sensor || !sensor_feature(look->sensor, SENSOR_SNAPSHOT)->attached;
}

static void tell_coverage(struct look *look)
{
	cover_tell(look->watch, look->sensor, look->failure, look->polls);
	cover_tell_missing(look->watch, look->sensor, look->missing);
}

int look_open(struct look *look, const struct sense_config *config, bool hold)
{
	struct watch_source source = { .read = read_process,
		.captured = captured_process,
		.netns = name_netns,
		.user = look };
	uint32_t netns = own_netns();
	struct watch_config watch = { .own_netns = netns,
		.own_netns_only = config->own_netns,
		.hold = hold,
		.peers_max = config->peers_max,
		.edge_ttl_ns = config->edge_ttl_ms * NS_PER_MS };
	int err;

	*look = (struct look){ .config = config, .netns = netns };
	err = process_view_open(&look->view);
	if (err)
		return err;
	look->netns_names = open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	look->now = instant_now();
	look->walk_at = instant_add(look->now, WALK_S * NS_PER_SEC);
	open_sensor(look);
	if (!look->watches)
		watch.period_ns = POLL_S * NS_PER_SEC;
	look->watch = watch_new(&watch, &source);
	tell_coverage(look);
	cover_tell_scope(look->watch, config->own_netns || look->polls);
	if (reflector_of(config->reflector) != SENSOR_REFLECTOR_OFF)
		cover_tell_reflector(look->watch, look->sensor, look->failure);
	return 0;
}

void look_close(struct look *look)
{
	sensor_close(look->sensor);
	watch_free(look->watch);
	process_view_close(&look->view);
	if (look->netns_names >= 0)
		close(look->netns_names);
}

/* What found no room must be looked up; but not again and again in the middle of a flood. */
static void check_counters(struct look *look)
{
	struct sensor_counters counters;

	sensor_counters(look->sensor, &counters);
	if (counters.ring_full != look->counters.ring_full ||
		counters.missed != look->counters.missed) {
		watch_ask_snapshot(look->watch, instant_add(look->now, RETELL_S * NS_PER_SEC));
		look->retell = true;
	}
	if (counters.edges_full != look->counters.edges_full)
		look->retell = true;
	if (look->retell)
		look->walk_at =
			instant_first(look->walk_at, instant_add(look->now, RETELL_S * NS_PER_SEC));
	look->counters = counters;
}

void look_drain(struct look *look, struct instant now)
{
	static const struct sensor_handler handler = { .workload = on_workload,
		.listen = on_listen,
		.unlisten = on_unlisten,
		.edge = on_edge,
		.exit = on_exit_event };

	look->now = now;
	if (look->sensor && sensor_fd(look->sensor) >= 0 &&
		sensor_drain(look->sensor, now, &handler, look))
		check_counters(look);
}

bool look_reflects(const struct look *look)
{
	return look->sensor &&
		(sensor_feature(look->sensor, SENSOR_REFLECT_TC)->attached ||
			sensor_feature(look->sensor, SENSOR_REFLECT_XDP)->attached);
}

/* Every socket that a process has; and when all of them were seen, those that none has. */
static int look_at_sockets(struct look *look)
{
	int unheld = unheld_begin(&look->unheld, look->netns), err, ended;
	unsigned int missing = look->missing;

	if (look->polls)
		err = fallback_snapshot(&look->view, on_row, look, &missing);
	else
		err = sensor_snapshot(look->sensor, on_row, look);
	ended = unheld_end(look->unheld, err ? NULL : on_unheld, look);
	look->unheld = NULL;
	if (ended)
		unheld = ended;
	if (!look->looked || unheld != look->unheld_err)
		cover_tell_unheld(look->watch, look->config->own_netns, unheld);
	look->unheld_err = unheld;
	if (missing != look->missing) {
		look->missing = missing;
		tell_coverage(look);
	}
	return err;
}

static void look_snapshot(struct look *look)
{
	struct timespec boot;
	int err;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	if (look->netns_names < 0)
		look->netns_names = open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	watch_snapshot_begin(look->watch, look->now,
		(uint64_t)boot.tv_sec * NS_PER_SEC + (uint64_t)boot.tv_nsec);
	err = look_at_sockets(look);
	look->now = instant_now();
	watch_snapshot_end(look->watch, look->now, !err);
	if (err)
		log_warn(look->config->log, "a look at all sockets failed: error %d", -err);
	look->looked = true;
	cover_tell_losses(look->watch, &look->counters);
}

/* Empties the edge table: what is used again is told again, and so known to be in use. */
static void look_walk(struct look *look)
{
	if (look->sensor && sensor_walk_edges(look->sensor, true, on_walked, look) == 0)
		look->retell = false;
	watch_walk_end(look->watch, look->now);
	look->walk_at = instant_add(look->now, WALK_S * NS_PER_SEC);
}

void look_tick(struct look *look, struct instant now)
{
	look->now = now;
	watch_tick(look->watch, now);
	if (watch_wants_snapshot(look->watch, now))
		look_snapshot(look);
	if (!instant_before(now, look->walk_at))
		look_walk(look);
}

struct instant look_deadline(const struct look *look)
{
	struct instant first = instant_first(watch_deadline(look->watch), look->walk_at);

	return look->sensor ? instant_first(first, sensor_deadline(look->sensor)) : first;
}
