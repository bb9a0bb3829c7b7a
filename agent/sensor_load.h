/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSOR_LOAD_H
#define AGENT_SENSOR_LOAD_H
/*
 * Loads and attaches the kernel programs in a child that ends: libbpf needs 14 MB to load and we
 * do not want to keep them. Only descriptors come back. For sensor.c alone.
 */
#include "agent/sensor.h"
#include "agent/sensor_reflect.h"

/* What the descriptors are; those from SENSOR_FD_LINKS on only keep the programs attached. */
enum sensor_fd {
	SENSOR_FD_RING,
	SENSOR_FD_EDGES,
	SENSOR_FD_DOOR,
	SENSOR_FD_TCP,	    /* the program of SENSOR_TCP */
	SENSOR_FD_SNAPSHOT, /* the link of its iterator */
	SENSOR_FD_LINKS,
	SENSOR_FD_REFLECTOR = 24, /* one for each of its interfaces */
	SENSOR_FD_COUNT = SENSOR_FD_REFLECTOR + REFLECT_INTERFACES_MAX
};

struct sensor_kit {
	int fds[SENSOR_FD_COUNT]; /* -1 where there is none; owned */
	struct sensor_feature features[SENSOR_FEATURE_COUNT];
};

/* As sensor_open. End the kit with sensor_unload, also after a failure. */
int sensor_load(const struct sensor_config *config, struct sensor_kit *kit, char *error,
	size_t error_size) __attribute__((warn_unused_result));
void sensor_unload(struct sensor_kit *kit);

#endif
