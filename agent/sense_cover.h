/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSE_COVER_H
#define AGENT_SENSE_COVER_H
/*
 * What is watched, how completely, and why not: the facts of section coverage that come from the
 * kernel sensor. Nothing that is missed is missed silently.
 */
#include "agent/sensor.h"
#include "agent/watch.h"

/*
 * sensor NULL: there is none, and failure says why. fallback: sockets are looked up by polling.
 */
void cover_tell(
	struct watch *watch, const struct sensor *sensor, const char *failure, bool fallback);
/*
 * After cover_tell: what the fallback cannot list (bits of enum diag_missing) is polled by nobody.
 */
void cover_tell_missing(struct watch *watch, const struct sensor *sensor, unsigned int missing);
/* Only as much of the host as its network namespace, or all of it. */
void cover_tell_scope(struct watch *watch, bool own_netns_only);
/* Services that no process has a descriptor of; err: why they cannot be listed, 0. */
void cover_tell_unheld(struct watch *watch, bool own_netns_only, int err);
/*
 * Where echo requests are answered, and where not and why; sensor NULL: nowhere, failure says why.
 */
void cover_tell_reflector(struct watch *watch, const struct sensor *sensor, const char *failure);
/* What was not told one by one. Tells nothing as long as there is nothing. */
void cover_tell_losses(struct watch *watch, const struct sensor_counters *counters);

#endif
