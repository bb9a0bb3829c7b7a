/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_RINGS_H
#define TESTS_UNIT_RINGS_H
/*
 * Two nanoprobes' rings, A (low end) and B (high end) of edge 7, on a virtual clock and a network
 * that loses what a test wants, with everything that went over it kept.
 */
#include "agent/ring.h"
#include "wire/ring_edge.h"

enum { RINGS_A, RINGS_B, RINGS_COUNT, RINGS_KEPT = 4096, RINGS_SIGHTS = 64, RINGS_EDGE = 7 };

struct rings_datagram {
	struct instant sent, arrives;
	int from, to;
	bool lost, delivered;
	uint8_t bytes[PACKET_BEAT_SIZE];
};

struct rings {
	struct instant now;
	struct ring *ring[RINGS_COUNT];
	struct addr at[RINGS_COUNT];
	bool stopped[RINGS_COUNT]; /* the process: what arrives waits */
	bool dead[RINGS_COUNT];	   /* the host: what arrives is gone */
	bool refuses[RINGS_COUNT]; /* the nanoprobe is not there, and the kernel says so */
	bool (*loses)(struct rings *rings, int from);
	int burst[RINGS_COUNT]; /* for loses */
	uint64_t seed;
	struct rings_datagram kept[RINGS_KEPT];
	int kept_count, pending; /* all before pending are delivered or lost */
	struct message_sight sights[RINGS_COUNT][RINGS_SIGHTS];
	struct instant sight_at[RINGS_COUNT][RINGS_SIGHTS];
	int sight_count[RINGS_COUNT];
};

extern const uint8_t rings_key[BEAT_KEY], rings_probe[BEAT_KEY];

/* For cmocka: *state is a struct rings in which both have their list of one edge since now. */
int rings_setup(void **state);
int rings_teardown(void **state);
/* Another run of one nanoprobe, which gets the same list. */
void rings_restart(struct rings *rings, int which);
/* The list of one end; version is not that of the one before. */
int rings_list(struct rings *rings, int which, uint64_t version);
void rings_run(struct rings *rings, int64_t ms);
/* What was stopped goes on: what waits is heard first, at one time. */
void rings_continue(struct rings *rings, int which);
/* To which, from the other's address. */
void rings_give(struct rings *rings, int which, const uint8_t *bytes);
/* What which saw last, SIGHT_HEARD if it said nothing. */
enum sight rings_sight(const struct rings *rings, int which);
/* For ring_config: its owner is the struct rings. */
void rings_random(void *owner, void *to, size_t size);
/* 0 to limit - 1, by the seed. */
uint32_t rings_below(struct rings *rings, uint32_t limit);

#endif
