/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSOR_PROGRAM_H
#define AGENT_SENSOR_PROGRAM_H
/* The kernel programs by name: loading and attaching them with libbpf. For sensor_load.c alone. */
#include "agent/sensor_load.h"

/* No descriptors, the names of the features, nothing attached. */
void sensor_program_init(struct sensor_kit *kit);

/*
 * Loads what config wants and the kernel takes, attaches it and puts the descriptors into the kit.
 * Nothing is ever freed: for a process that is about to end. 0 even when nothing could be loaded,
 * the features say why; -errno with the reason in error when not even the maps could be made.
 */
int sensor_program_load(const struct sensor_config *config, struct sensor_kit *kit, char *error,
	size_t error_size) __attribute__((warn_unused_result));

#endif
