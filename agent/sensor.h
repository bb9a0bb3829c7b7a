/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSOR_H
#define AGENT_SENSOR_H
/*
 * The kernel programs seen from user space: load and attach them, read the ring, walk the edge
 * table, take a snapshot. Nothing of libbpf is visible outside sensor*.c. No program is needed by
 * another: one that the kernel refuses takes away its feature, and sensor_feature says why.
 *
 * The order at start is open (which attaches), then snapshot, then the ring; merge by cookie.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "bpf/event.h"

struct sensor;

enum sensor_feature_id {
	SENSOR_TCP,	    /* listeners, connections, failures */
	SENSOR_SNAPSHOT,    /* every socket with its holders */
	SENSOR_UDP_SERVICE, /* bind of a chosen UDP port, and its end */
	SENSOR_UDP_EDGE,    /* who sends UDP to whom; needs SENSOR_UDP_SERVICE to tell the roles */
	SENSOR_EXEC,	    /* a known process becomes another program */
	SENSOR_EXIT,	    /* a known process ends */
	SENSOR_REFLECT_TC,  /* echo requests are answered, by one of these two */
	SENSOR_REFLECT_XDP,
	SENSOR_FEATURE_COUNT
};

enum sensor_reflector { SENSOR_REFLECTOR_OFF, SENSOR_REFLECTOR_TC, SENSOR_REFLECTOR_XDP };

/* Zero-filled means the defaults, everything on but the reflector. */
struct sensor_config {
	bool own_netns_only; /* the kernel drops what happens in other network namespaces */
	unsigned int off;    /* bit (1 << id) of features that are not wanted */
	uint32_t beating;    /* tgid whose heartbeats are no edges; 0: nobody's */
	uint32_t ring_size;  /* bytes, a power of two of pages; 0: 256 KiB */
	uint32_t edges_max;  /* entries of the edge table; 0: 8192 */
	enum sensor_reflector reflector;
	const char *interfaces; /* names for it, with commas; NULL: all that have an address */
};

struct sensor_feature {
	const char *name; /* "tcp", "snapshot", "udp-service", ... */
	const char *hook; /* "tp_btf/inet_sock_set_state" */
	bool attached;
	char why[200]; /* when not attached: "needs CAP_BPF" ...; of a reflector: where it is */
};

/*
 * Loads in a short-lived child and attaches. 0 even when no feature works; -errno (and the reason
 * in error, which holds error_size bytes) when the child itself failed. End it with sensor_close.
 */
int sensor_open(const struct sensor_config *config, struct sensor **sensor, char *error,
	size_t error_size) __attribute__((warn_unused_result));
void sensor_close(struct sensor *sensor); /* NULL is fine; detaches everything */

/* Borrowed, valid until sensor_close. */
const struct sensor_feature *sensor_feature(const struct sensor *sensor, enum sensor_feature_id id);

/* What a drain finds; records are borrowed until the function returns. None may be NULL. */
struct sensor_handler {
	void (*workload)(void *owner, const struct event_workload *event);
	void (*listen)(void *owner, const struct event_socket *event);
	void (*unlisten)(void *owner, const struct event_socket *event);
	void (*edge)(void *owner, const struct event_edge *event);
	void (*exit)(void *owner, const struct event_exit *event);
};

/* Readable when the ring wants to be drained; -1 when there is no ring. */
int sensor_fd(const struct sensor *sensor);
/*
 * Reads until the ring is empty; returns the number of records. To be called when sensor_fd is
 * readable and at sensor_deadline: the kernel does not ring again for 5 ms after a drain that
 * found something.
 */
unsigned int sensor_drain(struct sensor *sensor, struct instant now,
	const struct sensor_handler *handler, void *owner);
struct instant sensor_deadline(const struct sensor *sensor);

/*
 * Every socket of every process that our pid namespace sees, unix sockets that listen or have a
 * name included. path is borrowed, row->path_size bytes, "" for inet. -errno; -ENOTSUP when the
 * feature is missing.
 */
typedef void sensor_row_fn(void *owner, const struct event_row *row, const char *path);
int sensor_snapshot(const struct sensor *sensor, sensor_row_fn *row, void *owner)
	__attribute__((warn_unused_result));

/*
 * Every entry of the edge table. With evict they are taken out: the kernel then tells an edge
 * anew at its next use (an EDGE_PENDING one still at its outcome). Call it so when sensor_counters
 * shows a full table, at most about once a second. -errno.
 */
typedef void sensor_edge_fn(
	void *owner, const struct edge_key *key, const struct edge_value *value);
int sensor_walk_edges(const struct sensor *sensor, bool evict, sensor_edge_fn *edge, void *owner)
	__attribute__((warn_unused_result));

/* Since sensor_open; all are 0 unless something was not told. */
struct sensor_counters {
	uint64_t ring_full;  /* records that found no room: walk the edges and take a snapshot */
	uint64_t edges_full; /* edges that were told but found no room in the table: evict */
	uint64_t unowned;    /* outcomes whose client is not known */
	uint64_t missed;     /* runs the kernel skipped (interrupted itself): as ring_full */
};
void sensor_counters(const struct sensor *sensor, struct sensor_counters *counters);

/* The reflector, if there is one, answers what comes to port with tag; tag 0: nothing. */
void sensor_reflect(struct sensor *sensor, uint16_t port, uint64_t tag);

/*
 * The path of the program of a workload, "" when the kernel did not know it; "(deleted)" is not
 * marked. to holds size bytes, EVENT_PATH_SIZE + 1 are always enough.
 */
void sensor_exe_path(const struct event_workload *event, char *to, size_t size);

#endif
