/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PAIR_H
#define TESTS_UNIT_PAIR_H
/* One agent's uplink and a hub against each other, datagram by datagram, for test_hub and
 * test_uplink. */
#include "agent/uplink.h"
#include "cma/hub.h"
#include "cma/hub_counters.h"
#include "wire/message.h"

#define PAIR_WALL_MS ((int64_t)1800000000000)

enum { CAPTURED_MAX = 64, EVENTS_MAX = 64 };

struct datagram {
	size_t size;
	uint8_t bytes[PACKET_MAX];
};

/* One agent, one CMA, and everything that went between them. */
struct pair {
	uint64_t seed;
	struct instant now;
	struct addr agent_address, to;
	struct key_pair agent_key, cma_key;
	struct hub_token token; /* for one use, for a second */
	struct tracker *tracker;
	uint64_t boot;
	const struct key_pair *called; /* the CMA's key that the agent has; NULL: cma_key */
	bool has_root;		       /* of the agent, and its root key */
	uint8_t root[SIGN_KEY];
	uint32_t serial;
	struct uplink *uplink;
	struct hub *hub;
	bool to_cma_lost, to_agent_lost;
	size_t up, down; /* datagrams in all */
	size_t up_bytes, down_bytes;
	struct datagram captured[CAPTURED_MAX]; /* the first of those to the CMA */
	struct hub_event events[EVENTS_MAX];
	size_t event_count;
	size_t commands; /* that reached the agent; of the last one: */
	uint64_t command_ms;
	struct writer command;
	bool takes_lists; /* the agent says that it holds what it is told */
	size_t lists;	  /* that reached it; of the last one: */
	uint64_t list_version;
	struct writer list_edges;
};

/* cmocka's setup and teardown. */
int pair_setup(void **state);
int pair_teardown(void **state);

/* Chance, by the seed that owner points to. */
void pair_random(void *owner, void *to, size_t size);
void pair_new_key(struct pair *p, struct key_pair *key);
/* In place of the one that is there: nothing is remembered but what is in the pair. */
void pair_new_hub(struct pair *p, uint64_t epoch);
void pair_new_uplink(struct pair *p, bool enrolled);

/* A fact of the agent's host, in section listen. */
void pair_tell(struct pair *p, const char *key, const char *value);
/* Lets datagrams go until nobody has anything to say now; events are kept. */
void pair_pump(struct pair *p);
void pair_pass(struct pair *p, int64_t ms);
/* Frees the events that were kept. */
void pair_forget(struct pair *p);
const struct hub_event *pair_last(const struct pair *p);
/* What a store does that has acted on the last event. */
void pair_commit(struct pair *p, uint16_t want);
/* The agent enrols, is known to the CMA and is silent. */
void pair_join(struct pair *p);
void pair_assert_silent(const struct pair *p);
struct message pair_message(const struct hub_event *event);

#endif
