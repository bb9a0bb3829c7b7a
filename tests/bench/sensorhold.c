/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sensorhold: holds the sensor of its own network namespace and nothing else, reads what it is
 * told, and at the end of its standard input prints what that was. Says "ready" when attached.
 * A line on standard input is a command: "snapshot" prints rows and milliseconds.
 *
 * sensorhold [OFF [tc|xdp]]: OFF has the bits of features that are not wanted, and the reflector
 * answers on port 1985.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sensor.h"

struct seen {
	unsigned long workloads, listens, unlistens, edges, exits, rows, drains;
};

static void on_workload(void *owner, const struct event_workload *event)
{
	(void)event;
	((struct seen *)owner)->workloads++;
}

static void on_listen(void *owner, const struct event_socket *event)
{
	(void)event;
	((struct seen *)owner)->listens++;
}

static void on_unlisten(void *owner, const struct event_socket *event)
{
	(void)event;
	((struct seen *)owner)->unlistens++;
}

static void on_edge(void *owner, const struct event_edge *event)
{
	(void)event;
	((struct seen *)owner)->edges++;
}

static void on_exit_of(void *owner, const struct event_exit *event)
{
	(void)event;
	((struct seen *)owner)->exits++;
}

static const struct sensor_handler handler = { on_workload, on_listen, on_unlisten, on_edge,
	on_exit_of };

static void on_row(void *owner, const struct event_row *row, const char *path)
{
	(void)row;
	(void)path;
	((struct seen *)owner)->rows++;
}

static void snapshot(const struct sensor *sensor, struct seen *seen)
{
	struct instant start = instant_now();
	int result;

	seen->rows = 0;
	result = sensor_snapshot(sensor, on_row, seen);
	if (result < 0)
		errx(1, "snapshot: %s", strerror(-result));
	printf("%lu rows %.3f ms\n", seen->rows, (double)instant_sub(instant_now(), start) / 1e6);
	fflush(stdout);
}

/* Milliseconds until the deadline, for poll. */
static int wait_ms(const struct sensor *sensor)
{
	struct instant deadline = sensor_deadline(sensor);
	int64_t ns = instant_sub(deadline, instant_now());

	if (deadline.ns == INSTANT_NEVER.ns)
		return -1;
	return ns < 0 ? 0 : (int)(ns / NS_PER_MS + 1);
}

static void watch(struct sensor *sensor, struct seen *seen)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = sensor_fd(sensor), .events = POLLIN } };
	char line[64];

	for (;;) {
		poll(fds, 2, wait_ms(sensor));
		if (fds[1].revents || !instant_before(instant_now(), sensor_deadline(sensor))) {
			sensor_drain(sensor, instant_now(), &handler, seen);
			seen->drains++;
		}
		if (!fds[0].revents)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return;
		if (strcmp(line, "snapshot\n") == 0)
			snapshot(sensor, seen);
	}
}

int main(int argc, char **argv)
{
	struct sensor_config config = { .own_netns_only = true };
	struct sensor_counters counters;
	struct seen seen = { 0 };
	struct sensor *sensor;
	char error[256];

	if (argc > 1)
		config.off = (unsigned int)strtoul(argv[1], NULL, 0);
	if (argc > 2)
		config.reflector =
			strcmp(argv[2], "xdp") ? SENSOR_REFLECTOR_TC : SENSOR_REFLECTOR_XDP;
	if (sensor_open(&config, &sensor, error, sizeof(error)) < 0)
		errx(1, "%s", error);
	sensor_reflect(sensor, 1985, 1);
	for (int i = 0; i < SENSOR_FEATURE_COUNT; i++)
		if (!sensor_feature(sensor, (enum sensor_feature_id)i)->attached &&
			strcmp(sensor_feature(sensor, (enum sensor_feature_id)i)->why, "off"))
			warnx("%s: %s", sensor_feature(sensor, (enum sensor_feature_id)i)->name,
				sensor_feature(sensor, (enum sensor_feature_id)i)->why);
	puts("ready");
	fflush(stdout);
	watch(sensor, &seen);
	while (sensor_drain(sensor, instant_now(), &handler, &seen))
		;
	sensor_counters(sensor, &counters);
	printf("workloads %lu listens %lu unlistens %lu edges %lu exits %lu drains %lu "
	       "ring_full %lu edges_full %lu unowned %lu missed %lu\n",
		seen.workloads, seen.listens, seen.unlistens, seen.edges, seen.exits, seen.drains,
		counters.ring_full, counters.edges_full, counters.unowned, counters.missed);
	sensor_close(sensor);
	return 0;
}
