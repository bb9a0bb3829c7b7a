// SPDX-License-Identifier: Apache-2.0
/*
 * 100,000 hosts behind 1,000 switches, and half of them die at once: all is told within 30 s, one
 * incident for each switch, by questions that are no flood and in a time that does not matter. The
 * neighbours are not simulated here: who lives tells of its dead neighbours, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cma/alive/alive.h"

enum { HOSTS = 100000, PER_SWITCH = 100, PORT = 1985, EDGES = 2 * HOSTS };

struct mass {
	struct alive *alive;
	struct instant now;
	uint64_t seed;
	bool dead[HOSTS];
	enum alive_status status[HOSTS];
	struct {
		uint32_t low, high;
	} edges[EDGES];
	uint32_t edge_count;
	size_t questions, most_questions, opened[ALIVE_CAUSE_COUNT];
};

static void random_of(void *owner, void *to, size_t size)
{
	struct mass *mass = owner;
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++) {
		mass->seed = mass->seed * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(mass->seed >> 56);
	}
}

static const uint8_t *public_key(void *owner, uint64_t id)
{
	static const uint8_t key[SEAL_KEY] = { 1 };

	(void)owner;
	(void)id;
	return key;
}

static struct addr address_of(size_t host)
{
	return (struct addr){
		.ip = { [10] = 0xff,
			[11] = 0xff,
			10,
			(uint8_t)(host >> 16),
			(uint8_t)(host >> 8),
			(uint8_t)host },
		.port = PORT,
	};
}

/* Who lives answers. */
static void deliver(struct mass *mass, const struct addr *to, struct span datagram)
{
	size_t host = (size_t)to->ip[13] << 16 | (size_t)to->ip[14] << 8 | to->ip[15];
	uint8_t answer[PACKET_BEAT_SIZE], key[BEAT_KEY];
	static const uint8_t secret[SEAL_KEY];
	struct beat beat;

	mass->questions++;
	if (mass->dead[host])
		return;
	if (to->port != PORT) {
		alive_refused(mass->alive, mass->now, to);
		return;
	}
	beat_probe_key(secret, public_key(NULL, 0), key);
	assert_int_equal(beat_decode(datagram, key, &beat), 0);
	beat_encode(&(struct beat){ .edge = BEAT_EDGE_CMA, .echo = beat.challenge }, key, answer);
	alive_input(mass->alive, mass->now, to, SPAN(answer, sizeof(answer)));
}

static void keep(struct mass *mass, const struct alive_event *event)
{
	if (event->kind == ALIVE_EVENT_STATUS)
		mass->status[event->agent - 1] = event->status;
	if (event->kind == ALIVE_EVENT_OPEN)
		mass->opened[event->incident.cause]++;
	if (event->kind == ALIVE_EVENT_EDGE && event->edge < EDGES) {
		mass->edges[event->edge].low = (uint32_t)event->low;
		mass->edges[event->edge].high = (uint32_t)event->high;
		mass->edge_count = event->edge + 1;
	}
	if (event->kind == ALIVE_EVENT_EDGE_END && event->edge < EDGES)
		mass->edges[event->edge].low = 0;
}

static void pump(struct mass *mass)
{
	uint8_t datagram[PACKET_BEAT_SIZE];
	struct alive_event event;
	struct ring_list list;
	struct addr to;
	uint64_t id;
	size_t size;

	while ((size = alive_output(mass->alive, mass->now, &to, datagram)))
		deliver(mass, &to, SPAN(datagram, size));
	while (alive_take(mass->alive, &event))
		keep(mass, &event);
	while (alive_take_list(mass->alive, &id, &list)) {
		struct addr at = address_of(id - 1);

		if (!mass->dead[id - 1])
			alive_held(mass->alive, mass->now, id,
				&(struct record_held){ .version = list.version, .port = PORT },
				&at);
	}
}

static void run(struct mass *mass, int64_t ms)
{
	for (int64_t i = 0; i < ms; i += 10) {
		size_t before = mass->questions;

		mass->now = instant_add(mass->now, 10 * NS_PER_MS);
		pump(mass);
		if (mass->questions - before > mass->most_questions)
			mass->most_questions = mass->questions - before;
	}
}

/* One neighbour behind the same switch, one behind the next one. */
static void load_edges(struct mass *mass)
{
	for (uint32_t i = 0; i < HOSTS; i++) {
		uint32_t other = i % 2 ? (i + 1 + PER_SWITCH) % HOSTS : i + 1;

		mass->edge_count = i + 2;
		mass->edges[i + 1].low = 1 + (i < other ? i : other);
		mass->edges[i + 1].high = 1 + (i < other ? other : i);
		alive_add_edge(mass->alive,
			&(struct alive_edge){
				.edge = i + 1,
				.low = mass->edges[i + 1].low,
				.high = mass->edges[i + 1].high,
			});
	}
}

static struct mass *make(void)
{
	struct mass *mass = calloc(1, sizeof(*mass));
	const struct alive_config config = {
		.degree = 2,
		.interval_ms = 1000,
		.next_edge = HOSTS + 1,
		.public_key = public_key,
		.random = random_of,
		.owner = mass,
	};

	assert_non_null(mass);
	assert_int_equal(seal_init(), 0);
	mass->now.ns = 1000 * NS_PER_SEC;
	mass->alive = alive_new(&config);
	for (size_t i = 0; i < HOSTS; i++) {
		struct alive_agent agent = {
			.id = 1 + i,
			.tenant = 1,
			.address = address_of(i),
			.place = { .links = 1,
				.link = { { 1000000 + i / PER_SWITCH, 2000000 + i } } },
		};

		alive_add(mass->alive, &agent);
	}
	load_edges(mass);
	alive_start(mass->alive, mass->now);
	pump(mass);
	run(mass, 130000); /* before that, who was never seen may only not be switched on yet */
	assert_int_equal(mass->edge_count, 1 + HOSTS);
	mass->questions = mass->most_questions = 0;
	return mass;
}

/* Who lives tells of its neighbours that do not, within a second. */
static void accuse(struct mass *mass)
{
	struct message_sight sight = { .sight = SIGHT_SILENT, .misses = 5 };

	for (uint32_t edge = 1; edge < mass->edge_count; edge++) {
		uint32_t low = mass->edges[edge].low, high = mass->edges[edge].high;

		sight.edge = edge;
		if (low && mass->dead[low - 1] != mass->dead[high - 1])
			alive_sight(
				mass->alive, mass->now, mass->dead[low - 1] ? high : low, &sight);
		if (edge % (HOSTS / 100) == 0)
			run(mass, 10);
	}
}

static size_t told(const struct mass *mass, enum alive_status status)
{
	size_t count = 0;

	for (size_t i = 0; i < HOSTS; i++) {
		count += mass->status[i] == status;
		assert_true(mass->dead[i] || mass->status[i] == ALIVE_UP);
	}
	return count;
}

static void finish(struct mass *mass)
{
	alive_free(mass->alive);
	free(mass);
}

static void test_half_of_the_switches(void **state)
{
	struct mass *mass = make();

	(void)state;
	for (size_t i = 0; i < HOSTS; i++)
		mass->dead[i] = i / PER_SWITCH % 2;
	accuse(mass);
	run(mass, 24000);
	assert_int_equal(told(mass, ALIVE_UNREACHABLE), HOSTS / 2);
	assert_int_equal(mass->opened[ALIVE_CAUSE_SWITCH], HOSTS / PER_SWITCH / 2);
	assert_int_equal(mass->opened[ALIVE_CAUSE_HOST], 0);
	assert_int_equal(mass->opened[ALIVE_CAUSE_ISOLATED], 0);
	print_message(
		"%zu questions, at most %zu in 10 ms\n", mass->questions, mass->most_questions);
	assert_true(mass->most_questions <= 2000);
	finish(mass);
}

/* By chance, 50 of each 100: of a quarter of them both neighbours are dead, too. */
static void test_half_of_the_hosts(void **state)
{
	struct mass *mass = make();
	size_t dead = 0;
	uint8_t chance;

	(void)state;
	for (size_t i = 0; i < HOSTS; i++) {
		random_of(mass, &chance, 1);
		mass->dead[i] = dead < HOSTS / 2 && chance & 1;
		dead += mass->dead[i];
	}
	accuse(mass);
	run(mass, 8000);
	accuse(mass); /* those who were given dead neighbours meanwhile, too */
	run(mass, 15000);
	assert_int_equal(told(mass, ALIVE_DOWN) + told(mass, ALIVE_UNREACHABLE), dead);
	assert_int_equal(mass->opened[ALIVE_CAUSE_ISOLATED], 0);
	print_message("%zu dead, %zu questions, %zu incidents of hosts, %zu of switches\n", dead,
		mass->questions, mass->opened[ALIVE_CAUSE_HOST], mass->opened[ALIVE_CAUSE_SWITCH]);
	finish(mass);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_of_the_switches),
		cmocka_unit_test(test_half_of_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
