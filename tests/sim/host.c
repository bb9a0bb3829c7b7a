// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/host.h"

#include <string.h>

#include "wire/keys.h"
#include "wire/message.h"

/* What is now true of the fact i; the agent, if it runs, is told. */
static void set_truth(struct host *host, struct estate *estate, size_t i, uint64_t seed)
{
	struct truth *truth = &host->truth[i];
	char key[FACTS_KEY_SIZE];
	struct fact fact = { .section = facts_section(i), .key = facts_key(i, key) };

	if (seed)
		fact.value = facts_value(i, seed, estate->value_max, estate->value);
	host->sum.count -= truth->seed != 0;
	host->sum.hash -= truth->hash;
	*truth = (struct truth){ seed, seed ? seal_fact_hash(host->digest_key, &fact) : 0 };
	host->sum.count += truth->seed != 0;
	host->sum.hash += truth->hash;
	if (host->tracker)
		tracker_apply(host->tracker, &fact);
	host->checked = 0;
}

void host_change(struct host *host, struct estate *estate)
{
	size_t i = random_below(&estate->random, estate->facts);
	bool goes = random_percent(&estate->random, 30);

	set_truth(host, estate, i, goes ? 0 : random_next(&estate->random) | 1);
}

void host_init(struct host *host, struct estate *estate, size_t n)
{
	uint8_t secret[SEAL_KEY];

	host->estate = estate;
	random_fill(&estate->random, secret, sizeof(secret));
	keys_from_secret(&host->key, secret);
	seal_fact_key(host->key.public, host->digest_key);
	host->token = &estate->tokens[n % ESTATE_TENANTS];
	for (size_t i = 0; i < estate->facts / 4; i++)
		host_change(host, estate);
}

void host_clone(struct host *host, const struct host *of)
{
	host->key = of->key;
	host->token = of->token;
	memcpy(host->digest_key, of->digest_key, sizeof(host->digest_key));
	memcpy(host->truth, of->truth, sizeof(host->truth));
	host->sum = of->sum;
}

void host_deinit(struct host *host)
{
	host_stop(host);
}

void host_tell_result(struct host *host, const uint8_t command[WARRANT_ID])
{
	uint8_t memory[64];
	struct writer w = writer_over(memory, sizeof(memory));
	uint64_t number = host->results + 1;
	struct message message = { .kind = MESSAGE_RESULT,
		.result = { .status = RESULT_DONE, .text = SPAN(&number, sizeof(number)) } };

	memcpy(message.result.command, command, WARRANT_ID);
	message_encode(&w, &message);
	if (!uplink_urgent(host->uplink, writer_span(&w)))
		return;
	host->results++;
	host->process_results++;
}

static void fill_random(void *owner, void *to, size_t size)
{
	const struct host *host = owner;

	random_fill(&host->estate->random, to, size);
}

static void take_command(void *owner, uint64_t now_ms, struct span frame)
{
	struct host *host = owner;
	uint8_t id[WARRANT_ID];

	if (orders_take(host->estate->orders, &host->judge, now_ms, frame, id))
		host_tell_result(host, id);
}

void host_start(struct host *host, struct estate *estate)
{
	struct uplink_config config = {
		.key = host->key,
		.has_token = true,
		.enrolled = host->enrolled,
		.run = random_next(&estate->random) | 1 << 16,
		.command = take_command,
		.random = fill_random,
		.owner = host,
	};

	host->tracker = tracker_new(host->digest_key);
	for (size_t i = 0; i < estate->facts; i++) {
		if (host->truth[i].seed)
			set_truth(host, estate, i, host->truth[i].seed);
	}
	config.tracker = host->tracker;
	memcpy(config.cma, estate->cma_key.public, SEAL_KEY);
	memcpy(config.token_id, host->token->id, TOKEN_ID);
	memcpy(config.token_secret, host->token->secret, SEAL_KEY);
	memcpy(config.psk, host->psk, SEAL_KEY);
	judge_init(&host->judge, host->key.public, config.run);
	host->uplink = uplink_new(&config);
	uplink_ready(host->uplink);
	host->behind = false;
	host->process_results = 0;
	host->checked = 0;
}

void host_stop(struct host *host)
{
	if (host->uplink) {
		host->stream_restarts += uplink_status(host->uplink)->restarts;
		host->retries += uplink_status(host->uplink)->retries;
	}
	uplink_free(host->uplink);
	tracker_free(host->tracker);
	host->uplink = NULL;
	host->tracker = NULL;
}

void host_keep(struct host *host)
{
	if (host->enrolled || !uplink_status(host->uplink)->enrolled)
		return;
	host->enrolled = true;
	keys_agent_psk(host->token->secret, host->key.public, host->psk);
}

bool host_is_known(const struct host *host, const struct store_ops *ops, void *store)
{
	uint32_t tenant;
	struct store_sum sum = ops->sum(store, host->key.public, &tenant);

	return tenant == host->token->tenant && sum.count == host->sum.count &&
		sum.hash == host->sum.hash;
}
