// SPDX-License-Identifier: Apache-2.0
/*
 * An agent and a CMA that know each other, and somebody between them who knows both public keys:
 * the input is laid over one of their datagrams (u8 which | u8 make mac1 right | bytes to XOR).
 * What was altered is never taken.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/session.h"

static const uint8_t psk[SEAL_KEY] = { 3 }, ephemeral[SEAL_KEY] = { 4 };
static const struct instant now = { 0 };

static struct session_self self_of(uint8_t seed)
{
	uint8_t secret[SEAL_KEY] = { seed };
	struct session_self self;
	struct key_pair pair;

	memcpy(pair.secret, secret, SEAL_KEY);
	seal_public(pair.secret, pair.public);
	session_self_init(&self, &pair);
	return self;
}

/* True when bytes were changed outside [from, to). */
static bool alter(uint8_t *datagram, size_t size, struct reader *mask, size_t from, size_t to)
{
	bool altered = false;

	for (size_t i = 0; i < size && mask->left.size; i++) {
		uint8_t flip = get_u8(mask);

		datagram[i] ^= flip;
		altered = altered || (flip && (i < from || i >= to));
	}
	return altered;
}

static void fix_mac1(const struct session_self *receiver, uint8_t *datagram, size_t size)
{
	seal_mac(receiver->mac1_key, SPAN(datagram, size - 32), datagram + size - 32);
}

static int hear(const struct session_self *cma, const uint8_t *init, struct session_heard *heard)
{
	struct packet p;
	int err = packet_decode(SPAN(init, PACKET_INIT_SIZE), &p);

	if (!err && p.type != PACKET_INIT)
		err = -1;
	if (!err)
		err = session_heard(heard, cma, &p);
	return err ? err : session_hear_hello(heard, cma, NULL, &p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_self agent = self_of(1), cma = self_of(2);
	struct session_hello hello = { .incarnation = 5 };
	struct session_welcome welcome = { .epoch = 6 };
	struct session_call call;
	struct session_heard heard;
	struct session session;
	struct packet p;
	struct reader r = reader_of(SPAN(data, size));
	uint8_t init[PACKET_INIT_SIZE], resp[PACKET_RESP_SIZE], which = get_u8(&r),
								fix = get_u8(&r);
	bool altered;

	fuzz_require(!session_call(&call, &agent, cma.key.public, ephemeral, 7, &hello, init));
	if (which & 1) {
		altered = alter(init, sizeof(init), &r, fix & 1 ? 128 : 144, 160);
		if (fix & 1)
			fix_mac1(&cma, init, sizeof(init));
		fuzz_require(!hear(&cma, init, &heard) == !altered);
		return 0;
	}
	fuzz_require(!hear(&cma, init, &heard));
	fuzz_require(!session_answer(&heard, psk, ephemeral, 8, &welcome, now, resp, &session));
	/* The header with the index of the CMA is under mac1 alone. */
	altered = alter(resp, sizeof(resp), &r, fix & 1 ? 76 : 92, 108);
	if (fix & 1)
		fix_mac1(&agent, resp, sizeof(resp));
	if (packet_decode(SPAN(resp, sizeof(resp)), &p) || p.type != PACKET_RESP) {
		fuzz_require(altered);
		return 0;
	}
	if (session_answered(&call, &agent, psk, &p, now, &session, &welcome))
		fuzz_require(altered);
	else
		fuzz_require((fix & 1 || !altered) && welcome.epoch == 6);
	return 0;
}
