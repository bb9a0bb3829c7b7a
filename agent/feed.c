// SPDX-License-Identifier: Apache-2.0
#include "agent/feed.h"

#include <string.h>

/* Bytes of facts in one message: it should fit the first window once it is compressed. */
enum { CHANGES_MAX = 16 << 10, RANGE_MAX = 32 << 10, FACTS_LIMIT = 1 << 20 };

void feed_start(struct feed *feed, struct tracker *tracker)
{
	*feed = (struct feed){ .tracker = tracker, .digest_due = true };
}

bool feed_pending(const struct feed *feed)
{
	return feed->digest_due || feed->wanted || tracker_pending(feed->tracker);
}

static void make_digest(struct feed *feed, struct writer *to)
{
	struct message message = { .kind = MESSAGE_DIGEST };

	tracker_digests(feed->tracker, message.digest.sections);
	tracker_settle(feed->tracker);
	message_encode(to, &message);
	feed->digest_due = false;
}

static void make_changes(struct feed *feed, struct writer *to)
{
	struct message message = { .kind = MESSAGE_CHANGES };
	struct writer facts = writer_growing(FACTS_LIMIT);

	tracker_take_changes(feed->tracker, &facts, CHANGES_MAX);
	message.changes.facts = writer_span(&facts);
	message_encode(to, &message);
	writer_free(&facts);
}

static void make_range(struct feed *feed, struct writer *to)
{
	struct message message = { .kind = MESSAGE_RANGE };
	struct writer facts = writer_growing(FACTS_LIMIT);
	int section = __builtin_ctz(feed->wanted);

	message.range.section = (uint8_t)section;
	message.range.from = SPAN(feed->from, feed->from_size);
	tracker_range(feed->tracker, (enum section)section, message.range.from, RANGE_MAX, &facts,
		&message.range.until);
	message.range.facts = writer_span(&facts);
	message_encode(to, &message);
	writer_free(&facts);
	feed->from_size = (uint16_t)message.range.until.size;
	if (feed->from_size)
		memcpy(feed->from, message.range.until.data, feed->from_size);
	else
		feed->wanted &= (uint16_t) ~(1U << section);
}

enum message_kind feed_next(struct feed *feed, struct writer *message)
{
	if (feed->digest_due) {
		make_digest(feed, message);
		return MESSAGE_DIGEST;
	}
	if (feed->wanted) {
		make_range(feed, message);
		return MESSAGE_RANGE;
	}
	make_changes(feed, message);
	return MESSAGE_CHANGES;
}

void feed_digest_sent(struct feed *feed, uint64_t sequence)
{
	feed->digest = sequence;
	feed->asked = 0;
	feed->wanted = 0;
	feed->from_size = 0;
}

void feed_want(struct feed *feed, const struct record_want *want)
{
	uint16_t fresh = (uint16_t)(want->sections & ~feed->asked);

	if (!feed->digest || want->digest != feed->digest || !fresh)
		return;
	/* A lower section would take the place of the one that is half told: that waits its turn.
	 */
	if (feed->from_size && __builtin_ctz(fresh) < __builtin_ctz(feed->wanted))
		return;
	feed->asked |= fresh;
	feed->wanted |= fresh;
}
