// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/packet.h"

static uint8_t bytes[PACKET_MAX + 16];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 1);
}

/* One of each type with every member set, and its size on the wire. */
static const struct sample {
	struct packet packet;
	size_t size;
} samples[] = {
	{ { .type = PACKET_INIT,
		  .flags = 1,
		  .sender = 0x01020304,
		  .body = { bytes, 120 },
		  .mac1 = { bytes + 120, 16 },
		  .mac2 = { bytes + 136, 16 } },
		160 },
	{ { .type = PACKET_RESP,
		  .sender = 5,
		  .receiver = 0xfffffffe,
		  .body = { bytes, 64 },
		  .mac1 = { bytes + 64, 16 },
		  .mac2 = { bytes + 80, 16 } },
		108 },
	{ { .type = PACKET_RETRY,
		  .receiver = 6,
		  .nonce = { bytes, 24 },
		  .body = { bytes + 24, 36 } },
		68 },
	{ { .type = PACKET_DATA,
		  .receiver = 7,
		  .counter = 0x0102030405060708,
		  .body = { bytes, 16 } },
		32 },
	{ { .type = PACKET_DATA,
		  .receiver = 7,
		  .counter = UINT64_MAX,
		  .body = { bytes, PACKET_DATA_MAX + 16 } },
		PACKET_MAX },
	{ { .type = PACKET_BEAT,
		  .receiver = 8,
		  .challenge = 9,
		  .echo = 10,
		  .health = 11,
		  .state = 12,
		  .lost = 1300,
		  .mac1 = { bytes, 16 } },
		44 },
	{ { .type = PACKET_UNKNOWN, .receiver = 14, .body = { bytes, 16 } }, 24 },
	{ { .type = PACKET_ECHO, .receiver = 15, .echo = 16, .challenge = 17 }, 24 },
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static size_t encode(const struct packet *p, uint8_t *to)
{
	struct writer w = writer_over(to, PACKET_MAX);

	packet_encode(&w, p);
	assert_false(w.failed);
	return w.size;
}

static void assert_span(struct span got, struct span expect)
{
	assert_int_equal(got.size, expect.size);
	assert_true(span_equal(got, expect));
}

static void test_round_trip(void **state)
{
	uint8_t datagram[PACKET_MAX];

	(void)state;
	fill();
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct packet *expect = &samples[i].packet;
		struct packet p;

		assert_int_equal(encode(expect, datagram), samples[i].size);
		assert_int_equal(packet_decode(SPAN(datagram, samples[i].size), &p), 0);
		assert_int_equal(p.type, expect->type);
		assert_int_equal(p.flags, expect->flags);
		assert_int_equal(p.sender, expect->sender);
		assert_int_equal(p.receiver, expect->receiver);
		assert_int_equal(p.counter, expect->counter);
		assert_int_equal(p.challenge, expect->challenge);
		assert_int_equal(p.echo, expect->echo);
		assert_int_equal(p.health, expect->health);
		assert_int_equal(p.state, expect->state);
		assert_int_equal(p.lost, expect->lost);
		assert_span(p.body, expect->body);
		assert_span(p.nonce, expect->nonce);
		assert_span(p.mac1, expect->mac1);
		assert_span(p.mac2, expect->mac2);
	}
}

/* Golden bytes: the layout itself, not only that both directions agree. */
static void test_layout(void **state)
{
	static const uint8_t data[32] = { 4, 1, 0, 0, 7, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1 };
	static const uint8_t beat[44] = { 5, 1, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0,
		0, 0, 0, 0, 0, 11, 12, 0x14, 0x05 };
	static const uint8_t init[8] = { 1, 1, 1, 0, 4, 3, 2, 1 };
	uint8_t datagram[PACKET_MAX];
	struct packet p;

	(void)state;
	fill();
	encode(&samples[3].packet, datagram);
	assert_memory_equal(datagram, data, PACKET_DATA_HEADER);
	assert_memory_equal(datagram + PACKET_DATA_HEADER, bytes, 16);
	encode(&samples[5].packet, datagram);
	assert_memory_equal(datagram, beat, 28);
	encode(&samples[0].packet, datagram);
	assert_memory_equal(datagram, init, 8);
	assert_memory_equal(datagram + 8, bytes, 152);

	/* What the mac covers is everything before it. */
	assert_int_equal(packet_decode(SPAN(datagram, 160), &p), 0);
	assert_span(p.covered, SPAN(datagram, 128));
	encode(&samples[1].packet, datagram);
	assert_int_equal(packet_decode(SPAN(datagram, 108), &p), 0);
	assert_span(p.covered, SPAN(datagram, 76));
	encode(&samples[5].packet, datagram);
	assert_int_equal(packet_decode(SPAN(datagram, 44), &p), 0);
	assert_span(p.covered, SPAN(datagram, 28));
	encode(&samples[3].packet, datagram);
	assert_int_equal(packet_decode(SPAN(datagram, 32), &p), 0);
	assert_span(p.covered, SPAN(datagram, 16));
}

static void test_sizes(void **state)
{
	uint8_t datagram[PACKET_MAX + 1] = { 0 };
	struct packet p;

	(void)state;
	fill();
	for (size_t i = 0; i < SAMPLES; i++) {
		bool data = samples[i].packet.type == PACKET_DATA;

		encode(&samples[i].packet, datagram);
		for (size_t size = 0; size <= PACKET_MAX + 1; size++) {
			bool good = data ? size >= PACKET_DATA_EXTRA && size <= PACKET_MAX
					 : size == samples[i].size;

			assert_int_equal(
				packet_decode(SPAN(datagram, size), &p), good ? 0 : -EPROTO);
		}
	}
}

static void test_types_and_versions(void **state)
{
	uint8_t datagram[PACKET_MAX];
	struct packet p;

	(void)state;
	fill();
	for (size_t i = 0; i < SAMPLES; i++) {
		struct span span = SPAN(datagram, encode(&samples[i].packet, datagram));

		for (int version = 0; version < 256; version++) {
			datagram[1] = (uint8_t)version;
			assert_int_equal(packet_decode(span, &p),
				version == PACKET_VERSION ? 0 : -EPROTONOSUPPORT);
		}
		datagram[1] = PACKET_VERSION;
		/* Flags of a later version are no reason to refuse. */
		datagram[2] = datagram[3] = 0xff;
		assert_int_equal(packet_decode(span, &p), 0);
		assert_int_equal(p.flags, 0xffff);
		for (int type = 0; type < 256; type++) {
			if (type >= PACKET_INIT && type <= PACKET_ECHO)
				continue;
			datagram[0] = (uint8_t)type;
			assert_int_equal(packet_decode(span, &p), -EPROTO);
		}
	}
}

static void assert_refused(const struct packet *p, size_t room)
{
	uint8_t datagram[PACKET_MAX + 16];
	struct writer w = writer_over(datagram, room);

	packet_encode(&w, p);
	assert_true(w.failed);
}

static void test_encode_refuses(void **state)
{
	(void)state;
	fill();
	for (size_t i = 0; i < SAMPLES; i++) {
		struct packet p = samples[i].packet;
		struct span *const parts[] = { &p.body, &p.nonce, &p.mac1, &p.mac2 };

		for (size_t room = 0; room < samples[i].size; room++)
			assert_refused(&p, room);
		for (size_t part = 0; part < 4; part++) {
			if (!parts[part]->size)
				continue;
			parts[part]->size--;
			if (p.type != PACKET_DATA || p.body.size < PACKET_MAC)
				assert_refused(&p, PACKET_MAX + 16);
			parts[part]->size += 2;
			if (p.type != PACKET_DATA || p.body.size > PACKET_DATA_MAX + PACKET_MAC)
				assert_refused(&p, PACKET_MAX + 16);
			parts[part]->size--;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_types_and_versions),
		cmocka_unit_test(test_encode_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
