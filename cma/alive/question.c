// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/question.h"

#include <string.h>

#include "cma/alive/alive_state.h"
#include "cma/alive/judge.h"

enum {
	KNOCK_FIRST = 33434, /* where traceroute knocks: nobody listens there */
	KNOCK_LAST = 60999,
	KNOCK_FROM = 2, /* question */
	CROWD = 4096,	/* so many wait for their turn: one knock each has to do */
};

/* What else goes with a question. */
enum extra { EXTRA_NONE, EXTRA_KNOCK, EXTRA_ECHO };

static const int64_t gap_ns = NS_PER_SEC / QUESTION_PER_S;

static const uint8_t *public_key(const struct alive *alive, const struct agent *agent)
{
	static const uint8_t none[SEAL_KEY];
	const uint8_t *key = alive->config.public_key(alive->config.owner, agent->id);

	return key ? key : none;
}

void question_key(const struct alive *alive, const struct agent *agent, uint8_t key[BEAT_KEY])
{
	beat_probe_key(alive->config.secret, public_key(alive, agent), key);
}

uint64_t question_tag(const struct alive *alive, const struct agent *agent)
{
	uint8_t hash[SEAL_MAC];
	struct reader r = reader_of(SPAN(hash, sizeof(hash)));

	seal_hash(alive->config.secret, "echo", SPAN(public_key(alive, agent), SEAL_KEY), hash,
		sizeof(hash));
	return get_u64(&r);
}

/* ---- out --------------------------------------------------------------------------------------
 */

static uint64_t challenge_of(const struct inquiry *inquiry)
{
	return (uint64_t)inquiry->nonce << 32 | inquiry->agent->slot;
}

static size_t put_beat(struct alive *alive, const struct inquiry *inquiry, uint8_t *datagram)
{
	const struct beat beat = {
		.edge = BEAT_EDGE_CMA,
		.challenge = challenge_of(inquiry),
		.state = BEAT_ASKS,
	};
	uint8_t key[BEAT_KEY];

	question_key(alive, inquiry->agent, key);
	beat_encode(&beat, key, datagram);
	seal_wipe(key, sizeof(key));
	alive->counters.questions++;
	return PACKET_BEAT_SIZE;
}

static size_t put_echo(struct alive *alive, const struct inquiry *inquiry, uint8_t *datagram)
{
	struct writer w = writer_over(datagram, PACKET_ECHO_SIZE);

	packet_encode(&w,
		&(struct packet){ .type = PACKET_ECHO,
			.receiver = inquiry->agent->slot,
			.echo = question_tag(alive, inquiry->agent),
			.challenge = challenge_of(inquiry) });
	return w.size;
}

static size_t put_knock(
	struct alive *alive, struct inquiry *inquiry, struct addr *to, uint8_t *datagram)
{
	uint16_t chance;

	alive->config.random(alive->config.owner, &chance, sizeof(chance));
	inquiry->knock = (uint16_t)(KNOCK_FIRST + chance % (KNOCK_LAST - KNOCK_FIRST + 1));
	to->port = inquiry->knock;
	datagram[0] = 0;
	return 1;
}

static enum extra extra_of(const struct alive *alive, const struct inquiry *inquiry)
{
	unsigned int number = inquiry->sent + 1u;

	if (number < KNOCK_FROM || inquiry->kernel)
		return EXTRA_NONE;
	if (inquiry->agent->reflects && number % 2 != KNOCK_FROM % 2)
		return EXTRA_ECHO;
	return number == KNOCK_FROM || alive->waiting < CROWD ? EXTRA_KNOCK : EXTRA_NONE;
}

static void pay(struct alive *alive, struct instant now)
{
	struct instant earliest = instant_add(now, -QUESTION_BURST * gap_ns);

	if (instant_before(alive->pace, earliest))
		alive->pace = earliest;
	alive->pace = instant_add(alive->pace, gap_ns);
}

size_t question_next(struct alive *alive, struct instant now, struct addr *to,
	uint8_t datagram[PACKET_BEAT_SIZE])
{
	struct inquiry *inquiry = TAILQ_FIRST(&alive->turns);
	enum extra extra;

	if (!inquiry || instant_before(now, alive->pace))
		return 0;
	pay(alive, now);
	*to = inquiry->agent->address;
	if (inquiry->extra) {
		extra = (enum extra)inquiry->extra;
		inquiry->extra = EXTRA_NONE;
		inquiry_sent(alive, now, inquiry);
		return extra == EXTRA_ECHO ? put_echo(alive, inquiry, datagram)
					   : put_knock(alive, inquiry, to, datagram);
	}
	inquiry->extra = (uint8_t)extra_of(alive, inquiry);
	if (!inquiry->extra)
		inquiry_sent(alive, now, inquiry);
	return put_beat(alive, inquiry, datagram);
}

struct instant question_deadline(const struct alive *alive)
{
	return TAILQ_EMPTY(&alive->turns) ? INSTANT_NEVER : alive->pace;
}

/* ---- in ---------------------------------------------------------------------------------------
 */

/* The inquiry whose question this challenge was in; NULL. */
static struct inquiry *asked(const struct alive *alive, uint64_t challenge)
{
	uint32_t slot = (uint32_t)challenge;
	struct inquiry *inquiry = slot < alive->count ? alive->slots[slot]->inquiry : NULL;

	return inquiry && inquiry->nonce && challenge == challenge_of(inquiry) ? inquiry : NULL;
}

static bool is_genuine(
	const struct alive *alive, const struct inquiry *inquiry, struct span datagram)
{
	uint8_t key[BEAT_KEY];
	struct beat beat;
	int r;

	question_key(alive, inquiry->agent, key);
	r = beat_decode(datagram, key, &beat);
	seal_wipe(key, sizeof(key));
	return !r && beat.edge == BEAT_EDGE_CMA && !(beat.state & BEAT_ASKS);
}

static void kernel_answers(struct inquiry *inquiry)
{
	if (!inquiry->kernel)
		inquiry->kernel_at = inquiry->sent;
	inquiry->kernel = true;
}

void question_input(
	struct alive *alive, struct instant now, const struct addr *from, struct span datagram)
{
	struct inquiry *inquiry;
	struct packet p;

	if (packet_decode(datagram, &p))
		return;
	if (p.type == PACKET_ECHO && (inquiry = asked(alive, p.challenge)) != NULL &&
		p.flags & PACKET_FLAG_ANSWER &&
		p.echo == packet_answer_tag(question_tag(alive, inquiry->agent)) &&
		!memcmp(from->ip, inquiry->agent->address.ip, sizeof(from->ip))) {
		kernel_answers(inquiry);
		return;
	}
	if (p.type != PACKET_BEAT)
		return;
	inquiry = asked(alive, p.echo);
	if (!inquiry || !is_genuine(alive, inquiry, datagram)) {
		alive->counters.forged++;
		return;
	}
	alive->counters.answers++;
	inquiry_alive(alive, now, inquiry->agent, false);
}

void question_refused(struct alive *alive, const struct addr *address)
{
	struct table_link *link = table_find(&alive->by_ip, inquiry_ip_hash(address));

	for (; link; link = table_find_next(link)) {
		struct inquiry *inquiry = table_object(link, struct inquiry, by_ip);
		const struct agent *agent = inquiry->agent;

		if (!inquiry->asking || memcmp(agent->address.ip, address->ip, sizeof(address->ip)))
			continue;
		if (address->port == agent->address.port)
			inquiry->refuses = true;
		else if (address->port == inquiry->knock)
			kernel_answers(inquiry);
	}
}
