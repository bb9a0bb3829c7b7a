// SPDX-License-Identifier: Apache-2.0
#include "wire/packet.h"

#include <assert.h>
#include <errno.h>

#include "wire/noise.h"

/* Sizes of the payloads inside the handshake, and of the parts that have no other name. */
enum {
	INIT_PAYLOAD = 24,
	RESP_PAYLOAD = 16,
	INIT_NOISE = NOISE_INIT_EXTRA + INIT_PAYLOAD,
	RESP_NOISE = NOISE_RESP_EXTRA + RESP_PAYLOAD,
	RETRY_NONCE = 24,
	RETRY_SEALED = 16 + 4 + PACKET_MAC,
	RESET_TOKEN = 16,
};

static_assert(PACKET_HEADER + 4 + INIT_NOISE + 2 * PACKET_MAC == PACKET_INIT_SIZE, "INIT");
static_assert(PACKET_HEADER + 8 + RESP_NOISE + 2 * PACKET_MAC == PACKET_RESP_SIZE, "RESP");
static_assert(PACKET_HEADER + 4 + RETRY_NONCE + RETRY_SEALED == PACKET_RETRY_SIZE, "RETRY");
static_assert(PACKET_HEADER + 4 + 8 + 8 + 4 + PACKET_MAC == PACKET_BEAT_SIZE, "BEAT");
static_assert(PACKET_HEADER + 4 + RESET_TOKEN == PACKET_UNKNOWN_SIZE, "UNKNOWN");
static_assert(PACKET_HEADER + 4 + 8 + 8 == PACKET_ECHO_SIZE, "ECHO");
static_assert(PACKET_HEADER + 4 + 8 == PACKET_DATA_HEADER, "DATA");
static_assert(PACKET_RESP_SIZE <= PACKET_INIT_SIZE && PACKET_RETRY_SIZE <= PACKET_INIT_SIZE &&
		PACKET_UNKNOWN_SIZE <= PACKET_DATA_EXTRA,
	"nothing unproven is answered with more than it sent");

static void decode_handshake(struct reader *r, struct packet *p)
{
	p->sender = get_u32(r);
	if (p->type == PACKET_RESP)
		p->receiver = get_u32(r);
	p->body = get_span(r, p->type == PACKET_INIT ? INIT_NOISE : RESP_NOISE);
	p->covered.size = PACKET_HEADER + (p->type == PACKET_INIT ? 4 : 8) + p->body.size;
	p->mac1 = get_span(r, PACKET_MAC);
	p->mac2 = get_span(r, PACKET_MAC);
}

static void decode_beat(struct reader *r, struct packet *p)
{
	p->challenge = get_u64(r);
	p->echo = get_u64(r);
	p->health = get_u8(r);
	p->state = get_u8(r);
	p->lost = get_u16(r);
	p->covered.size = PACKET_BEAT_SIZE - PACKET_MAC;
	p->mac1 = get_span(r, PACKET_MAC);
}

/* What follows the receiver's index in the types that start with it. */
static void decode_addressed(struct reader *r, struct packet *p)
{
	p->receiver = get_u32(r);
	if (p->type == PACKET_BEAT) {
		decode_beat(r, p);
		return;
	}
	if (p->type == PACKET_ECHO) {
		p->echo = get_u64(r);
		p->challenge = get_u64(r);
		return;
	}
	if (p->type == PACKET_RETRY)
		p->nonce = get_span(r, RETRY_NONCE);
	if (p->type == PACKET_DATA) {
		p->counter = get_u64(r);
		p->covered.size = PACKET_DATA_HEADER;
		if (r->left.size < PACKET_MAC)
			r->failed = true;
	}
	p->body = get_rest(r);
	if ((p->type == PACKET_RETRY && p->body.size != RETRY_SEALED) ||
		(p->type == PACKET_UNKNOWN && p->body.size != RESET_TOKEN))
		r->failed = true;
}

int packet_decode(struct span datagram, struct packet *p)
{
	struct reader r = reader_of(datagram);
	uint8_t type = get_u8(&r);

	*p = (struct packet){ .type = (enum packet_type)type, .covered.data = datagram.data };
	if (get_u8(&r) != PACKET_VERSION)
		return r.failed ? -EPROTO : -EPROTONOSUPPORT;
	p->flags = get_u16(&r);
	if (datagram.size > PACKET_MAX || type < PACKET_INIT || type > PACKET_ECHO)
		return -EPROTO;
	if (p->type <= PACKET_RESP)
		decode_handshake(&r, p);
	else
		decode_addressed(&r, p);
	return reader_done(&r) ? 0 : -EPROTO;
}

/* Less 1, the flag, in one's complement as checksums are: 0 and 0xffff are the same there. */
uint64_t packet_answer_tag(uint64_t tag)
{
	uint16_t word = (uint16_t)tag;

	return tag - word + (word ? word - 1u : UINT16_MAX - 1u);
}

static void put_header(struct writer *w, enum packet_type type, uint16_t flags)
{
	put_u8(w, (uint8_t)type);
	put_u8(w, PACKET_VERSION);
	put_u16(w, flags);
}

void packet_encode_data(struct writer *w, uint32_t receiver, uint64_t counter)
{
	put_header(w, PACKET_DATA, 0);
	put_u32(w, receiver);
	put_u64(w, counter);
}

static void put_sized(struct writer *w, struct span bytes, size_t size)
{
	if (bytes.size != size)
		w->failed = true;
	put_span(w, bytes);
}

static void encode_handshake(struct writer *w, const struct packet *p)
{
	put_u32(w, p->sender);
	if (p->type == PACKET_RESP)
		put_u32(w, p->receiver);
	put_sized(w, p->body, p->type == PACKET_INIT ? INIT_NOISE : RESP_NOISE);
	put_sized(w, p->mac1, PACKET_MAC);
	put_sized(w, p->mac2, PACKET_MAC);
}

static void encode_beat(struct writer *w, const struct packet *p)
{
	put_u64(w, p->challenge);
	put_u64(w, p->echo);
	put_u8(w, p->health);
	put_u8(w, p->state);
	put_u16(w, p->lost);
	put_sized(w, p->mac1, PACKET_MAC);
}

void packet_encode(struct writer *w, const struct packet *p)
{
	put_header(w, p->type, p->flags);
	if (p->type > PACKET_RESP)
		put_u32(w, p->receiver);
	switch (p->type) {
	case PACKET_INIT:
	case PACKET_RESP:
		encode_handshake(w, p);
		break;
	case PACKET_RETRY:
		put_sized(w, p->nonce, RETRY_NONCE);
		put_sized(w, p->body, RETRY_SEALED);
		break;
	case PACKET_DATA:
		put_u64(w, p->counter);
		if (p->body.size < PACKET_MAC || p->body.size > PACKET_DATA_MAX + PACKET_MAC)
			w->failed = true;
		put_span(w, p->body);
		break;
	case PACKET_BEAT:
		encode_beat(w, p);
		break;
	case PACKET_UNKNOWN:
		put_sized(w, p->body, RESET_TOKEN);
		break;
	case PACKET_ECHO:
		put_u64(w, p->echo);
		put_u64(w, p->challenge);
		break;
	}
}
