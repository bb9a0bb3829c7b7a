// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/centre.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "tests/sim/alive/scene.h"

#define RETRY_FIRST   (NS_PER_SEC)
#define RETRY_LONGEST (30 * NS_PER_SEC) /* as cma/hub_ring.c tells lists */

static int64_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

static const uint8_t *public_key(void *owner, uint64_t id)
{
	struct centre *centre = owner;

	memcpy(centre->key, &id, sizeof(id));
	return centre->key;
}

static void fill_random(void *owner, void *to, size_t size)
{
	struct centre *centre = owner;

	random_fill(&centre->random, to, size);
}

/* ---- lists on their way ---- */

static void drop_list(struct scene *scene, struct node *node)
{
	if (node->pending)
		mail_end(&scene->mail, node->pending);
	node->pending = 0;
}

static void tell_list(struct scene *scene, uint32_t host, const struct ring_list *list)
{
	struct node *node = &scene->nodes[host];
	struct record record = ring_list_record(list);
	uint8_t memory[512];
	struct writer w = writer_over(memory, sizeof(memory));
	struct letter letter = { .kind = LETTER_RING, .from = FABRIC_CMA, .to = host };

	record_encode(&w, &record);
	if (w.failed)
		abort();
	drop_list(scene, node);
	letter.version = list->version;
	letter.ring_size = w.size;
	letter.ring = mem_copy(memory, w.size);
	node->pending = mail_put(&scene->mail, &letter);
	scene->lists++;
	wheel_add(&scene->wheel, scene_now(scene), SCENE_LIST, host, node->pending);
}

void centre_list(struct scene *scene, uint32_t host, uint32_t number)
{
	struct node *node = &scene->nodes[host];
	struct letter *letter;
	struct letter copy;
	int64_t retry;

	if (node->pending != number || scene->centre.stopped)
		return;
	letter = mail_at(&scene->mail, number);
	retry = letter->tries > 4 ? RETRY_LONGEST : RETRY_FIRST << letter->tries;
	letter->tries += letter->tries < 8;
	copy = *letter;
	wheel_add(&scene->wheel, instant_add(scene_now(scene), retry), SCENE_LIST, host, number);
	if (!scene_passes(scene, FABRIC_CMA, host))
		return;
	copy.ring = mem_copy(copy.ring, copy.ring_size);
	wheel_add(&scene->wheel, scene_arrival(scene), SCENE_ARRIVES, host,
		mail_put(&scene->mail, &copy));
}

static void take_held(struct scene *scene, uint32_t host, const struct record_held *held)
{
	struct node *node = &scene->nodes[host];
	struct addr from = scene_addr(host, SCENE_SESSION_PORT);

	if (node->pending && mail_at(&scene->mail, node->pending)->version == held->version)
		drop_list(scene, node);
	alive_held(scene->centre.alive, scene_now(scene), scene_id(host), held, &from);
}

/* ---- what it is told, and what it does then ---- */

/* As the loop of the CMA does after everything that happened. */
static void turn(struct scene *scene)
{
	struct centre *centre = &scene->centre;
	struct instant now = scene_now(scene), deadline;
	struct letter letter = { .from = FABRIC_CMA, .from_port = SCENE_PROBE_PORT };
	struct alive_event event;
	struct ring_list list;
	struct addr to;
	uint64_t id;
	size_t size;

	while ((size = alive_output(centre->alive, now, &to, letter.bytes))) {
		letter.size = (uint8_t)size;
		letter.to = scene_who(&to);
		letter.to_port = to.port;
		scene->probes++;
		scene->nodes[letter.to].asked = now;
		scene_send(scene, &letter);
	}
	while (alive_take(centre->alive, &event)) {
		ledger_take(&scene->ledger, now, &event);
		if (scene->config.told)
			ledger_print(now, &event);
		if (event.kind == ALIVE_EVENT_STATUS)
			guard_status(scene, scene_host(event.agent), (uint8_t)event.status);
	}
	while (alive_take_list(centre->alive, &id, &list))
		tell_list(scene, scene_host(id), &list);
	deadline = alive_deadline(centre->alive);
	if (instant_before(deadline, centre->armed)) {
		centre->armed = deadline;
		wheel_add(&scene->wheel, deadline, SCENE_CENTRE_TIMER, 0, 0);
	}
}

static void take(struct scene *scene, const struct letter *letter)
{
	struct alive *alive = scene->centre.alive;
	struct instant now = scene_now(scene);
	uint64_t id = scene_id(letter->from);
	struct addr from = scene_addr(letter->from, letter->from_port);
	struct alive_place place;

	switch ((enum letter_kind)letter->kind) {
	case LETTER_DATAGRAM:
		alive_input(alive, now, &from, SPAN(letter->bytes, letter->size));
		break;
	case LETTER_REFUSED:
		alive_refused(alive, now, &from);
		break;
	case LETTER_HELLO:
		alive_here(alive, now, id, letter->incarnation);
		take_held(scene, letter->from, &letter->held);
		alive_boot(alive, now, id, letter->boot);
		break;
	case LETTER_HELD:
		take_held(scene, letter->from, &letter->held);
		break;
	case LETTER_SIGHT:
		if (scene->config.told)
			printf("%9.3f %#llx says %u of edge %u\n", (double)now.ns / 1e9,
				(unsigned long long)id, letter->sight.sight, letter->sight.edge);
		alive_sight(alive, now, id, &letter->sight);
		break;
	case LETTER_PLACE:
		place = scene_place(scene, letter->from);
		alive_place(alive, now, id, &place);
		break;
	case LETTER_BYE:
		alive_left(alive, now, id);
		break;
	case LETTER_RING:
		abort();
	}
}

void centre_arrives(struct scene *scene, uint32_t number)
{
	struct centre *centre = &scene->centre;
	int64_t start;

	if (centre->stopped) {
		mail_append(&scene->mail, &centre->inbox, number);
		return;
	}
	start = cpu_now();
	take(scene, mail_at(&scene->mail, number));
	mail_end(&scene->mail, number);
	turn(scene);
	centre->cpu_ns += cpu_now() - start;
}

void centre_timer(struct scene *scene)
{
	struct centre *centre = &scene->centre;
	int64_t start = cpu_now();

	if (instant_before(scene_now(scene), centre->armed) || centre->stopped)
		return;
	centre->armed = INSTANT_NEVER;
	turn(scene);
	centre->cpu_ns += cpu_now() - start;
}

/* ---- its life ---- */

void centre_init(struct scene *scene)
{
	struct centre *centre = &scene->centre;
	struct alive_config config = { .degree = scene->config.degree ? scene->config.degree : 2,
		.interval_ms = 1000,
		.next_edge = 1,
		.seed = scene->config.seed,
		.public_key = public_key,
		.random = fill_random,
		.owner = centre };

	*centre = (struct centre){ .armed = INSTANT_NEVER, .random = { scene->config.seed ^ 1 } };
	fill_random(centre, config.secret, sizeof(config.secret));
	centre->alive = alive_new(&config);
}

void centre_deinit(struct scene *scene)
{
	alive_free(scene->centre.alive);
}

static void add(struct scene *scene, uint32_t host, bool known)
{
	struct alive_agent agent = { .id = scene_id(host),
		.tenant = SCENE_TENANT,
		.status = ALIVE_UP,
		.place = scene_place(scene, host) };

	if (known) {
		agent.boot = scene->nodes[host].boot;
		agent.address = scene_addr(host, SCENE_BEAT_PORT);
	}
	alive_add(scene->centre.alive, &agent);
}

void centre_add(struct scene *scene, uint32_t host)
{
	add(scene, host, false);
	turn(scene);
}

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

void centre_begin(struct scene *scene)
{
	struct centre *centre = &scene->centre;
	int64_t start = cpu_now();
	size_t before = allocated();

	for (uint32_t i = 0; i < scene->fabric.host_count - scene->config.absent; i++)
		add(scene, i, true);
	alive_start(centre->alive, scene_now(scene));
	centre->bytes = allocated() - before;
	turn(scene);
	centre->cpu_ns += cpu_now() - start;
}

void centre_stop(struct scene *scene, int64_t ns)
{
	struct centre *centre = &scene->centre;

	centre->stopped = true;
	centre->stops++;
	wheel_add(&scene->wheel, instant_add(scene_now(scene), ns), SCENE_CENTRE_RESUME, 0,
		centre->stops);
}

void centre_resume(struct scene *scene, uint32_t stop)
{
	struct centre *centre = &scene->centre;
	uint32_t number;

	if (centre->stops != stop)
		return;
	centre->stopped = false;
	while ((number = mail_take(&scene->mail, &centre->inbox))) {
		take(scene, mail_at(&scene->mail, number));
		mail_end(&scene->mail, number);
	}
	turn(scene);
	for (uint32_t i = 0; i < scene->fabric.host_count; i++) {
		if (scene->nodes[i].pending)
			wheel_add(&scene->wheel, scene_now(scene), SCENE_LIST, i,
				scene->nodes[i].pending);
	}
}
