// SPDX-License-Identifier: Apache-2.0
#include "agent/tracker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "wire/seal.h"

/*
 * One allocation per fact, and a table of our own: a host may have thousands of facts of 200 bytes,
 * and uthash's handle alone is 56. A fact is in one of four states:
 *	there, told, not waiting	the CMA has been told this value
 *	there, told, waiting		it has been told another one
 *	there, not told, waiting	it knows nothing of the fact
 *	gone, told, waiting		the DELETE has yet to be told; then the entry goes
 */
struct entry {
	struct entry *next;	      /* in its bucket */
	TAILQ_ENTRY(entry) neighbour; /* in changes, while it waits */
	uint32_t value_size;	      /* 0: gone */
	uint16_t key_size;
	uint8_t section;
	bool told : 1;
	bool waits : 1;
	uint8_t bytes[]; /* key, value */
};

struct tracker {
	uint8_t digest_key[16];
	uint64_t digests[SECTION_COUNT];
	size_t counts[SECTION_COUNT];
	TAILQ_HEAD(changes, entry) changes; /* oldest first */
	struct entry **buckets;
	size_t bucket_count; /* a power of two */
	size_t entry_count;  /* with those that are gone */
};

enum { BUCKETS_FIRST = 64 };

struct tracker *tracker_new(const uint8_t digest_key[16])
{
	struct tracker *tracker = mem_alloc(1, sizeof(*tracker));

	memcpy(tracker->digest_key, digest_key, sizeof(tracker->digest_key));
	TAILQ_INIT(&tracker->changes);
	tracker->bucket_count = BUCKETS_FIRST;
	tracker->buckets = mem_alloc(tracker->bucket_count, sizeof(struct entry *));
	return tracker;
}

void tracker_free(struct tracker *tracker)
{
	if (!tracker)
		return;
	for (size_t i = 0; i < tracker->bucket_count; i++) {
		for (struct entry *entry = tracker->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			free(entry);
		}
	}
	free(tracker->buckets);
	free(tracker);
}

static struct span entry_key(const struct entry *entry)
{
	return SPAN(entry->bytes, entry->key_size);
}

static struct fact entry_fact(const struct entry *entry)
{
	return (struct fact){
		.section = (enum section)entry->section,
		.key = entry_key(entry),
		.value = SPAN(entry->bytes + entry->key_size, entry->value_size),
	};
}

static size_t bucket_of(const struct tracker *tracker, enum section section, struct span key)
{
	struct fact name = { .section = section, .key = key };

	return seal_fact_hash(tracker->digest_key, &name) & (tracker->bucket_count - 1);
}

/* Where the pointer to the entry is, or would be. */
static struct entry **find(const struct tracker *tracker, enum section section, struct span key)
{
	struct entry **at = &tracker->buckets[bucket_of(tracker, section, key)];

	while (*at && ((*at)->section != section || !span_equal(entry_key(*at), key)))
		at = &(*at)->next;
	return at;
}

static void grow(struct tracker *tracker)
{
	struct entry **old = tracker->buckets;
	size_t old_count = tracker->bucket_count;

	tracker->bucket_count = 2 * old_count;
	tracker->buckets = mem_alloc(tracker->bucket_count, sizeof(struct entry *));
	for (size_t i = 0; i < old_count; i++) {
		for (struct entry *entry = old[i], *next; entry; entry = next) {
			struct entry **at =
				find(tracker, (enum section)entry->section, entry_key(entry));

			next = entry->next;
			entry->next = NULL;
			*at = entry;
		}
	}
	free(old);
}

/* Adds or takes away what an entry that is there means for its section. */
static void account(struct tracker *tracker, const struct entry *entry, bool add)
{
	struct fact fact = entry_fact(entry);
	uint64_t hash;

	if (!entry->value_size)
		return;
	hash = seal_fact_hash(tracker->digest_key, &fact);
	tracker->digests[entry->section] += add ? hash : -hash;
	tracker->counts[entry->section] += add ? 1 : (size_t)-1;
}

static struct entry *entry_new(const struct fact *fact)
{
	struct entry *entry = mem_alloc(1, sizeof(*entry) + fact->key.size + fact->value.size);

	entry->section = (uint8_t)fact->section;
	entry->key_size = (uint16_t)fact->key.size;
	entry->value_size = (uint32_t)fact->value.size;
	memcpy(entry->bytes, fact->key.data, fact->key.size);
	if (fact->value.size)
		memcpy(entry->bytes + fact->key.size, fact->value.data, fact->value.size);
	return entry;
}

static void stop_waiting(struct tracker *tracker, struct entry *entry)
{
	if (entry->waits)
		TAILQ_REMOVE(&tracker->changes, entry, neighbour);
	entry->waits = false;
}

static void discard(struct tracker *tracker, struct entry **at)
{
	struct entry *entry = *at;

	stop_waiting(tracker, entry);
	account(tracker, entry, false);
	*at = entry->next;
	tracker->entry_count--;
	free(entry);
}

/* A new state takes the old one's turn. */
static void replace(struct tracker *tracker, struct entry **at, struct entry *fresh)
{
	struct entry *old = *at;

	fresh->told = old->told;
	fresh->waits = true;
	if (old->waits)
		TAILQ_INSERT_BEFORE(old, fresh, neighbour);
	else
		TAILQ_INSERT_TAIL(&tracker->changes, fresh, neighbour);
	discard(tracker, at);
	fresh->next = *at;
	*at = fresh;
	tracker->entry_count++;
	account(tracker, fresh, true);
}

static void insert(struct tracker *tracker, struct entry *fresh)
{
	if (tracker->entry_count >= tracker->bucket_count)
		grow(tracker);
	*find(tracker, (enum section)fresh->section, entry_key(fresh)) = fresh;
	fresh->waits = true;
	TAILQ_INSERT_TAIL(&tracker->changes, fresh, neighbour);
	tracker->entry_count++;
	account(tracker, fresh, true);
}

bool tracker_apply(struct tracker *tracker, const struct fact *change)
{
	struct entry **at = find(tracker, change->section, change->key);

	if (*at ? span_equal(entry_fact(*at).value, change->value) : !change->value.size)
		return false;
	if (!*at)
		insert(tracker, entry_new(change));
	else if (!change->value.size && !(*at)->told)
		discard(tracker, at);
	else
		replace(tracker, at, entry_new(change));
	return true;
}

struct span tracker_value(const struct tracker *tracker, enum section section, struct span key)
{
	const struct entry *entry = *find(tracker, section, key);

	return entry ? entry_fact(entry).value : (struct span){ NULL, 0 };
}

size_t tracker_count(const struct tracker *tracker, enum section section)
{
	return tracker->counts[section];
}

bool tracker_pending(const struct tracker *tracker)
{
	return !TAILQ_EMPTY(&tracker->changes);
}

/* The stream now has this state. An entry that is gone goes. */
static void tell(struct tracker *tracker, struct entry *entry)
{
	entry->told = true;
	if (entry->value_size)
		stop_waiting(tracker, entry);
	else
		discard(tracker, find(tracker, (enum section)entry->section, entry_key(entry)));
}

size_t tracker_take_changes(struct tracker *tracker, struct writer *to, size_t limit)
{
	struct entry *entry;
	size_t used = 0;
	size_t count = 0;

	while ((entry = TAILQ_FIRST(&tracker->changes))) {
		struct fact fact = entry_fact(entry);

		used += fact_size(&fact);
		if (count && used > limit)
			break;
		fact_put(to, &fact);
		tell(tracker, entry);
		count++;
	}
	return count;
}

void tracker_digests(const struct tracker *tracker, uint64_t digests[SECTION_COUNT])
{
	memcpy(digests, tracker->digests, sizeof(tracker->digests));
}

void tracker_settle(struct tracker *tracker)
{
	struct entry *entry;

	while ((entry = TAILQ_FIRST(&tracker->changes)))
		tell(tracker, entry);
}

static int compare(const void *a, const void *b)
{
	return span_compare(
		entry_key(*(struct entry *const *)a), entry_key(*(struct entry *const *)b));
}

/* The section's entries with key >= from, those that are gone too, by key; the caller frees. */
static struct entry **sorted(
	const struct tracker *tracker, enum section section, struct span from, size_t *count)
{
	struct entry **entries = mem_alloc(tracker->entry_count, sizeof(struct entry *));

	*count = 0;
	for (size_t i = 0; i < tracker->bucket_count; i++) {
		for (struct entry *entry = tracker->buckets[i]; entry; entry = entry->next) {
			if (entry->section == section && span_compare(entry_key(entry), from) >= 0)
				entries[(*count)++] = entry;
		}
	}
	qsort(entries, *count, sizeof(struct entry *), compare);
	return entries;
}

void tracker_range(struct tracker *tracker, enum section section, struct span from, size_t limit,
	struct writer *facts, struct span *until)
{
	size_t used = 0;
	size_t count;
	size_t taken = 0;
	struct entry **entries autofree = sorted(tracker, section, from, &count);

	*until = (struct span){ NULL, 0 };
	for (size_t i = 0; i < count; i++) {
		struct fact fact = entry_fact(entries[i]);

		if (fact.value.size) {
			used += fact_size(&fact);
			if (taken && used > limit) {
				*until = fact.key;
				return;
			}
			fact_put(facts, &fact);
			taken++;
		}
		tell(tracker, entries[i]);
	}
}

void tracker_each(const struct tracker *tracker, enum section section,
	void (*visit)(void *owner, const struct fact *fact), void *owner)
{
	size_t count;
	struct entry **entries autofree =
		sorted(tracker, section, (struct span){ NULL, 0 }, &count);

	for (size_t i = 0; i < count; i++) {
		struct fact fact = entry_fact(entries[i]);

		if (fact.value.size)
			visit(owner, &fact);
	}
}
