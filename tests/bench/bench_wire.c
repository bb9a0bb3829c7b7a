// SPDX-License-Identifier: Apache-2.0
/*
 * What one core does of the wire's cryptography and compression, one line per figure: name | value
 * | goal. Cryptography stands beside what it cannot beat: the bare primitives of the library,
 * measured in the same run.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "wire/fact.h"
#include "wire/message.h"
#include "wire/pack.h"
#include "wire/session.h"

enum { PAYLOAD = 100, DEFLATE_LEVEL = 6, MANY_FACTS = 100 };

struct bench {
	struct session_self agent, cma;
	uint8_t psk[SEAL_KEY], shared[SEAL_KEY];
	uint8_t init[PACKET_INIT_SIZE], resp[PACKET_RESP_SIZE];
	struct session at_agent, at_cma;
	uint8_t out[PACKET_MAX], plain[PACKET_DATA_MAX], text[PAYLOAD];
	struct span data; /* a sealed packet in out */
	struct pack *pack;
	struct writer message, packed, inflated;
};

static void must(int err)
{
	if (err) {
		fprintf(stderr, "bench_wire: %s\n", strerror(-err));
		exit(1);
	}
}

static void new_key(struct key_pair *pair)
{
	seal_random(pair->secret, SEAL_KEY);
	seal_public(pair->secret, pair->public);
}

/* The agent's half. */
static void call(struct bench *b, struct session_call *pending)
{
	struct session_hello hello = { .incarnation = 1 };
	uint8_t ephemeral[SEAL_KEY];

	seal_random(ephemeral, sizeof(ephemeral));
	must(session_call(pending, &b->agent, b->cma.key.public, ephemeral, 1, &hello, b->init));
}

/* The CMA's half: all it does for one INIT, from mac1 to RESP. */
static void answer(struct bench *b, const uint8_t *shared)
{
	struct session_welcome welcome = { .epoch = 1 };
	struct session_heard heard;
	struct packet p;
	uint8_t ephemeral[SEAL_KEY];

	must(packet_decode(SPAN(b->init, sizeof(b->init)), &p));
	must(session_heard(&heard, &b->cma, &p));
	must(session_hear_hello(&heard, &b->cma, shared, &p));
	seal_random(ephemeral, sizeof(ephemeral));
	must(session_answer(
		&heard, b->psk, ephemeral, 2, &welcome, instant_now(), b->resp, &b->at_cma));
}

static void run_answer(struct bench *b)
{
	answer(b, NULL);
}

static void run_answer_cached(struct bench *b)
{
	answer(b, b->shared);
}

static void run_exchange(struct bench *b)
{
	must(seal_exchange(b->cma.key.secret, b->agent.key.public, b->shared));
}

static void run_seal(struct bench *b)
{
	struct writer w = writer_over(b->out, sizeof(b->out));

	must(session_seal(&b->at_agent, SPAN(b->text, PAYLOAD), &w));
	b->data = writer_span(&w);
}

static void run_open(struct bench *b)
{
	struct span plain;
	struct packet p;

	b->at_cma.replay.next = 0; /* the same packet again and again */
	b->at_cma.replay.seen[0] = 0;
	must(packet_decode(b->data, &p));
	must(session_open(&b->at_cma, &p, b->plain, &plain));
}

static void run_encrypt(struct bench *b)
{
	seal_encrypt(b->at_agent.send_key, 1, SPAN(NULL, 0), SPAN(b->text, PAYLOAD), b->out);
}

static void run_decrypt(struct bench *b)
{
	must(seal_decrypt(b->at_agent.send_key, 1, SPAN(NULL, 0), SPAN(b->out, PAYLOAD + SEAL_TAG),
		b->plain));
}

static void run_mac1(struct bench *b)
{
	struct session_heard heard;
	struct packet p;

	must(packet_decode(SPAN(b->init, sizeof(b->init)), &p));
	if (session_heard(&heard, &b->cma, &p) != -EACCES)
		exit(1);
}

/* Runs for a second of CPU time or so; times per second. */
static double rate(struct bench *b, void (*run)(struct bench *))
{
	struct timespec from, to;
	double seconds;
	int count = 0;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	do {
		for (int i = 0; i < 64; i++)
			run(b);
		count += 64;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		seconds = (double)(to.tv_sec - from.tv_sec) +
			(double)(to.tv_nsec - from.tv_nsec) / 1e9;
	} while (seconds < 0.5);
	return count / seconds;
}

static void print(const char *name, double value, const char *unit, const char *goal)
{
	printf("%s | %.*f %s | %s\n", name, value < 100 ? 2 : 0, value, unit, goal);
}

static void bench_handshake(struct bench *b)
{
	struct session_call pending;
	struct session_welcome welcome;
	struct packet p;
	double exchange, plain, cached;

	call(b, &pending);
	exchange = rate(b, run_exchange);
	plain = rate(b, run_answer);
	cached = rate(b, run_answer_cached);
	print("X25519 of the library", exchange, "/s", "-");
	print("handshakes answered by the CMA, per core", plain, "/s", "-");
	print("the same, static product kept", cached, "/s", ">= 6000");
	print("handshake against its four or five X25519", 100 * plain * 5 / exchange, "%",
		">= 80");
	must(packet_decode(SPAN(b->resp, sizeof(b->resp)), &p));
	must(session_answered(
		&pending, &b->agent, b->psk, &p, instant_now(), &b->at_agent, &welcome));
	b->init[PACKET_INIT_SIZE - 32] ^= 1;
	print("INIT with a wrong mac1 refused", rate(b, run_mac1), "/s", ">= 1000000");
}

static void bench_transport(struct bench *b)
{
	double bare_seal = rate(b, run_encrypt), bare_open = rate(b, run_decrypt);
	double seal, open;

	b->at_agent.sent = 0;
	run_seal(b);
	open = rate(b, run_open);
	seal = rate(b, run_seal);
	print("bare ChaCha20-Poly1305, 100 B sealed", bare_seal, "/s", "-");
	print("bare ChaCha20-Poly1305, 100 B opened", bare_open, "/s", "-");
	print("session_seal, 100 B", seal, "/s", ">= 1500000");
	print("session_open, 100 B, replay window included", open, "/s", ">= 1500000");
	print("seal against the bare cipher", bare_seal / seal, "x time", "<= 1.15");
	print("open against the bare cipher", bare_open / open, "x time", "<= 1.15");
	print("bytes of one session", (double)sizeof(struct session), "B", "<= 400");
}

/* As the nanoprobe does it: memory is taken, and given back when nothing more is to tell. */
static void run_deflate(struct bench *b)
{
	writer_reset(&b->packed);
	pack_deflate(b->pack, DEFLATE_LEVEL, writer_span(&b->message), &b->packed);
	pack_release(b->pack);
}

/* As the CMA does it: memory stays. */
static void run_inflate(struct bench *b)
{
	writer_reset(&b->inflated);
	must(pack_inflate(b->pack, writer_span(&b->packed), b->message.size, &b->inflated));
}

static void put_service(struct writer *facts, int number)
{
	char process[256], listener[128], name[32], key[32];
	int process_size = snprintf(process, sizeof(process),
		"{\"cmdline\":[\"/usr/sbin/named\",\"-f\",\"-u\",\"bind\"],\"cwd\":"
		"\"/var/cache/bind\",\"exe\":\"/usr/sbin/named\",\"gid\":%d,\"group\":\"bind\","
		"\"uid\":%d,\"unit\":\"named.service\",\"user\":\"bind\"}",
		110 + number, 113 + number);
	int name_size = snprintf(name, sizeof(name), "named:%08x", 2654435769U * (unsigned)number);
	int key_size = snprintf(key, sizeof(key), "udp 192.0.2.%d:53", number);
	int listener_size = snprintf(listener, sizeof(listener),
		"{\"addr\":\"192.0.2.%d\",\"port\":53,\"process\":[\"%s\"],\"proto\":\"udp\"}",
		number, name);

	fact_put(facts,
		&(struct fact){ SECTION_PROCESS, SPAN(name, (size_t)name_size),
			SPAN(process, (size_t)process_size) });
	fact_put(facts,
		&(struct fact){ SECTION_LISTEN, SPAN(key, (size_t)key_size),
			SPAN(listener, (size_t)listener_size) });
}

static void make_message(struct bench *b, int services)
{
	struct writer facts = writer_growing(PACK_RAW_MAX);
	struct message message = { .kind = MESSAGE_CHANGES };

	for (int i = 1; i <= services; i++)
		put_service(&facts, i);
	message.changes.facts = writer_span(&facts);
	writer_reset(&b->message);
	message_encode(&b->message, &message);
	writer_free(&facts);
}

static void bench_pack(struct bench *b, int services)
{
	char name[64];

	make_message(b, services);
	snprintf(name, sizeof(name), "%d new service%s, %zu B: deflated", services,
		services > 1 ? "s" : "", b->message.size);
	print(name, 1e6 / rate(b, run_deflate), "us", "-");
	print("  inflated", 1e6 / rate(b, run_inflate), "us", "-");
	print("  size", (double)b->packed.size, "B", services > 1 ? "-" : "<= 140");
}

int main(void)
{
	struct bench *b = mem_alloc(1, sizeof(*b));
	struct key_pair agent, cma;

	must(seal_init());
	new_key(&agent);
	new_key(&cma);
	session_self_init(&b->agent, &agent);
	session_self_init(&b->cma, &cma);
	bench_handshake(b);
	bench_transport(b);
	b->pack = pack_new();
	b->message = writer_growing(PACK_RAW_MAX);
	b->packed = writer_growing(PACK_RAW_MAX);
	b->inflated = writer_growing(PACK_RAW_MAX);
	bench_pack(b, 1);
	bench_pack(b, MANY_FACTS);
	writer_free(&b->inflated);
	writer_free(&b->packed);
	writer_free(&b->message);
	pack_free(b->pack);
	free(b);
	return 0;
}
