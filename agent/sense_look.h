/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSE_LOOK_H
#define AGENT_SENSE_LOOK_H
/*
 * The eyes of the sense process, for one look or for many: the sensor, what it feeds, and /proc.
 * No event loop and no other process is known here.
 */
#include "agent/sense.h"
#include "agent/sensor.h"
#include "agent/watch.h"

struct look {
	const struct sense_config *config;
	struct sensor *sensor; /* NULL: the kernel gives us none */
	struct watch *watch;
	struct process_view view;
	int netns_names;       /* /run/netns, -1: none */
	struct unheld *unheld; /* during a snapshot */
	int unheld_err;	       /* of the last one */
	uint32_t netns;	       /* our own */
	bool looked;	       /* a snapshot was taken */
	unsigned int missing;  /* what fallback_snapshot cannot list */
	bool polls;	       /* sockets are looked up without the sensor */
	bool watches;	       /* the kernel tells all; else sockets are listed often */
	bool retell;	       /* the kernel could not tell all: snapshot and walk */
	struct instant now;
	struct instant walk_at;
	struct sensor_counters counters;
	char failure[256]; /* why there is no sensor */
};

/* hold as in watch_config. -errno when there is not even /proc. End it with look_close. */
int look_open(struct look *look, const struct sense_config *config, bool hold);
void look_close(struct look *look);
/* Takes in what the kernel has told since. */
void look_drain(struct look *look, struct instant now);
/* Whether echo requests can be answered. */
bool look_reflects(const struct look *look);
/* Does what is due: snapshot, walk, what was held. */
void look_tick(struct look *look, struct instant now);
/* When one of these two has something to do. */
struct instant look_deadline(const struct look *look);

#endif
