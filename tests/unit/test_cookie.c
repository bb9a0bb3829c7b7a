// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/cookie.h"
#include "wire/session.h"

struct fixture {
	struct session_self agent, cma;
	struct cookie_jar jar;
	struct addr from;
	struct session_call call;
	uint8_t init[PACKET_INIT_SIZE];
	struct packet p; /* of init */
};

static void refresh(struct fixture *f, int64_t seconds)
{
	cookie_refresh(&f->jar, (struct instant){ (1 + seconds) * NS_PER_SEC }, seal_draw, NULL);
}

static void self_init(struct session_self *self, uint8_t seed)
{
	struct key_pair pair;

	memset(pair.secret, seed, SEAL_KEY);
	seal_public(pair.secret, pair.public);
	session_self_init(self, &pair);
}

static struct fixture setup(void)
{
	static const uint8_t ephemeral[SEAL_KEY] = { 9 };
	const struct session_hello hello = { .incarnation = 1 };
	struct fixture f = { .p = { .sender = 0 } };

	self_init(&f.agent, 1);
	self_init(&f.cma, 2);
	assert_int_equal(addr_parse("10.0.0.7:5555", &f.from), 0);
	assert_int_equal(
		session_call(&f.call, &f.agent, f.cma.key.public, ephemeral, 77, &hello, f.init),
		0);
	refresh(&f, 0);
	return f;
}

static bool is_good(struct fixture *f)
{
	struct packet p;

	assert_int_equal(packet_decode(SPAN(f->init, sizeof(f->init)), &p), 0);
	return cookie_is_good(&f->jar, &f->from, &p);
}

static void retry(struct fixture *f, uint32_t after_ms, uint8_t datagram[PACKET_RETRY_SIZE])
{
	struct cookie_reply reply = { .after_ms = after_ms };
	uint8_t nonce[SEAL_NONCE];
	struct packet p;

	assert_int_equal(packet_decode(SPAN(f->init, sizeof(f->init)), &p), 0);
	seal_random(nonce, sizeof(nonce));
	cookie_make(&f->jar, &f->from, reply.cookie);
	cookie_seal(&reply, f->cma.key.public, &p, SPAN(nonce, sizeof(nonce)), datagram);
}

static void sign(struct fixture *f)
{
	uint8_t cookie[COOKIE_SIZE];

	cookie_make(&f->jar, &f->from, cookie);
	cookie_sign(cookie, f->init);
}

static void test_round_trip(void **state)
{
	struct fixture f = setup();
	uint8_t datagram[PACKET_RETRY_SIZE], init[PACKET_INIT_SIZE];
	struct cookie_reply reply;
	struct packet p;

	(void)state;
	assert_false(is_good(&f));
	retry(&f, 4321, datagram);
	assert_int_equal(packet_decode(SPAN(datagram, sizeof(datagram)), &p), 0);
	assert_int_equal(p.type, PACKET_RETRY);
	assert_int_equal(p.receiver, 77);
	assert_int_equal(cookie_open(f.cma.key.public, f.init, &p, &reply), 0);
	assert_int_equal(reply.after_ms, 4321);
	memcpy(init, f.init, sizeof(init));
	cookie_sign(reply.cookie, f.init);
	assert_true(is_good(&f));
	/* Nothing but mac2 is changed. */
	assert_memory_equal(init, f.init, PACKET_INIT_SIZE - PACKET_MAC);
}

/* Every byte of RETRY counts, and so does the INIT that it answers. */
static void test_forged(void **state)
{
	struct fixture f = setup();
	uint8_t datagram[PACKET_RETRY_SIZE];
	struct cookie_reply reply;
	struct packet p;

	(void)state;
	retry(&f, 1, datagram);
	for (size_t i = PACKET_HEADER + 4; i < sizeof(datagram); i++) {
		datagram[i] ^= 1;
		assert_int_equal(packet_decode(SPAN(datagram, sizeof(datagram)), &p), 0);
		assert_int_equal(cookie_open(f.cma.key.public, f.init, &p, &reply), -EBADMSG);
		datagram[i] ^= 1;
	}
	assert_int_equal(packet_decode(SPAN(datagram, sizeof(datagram)), &p), 0);
	assert_int_equal(cookie_open(f.agent.key.public, f.init, &p, &reply), -EBADMSG);
	f.init[PACKET_INIT_SIZE - 2 * PACKET_MAC] ^= 1;
	assert_int_equal(cookie_open(f.cma.key.public, f.init, &p, &reply), -EBADMSG);
}

static void test_bound_to_address(void **state)
{
	struct fixture f = setup();

	(void)state;
	sign(&f);
	assert_true(is_good(&f));
	f.from.port++;
	assert_false(is_good(&f));
	f.from.port--;
	f.from.ip[15]++;
	assert_false(is_good(&f));
}

/* mac2 covers all of INIT. */
static void test_bound_to_init(void **state)
{
	struct fixture f = setup();

	(void)state;
	sign(&f);
	for (size_t i = PACKET_HEADER; i < PACKET_INIT_SIZE; i++) {
		f.init[i] ^= 1;
		assert_false(is_good(&f));
		f.init[i] ^= 1;
	}
	assert_true(is_good(&f));
}

static void test_secret_changes(void **state)
{
	struct fixture f = setup();
	uint8_t before[COOKIE_SIZE], after[COOKIE_SIZE];

	(void)state;
	sign(&f);
	cookie_make(&f.jar, &f.from, before);
	refresh(&f, COOKIE_LIFE_S - 1);
	cookie_make(&f.jar, &f.from, after);
	assert_memory_equal(before, after, COOKIE_SIZE);
	refresh(&f, COOKIE_LIFE_S);
	cookie_make(&f.jar, &f.from, after);
	assert_memory_not_equal(before, after, COOKIE_SIZE);
	assert_true(is_good(&f));
	refresh(&f, 2 * COOKIE_LIFE_S);
	assert_false(is_good(&f));
	/* After a long silence neither secret is an old one. */
	sign(&f);
	refresh(&f, 10 * COOKIE_LIFE_S);
	assert_false(is_good(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_bound_to_address),
		cmocka_unit_test(test_bound_to_init),
		cmocka_unit_test(test_secret_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
