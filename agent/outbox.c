// SPDX-License-Identifier: Apache-2.0
#include "agent/outbox.h"

#include <string.h>

#include "wire/digest.h"

/* Bytes of facts in one message: it should fit the first window once it is compressed. */
enum { CHANGES_MAX = 16 << 10, RANGE_MAX = 32 << 10, FACTS_LIMIT = 1 << 20 };

void outbox_start(struct outbox *outbox, struct tracker *tracker, uint64_t boot)
{
	*outbox = (struct outbox){ .tracker = tracker, .boot = boot, .digest_due = true };
}

void outbox_again(struct outbox *outbox)
{
	outbox->digest_due = true;
}

bool outbox_pending(const struct outbox *outbox)
{
	return outbox->digest_due || outbox->wanted || tracker_pending(outbox->tracker);
}

static void make_digest(struct outbox *outbox, struct writer *to)
{
	struct message message = { .kind = MESSAGE_DIGEST, .digest.boot = outbox->boot };
	uint64_t sums[SECTION_COUNT];

	tracker_digests(outbox->tracker, sums);
	digest_set(&message.digest, sums);
	tracker_settle(outbox->tracker);
	message_encode(to, &message);
	outbox->digest_due = false;
}

static void make_changes(struct outbox *outbox, struct writer *to)
{
	struct message message = { .kind = MESSAGE_CHANGES };
	struct writer facts = writer_growing(FACTS_LIMIT);

	tracker_take_changes(outbox->tracker, &facts, CHANGES_MAX);
	message.changes.facts = writer_span(&facts);
	message_encode(to, &message);
	writer_free(&facts);
}

static void make_range(struct outbox *outbox, struct writer *to)
{
	struct message message = { .kind = MESSAGE_RANGE };
	struct writer facts = writer_growing(FACTS_LIMIT);
	int section = __builtin_ctz(outbox->wanted);

	message.range.section = (uint8_t)section;
	message.range.from = SPAN(outbox->from, outbox->from_size);
	tracker_range(outbox->tracker, (enum section)section, message.range.from, RANGE_MAX, &facts,
		&message.range.until);
	message.range.facts = writer_span(&facts);
	message_encode(to, &message);
	writer_free(&facts);
	outbox->from_size = (uint16_t)message.range.until.size;
	if (outbox->from_size)
		memcpy(outbox->from, message.range.until.data, outbox->from_size);
	else
		outbox->wanted &= (uint16_t) ~(1U << section);
}

enum message_kind outbox_next(struct outbox *outbox, struct writer *message)
{
	if (outbox->digest_due) {
		make_digest(outbox, message);
		return MESSAGE_DIGEST;
	}
	if (outbox->wanted) {
		make_range(outbox, message);
		return MESSAGE_RANGE;
	}
	make_changes(outbox, message);
	return MESSAGE_CHANGES;
}

void outbox_digest_sent(struct outbox *outbox, uint64_t sequence)
{
	outbox->digest = sequence;
	outbox->asked = 0;
	outbox->wanted = 0;
	outbox->from_size = 0;
}

void outbox_want(struct outbox *outbox, const struct record_want *want)
{
	uint16_t fresh = (uint16_t)(want->sections & ~outbox->asked);

	if (!outbox->digest || want->digest != outbox->digest || !fresh)
		return;
	/* A lower section would take the place of the one that is half told: that waits its turn.
	 */
	if (outbox->from_size && __builtin_ctz(fresh) < __builtin_ctz(outbox->wanted))
		return;
	outbox->asked |= fresh;
	outbox->wanted |= fresh;
}
