/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SENSOR_RIG_H
#define TESTS_UNIT_SENSOR_RIG_H
/* A sensor in a network namespace of its own, and everything it told. For test_sensor*.c. */
#include <stdbool.h>
#include <sys/types.h>

#include "agent/sensor.h"

enum { RIG_EVENTS_MAX = 8192, RIG_PATH_SIZE = 109 };

struct rig {
	struct sensor *sensor;
	struct event_workload *workloads;
	struct event_socket *listens, *unlistens;
	struct event_edge *edges;
	struct event_exit *exits;
	struct event_row *rows;
	char (*paths)[RIG_PATH_SIZE]; /* of the rows; '@' in place of a leading NUL */
	size_t workload_count, listen_count, unlisten_count, edge_count, exit_count, row_count;
};

/* Enters a new network namespace with loopback, once for a program; skips without root. */
void rig_enter(void);
/* A sensor of this namespace only; config may be NULL. End it with rig_close. */
struct rig *rig_open(const struct sensor_config *config);
void rig_close(struct rig *rig);
/* For cmocka: a rig as *state, or only the namespace; rig_teardown ends either. */
int rig_setup(void **state);
int rig_setup_namespace(void **state);
int rig_teardown(void **state);
/* Inode number of its network namespace. */
uint32_t rig_netns(void);

/* What is looked for; zero fields match everything. */
struct want {
	uint32_t tgid;
	uint64_t cookie;
	uint64_t workload;
	enum edge_role role;
	uint8_t protocol;
	uint16_t port;
};
/* The newest one that was told, waiting up to 5 s for it; NULL when it does not come. */
const struct event_socket *rig_listen(struct rig *rig, const struct want *want);
const struct event_socket *rig_unlisten(struct rig *rig, const struct want *want);
const struct event_edge *rig_edge(struct rig *rig, const struct want *want);
const struct event_workload *rig_workload(struct rig *rig, const struct want *want);
const struct event_exit *rig_exit(struct rig *rig, const struct want *want);
#define WANT(...) (&(struct want){ __VA_ARGS__ })

/* All that was told up to now has been read: a listener made now is told after it. */
void rig_settle(struct rig *rig);
/* How many edges match; no waiting. */
size_t rig_count_edges(const struct rig *rig, const struct want *want);
void rig_snapshot(struct rig *rig);
/* The row of that local port that the process holds; NULL. */
const struct event_row *rig_row(const struct rig *rig, pid_t tgid, uint16_t port);

/* Sockets; all but the connect fail the test when they fail. Port 0: the kernel chooses. */
int rig_socket(int type, const char *address, uint16_t port); /* bound */
int rig_listener(const char *address, uint16_t port);
int rig_connect(int type, const char *address, uint16_t port); /* -errno */
int rig_reconnect(int fd, const char *address, uint16_t port); /* the same */
uint16_t rig_port(int fd);
/* The text of a 16-byte address, valid until the third next call. */
const char *rig_ip(const uint8_t address[16]);

#endif
