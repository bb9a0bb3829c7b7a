/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_OBSERVE_H
#define AGENT_OBSERVE_H
/*
 * What the process without privileges sees by itself (rtnetlink, lldpd) and what sense tells it,
 * all into one tracker. It never blocks: the caller waits on its descriptors and its deadline.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/tracker.h"
#include "base/instant.h"

struct observe;

struct observe_config {
	struct tracker *tracker; /* borrowed */
	void *owner;
	/* Wants a socket connected to lldpd: answer later with observe_lldp_connected. */
	void (*connect_lldpd)(void *owner);
};

/* End it with observe_free. When rtnetlink cannot be had the coverage record says so. */
struct observe *observe_new(
	const struct observe_config *config, struct instant now, int64_t now_ms);
void observe_free(struct observe *observe);

/* A fact from sense. */
void observe_fact(struct observe *observe, const struct fact *fact);
/* As lldp_connected. */
void observe_lldp_connected(struct observe *observe, int fd, struct instant now, int64_t now_ms);

/* What to wait on for reading, -1 for none; asks again after each call of observe_run. */
enum { OBSERVE_DESCRIPTORS = 3 };
void observe_descriptors(const struct observe *observe, int fds[OBSERVE_DESCRIPTORS]);
struct instant observe_deadline(const struct observe *observe);
/* A descriptor is readable or the deadline has come. */
void observe_run(struct observe *observe, struct instant now, int64_t now_ms);

/* Looks at a section again. -ENOENT when that is not one of its own, or is out of reach. */
int observe_again(
	struct observe *observe, enum section section, struct instant now, int64_t now_ms);

/* Everything of its own has been told once, or is known to be out of reach. */
bool observe_settled(const struct observe *observe);

#endif
