// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/keys.h"

static const enum section sections[] = { SECTION_LISTEN, SECTION_INBOUND, SECTION_SCRIPT,
	SECTION_CONFIG };

enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

/* A JSON object for the fact i with this value; the caller frees. */
static char *value_text(const struct estate *estate, size_t i, uint64_t value)
{
	struct random random = { value };
	size_t size = 1 + random_below(&random, estate->value_max);
	char *filler autofree = mem_alloc(size + 1, 1);

	for (size_t at = 0; at < size; at++)
		filler[at] = (char)('a' + random_below(&random, 16));
	return text_format("{\"addr\":\"10.9.%zu.%u\",\"port\":%zu,\"process\":[\"p%u\"],"
			   "\"proto\":\"tcp\",\"text\":\"%s\"}",
		i % 3, (unsigned)(value >> 8 & 3), 1000 + i, (unsigned)(value >> 16 & 7), filler);
}

static void tell_fact(struct host *host, const struct estate *estate, size_t i)
{
	char *text autofree =
		host->truth[i] ? value_text(estate, i, host->truth[i]) : text_copy("");
	char key[32];
	struct fact fact = { .section = sections[i % SECTIONS], .value = SPAN_TEXT(text) };

	snprintf(key, sizeof(key), "fact %zu", i / SECTIONS);
	fact.key = SPAN_TEXT(key);
	tracker_apply(host->tracker, &fact);
	host->checked = 0;
}

void host_change(struct host *host, struct estate *estate)
{
	size_t i = random_below(&estate->random, estate->facts);

	host->truth[i] = random_percent(&estate->random, 30) ? 0 : random_next(&estate->random) | 1;
	if (host->tracker)
		tell_fact(host, estate, i);
}

void host_init(struct host *host, struct estate *estate, size_t n)
{
	uint8_t secret[SEAL_KEY];
	char text[ADDR_TEXT_SIZE];

	random_fill(&estate->random, secret, sizeof(secret));
	keys_from_secret(&host->key, secret);
	seal_fact_key(host->key.public, host->digest_key);
	snprintf(text, sizeof(text), "10.0.%zu.%zu:%d", n / 250, 1 + n % 250, 40000);
	addr_parse(text, &host->address);
	host->truth = mem_alloc(estate->facts, sizeof(uint64_t));
	for (size_t i = 0; i < estate->facts / 4; i++)
		host_change(host, estate);
}

void host_deinit(struct host *host)
{
	host_stop(host);
	free(host->truth);
}

void host_start(struct host *host, struct estate *estate)
{
	struct uplink_config config = {
		.key = host->key,
		.has_token = true,
		.enrolled = host->enrolled,
		.random = random_fill,
		.owner = &estate->random,
	};

	host->tracker = tracker_new(host->digest_key);
	for (size_t i = 0; i < estate->facts; i++)
		tell_fact(host, estate, i);
	config.tracker = host->tracker;
	memcpy(config.cma, estate->cma_key.public, SEAL_KEY);
	memcpy(config.token_id, estate->token.id, TOKEN_ID);
	memcpy(config.token_secret, estate->token.secret, SEAL_KEY);
	memcpy(config.psk, host->psk, SEAL_KEY);
	host->uplink = uplink_new(&config);
	uplink_ready(host->uplink);
}

void host_stop(struct host *host)
{
	if (host->uplink)
		host->stream_restarts += uplink_status(host->uplink)->restarts;
	uplink_free(host->uplink);
	tracker_free(host->tracker);
	host->uplink = NULL;
	host->tracker = NULL;
}

void host_keep(struct host *host, const struct estate *estate)
{
	if (!uplink_status(host->uplink)->enrolled || host->enrolled)
		return;
	host->enrolled = true;
	keys_agent_psk(estate->token.secret, host->key.public, host->psk);
}

struct comparison {
	const struct tracker *tracker;
	size_t found, differ;
};

static void compare_fact(void *owner, const struct fact *fact)
{
	struct comparison *comparison = owner;
	struct span value = tracker_value(comparison->tracker, fact->section, fact->key);

	comparison->found++;
	comparison->differ += !span_equal(value, fact->value);
}

bool host_is_known(const struct host *host, const struct store_ops *ops, void *store)
{
	struct comparison comparison = { .tracker = host->tracker };
	size_t count = 0;

	for (int section = 0; section < SECTION_COUNT; section++)
		count += tracker_count(host->tracker, (enum section)section);
	ops->each(store, host->key.public, compare_fact, &comparison);
	return !comparison.differ && comparison.found == count;
}
