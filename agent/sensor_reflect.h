/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSOR_REFLECT_H
#define AGENT_SENSOR_REFLECT_H
/* Which network interfaces the reflector is attached to. For sensor_program.c alone. */
#include "agent/sensor.h"

enum { REFLECT_INTERFACES_MAX = 16 };

/*
 * Attaches program, that of config->reflector, to the interfaces that config names. links gets the
 * descriptors of the links, and -1 behind them; why says where it is and where not and for what
 * reason. The number of links.
 */
int sensor_reflect_attach(const struct sensor_config *config, int program,
	int links[REFLECT_INTERFACES_MAX], char *why, size_t why_size);

#endif
