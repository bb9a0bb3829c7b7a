/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_TRACKER_H
#define AGENT_TRACKER_H
/*
 * What is true of this host, as a table of facts (section, key) -> value, and which of it the CMA
 * has yet to be told. Pure. Changes are coalesced while they wait: only the last state of a fact is
 * told, and a fact that came and went before its turn is not told at all; so what waits never
 * outgrows the table and what it was. Telling means putting into the uplink's stream, which then
 * keeps its own copy until the CMA has it on disk.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/fact.h"

struct tracker;

/* digest_key keys the section digests (see seal_fact_hash). End it with tracker_free. */
struct tracker *tracker_new(const uint8_t digest_key[16]);
void tracker_free(struct tracker *tracker);

/*
 * Takes a change in (PUT, or DELETE when the value is empty); the bytes are copied. Returns whether
 * the table changed: the same value again, or the end of an unknown fact, does not.
 */
bool tracker_apply(struct tracker *tracker, const struct fact *change);
/* The value now, borrowed until the next tracker_apply; empty when there is no such fact. */
struct span tracker_value(const struct tracker *tracker, enum section section, struct span key);

size_t tracker_count(const struct tracker *tracker, enum section section);
/* True when there is a change to tell. */
bool tracker_pending(const struct tracker *tracker);
/*
 * Moves changes, oldest first, into to (packed as in wire/fact.h) while they fit in limit bytes;
 * at least one, however large. Returns how many: they now count as told.
 */
size_t tracker_take_changes(struct tracker *tracker, struct writer *to, size_t limit);

/* For each section the sum mod 2^64 of the keyed hashes of its facts. Costs nothing. */
void tracker_digests(const struct tracker *tracker, uint64_t digests[SECTION_COUNT]);
/*
 * Counts the whole table as told and forgets waiting DELETEs: for use with the digests, because a
 * digest that differs makes the CMA ask for the section anyway.
 */
void tracker_settle(struct tracker *tracker);

/*
 * One chunk of a section's snapshot: its facts with from <= key < *until in byte order of the keys,
 * at most limit bytes of them but at least one, packed into facts. *until becomes the first key
 * that was left over, borrowed until the next tracker_apply, or empty at the end of the section.
 * Waiting changes inside the chunk count as told by it. from empty: from the start.
 */
void tracker_range(struct tracker *tracker, enum section section, struct span from, size_t limit,
	struct writer *facts, struct span *until);

/*
 * Calls visit for every fact of a section in byte order of the keys. The fact is borrowed for the
 * call, which must not change the tracker.
 */
void tracker_each(const struct tracker *tracker, enum section section,
	void (*visit)(void *owner, const struct fact *fact), void *owner);

#endif
