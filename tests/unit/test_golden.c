// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of each release, kept in tests/data/golden/RELEASE/, one file for each kind of
 * datagram, record and message, and a handshake with what follows it. Every release is read, and
 * what the code writes is to the last bit what that release wrote. With GOLDEN=write the files of
 * VERSION that are missing are made; docs/protocol.md (Versions) says when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/unit/golden.h"
#include "wire/certificate.h"
#include "wire/message.h"
#include "wire/pack.h"
#include "wire/packet.h"
#include "wire/session.h"
#include "wire/stream.h"
#include "wire/token.h"
#include "wire/warrant.h"

/* What each file holds. make writes it; read takes it from any release. */
struct specimen {
	char name[32];
	void (*make)(const struct specimen *specimen, struct writer *w);
	void (*read)(const struct specimen *specimen, struct span bytes);
	union {
		struct packet packet;
		struct record record;
		struct message message;
	};
};

enum { SPECIMENS_MAX = 64, PATTERN = 128 };

static struct specimen specimens[SPECIMENS_MAX];
static size_t specimen_count;
static uint8_t pattern[PATTERN];
static uint8_t facts_bytes[512];
static struct span facts;

/* ---- datagrams by their layout, records, messages ------------------------------------------- */

static void packet_make(const struct specimen *specimen, struct writer *w)
{
	packet_encode(w, &specimen->packet);
}

static void packet_read(const struct specimen *specimen, struct span bytes)
{
	uint8_t again[PACKET_MAX];
	struct writer w = writer_over(again, sizeof(again));
	struct packet p;

	assert_int_equal(packet_decode(bytes, &p), 0);
	assert_int_equal(p.type, specimen->packet.type);
	packet_encode(&w, &p);
	golden_assert_same(writer_span(&w), bytes);
}

static void record_make(const struct specimen *specimen, struct writer *w)
{
	record_encode(w, &specimen->record);
}

static void record_read(const struct specimen *specimen, struct span bytes)
{
	struct writer w cleanup(writer_free) = writer_growing(PACKET_MAX);
	struct reader r = reader_of(bytes);
	struct record record;

	assert_true(record_next(&r, &record));
	assert_int_equal(record.kind, specimen->record.kind);
	assert_int_equal(record.stream, specimen->record.stream);
	record_encode(&w, &record);
	golden_assert_same(writer_span(&w), bytes);
	assert_false(record_next(&r, &record));
	assert_true(reader_done(&r));
}

static void message_make(const struct specimen *specimen, struct writer *w)
{
	message_encode(w, &specimen->message);
}

static void message_read(const struct specimen *specimen, struct span bytes)
{
	struct writer w cleanup(writer_free) = writer_growing(PACKET_MAX);
	struct message message;

	assert_int_equal(message_decode(bytes, &message), 0);
	assert_int_equal(message.kind, specimen->message.kind);
	message_encode(&w, &message);
	golden_assert_same(writer_span(&w), bytes);
}

/* ---- what is packed, signed, or text -------------------------------------------------------- */

static struct span changes(uint8_t *memory, size_t size)
{
	struct message message = { .kind = MESSAGE_CHANGES, .changes.facts = facts };
	struct writer w = writer_over(memory, size);

	message_encode(&w, &message);
	assert_false(w.failed);
	return writer_span(&w);
}

/* Which bytes a zlib makes is its own affair: what it made must be read. */
static void packed_make(const struct specimen *specimen, struct writer *w)
{
	struct pack *pack = pack_new();
	uint8_t memory[512];

	(void)specimen;
	assert_true(pack_deflate(pack, 6, changes(memory, sizeof(memory)), w));
	pack_free(pack);
}

static void packed_read(const struct specimen *specimen, struct span bytes)
{
	struct writer w cleanup(writer_free) = writer_growing(PACKET_MAX);
	struct pack *pack = pack_new();
	uint8_t memory[512];
	struct span expect = changes(memory, sizeof(memory));

	(void)specimen;
	assert_int_equal(pack_inflate(pack, bytes, expect.size, &w), 0);
	golden_assert_same(writer_span(&w), expect);
	pack_free(pack);
}

static struct sign_pair signer(uint8_t seed)
{
	uint8_t bytes[SIGN_SEED];
	struct sign_pair pair;

	memset(bytes, seed, sizeof(bytes));
	sign_from_seed(&pair, bytes);
	return pair;
}

static void certificate_make(const struct specimen *specimen, struct writer *w)
{
	struct certificate certificate = { .serial = 0x01020304 };
	struct sign_pair root = signer(7);

	(void)specimen;
	memcpy(certificate.key, pattern, SEAL_KEY);
	certificate_sign(&certificate, &root, put_room(w, CERTIFICATE_SIZE));
}

static void certificate_read(const struct specimen *specimen, struct span bytes)
{
	struct sign_pair root = signer(7);
	struct certificate certificate;

	(void)specimen;
	assert_int_equal(bytes.size, CERTIFICATE_SIZE);
	assert_int_equal(certificate_open(bytes.data, root.public, &certificate), 0);
	assert_int_equal(certificate.serial, 0x01020304);
	assert_memory_equal(certificate.key, pattern, SEAL_KEY);
}

static void warrant_make(const struct specimen *specimen, struct writer *w)
{
	struct warrant warrant = { .incarnation = 0x0102030405060708,
		.not_after_ms = 1800000000000,
		.tenant = SPAN_TEXT("default"),
		.name = SPAN_TEXT("rediscover"),
		.argument = SPAN_TEXT("listen") };
	struct sign_pair pair = signer(8);

	(void)specimen;
	memcpy(warrant.id, pattern, WARRANT_ID);
	memcpy(warrant.agent, pattern + WARRANT_ID, SEAL_KEY);
	assert_int_equal(warrant_sign(&warrant, &pair, w), 0);
}

static void warrant_read(const struct specimen *specimen, struct span bytes)
{
	struct warrant warrant;

	(void)specimen;
	assert_int_equal(warrant_decode(bytes, &warrant), 0);
	assert_true(warrant_is_signed(bytes, &warrant));
	assert_true(warrant.incarnation == 0x0102030405060708);
	assert_true(warrant.not_after_ms == 1800000000000);
	golden_assert_same(warrant.name, SPAN_TEXT("rediscover"));
	golden_assert_same(warrant.argument, SPAN_TEXT("listen"));
}

static void token_make(const struct specimen *specimen, struct writer *w)
{
	struct token token = { .has_root = true };
	char text[TOKEN_TEXT_SIZE];

	(void)specimen;
	addr_parse("[2001:db8::1]:1984", &token.cma);
	memcpy(token.cma_public, pattern, SEAL_KEY);
	memcpy(token.id, pattern + 32, TOKEN_ID);
	memcpy(token.secret, pattern + 40, SEAL_KEY);
	memcpy(token.root, pattern + 72, SEAL_KEY);
	token_text(&token, text);
	put_span(w, SPAN_TEXT(text));
}

static void token_read(const struct specimen *specimen, struct span bytes)
{
	char text[TOKEN_TEXT_SIZE] = "", again[TOKEN_TEXT_SIZE];
	struct token token;
	const char *why;

	(void)specimen;
	assert_true(bytes.size < sizeof(text));
	memcpy(text, bytes.data, bytes.size);
	assert_int_equal(token_parse(text, &token, &why), 0);
	token_text(&token, again);
	assert_string_equal(again, text);
}

/* ---- the list ------------------------------------------------------------------------------- */

static const struct packet packets[] = {
	{ .type = PACKET_INIT,
		.flags = PACKET_FLAG_ENROL,
		.sender = 0x01020304,
		.body = { pattern, 120 },
		.mac1 = { pattern + 1, 16 },
		.mac2 = { pattern + 2, 16 } },
	{ .type = PACKET_RESP,
		.sender = 0x11121314,
		.receiver = 0x01020304,
		.body = { pattern + 3, 64 },
		.mac1 = { pattern + 4, 16 },
		.mac2 = { pattern + 5, 16 } },
	{ .type = PACKET_RETRY,
		.receiver = 0x01020304,
		.nonce = { pattern + 6, 24 },
		.body = { pattern + 7, 36 } },
	{ .type = PACKET_DATA,
		.receiver = 0x11121314,
		.counter = 0x0102030405060708,
		.body = { pattern + 8, 48 } },
	{ .type = PACKET_BEAT,
		.receiver = 0x11121314,
		.challenge = 0x2122232425262728,
		.echo = 0x3132333435363738,
		.health = 0x41,
		.state = 0x42,
		.lost = 0x4344,
		.mac1 = { pattern + 9, 16 } },
	{ .type = PACKET_UNKNOWN, .receiver = 0x01020304, .body = { pattern + 10, 16 } },
	{ .type = PACKET_ECHO,
		.receiver = 0x11121314,
		.echo = 0x2122232425262728,
		.challenge = 0x3132333435363738 },
};
static const char *const packet_names[] = { "init", "resp", "retry", "data", "beat", "unknown",
	"echo" };

/* Only what is no array and no borrowed bytes of another place; those are filled in below. */
static struct record records[] = {
	{ .kind = RECORD_FRAGMENT,
		.stream = STREAM_URGENT,
		.fragment = { 0x0102030405060708, 1, 3, 0x11121314, { pattern, 20 } } },
	{ .kind = RECORD_ACK, .ack = { 0x0102030405060708, 64, { pattern, 8 } } },
	{ .kind = RECORD_WANT, .want = { 0x0102030405060708, 0xa55a } },
	{ .kind = RECORD_RESET_TOKEN },
	{ .kind = RECORD_BYE, .bye = { 0 } },
	{ .kind = RECORD_COMMAND,
		.command = { 0x0102030405060708, 0x1112131415161718, { pattern, 100 } } },
	{ .kind = RECORD_NEW_KEY },
	{ .kind = RECORD_RING,
		.ring = { .version = 0x0102030405060708,
			.interval_ms = 1000,
			.echo = 0x1112131415161718,
			.edges = { pattern, 110 } } },
	{ .kind = RECORD_HELD, .held = { 0x0102030405060708, 0x1112131415161718, 1985, 1 } },
};

static struct message messages[] = {
	{ .kind = MESSAGE_CHANGES },
	{ .kind = MESSAGE_RANGE,
		.range = { SECTION_LISTEN, { (const uint8_t *)"tcp", 3 },
			{ (const uint8_t *)"udp", 3 }, { NULL, 0 } } },
	{ .kind = MESSAGE_DIGEST,
		.digest = { .boot = 0x0102030405060708, .whole = 0x1112131415161718 } },
	{ .kind = MESSAGE_RESULT,
		.result = { .status = RESULT_DONE, .text = { (const uint8_t *)"done", 4 } } },
	{ .kind = MESSAGE_LOST, .lost = { 0x0102030405060708, MESSAGE_RESULT } },
	{ .kind = MESSAGE_SIGHT,
		.sight = { 0x01020304, 1, 2, 5, 0x1112, 5200, 0x2122232425262728 } },
};

static struct specimen *add(const char *group, const char *name)
{
	struct specimen *specimen = &specimens[specimen_count++];

	assert_true(specimen_count <= SPECIMENS_MAX);
	snprintf(specimen->name, sizeof(specimen->name), "%s%s", group, name);
	return specimen;
}

static void fill(void)
{
	struct fact there = { SECTION_LISTEN, SPAN_TEXT("tcp 10.0.0.1:80"),
		SPAN_TEXT("{\"addr\":\"10.0.0.1\",\"port\":80,\"proto\":\"tcp\"}") };
	struct fact gone = { .section = SECTION_CLIENT, .key = SPAN_TEXT("nginx tcp 10.0.0.2:1") };
	struct writer w = writer_over(facts_bytes, sizeof(facts_bytes));

	for (size_t i = 0; i < PATTERN; i++)
		pattern[i] = (uint8_t)(i * 37 + 11);
	fact_put(&w, &there);
	fact_put(&w, &gone);
	facts = writer_span(&w);
	memcpy(records[3].reset_token.token, pattern, SESSION_TOKEN);
	memcpy(records[6].new_key.certificate, pattern, CERTIFICATE_SIZE);
	memcpy(records[7].ring.probe, pattern + 12, SEAL_KEY);
	messages[0].changes.facts = facts;
	messages[1].range.facts = facts;
	messages[2].digest.sections[SECTION_HOST] = 0x21222324;
	messages[2].digest.sections[SECTION_COVERAGE] = 0x31323334;
	memcpy(messages[3].result.command, pattern, WARRANT_ID);
}

static const char *record_name(enum record_kind kind)
{
	switch (kind) {
#define RECORD(NAME, name, ...) \
	case RECORD_##NAME:     \
		return #name;
#include "wire/messages.def"
	case RECORD_UNKNOWN:
		break;
	}
	return "?";
}

static const char *message_name(enum message_kind kind)
{
	switch (kind) {
#define MESSAGE(NAME, name, ...) \
	case MESSAGE_##NAME:     \
		return #name;
#include "wire/messages.def"
	}
	return "?";
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct specimen others[] = {
	{ .name = "packed-changes", .make = packed_make, .read = packed_read },
	{ .name = "certificate", .make = certificate_make, .read = certificate_read },
	{ .name = "warrant", .make = warrant_make, .read = warrant_read },
	{ .name = "token", .make = token_make, .read = token_read },
};

static int list(void **state)
{
	(void)state;
	fill();
	for (size_t i = 0; i < COUNT_OF(packets); i++) {
		struct specimen *specimen = add("datagram-", packet_names[i]);

		specimen->packet = packets[i];
		specimen->make = packet_make;
		specimen->read = packet_read;
	}
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		struct specimen *specimen = add("record-", record_name(records[i].kind));

		specimen->record = records[i];
		specimen->make = record_make;
		specimen->read = record_read;
	}
	for (size_t i = 0; i < COUNT_OF(messages); i++) {
		struct specimen *specimen = add("message-", message_name(messages[i].kind));

		specimen->message = messages[i];
		specimen->make = message_make;
		specimen->read = message_read;
	}
	for (size_t i = 0; i < COUNT_OF(others); i++)
		specimens[specimen_count++] = others[i];
	return seal_init();
}

/* Every kind that there is has a specimen. */
static void test_complete(void **state)
{
	unsigned wanted = 0;

	(void)state;
#define RECORD(NAME, name, ...)	 wanted++;
#define MESSAGE(NAME, name, ...) wanted++;
#include "wire/messages.def"
	assert_int_equal(COUNT_OF(records) + COUNT_OF(messages), wanted);
	assert_int_equal(COUNT_OF(packets), PACKET_ECHO);
}

static void test_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < specimen_count; i++) {
		const struct specimen *specimen = &specimens[i];
		struct writer w cleanup(writer_free) = writer_growing(1 << 16);

		specimen->make(specimen, &w);
		assert_false(w.failed);
		if (specimen->make != packed_make || getenv("GOLDEN"))
			golden_keep(specimen->name, writer_span(&w));
		specimen->read(specimen, writer_span(&w));
	}
}

static void read_release(const char *release)
{
	unsigned count = 0;

	for (size_t i = 0; i < specimen_count; i++) {
		struct span bytes = golden_load(release, specimens[i].name);

		/* A kind that a later release brought. */
		if (!bytes.data && strcmp(release, VERSION))
			continue;
		assert_non_null(bytes.data);
		specimens[i].read(&specimens[i], bytes);
		free((void *)bytes.data);
		count++;
	}
	print_message("%s: %u read\n", release, count);
}

static void test_read(void **state)
{
	(void)state;
	assert_true(golden_each(read_release) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, list, NULL);
}
