// SPDX-License-Identifier: Apache-2.0
/*
 * A handshake and what follows it, from keys and "randomness" that are the same each time, as each
 * release wrote it (tests/unit/golden.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/golden.h"
#include "wire/cookie.h"
#include "wire/keys.h"
#include "wire/message.h"
#include "wire/session.h"
#include "wire/stream.h"
#include "wire/welcome.h"

static const uint8_t zeroes[128];

/* What either end says, in this order. */
static const struct record records[] = {
	{ .kind = RECORD_FRAGMENT,
		.stream = STREAM_STATE,
		.fragment = { 1, 0, 1, 0, { zeroes, 20 } } },
	{ .kind = RECORD_ACK, .ack = { 1, 64, { zeroes, 0 } } },
	{ .kind = RECORD_WANT, .want = { 1, 1 << SECTION_LISTEN } },
	{ .kind = RECORD_RESET_TOKEN, .reset_token = { "golden token" } },
	{ .kind = RECORD_BYE },
	{ .kind = RECORD_COMMAND, .command = { 1800000000000, 5000, { zeroes, 128 } } },
	{ .kind = RECORD_NEW_KEY, .new_key = { "golden key" } },
};

enum step {
	STEP_CALL,    /* of an agent with a token */
	STEP_RETRY,   /* the CMA is busy */
	STEP_AGAIN,   /* with mac2 */
	STEP_ANSWER,  /* RESP */
	STEP_TELL,    /* the agent's records */
	STEP_ACK,     /* the CMA's */
	STEP_COMMAND, /* one more */
	STEP_RESET,   /* the CMA was restarted */
	STEP_RETURN,  /* of an agent that is known, on a stream that the CMA made it begin */
	STEPS,
};

static const char *const step_names[STEPS] = { "exchange-1-init", "exchange-2-retry",
	"exchange-3-init-mac2", "exchange-4-resp", "exchange-5-data", "exchange-6-data",
	"exchange-7-data", "exchange-8-unknown", "exchange-9-init" };

/* Either end, with keys and "randomness" that are the same each time. */
struct exchange {
	struct session_self agent, cma;
	struct session_call call;
	struct session_heard heard;
	struct session at_agent, at_cma;
	uint8_t psk[SEAL_KEY];
	struct cookie_reply cookie;
	uint8_t data[STEPS][PACKET_MAX];
	size_t size[STEPS];
};

enum { AGENT_INDEX = 0x01020304, CMA_INDEX = 0x11121314, AFTER_MS = 1234 };

static const struct session_hello hello_enrol = {
	.incarnation = 0x0102030405060708, .enrol = true, .token_id = "golden!", .tenant = 3
};
static const struct session_hello hello_known = {
	.incarnation = 0x0102030405060709, .restarted = true, .epoch = 0x0102030405060708, .seq = 9
};
static const struct session_welcome welcome = { .epoch = 17, .flags = WELCOME_OK, .credit = 64 };

static void set_up(struct exchange *x)
{
	uint8_t secret[SEAL_KEY];
	struct key_pair pair;

	memset(secret, 1, sizeof(secret));
	keys_from_secret(&pair, secret);
	session_self_init(&x->agent, &pair);
	memset(secret, 2, sizeof(secret));
	keys_from_secret(&pair, secret);
	session_self_init(&x->cma, &pair);
	memset(secret, 3, sizeof(secret));
	keys_agent_psk(secret, x->agent.key.public, x->psk);
}

static struct packet packet_of(const struct exchange *x, enum step step)
{
	struct packet p;

	assert_int_equal(packet_decode(SPAN(x->data[step], x->size[step]), &p), 0);
	return p;
}

/* INIT, at the agent. x->call is of the last one. */
static void write_call(struct exchange *x, enum step step, const struct session_hello *hello)
{
	uint8_t ephemeral[SEAL_KEY];

	memset(ephemeral, 4, sizeof(ephemeral));
	assert_int_equal(session_call(&x->call, &x->agent, x->cma.key.public, ephemeral,
				 AGENT_INDEX, hello, x->data[step]),
		0);
	x->size[step] = PACKET_INIT_SIZE;
}

static void write_retry(struct exchange *x)
{
	struct packet p = packet_of(x, STEP_CALL);

	x->cookie.after_ms = AFTER_MS;
	memset(x->cookie.cookie, 5, COOKIE_SIZE);
	cookie_seal(
		&x->cookie, x->cma.key.public, &p, SPAN(zeroes, SEAL_NONCE), x->data[STEP_RETRY]);
	x->size[STEP_RETRY] = PACKET_RETRY_SIZE;
	memcpy(x->data[STEP_AGAIN], x->data[STEP_CALL], PACKET_INIT_SIZE);
	cookie_sign(x->cookie.cookie, x->data[STEP_AGAIN]);
	x->size[STEP_AGAIN] = PACKET_INIT_SIZE;
}

/* The CMA hears INIT and answers; what the agent heard becomes its session. */
static void answer(struct exchange *x, uint8_t resp[PACKET_RESP_SIZE])
{
	uint8_t ephemeral[SEAL_KEY];
	struct packet p = packet_of(x, STEP_AGAIN);
	struct instant now = { 0 };

	memset(ephemeral, 6, sizeof(ephemeral));
	assert_int_equal(session_heard(&x->heard, &x->cma, &p), 0);
	assert_int_equal(session_hear_hello(&x->heard, &x->cma, NULL, &p), 0);
	assert_int_equal(session_answer(&x->heard, x->psk, ephemeral, CMA_INDEX, &welcome, now,
				 resp, &x->at_cma),
		0);
}

static void hear_answer(struct exchange *x)
{
	struct packet p = packet_of(x, STEP_ANSWER);
	struct session_welcome got;
	struct instant now = { 0 };

	assert_int_equal(
		session_answered(&x->call, &x->agent, x->psk, &p, now, &x->at_agent, &got), 0);
	assert_true(got.epoch == welcome.epoch);
	assert_int_equal(got.flags, welcome.flags);
	assert_int_equal(got.credit, welcome.credit);
}

static void write_data(
	struct exchange *x, enum step step, struct session *session, unsigned from, unsigned until)
{
	uint8_t memory[PACKET_MAX];
	struct writer plain = writer_over(memory, sizeof(memory));
	struct writer w = writer_over(x->data[step], PACKET_MAX);

	for (unsigned i = from; i <= until; i++)
		record_encode(&plain, &records[i]);
	assert_int_equal(session_seal(session, writer_span(&plain), &w), 0);
	x->size[step] = w.size;
}

/* What stands in DATA is, record by record, what was written. */
static void read_data(const struct exchange *x, enum step step, struct session *session,
	unsigned from, unsigned until)
{
	uint8_t memory[PACKET_MAX], again[PACKET_MAX];
	struct writer w = writer_over(again, sizeof(again));
	struct packet p = packet_of(x, step);
	struct record record;
	struct reader r;
	struct span plain;

	assert_int_equal(session_open(session, &p, memory, &plain), 0);
	r = reader_of(plain);
	for (unsigned i = from; i <= until; i++) {
		assert_true(record_next(&r, &record));
		assert_int_equal(record.kind, records[i].kind);
		record_encode(&w, &records[i]);
	}
	assert_true(reader_done(&r));
	golden_assert_same(plain, writer_span(&w));
}

static void write_exchange(struct exchange *x)
{
	struct packet data;

	write_call(x, STEP_CALL, &hello_enrol);
	write_retry(x);
	answer(x, x->data[STEP_ANSWER]);
	x->size[STEP_ANSWER] = PACKET_RESP_SIZE;
	hear_answer(x);
	write_data(x, STEP_TELL, &x->at_agent, 0, 0);
	data = packet_of(x, STEP_TELL);
	x->at_cma.confirmed = true;
	write_data(x, STEP_ACK, &x->at_cma, 1, 4);
	write_data(x, STEP_COMMAND, &x->at_cma, 5, 6);
	session_reset(&x->cma, &data, x->data[STEP_RESET]);
	x->size[STEP_RESET] = PACKET_UNKNOWN_SIZE;
	write_call(x, STEP_RETURN, &hello_known);
}

static void read_hello(struct exchange *x, enum step step, const struct session_hello *expect)
{
	struct packet p = packet_of(x, step);
	struct session_heard heard;

	assert_int_equal(session_heard(&heard, &x->cma, &p), 0);
	assert_memory_equal(heard.noise.peer, x->agent.key.public, SEAL_KEY);
	assert_int_equal(session_hear_hello(&heard, &x->cma, NULL, &p), 0);
	assert_int_equal(heard.remote, AGENT_INDEX);
	assert_true(heard.hello.incarnation == expect->incarnation);
	assert_int_equal(heard.hello.enrol, expect->enrol);
	assert_int_equal(heard.hello.restarted, expect->restarted);
	assert_memory_equal(heard.hello.token_id, expect->token_id, SESSION_TOKEN_ID);
	assert_true(heard.hello.tenant == expect->tenant && heard.hello.epoch == expect->epoch);
	assert_true(heard.hello.seq == expect->seq);
}

/* Each datagram as its receiver does; of a release that came before, too. */
static void read_exchange(const char *release)
{
	struct exchange x = { .size = { 0 } };
	uint8_t resp[PACKET_RESP_SIZE], token[SESSION_TOKEN];
	struct cookie_reply reply;
	struct packet p;

	for (enum step step = 0; step < STEPS; step++) {
		struct span bytes = golden_load(release, step_names[step]);

		assert_in_range(bytes.size, 1, PACKET_MAX);
		memcpy(x.data[step], bytes.data, bytes.size);
		x.size[step] = bytes.size;
		free((void *)bytes.data);
	}
	set_up(&x);
	read_hello(&x, STEP_CALL, &hello_enrol);
	read_hello(&x, STEP_AGAIN, &hello_enrol);
	read_hello(&x, STEP_RETURN, &hello_known);
	p = packet_of(&x, STEP_RETRY);
	assert_int_equal(cookie_open(x.cma.key.public, x.data[STEP_CALL], &p, &reply), 0);
	assert_int_equal(reply.after_ms, AFTER_MS);
	memcpy(resp, x.data[STEP_CALL], sizeof(resp));
	cookie_sign(reply.cookie, x.data[STEP_CALL]);
	assert_memory_equal(x.data[STEP_CALL], x.data[STEP_AGAIN], PACKET_INIT_SIZE);
	answer(&x, resp);
	/* The call under the same "randomness" is the one that RESP answers. */
	write_call(&x, STEP_CALL, &hello_enrol);
	hear_answer(&x);
	read_data(&x, STEP_TELL, &x.at_cma, 0, 0);
	read_data(&x, STEP_ACK, &x.at_agent, 1, 4);
	read_data(&x, STEP_COMMAND, &x.at_agent, 5, 6);
	session_reset_token(&x.cma, CMA_INDEX, token);
	p = packet_of(&x, STEP_RESET);
	assert_true(session_is_reset(&x.at_agent, token, &p));
}

static void test_exchange(void **state)
{
	struct exchange x = { .size = { 0 } };

	(void)state;
	set_up(&x);
	write_exchange(&x);
	for (enum step step = 0; step < STEPS; step++)
		golden_keep(step_names[step], SPAN(x.data[step], x.size[step]));
	golden_each(read_exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
