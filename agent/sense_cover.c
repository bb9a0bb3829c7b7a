// SPDX-License-Identifier: Apache-2.0
#include "agent/sense_cover.h"

#include <stdio.h>
#include <string.h>

#include "agent/diag.h"
#include "base/json.h"

#define POLLED "polled every few seconds, in one network namespace: "

static void tell(
	struct watch *watch, const char *key, const char *state, const char *why, const char *hook)
{
	json_t *value autojson = json_object();

	json_set_text(value, "state", state);
	json_set_text(value, "why", why);
	json_set_text(value, "hook", hook);
	watch_cover(watch, key, value);
}

/* One fact about several hooks: complete when all work, and the first that does not says why. */
static void tell_features(struct watch *watch, const struct sensor *sensor, const char *key,
	const enum sensor_feature_id *ids, size_t count, bool otherwise)
{
	const struct sensor_feature *missing = NULL, *feature;
	size_t attached = 0;
	const char *state = "partial", *polled = "";
	char why[400] = "";

	for (size_t i = 0; i < count; i++) {
		feature = sensor_feature(sensor, ids[i]);
		if (feature->attached)
			attached++;
		else if (!missing)
			missing = feature;
	}
	if (!missing)
		state = "complete";
	else if (!attached && !otherwise)
		state = strcmp(missing->why, "off") ? "unavailable" : "off";
	if (missing && otherwise)
		polled = sensor_feature(sensor, SENSOR_SNAPSHOT)->attached
			? "polled every few seconds: "
			: POLLED;
	if (missing)
		snprintf(why, sizeof(why), "%s%s", polled, missing->why);
	tell(watch, key, state, why,
		missing ? missing->hook : sensor_feature(sensor, ids[0])->hook);
}

static void tell_unix(struct watch *watch, bool found, bool often)
{
	tell(watch, "unix", found ? "partial" : "unavailable",
		often ? "sockets with a name, every few seconds; not who connects to them"
		      : "sockets with a name, once a minute; not who connects to them",
		"");
}

static void tell_nothing(struct watch *watch, const char *failure, bool fallback)
{
	static const char *const keys[] = { "tcp", "udp", "unix" };
	char why[400];

	snprintf(why, sizeof(why), "%s%s", fallback ? POLLED : "", failure);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		tell(watch, keys[i], fallback ? "partial" : "unavailable", why,
			fallback ? "sock_diag" : "");
	tell(watch, "exec", "unavailable", failure, "");
}

void cover_tell(
	struct watch *watch, const struct sensor *sensor, const char *failure, bool fallback)
{
	static const enum sensor_feature_id tcp[] = { SENSOR_TCP, SENSOR_SNAPSHOT };
	static const enum sensor_feature_id udp[] = { SENSOR_UDP_SERVICE, SENSOR_UDP_EDGE };
	static const enum sensor_feature_id exec[] = { SENSOR_EXEC, SENSOR_EXIT };
	bool snapshot, often = false;

	if (!sensor) {
		tell_nothing(watch, failure, fallback);
		return;
	}
	snapshot = fallback || sensor_feature(sensor, SENSOR_SNAPSHOT)->attached;
	tell_features(watch, sensor, "tcp", tcp, 2, snapshot);
	tell_features(watch, sensor, "udp", udp, 2, snapshot);
	tell_features(watch, sensor, "exec", exec, 2, false);
	for (size_t i = 0; i < 2; i++)
		often |= !sensor_feature(sensor, tcp[i])->attached ||
			!sensor_feature(sensor, udp[i])->attached;
	tell_unix(watch, snapshot, often);
}

void cover_tell_missing(struct watch *watch, const struct sensor *sensor, unsigned int missing)
{
	static const struct {
		enum diag_missing bit;
		const char *key;
		enum sensor_feature_id feature; /* that is left of it; COUNT: none */
	} kinds[] = { { DIAG_TCP, "tcp", SENSOR_TCP }, { DIAG_UDP, "udp", SENSOR_UDP_SERVICE },
		{ DIAG_UNIX, "unix", SENSOR_FEATURE_COUNT } };
	char why[200];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		enum sensor_feature_id id = kinds[i].feature;
		bool left =
			sensor && id < SENSOR_FEATURE_COUNT && sensor_feature(sensor, id)->attached;

		snprintf(why, sizeof(why), "%s: the kernel has no %s_diag to list these sockets",
			left ? "only from the start of the nanoprobe on" : "not seen",
			kinds[i].key);
		if (missing & kinds[i].bit)
			tell(watch, kinds[i].key, left ? "partial" : "unavailable", why,
				"sock_diag");
	}
}

void cover_tell_scope(struct watch *watch, bool own_netns_only)
{
	if (own_netns_only)
		tell(watch, "scope", "partial", "only the network namespace of the nanoprobe", "");
	else
		tell(watch, "scope", "complete", "", "");
}

void cover_tell_unheld(struct watch *watch, bool own_netns_only, int err)
{
	static const char what[] = "services that no process has a descriptor of";
	const char *state = own_netns_only ? "complete" : "partial";
	char why[200] = "";

	if (err)
		snprintf(why, sizeof(why), "%s: %s", what, strerror(-err));
	else if (!own_netns_only)
		snprintf(why, sizeof(why), "%s: only in the network namespace of the nanoprobe",
			what);
	tell(watch, "unheld", err ? "unavailable" : state, why, "sock_diag");
}

void cover_tell_reflector(struct watch *watch, const struct sensor *sensor, const char *failure)
{
	for (int i = SENSOR_REFLECT_TC; sensor && i <= SENSOR_REFLECT_XDP; i++) {
		const struct sensor_feature *feature = sensor_feature(sensor, i);
		const char *state = "unavailable";

		if (feature->attached)
			state = strstr(feature->why, "not on ") ? "partial" : "complete";
		if (strcmp(feature->why, "off"))
			tell(watch, "reflector", state, feature->why, feature->hook);
	}
	if (!sensor)
		tell(watch, "reflector", "unavailable", failure, "");
}

void cover_tell_losses(struct watch *watch, const struct sensor_counters *counters)
{
	struct watch_losses losses = watch_losses(watch);
	const struct {
		const char *name;
		uint64_t count;
	} counts[] = { { "folded", losses.folded }, { "folded_ports", losses.ports },
		{ "folded_processes", losses.processes },
		{ "unowned", losses.unowned + counters->unowned },
		{ "ring_full", counters->ring_full }, { "edges_full", counters->edges_full },
		{ "missed", counters->missed } };
	json_t *value autojson = json_object();

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (counts[i].count)
			json_object_set_new(
				value, counts[i].name, json_integer((json_int_t)counts[i].count));
	}
	if (!json_object_size(value))
		return;
	json_set_text(value, "state", "partial");
	watch_cover(watch, "loss", value);
}
