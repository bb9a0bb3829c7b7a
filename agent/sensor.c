// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/sensor_load.h"
#include "agent/sensor_ring.h"
#include "agent/sensor_table.h"
#include "base/alloc.h"
#include "bpf/door.h"

#define PAUSE (5 * NS_PER_MS)

struct sensor {
	struct sensor_kit kit;
	struct sensor_ring ring;
	struct door *door; /* NULL: nothing is loaded, and there is no ring either */
	struct instant deadline;
};

static size_t door_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Maps what the kernel programs share with us; nothing to do when no program was loaded. */
static int open_maps(struct sensor *sensor)
{
	const int *fds = sensor->kit.fds;
	struct bpf_map_info info = { 0 };
	uint32_t info_size = sizeof(info);
	void *door;

	if (fds[SENSOR_FD_RING] < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fds[SENSOR_FD_RING], &info, &info_size) < 0)
		return -errno;
	door = mmap(NULL, door_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fds[SENSOR_FD_DOOR], 0);
	if (door == MAP_FAILED)
		return -errno;
	sensor->door = door;
	return sensor_ring_open(&sensor->ring, fds[SENSOR_FD_RING], info.max_entries);
}

int sensor_open(
	const struct sensor_config *config, struct sensor **sensor, char *error, size_t error_size)
{
	struct sensor *new = mem_alloc(1, sizeof(*new));
	int result;

	new->ring.watch = -1;
	new->deadline = INSTANT_NEVER;
	result = sensor_load(config, &new->kit, error, error_size);
	if (result == 0) {
		result = open_maps(new);
		if (result < 0)
			snprintf(error, error_size, "mapping the ring: %s", strerror(-result));
	}
	if (result < 0) {
		sensor_close(new);
		return result;
	}
	if (new->door)
		new->deadline = (struct instant){ 0 };
	*sensor = new;
	return 0;
}

void sensor_close(struct sensor *sensor)
{
	if (!sensor)
		return;
	sensor_ring_close(&sensor->ring);
	if (sensor->door)
		munmap(sensor->door, door_size());
	sensor_unload(&sensor->kit);
	free(sensor);
}

const struct sensor_feature *sensor_feature(const struct sensor *sensor, enum sensor_feature_id id)
{
	return &sensor->kit.features[id];
}

int sensor_fd(const struct sensor *sensor)
{
	return sensor->ring.watch;
}

struct instant sensor_deadline(const struct sensor *sensor)
{
	return sensor->deadline;
}

struct delivery {
	const struct sensor_handler *handler;
	void *owner;
};

static void deliver(void *owner, const void *record, size_t size)
{
	const struct delivery *to = owner;
	uint32_t kind;

	memcpy(&kind, record, sizeof(kind));
	if (kind == EVENT_WORKLOAD && size == sizeof(struct event_workload))
		to->handler->workload(to->owner, record);
	else if (kind == EVENT_LISTEN && size == sizeof(struct event_socket))
		to->handler->listen(to->owner, record);
	else if (kind == EVENT_UNLISTEN && size == sizeof(struct event_socket))
		to->handler->unlisten(to->owner, record);
	else if (kind == EVENT_EDGE && size == sizeof(struct event_edge))
		to->handler->edge(to->owner, record);
	else if (kind == EVENT_EXIT && size == sizeof(struct event_exit))
		to->handler->exit(to->owner, record);
}

/* See door.h: only an empty ring lets us sleep, and it is looked at again after we said so. */
static bool may_sleep(struct sensor *sensor)
{
	__atomic_store_n(&sensor->door->state, DOOR_ASLEEP, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (sensor_ring_empty(&sensor->ring))
		return true;
	__atomic_store_n(&sensor->door->state, DOOR_PAUSING, __ATOMIC_SEQ_CST);
	return false;
}

unsigned int sensor_drain(struct sensor *sensor, struct instant now,
	const struct sensor_handler *handler, void *owner)
{
	struct delivery to = { handler, owner };
	unsigned int count;

	if (!sensor->door)
		return 0;
	sensor_ring_woken(&sensor->ring);
	count = sensor_ring_read(&sensor->ring, deliver, &to);
	if (count)
		__atomic_store_n(&sensor->door->state, DOOR_PAUSING, __ATOMIC_SEQ_CST);
	if (count == 0 && may_sleep(sensor))
		sensor->deadline = INSTANT_NEVER;
	else
		sensor->deadline = instant_add(now, PAUSE);
	return count;
}

int sensor_snapshot(const struct sensor *sensor, sensor_row_fn *row, void *owner)
{
	if (!sensor->kit.features[SENSOR_SNAPSHOT].attached)
		return -ENOTSUP;
	return sensor_table_snapshot(sensor->kit.fds[SENSOR_FD_SNAPSHOT], row, owner);
}

int sensor_walk_edges(const struct sensor *sensor, bool evict, sensor_edge_fn *edge, void *owner)
{
	if (!sensor->door)
		return 0;
	return sensor_table_edges(sensor->kit.fds[SENSOR_FD_EDGES], evict, edge, owner);
}

void sensor_counters(const struct sensor *sensor, struct sensor_counters *counters)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	*counters = (struct sensor_counters){ 0 };
	if (!sensor->door)
		return;
	counters->ring_full = __atomic_load_n(&sensor->door->ring_full, __ATOMIC_RELAXED);
	counters->edges_full = __atomic_load_n(&sensor->door->edges_full, __ATOMIC_RELAXED);
	counters->unowned = __atomic_load_n(&sensor->door->unowned, __ATOMIC_RELAXED);
	if (bpf_obj_get_info_by_fd(sensor->kit.fds[SENSOR_FD_TCP], &info, &size) == 0)
		counters->missed = info.recursion_misses;
}

/* A tag is never in force together with the port of another. */
void sensor_reflect(struct sensor *sensor, uint16_t port, uint64_t tag)
{
	if (!sensor->door)
		return;
	__atomic_store_n(&sensor->door->echo_tag, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&sensor->door->echo_port, htons(port), __ATOMIC_SEQ_CST);
	__atomic_store_n(&sensor->door->echo_tag, htole64(tag), __ATOMIC_SEQ_CST);
}

/* The record has the names from the leaf up, so the path is written from its end. */
void sensor_exe_path(const struct event_workload *event, char *to, size_t size)
{
	char path[EVENT_PATH_SIZE + 1];
	size_t at = sizeof(path) - 1, name = 0, end = event->path_size;

	path[at] = '\0';
	if (end > EVENT_PATH_SIZE)
		end = EVENT_PATH_SIZE;
	while (name < end) {
		size_t length = strnlen(event->path + name, end - name);

		if (length + 1 > at)
			break;
		at -= length;
		memcpy(path + at, event->path + name, length);
		path[--at] = '/';
		name += length + 1;
	}
	snprintf(to, size, "%s", path + at);
}
