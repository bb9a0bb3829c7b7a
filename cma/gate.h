/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GATE_H
#define CMA_GATE_H
/*
 * Where INITs wait until the hub has time for them: answering one costs a hundred times what a
 * DATA does. The event loop answers a few between datagrams, so sessions that are there never wait
 * for those that are to come.
 *
 *	waiting			who may join them
 *	up to 1/8		everybody
 *	up to 1/2		who shows a cookie (wire/cookie.h), until a second after it fell
 *	all			who shows a cookie, and whose address is within its limit
 *
 * Everybody else is told when to come. So many agents behind one address wait longer at worst.
 */
#include "cma/hub_counters.h"
#include "wire/cookie.h"

enum { GATE_MAX = 4096, GATE_LOADED = GATE_MAX / 8, GATE_CROWDED = GATE_MAX / 2 };

struct gate;

struct gate_init {
	struct addr from;
	int64_t now_ms; /* wall time at which it came */
	uint8_t datagram[PACKET_INIT_SIZE];
};

struct gate *gate_new(cookie_random_fn *random, void *owner);
void gate_free(struct gate *gate); /* NULL is fine */
/* How many agents there are that may call: it bounds how long somebody is told to wait. */
void gate_expect(struct gate *gate, uint64_t callers);
/*
 * p is an INIT from somebody who knows our key. True: it waits. Else retry is what to tell him, and
 * was counted.
 */
bool gate_enter(struct gate *gate, struct instant now, int64_t now_ms, const struct addr *from,
	const struct packet *p, struct hub_counters *counters, struct cookie_reply *retry);
/*
 * Did the INIT p, which waited, show that its sender hears what is sent to that address? If not,
 * retry is what to tell him: it is to come back at once.
 */
bool gate_hears(const struct gate *gate, const struct addr *from, const struct packet *p,
	struct cookie_reply *retry);
/* The next one, borrowed until the next gate_enter; NULL when none waits. */
const struct gate_init *gate_next(struct gate *gate, struct instant now);
bool gate_is_empty(const struct gate *gate);

#endif
