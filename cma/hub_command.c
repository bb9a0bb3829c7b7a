// SPDX-License-Identifier: Apache-2.0
#include "cma/hub_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/hub_state.h"
#include "cma/hub_wake.h"
#include "cma/retry.h"

struct pending {
	struct table_link by_agent;
	struct retry retry;
	struct warrant warrant; /* borrows from command.frame, which is owned */
	struct hub_command command;
	bool ended;	    /* there is a result, or it was told that there was none in time */
	uint64_t rollbacks; /* at that time */
};

struct hub_commands {
	struct table by_agent;
	struct retries retries;
	int64_t clock_ms; /* wall time when the instant was 0 */
	uint64_t rollbacks;
};

struct hub_commands *hub_commands_new(void)
{
	struct hub_commands *commands = mem_alloc(1, sizeof(*commands));

	retry_init(&commands->retries);
	return commands;
}

static void drop(struct hub_commands *commands, struct pending *pending)
{
	table_remove(&commands->by_agent, &pending->by_agent);
	retry_remove(&commands->retries, &pending->retry);
	free((void *)(uintptr_t)pending->command.frame.data);
	free(pending);
}

/* Whose turn is first; NULL. */
static struct pending *first_turn(const struct hub_commands *commands)
{
	struct retry *first = retry_first(&commands->retries);

	return first ? retry_object(first, struct pending, retry) : NULL;
}

void hub_commands_free(struct hub_commands *commands)
{
	struct pending *pending;

	while ((pending = first_turn(commands)) != NULL)
		drop(commands, pending);
	table_deinit(&commands->by_agent);
	free(commands);
}

size_t hub_command_count(const struct hub *hub)
{
	return hub->commands->by_agent.count;
}

void hub_command_clock(struct hub *hub, struct instant now, int64_t now_ms)
{
	hub->commands->clock_ms = now_ms - now.ns / NS_PER_MS;
}

static uint64_t wall_ms(const struct hub_commands *commands, struct instant now)
{
	int64_t ms = commands->clock_ms + now.ns / NS_PER_MS;

	return ms > 0 ? (uint64_t)ms : 0;
}

static bool has_expired(
	const struct hub_commands *commands, struct instant now, const struct pending *pending)
{
	return pending->warrant.not_after_ms <= wall_ms(commands, now);
}

static struct instant expiry(
	const struct hub_commands *commands, struct instant now, const struct pending *pending)
{
	uint64_t left_ms = pending->warrant.not_after_ms - wall_ms(commands, now);

	return left_ms > INT32_MAX ? INSTANT_NEVER : instant_add(now, (int64_t)left_ms * NS_PER_MS);
}

static void move(
	struct hub_commands *commands, struct pending *pending, size_t step, struct instant at)
{
	retry_move(&commands->retries, &pending->retry, step, at);
}

static uint64_t hash_of(const uint8_t agent[SEAL_KEY])
{
	struct reader r = reader_of(SPAN(agent, SEAL_KEY));

	return get_u64(&r);
}

int hub_command_add(
	struct hub *hub, struct instant now, int64_t now_ms, const struct hub_command *command)
{
	struct hub_commands *commands = hub->commands;
	struct pending *pending;
	struct warrant warrant;

	if (warrant_decode(command->frame, &warrant))
		return -EINVAL;
	if (!hub_find_peer(hub, warrant.agent))
		return -ENOENT;
	if (commands->by_agent.count >= HUB_COMMANDS_MAX)
		return -ENOBUFS;
	hub_command_clock(hub, now, now_ms);
	pending = mem_alloc(1, sizeof(*pending));
	pending->command = *command;
	pending->command.frame.data = mem_copy(command->frame.data, command->frame.size);
	if (warrant_decode(pending->command.frame, &pending->warrant))
		abort(); /* cannot be: these are the same bytes */
	retry_add(&commands->retries, &pending->retry, now);
	table_insert(&commands->by_agent, &pending->by_agent, hash_of(warrant.agent));
	return 0;
}

/* The agent's first pending command, and the one after that. */
static struct pending *of_agent(struct table_link *link, const uint8_t agent[SEAL_KEY])
{
	for (; link; link = table_find_next(link)) {
		struct pending *pending = table_object(link, struct pending, by_agent);

		if (!memcmp(pending->warrant.agent, agent, SEAL_KEY))
			return pending;
	}
	return NULL;
}

static struct pending *first_of(const struct hub *hub, const struct peer *peer)
{
	const uint8_t *agent = peer->known.key;

	return of_agent(table_find(&hub->commands->by_agent, hash_of(agent)), agent);
}

static struct pending *next_of(const struct pending *pending)
{
	return of_agent(table_find_next(&pending->by_agent), pending->warrant.agent);
}

void hub_command_here(struct hub *hub, const struct peer *peer)
{
	struct pending *pending = first_of(hub, peer), *next;

	for (; pending; pending = next) {
		next = next_of(pending);
		if (!warrant_same_run(pending->warrant.incarnation, peer->known.incarnation))
			drop(hub->commands, pending);
		else if (!pending->ended)
			move(hub->commands, pending, 0, (struct instant){ 0 });
	}
}

/* It keeps quiet until it expires; then a look back, whether what ended it was lost. */
static void end(struct hub_commands *commands, struct pending *pending, struct instant at)
{
	pending->ended = true;
	pending->rollbacks = commands->rollbacks;
	move(commands, pending, RETRY_STEPS - 1, at);
}

void hub_command_heard(struct hub *hub, const struct peer *peer, struct span bytes)
{
	struct pending *pending;
	struct message message;

	if (!bytes.size || bytes.data[0] != MESSAGE_RESULT || message_decode(bytes, &message))
		return;
	for (pending = first_of(hub, peer); pending; pending = next_of(pending)) {
		if (memcmp(pending->warrant.id, message.result.command, WARRANT_ID))
			continue;
		end(hub->commands, pending, pending->retry.at);
		break;
	}
}

void hub_command_rolled_back(struct hub *hub)
{
	hub->commands->rollbacks++;
}

static size_t send_command(
	struct hub *hub, struct instant now, struct pending *pending, uint8_t *datagram)
{
	struct channel *channel = hub_find_peer(hub, pending->warrant.agent)->channel;
	int64_t age_ms = instant_sub(now, channel->session.since) / NS_PER_MS;
	uint8_t memory[PACKET_DATA_MAX];
	struct writer plain = writer_over(memory, sizeof(memory));
	struct writer sealed = writer_over(datagram, PACKET_MAX);
	struct record record = { .kind = RECORD_COMMAND,
		.command = {
			.now_ms = wall_ms(hub->commands, now),
			.age_ms = age_ms > 0 ? (uint64_t)age_ms : 0,
			.warrant = pending->command.frame,
		} };

	record_encode(&plain, &record);
	if (session_seal(&channel->session, writer_span(&plain), &sealed))
		return 0;
	pending->command.sent = true;
	return sealed.size;
}

/* Into the session; or, when there is none or it is used up, what makes the agent call. */
static size_t send_pending(struct hub *hub, struct instant now, struct pending *pending,
	struct addr *to, uint8_t *datagram)
{
	const struct peer *peer = hub_find_peer(hub, pending->warrant.agent);
	size_t size = 0;

	if (!peer)
		return 0;
	if (peer->channel) {
		*to = peer->channel->address;
		size = send_command(hub, now, pending, datagram);
	}
	return size ? size : hub_wake_call(hub, peer, to, datagram);
}

static void tell_expired(struct hub *hub, const struct pending *pending)
{
	struct span frame = pending->command.frame;
	struct hub_event event = {
		.kind = pending->command.sent ? HUB_UNANSWERED : HUB_UNREACHED,
		.bytes = mem_copy(frame.data, frame.size),
		.size = frame.size,
	};

	hub_queue_event(hub, &event);
}

/* Its turn has come. 0: there is nothing to send for it. */
static size_t take_turn(struct hub *hub, struct instant now, struct pending *pending,
	struct addr *to, uint8_t *datagram)
{
	struct hub_commands *commands = hub->commands;
	size_t step = retry_next_step(&pending->retry);
	size_t size;

	if (has_expired(commands, now, pending)) {
		if (pending->ended && pending->rollbacks == commands->rollbacks) {
			drop(commands, pending);
			return 0;
		}
		tell_expired(hub, pending);
		end(commands, pending, retry_due(now, RETRY_STEPS - 1));
		return 0;
	}
	if (pending->ended) {
		move(commands, pending, RETRY_STEPS - 1, expiry(commands, now, pending));
		return 0;
	}
	size = send_pending(hub, now, pending, to, datagram);
	move(commands, pending, step,
		instant_first(retry_due(now, step), expiry(commands, now, pending)));
	return size;
}

size_t hub_command_output(
	struct hub *hub, struct instant now, struct addr *to, uint8_t datagram[PACKET_MAX])
{
	struct pending *pending;
	size_t size = 0;

	while (!size && (pending = first_turn(hub->commands)) != NULL &&
		!instant_before(now, pending->retry.at))
		size = take_turn(hub, now, pending, to, datagram);
	return size;
}

struct instant hub_command_deadline(const struct hub *hub)
{
	const struct pending *first = first_turn(hub->commands);

	return first ? first->retry.at : INSTANT_NEVER;
}
