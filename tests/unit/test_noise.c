// SPDX-License-Identifier: Apache-2.0
/* The official vectors, byte for byte, and that nothing altered passes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "wire/noise.h"

enum { FIELD_MAX = 1024 };

struct field {
	uint8_t data[FIELD_MAX];
	size_t size;
};

static struct span span_of(const struct field *field)
{
	return SPAN(field->data, field->size);
}

/* object[key] is hex. */
static struct field field_of(const json_t *object, const char *key)
{
	const char *text = json_get_text(object, key);
	struct field field = { .size = strlen(text) / 2 };

	assert_true(field.size <= FIELD_MAX);
	assert_int_equal(text_parse_hex(text, field.data, field.size), 0);
	return field;
}

static struct key_pair pair_of(const json_t *vector, const char *key)
{
	struct key_pair pair;

	memcpy(pair.secret, field_of(vector, key).data, SEAL_KEY);
	seal_public(pair.secret, pair.public);
	return pair;
}

struct ends {
	struct noise initiator, responder;
	struct key_pair init_static, resp_static;
};

static void run_handshake(const json_t *vector, const json_t *messages, struct ends *ends)
{
	struct field prologue = field_of(vector, "init_prologue");
	struct field init_e = field_of(vector, "init_ephemeral");
	struct field resp_e = field_of(vector, "resp_ephemeral"), psk = { .size = 32 };
	struct field one = field_of(json_array_get(messages, 0), "payload");
	struct field two = field_of(json_array_get(messages, 1), "payload");
	struct field sealed_one = field_of(json_array_get(messages, 0), "ciphertext");
	struct field sealed_two = field_of(json_array_get(messages, 1), "ciphertext");
	uint8_t out[FIELD_MAX];

	assert_int_equal(text_parse_hex(json_string_value(json_array_get(
						json_object_get(vector, "init_psks"), 0)),
				 psk.data, 32),
		0);
	ends->init_static = pair_of(vector, "init_static");
	ends->resp_static = pair_of(vector, "resp_static");
	assert_memory_equal(
		ends->resp_static.public, field_of(vector, "init_remote_static").data, 32);

	assert_int_equal(noise_write_init(&ends->initiator, span_of(&prologue), &ends->init_static,
				 ends->resp_static.public, init_e.data, span_of(&one), out),
		0);
	assert_int_equal(one.size + NOISE_INIT_EXTRA, sealed_one.size);
	assert_memory_equal(out, sealed_one.data, sealed_one.size);

	assert_int_equal(noise_read_static(&ends->responder, span_of(&prologue), &ends->resp_static,
				 span_of(&sealed_one)),
		0);
	assert_memory_equal(ends->responder.peer, ends->init_static.public, 32);
	assert_int_equal(noise_read_init(&ends->responder, &ends->resp_static, NULL,
				 span_of(&sealed_one), out),
		0);
	assert_memory_equal(out, one.data, one.size);

	assert_int_equal(
		noise_write_resp(&ends->responder, psk.data, resp_e.data, span_of(&two), out), 0);
	assert_int_equal(two.size + NOISE_RESP_EXTRA, sealed_two.size);
	assert_memory_equal(out, sealed_two.data, sealed_two.size);
	assert_int_equal(noise_read_resp(&ends->initiator, &ends->init_static, psk.data,
				 span_of(&sealed_two), out),
		0);
	assert_memory_equal(out, two.data, two.size);
}

static void run_transport(const json_t *messages, const struct ends *ends)
{
	uint8_t init_send[32], init_receive[32], resp_send[32], resp_receive[32], out[FIELD_MAX];

	noise_split(&ends->initiator, init_send, init_receive);
	noise_split(&ends->responder, resp_receive, resp_send);
	for (size_t i = 2; i < json_array_size(messages); i++) {
		struct field plain = field_of(json_array_get(messages, i), "payload");
		struct field sealed = field_of(json_array_get(messages, i), "ciphertext");
		const uint8_t *send = i % 2 ? resp_send : init_send;
		const uint8_t *receive = i % 2 ? init_receive : resp_receive;
		struct span none = { NULL, 0 };

		seal_encrypt(send, i / 2 - 1, none, span_of(&plain), out);
		assert_memory_equal(out, sealed.data, sealed.size);
		assert_int_equal(seal_decrypt(receive, i / 2 - 1, none, span_of(&sealed), out), 0);
		assert_memory_equal(out, plain.data, plain.size);
	}
}

static void test_vectors(void **state)
{
	size_t size, i;
	char *text autofree = file_read(
		AT_FDCWD, "tests/data/noise/ik_25519_chachapoly_sha256.json", 1 << 20, &size);
	json_t *file autojson = NULL, *vector;
	int ran = 0;

	(void)state;
	assert_non_null(text);
	file = json_parse(SPAN(text, size), 1 << 20, NULL, 0);
	json_array_foreach (json_object_get(file, "vectors"), i, vector) {
		const json_t *messages = json_object_get(vector, "messages");
		struct field hash = field_of(vector, "handshake_hash");
		struct ends ends;

		if (strcmp(json_get_text(vector, "protocol_name"),
			    "Noise_IKpsk2_25519_ChaChaPoly_SHA256"))
			continue;
		run_handshake(vector, messages, &ends);
		assert_memory_equal(ends.initiator.hash, ends.responder.hash, 32);
		assert_memory_equal(ends.initiator.hash, hash.data, 32);
		assert_true(json_array_size(messages) > 2);
		run_transport(messages, &ends);
		ran++;
	}
	assert_int_equal(ran, 1);
}

/* Two ends with fixed keys, as far as the first message. */
struct pair {
	struct key_pair a, b;
	uint8_t ephemeral_a[32], ephemeral_b[32], psk[32];
	struct noise noise;
	uint8_t init[NOISE_INIT_EXTRA + 4], resp[NOISE_RESP_EXTRA + 4];
};

static const struct span prologue = { (const uint8_t *)"prologue", 8 };

static void pair_init(struct pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	memset(pair->a.secret, 1, 32);
	memset(pair->b.secret, 2, 32);
	memset(pair->ephemeral_a, 3, 32);
	memset(pair->ephemeral_b, 4, 32);
	memset(pair->psk, 5, 32);
	seal_public(pair->a.secret, pair->a.public);
	seal_public(pair->b.secret, pair->b.public);
	assert_int_equal(noise_write_init(&pair->noise, prologue, &pair->a, pair->b.public,
				 pair->ephemeral_a, SPAN_TEXT("init"), pair->init),
		0);
}

/* What the responder says to the first message as it is now. */
static int respond(struct pair *pair, struct span with_prologue)
{
	struct span message = SPAN(pair->init, sizeof(pair->init));
	struct noise responder;
	uint8_t payload[4];
	int err = noise_read_static(&responder, with_prologue, &pair->b, message);

	if (!err)
		err = noise_read_init(&responder, &pair->b, NULL, message, payload);
	if (!err)
		err = noise_write_resp(
			&responder, pair->psk, pair->ephemeral_b, SPAN_TEXT("resp"), pair->resp);
	return err;
}

static void test_every_bit(void **state)
{
	struct pair pair;
	uint8_t payload[4];

	(void)state;
	pair_init(&pair);
	for (size_t bit = 0; bit < sizeof(pair.init) * 8; bit++) {
		pair.init[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(respond(&pair, prologue), -EBADMSG);
		pair.init[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(respond(&pair, SPAN_TEXT("prologuE")), -EBADMSG);
	assert_int_equal(respond(&pair, prologue), 0);
	for (size_t bit = 0; bit < sizeof(pair.resp) * 8; bit++) {
		pair.resp[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(noise_read_resp(&pair.noise, &pair.a, pair.psk,
					 SPAN(pair.resp, sizeof(pair.resp)), payload),
			-EBADMSG);
		pair.resp[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* None of the forgeries has done harm to the initiator. */
	assert_int_equal(noise_read_resp(&pair.noise, &pair.a, pair.psk,
				 SPAN(pair.resp, sizeof(pair.resp)), payload),
		0);
	assert_memory_equal(payload, "resp", 4);
}

static void test_every_prefix(void **state)
{
	struct pair pair;
	struct noise responder;
	uint8_t payload[4];

	(void)state;
	pair_init(&pair);
	for (size_t size = 0; size < sizeof(pair.init); size++) {
		struct span part = SPAN(pair.init, size);
		int err = noise_read_static(&responder, prologue, &pair.b, part);

		assert_int_equal(err, size < NOISE_STATIC ? -EBADMSG : 0);
		if (!err)
			assert_int_equal(noise_read_init(&responder, &pair.b, NULL, part, payload),
				-EBADMSG);
	}
	assert_int_equal(respond(&pair, prologue), 0);
	for (size_t size = 0; size < sizeof(pair.resp); size++)
		assert_int_equal(noise_read_resp(&pair.noise, &pair.a, pair.psk,
					 SPAN(pair.resp, size), payload),
			-EBADMSG);
}

static void test_wrong_keys(void **state)
{
	struct pair pair;
	struct key_pair stranger;
	uint8_t payload[4], wrong_psk[32] = { 9 }, shared[32];
	struct noise responder, with_shared;
	struct span message = SPAN(pair.init, sizeof(pair.init));

	(void)state;
	pair_init(&pair);
	memset(stranger.secret, 7, 32);
	seal_public(stranger.secret, stranger.public);
	assert_int_equal(noise_read_static(&responder, prologue, &stranger, message), -EBADMSG);
	assert_int_equal(respond(&pair, prologue), 0);
	assert_int_equal(noise_read_resp(&pair.noise, &pair.a, wrong_psk,
				 SPAN(pair.resp, sizeof(pair.resp)), payload),
		-EBADMSG);
	assert_int_equal(noise_read_resp(&pair.noise, &stranger, pair.psk,
				 SPAN(pair.resp, sizeof(pair.resp)), payload),
		-EBADMSG);

	/* The product of the static keys that was kept does the same as computing it, */
	assert_int_equal(noise_read_static(&responder, prologue, &pair.b, message), 0);
	with_shared = responder;
	assert_int_equal(seal_exchange(pair.b.secret, pair.a.public, shared), 0);
	assert_int_equal(noise_read_init(&responder, &pair.b, NULL, message, payload), 0);
	assert_int_equal(noise_read_init(&with_shared, &pair.b, shared, message, payload), 0);
	assert_memory_equal(&responder, &with_shared, sizeof(responder));
	/* and a wrong one (an impostor who knows the agent's public key) does not pass. */
	assert_int_equal(noise_read_static(&responder, prologue, &pair.b, message), 0);
	shared[0] ^= 1;
	assert_int_equal(noise_read_init(&responder, &pair.b, shared, message, payload), -EBADMSG);
}

static void test_low_order(void **state)
{
	static const uint8_t zero[32];
	struct pair pair;
	struct noise noise = { .hash = { 1 } }, before = noise;

	(void)state;
	pair_init(&pair);
	assert_int_equal(noise_write_init(&noise, prologue, &pair.a, zero, pair.ephemeral_a,
				 SPAN_TEXT("init"), pair.init),
		-EBADMSG);
	assert_memory_equal(&noise, &before, sizeof(noise));
	memset(pair.init, 0, 32);
	assert_int_equal(respond(&pair, prologue), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_low_order),
	};

	if (seal_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
