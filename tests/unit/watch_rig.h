/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_WATCH_RIG_H
#define TESTS_UNIT_WATCH_RIG_H
/*
 * A watch whose processes come from a table in here, and what it told. In the tests a process has
 * its tgid as start time and, unless said otherwise, as workload.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/naming.h"
#include "agent/watch.h"

/* Inode numbers of our network namespace, and of one that is called blue. */
enum { OWN = 100, OTHER = 200, TOLD_MAX = 8192 };
#define SECONDS(n) ((struct instant){ (int64_t)((n)*1000) * NS_PER_MS })
#define BOOT	   UINT64_C(1000000000000) /* boot time of the snapshots, in ns */

struct told {
	char *id;    /* "section key" */
	char *value; /* NULL: gone */
};

struct watch_rig {
	struct watch *watch;
	const char *exe[64];	   /* by tgid; NULL: it is gone */
	const char *arguments[64]; /* by tgid; NULL: none */
	struct told told[TOLD_MAX];
	size_t count; /* told since the start or the last forget */
};

int watch_rig_set_up_with(void **state, struct watch_config config);
int watch_rig_set_up(void **state);
/* Forgets what was told; collect takes what there is to tell and returns how many facts. */
void watch_rig_forget(struct watch_rig *f);
int watch_rig_tear_down(void **state);
size_t watch_rig_collect(struct watch_rig *f);
/* The last value told for "section key": NULL when never told or gone. */
const char *watch_rig_value_of(const struct watch_rig *f, const char *id);
bool watch_rig_was_told(const struct watch_rig *f, const char *id);
/* The name of a process of the table; transient: as the kernel captured it. */
const char *watch_rig_name_of(const char *exe, bool transient, char *to);
/* format with the name in place of '%'; to holds size bytes. */
const char *watch_rig_id(
	char *to, size_t size, const char *format, const char *exe, const char *arguments);
void watch_rig_set_ip(uint8_t ip[16], const char *text);
struct event_socket watch_rig_socket_event(
	uint32_t tgid, uint64_t cookie, const char *ip, uint16_t port);
void watch_rig_listens(struct watch_rig *f, struct instant now, uint32_t tgid, uint64_t cookie,
	const char *ip, uint16_t port);
void watch_rig_unlistens(struct watch_rig *f, struct instant now, uint64_t cookie);
void watch_rig_appears(
	struct watch_rig *f, struct instant now, uint32_t tgid, uint64_t workload, const char *exe);
void watch_rig_ends(struct watch_rig *f, struct instant now, uint32_t tgid);
void watch_rig_connects(struct watch_rig *f, struct instant now, uint64_t workload, const char *ip,
	uint16_t port, uint32_t outcome);
void watch_rig_accepts(
	struct watch_rig *f, struct instant now, const char *ip, uint16_t port, const char *peer);
struct event_row watch_rig_listen_row(
	uint32_t tgid, uint64_t cookie, const char *ip, uint16_t port);
struct event_row watch_rig_connection_row(uint32_t tgid, const char *ip, uint16_t port,
	const char *peer, uint16_t peer_port, uint8_t flags);
void watch_rig_snapshot(
	struct watch_rig *f, struct instant now, const struct event_row *rows, size_t count);

/* Needs USE_ID; format has %s for the name of exe. */
#define ID(format, exe, transient)                                                                 \
	__extension__({                                                                            \
		char name_[NAMING_PROCESS_SIZE];                                                   \
		snprintf(                                                                          \
			f_id, sizeof(f_id), format, watch_rig_name_of((exe), (transient), name_)); \
		f_id;                                                                              \
	})
#define USE_ID char f_id[512]

#endif
