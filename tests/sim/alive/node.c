// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/node.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/alive/scene.h"

enum { SOCKET_MAX = 256 }; /* small datagrams that a socket of the usual size holds */

#define RETRY_FIRST   (NS_PER_SEC)
#define RETRY_LONGEST (30 * NS_PER_SEC) /* as wire/sender.c does for what is urgent */
#define START_LONGEST (5 * NS_PER_SEC)	/* from the kernel to the nanoprobe */
#define UNANSWERED    (15 * NS_PER_SEC) /* then it takes the session for dead (agent/uplink.c) */

static struct node *at(struct scene *scene, uint32_t host)
{
	return &scene->nodes[host];
}

/* As the host's clock says. */
static struct instant local(const struct scene *scene, const struct node *node)
{
	return instant_add(scene_now(scene), -node->behind);
}

static void fill_random(void *owner, void *to, size_t size)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
		uint64_t value = random_next(owner);

		memcpy(bytes + i, &value, size - i < sizeof(value) ? size - i : sizeof(value));
	}
}

static void look_at(struct scene_marked *marked, const struct message_sight *sight)
{
	for (unsigned i = 0; i < 2; i++) {
		if (marked->edge[i] != sight->edge)
			continue;
		marked->accused[i] = sight->sight != SIGHT_HEARD;
		marked->accusations += marked->accused[i];
	}
	marked->both |= marked->accused[0] && marked->accused[1];
}

static void tell_sight(struct scene *scene, uint32_t host, const struct message_sight *sight)
{
	node_tell(scene, host, &(struct letter){ .kind = LETTER_SIGHT, .sight = *sight });
	scene->sights[sight->sight]++;
	look_at(&scene->marked, sight);
}

/* As the loop of a nanoprobe does after everything that happened. */
static void turn(struct scene *scene, uint32_t host)
{
	struct node *node = at(scene, host);
	struct instant now = local(scene, node), deadline;
	struct letter letter = { .from = host, .from_port = SCENE_BEAT_PORT };
	struct message_sight sight;
	struct addr to;

	while ((letter.size = (uint8_t)ring_output(node->ring, now, &to, letter.bytes))) {
		letter.to = scene_who(&to);
		letter.to_port = to.port;
		scene->beats++;
		scene_send(scene, &letter);
	}
	while (ring_sight(node->ring, now, &sight))
		tell_sight(scene, host, &sight);
	deadline = instant_add(ring_deadline(node->ring), node->behind);
	if (instant_before(deadline, node->armed)) {
		node->armed = deadline;
		wheel_add(&scene->wheel, deadline, SCENE_NODE_TIMER, host, 0);
	}
}

void node_timer(struct scene *scene, uint32_t host)
{
	struct node *node = at(scene, host);

	if (instant_before(scene_now(scene), node->armed))
		return; /* of an earlier plan */
	node->armed = INSTANT_NEVER;
	if (node->ring && !node->stopped)
		turn(scene, host);
}

static void take_ring(struct scene *scene, uint32_t host, const struct letter *letter)
{
	struct node *node = at(scene, host);
	struct reader r = reader_of(SPAN(letter->ring, letter->ring_size));
	struct letter held = { .kind = LETTER_HELD };
	struct record record;

	if (!record_next(&r, &record) || ring_set(node->ring, local(scene, node), &record.ring))
		abort();
	held.held = (struct record_held){ .version = ring_version(node->ring),
		.clock_ms = (uint64_t)(local(scene, node).ns / NS_PER_MS),
		.port = SCENE_BEAT_PORT };
	node_tell(scene, host, &held);
}

/* What its kernel had at that time. */
static void take(struct scene *scene, uint32_t host, const struct letter *letter)
{
	struct node *node = at(scene, host);
	struct instant now = local(scene, node);
	struct addr from = scene_addr(letter->from, letter->from_port);

	if (letter->kind == LETTER_RING)
		take_ring(scene, host, letter);
	else if (letter->kind == LETTER_REFUSED)
		ring_refused(node->ring, now, &from);
	else
		ring_input(node->ring, now, &from, SPAN(letter->bytes, letter->size));
}

static void refuse(struct scene *scene, uint32_t host, const struct letter *letter)
{
	scene_send(scene,
		&(struct letter){ .kind = LETTER_REFUSED,
			.from = host,
			.from_port = letter->to_port,
			.to = letter->from,
			.to_port = letter->from_port });
}

void node_arrives(struct scene *scene, uint32_t host, uint32_t number)
{
	struct node *node = at(scene, host);
	struct letter letter = *mail_at(&scene->mail, number);
	bool datagram = letter.kind == LETTER_DATAGRAM;

	if (scene->fabric.hosts[host].dead) {
		mail_end(&scene->mail, number);
	} else if (datagram && (!node->ring || letter.to_port != SCENE_BEAT_PORT)) {
		mail_end(&scene->mail, number);
		refuse(scene, host, &letter);
	} else if (!node->ring || (datagram && node->stopped && node->waiting == SOCKET_MAX)) {
		mail_end(&scene->mail, number);
	} else if (node->stopped) {
		node->waiting += datagram;
		mail_append(&scene->mail, &node->socket, number);
	} else {
		take(scene, host, &letter);
		mail_end(&scene->mail, number);
		turn(scene, host);
	}
}

/* ---- what it tells the CMA ---- */

void node_tell(struct scene *scene, uint32_t host, const struct letter *letter)
{
	struct node *node = at(scene, host);
	struct letter copy = *letter;

	copy.from = host;
	copy.to = FABRIC_CMA;
	mail_append(&scene->mail, &node->outbox, mail_put(&scene->mail, &copy));
	if (node->telling)
		return;
	node->telling = true;
	node->tries = 0;
	node->trying = scene_now(scene);
	wheel_add(&scene->wheel, scene_now(scene), SCENE_TELL, host, 0);
}

/* A session is proven. */
static uint32_t hello(struct scene *scene, uint32_t host)
{
	const struct node *node = at(scene, host);

	return mail_put(&scene->mail,
		&(struct letter){ .kind = LETTER_HELLO,
			.from = host,
			.to = FABRIC_CMA,
			.boot = node->boot,
			.incarnation = node->incarnation,
			.held = { .version = ring_version(node->ring),
				.port = SCENE_BEAT_PORT,
				.clock_ms = (uint64_t)(local(scene, node).ns / NS_PER_MS) } });
}

static int64_t retry_after(struct scene *scene, unsigned tries)
{
	int64_t most = tries > 4 ? RETRY_LONGEST : RETRY_FIRST << tries;

	if (!tries)
		return RETRY_FIRST;
	return RETRY_FIRST / 2 +
		(int64_t)random_below(&scene->random, (uint64_t)(most - RETRY_FIRST / 2));
}

void node_try(struct scene *scene, uint32_t host)
{
	struct node *node = at(scene, host);
	struct instant arrival;
	uint32_t letter;

	node->telling = false;
	if (!node->ring || node->stopped || !node->outbox.first)
		return;
	/* An acknowledgement that is lost takes nothing back: it costs a repetition. */
	if (!fabric_passes(&scene->fabric, FABRIC_CMA, host) ||
		!scene_passes(scene, host, FABRIC_CMA)) {
		node->telling = true;
		wheel_add(&scene->wheel,
			instant_add(scene_now(scene), retry_after(scene, node->tries)), SCENE_TELL,
			host, 0);
		node->tries += node->tries < 8;
		return;
	}
	arrival = scene_arrival(scene);
	if (instant_sub(scene_now(scene), node->trying) > UNANSWERED)
		wheel_add(&scene->wheel, arrival, SCENE_ARRIVES, FABRIC_CMA, hello(scene, host));
	while ((letter = mail_take(&scene->mail, &node->outbox)))
		wheel_add(&scene->wheel, arrival, SCENE_ARRIVES, FABRIC_CMA, letter);
}

/* ---- its life ---- */

void node_start(struct scene *scene, uint32_t host)
{
	struct node *node = at(scene, host);
	struct ring_config config = { .random = fill_random, .owner = &scene->random };

	if (node->ring || scene->fabric.hosts[host].dead)
		return;
	node->ring = ring_new(&config);
	node->armed = INSTANT_NEVER;
	node->stopped = false;
	node->incarnation = (random_next(&scene->random) | 1) << 16;
	node->trying = scene_now(scene);
	mail_append(&scene->mail, &node->outbox, hello(scene, host));
	node->telling = true;
	node->tries = 0;
	wheel_add(&scene->wheel, scene_now(scene), SCENE_TELL, host, 0);
	turn(scene, host);
}

void node_kill(struct scene *scene, uint32_t host)
{
	struct node *node = at(scene, host);

	ring_free(node->ring);
	node->ring = NULL;
	mail_end_all(&scene->mail, &node->outbox);
	mail_end_all(&scene->mail, &node->socket);
	node->waiting = 0;
	node->stopped = false;
	node->stops++;
}

void node_deinit(struct scene *scene, uint32_t host)
{
	node_kill(scene, host);
}

void node_leave(struct scene *scene, uint32_t host)
{
	struct letter bye = { .kind = LETTER_BYE, .from = host, .to = FABRIC_CMA };

	/* As the uplink does: nobody will be there to repeat it. */
	for (int i = 0; i < 3; i++) {
		if (scene_passes(scene, host, FABRIC_CMA))
			wheel_add(&scene->wheel, scene_arrival(scene), SCENE_ARRIVES, FABRIC_CMA,
				mail_put(&scene->mail, &bye));
	}
	node_kill(scene, host);
}

void node_crash(struct scene *scene, uint32_t host)
{
	node_kill(scene, host);
	scene->fabric.hosts[host].dead = true;
}

void node_power(struct scene *scene, uint32_t host)
{
	int64_t after = (int64_t)random_below(&scene->random, START_LONGEST);

	scene->fabric.hosts[host].dead = false;
	at(scene, host)->boot = random_next(&scene->random) | 1;
	wheel_add(&scene->wheel, instant_add(scene_now(scene), after), SCENE_NODE_START, host, 0);
}

void node_boot(struct scene *scene, uint32_t host)
{
	scene->fabric.hosts[host].dead = false;
	at(scene, host)->boot = random_next(&scene->random) | 1;
	node_start(scene, host);
}

void node_stop(struct scene *scene, uint32_t host, int64_t ns)
{
	struct node *node = at(scene, host);

	node->stopped = true;
	node->stops++;
	if (ns)
		wheel_add(&scene->wheel, instant_add(scene_now(scene), ns), SCENE_NODE_RESUME, host,
			node->stops);
}

void node_pause(struct scene *scene, uint32_t host, int64_t ns, bool stands_still)
{
	struct node *node = at(scene, host);

	node_stop(scene, host, ns);
	node->paused = true;
	node->behind += stands_still ? ns : 0;
	scene->fabric.hosts[host].dead = true;
}

void node_resume(struct scene *scene, uint32_t host, uint32_t stop)
{
	if (at(scene, host)->stops == stop)
		node_continue(scene, host);
}

/* It reads all that waits before it judges anything. */
void node_continue(struct scene *scene, uint32_t host)
{
	struct node *node = at(scene, host);
	uint32_t number;

	if (!node->stopped || !node->ring)
		return;
	if (node->paused)
		scene->fabric.hosts[host].dead = false;
	node->paused = false;
	node->stopped = false;
	node->stops++;
	while ((number = mail_take(&scene->mail, &node->socket))) {
		struct letter letter = *mail_at(&scene->mail, number);

		take(scene, host, &letter);
		mail_end(&scene->mail, number);
	}
	node->waiting = 0;
	if (node->outbox.first && !node->telling) {
		node->telling = true;
		wheel_add(&scene->wheel, scene_now(scene), SCENE_TELL, host, 0);
	}
	turn(scene, host);
}
