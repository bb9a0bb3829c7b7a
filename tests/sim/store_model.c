// SPDX-License-Identifier: Apache-2.0
/* A fact is kept as its hash: what is compared in the end are sums of hashes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cma/table.h"
#include "tests/sim/facts.h"
#include "tests/sim/store.h"
#include "wire/digest.h"
#include "wire/message.h"

enum { TOKENS_MAX = 4, PAST_MAX = 4096 };

/* An agent as it is, or as it will be when the transaction commits. */
struct version {
	bool exists;
	struct hub_agent agent;
	uint64_t facts[FACTS_MAX]; /* 0: there is none */
	uint64_t sums[SECTION_COUNT];
	struct store_sum sum;
	uint64_t result, results_of; /* number of the last one, and in which incarnation */
};

struct row {
	struct table_link by_key;
	struct table_link by_id; /* of the open version; only while that has one */
	uint8_t key[SEAL_KEY], digest_key[SEAL_FACT_KEY];
	struct version committed, open, saved;
	bool dirty, named; /* open differs; by_id is in its table */
	uint64_t acted;	   /* incarnation that the open transaction acted on; 0: none */
	unsigned presence; /* events about its sessions in the open transaction */
	uint64_t past[PAST_MAX];
	size_t past_count;
	struct row *next, *next_dirty;
};

struct tokens {
	struct hub_token token[TOKENS_MAX];
	size_t count;
	uint64_t epoch;
};

struct store {
	struct tokens committed, open, saved;
	struct table by_key, by_id;
	struct row *rows, *dirty;
	bool clones, restored; /* as in model_open; model_restore was called */
};

static void *model_open(bool clones)
{
	struct store *store = mem_alloc(1, sizeof(*store));

	store->clones = clones;
	return store;
}

static void model_close(void *owner)
{
	struct store *store = owner;
	struct row *next;

	for (struct row *row = store->rows; row; row = next) {
		next = row->next;
		free(row);
	}
	table_deinit(&store->by_key);
	table_deinit(&store->by_id);
	free(store);
}

static void model_add_token(void *owner, const struct hub_token *token)
{
	struct store *store = owner;

	store->committed.token[store->committed.count++] = *token;
	store->open = store->committed;
	store->saved = store->committed;
}

static void model_load(void *owner, struct hub *hub)
{
	const struct store *store = owner;

	for (size_t i = 0; i < store->committed.count; i++)
		hub_add_token(hub, &store->committed.token[i]);
	for (const struct row *row = store->rows; row; row = row->next) {
		if (row->committed.exists)
			hub_add_agent(hub, &row->committed.agent);
	}
}

/* ---- rows ---------------------------------------------------------------------------------- */

static uint64_t hash_of(const uint8_t key[SEAL_KEY])
{
	uint64_t hash;

	memcpy(&hash, key, sizeof(hash));
	return hash;
}

static struct row *find_key(const struct store *store, const uint8_t key[SEAL_KEY])
{
	struct table_link *link = table_find(&store->by_key, hash_of(key));

	return link ? table_object(link, struct row, by_key) : NULL;
}

static struct row *find_id(const struct store *store, uint64_t id)
{
	struct table_link *link = table_find(&store->by_id, id);

	return link ? table_object(link, struct row, by_id) : NULL;
}

static struct row *new_row(struct store *store, const uint8_t key[SEAL_KEY])
{
	struct row *row = mem_alloc(1, sizeof(*row));

	memcpy(row->key, key, SEAL_KEY);
	seal_fact_key(key, row->digest_key);
	table_insert(&store->by_key, &row->by_key, hash_of(key));
	row->next = store->rows;
	store->rows = row;
	return row;
}

/* Makes the row found under the id of its open version. */
static void name_row(struct store *store, struct row *row)
{
	if (row->named)
		table_remove(&store->by_id, &row->by_id);
	row->named = row->open.exists;
	if (row->named)
		table_insert(&store->by_id, &row->by_id, row->open.agent.id);
}

static void touch(struct store *store, struct row *row)
{
	if (row->dirty)
		return;
	row->dirty = true;
	row->next_dirty = store->dirty;
	store->dirty = row;
}

/* ---- effects ------------------------------------------------------------------------------- */

static const char *enrol(struct store *store, const struct hub_event *event)
{
	struct row *row = find_key(store, event->agent.key);
	struct hub_token *token = NULL;

	for (size_t i = 0; i < store->open.count; i++) {
		if (!memcmp(store->open.token[i].id, event->token, TOKEN_ID))
			token = &store->open.token[i];
	}
	if (!token || !token->uses)
		return "enrolled with a token that is used up";
	if (token->tenant != event->agent.tenant)
		return "enrolled in another tenant than the token's";
	token->uses--;
	if (!row)
		row = new_row(store, event->agent.key);
	if (row->open.exists && row->open.agent.id != event->agent.id)
		return "enrolled again under another id";
	row->open.exists = true;
	row->open.agent.id = event->agent.id;
	row->open.agent.tenant = event->agent.tenant;
	memcpy(row->open.agent.key, event->agent.key, SEAL_KEY);
	memcpy(row->open.agent.psk, event->agent.psk, SEAL_KEY);
	name_row(store, row);
	touch(store, row);
	row->acted = event->agent.incarnation;
	return NULL;
}

static void set_fact(struct version *version, size_t i, uint64_t hash)
{
	uint64_t *fact = &version->facts[i];

	version->sums[facts_section(i)] += hash - *fact;
	version->sum.hash += hash - *fact;
	version->sum.count += (hash != 0) - (uint64_t)(*fact != 0);
	*fact = hash;
}

static const char *put_facts(struct row *row, struct span facts)
{
	struct reader r = reader_of(facts);
	struct fact fact;
	size_t i;

	while (fact_get(&r, &fact)) {
		if (!facts_find(fact.section, fact.key, &i))
			return "a fact that no host has";
		set_fact(&row->open, i,
			fact.value.size ? seal_fact_hash(row->digest_key, &fact) : 0);
	}
	return NULL;
}

static const char *put_range(struct row *row, const struct message_range *range)
{
	char memory[FACTS_KEY_SIZE];

	for (size_t i = 0; i < FACTS_MAX; i++) {
		struct span key = facts_key(i, memory);

		if (facts_section(i) == range->section && span_compare(key, range->from) >= 0 &&
			(!range->until.size || span_compare(key, range->until) < 0))
			set_fact(&row->open, i, 0);
	}
	if (!range->until.size)
		row->open.agent.want &= (uint16_t) ~(1U << range->section);
	return put_facts(row, range->facts);
}

static const char *put_digest(
	struct row *row, const struct message_digest *digest, uint64_t sequence)
{
	row->open.agent.want = digest_differs(digest, row->open.sums);
	row->open.agent.want_digest = sequence;
	return NULL;
}

/* Results are numbered: all come, in order; only a new incarnation may begin anywhere. */
static const char *put_result(const struct store *store, struct row *row,
	const struct hub_event *event, const struct message_result *result)
{
	struct version *version = &row->open;
	uint64_t number;

	if (result->text.size != sizeof(number))
		return "a result that nobody told";
	memcpy(&number, result->text.data, sizeof(number));
	if (event->stream != STREAM_URGENT)
		return "a result in the wrong stream";
	if (!store->clones && version->results_of == event->incarnation &&
		number != version->result + 1)
		return "a result is missing, or came twice, or out of order";
	version->results_of = event->incarnation;
	version->result = number;
	return NULL;
}

/* A stream goes on where it was; a new one begins with a digest, and ends the one before. */
static const char *note_order(const struct store *store, struct row *row,
	const struct hub_event *event, enum message_kind kind)
{
	struct hub_agent *agent = &row->open.agent;

	if (event->incarnation == agent->incarnation) {
		if (event->sequence <= agent->durable[event->stream])
			return "a message was acted on twice, or out of order";
	} else {
		for (size_t i = 0; i < row->past_count && !store->clones; i++) {
			if (row->past[i] == event->incarnation)
				return "a stream that had ended went on";
		}
		if (agent->incarnation && row->past_count < PAST_MAX)
			row->past[row->past_count++] = agent->incarnation;
		agent->want = 0;
		agent->want_digest = 0;
		memset(agent->durable, 0, sizeof(agent->durable));
	}
	if (event->stream == STREAM_STATE && !agent->durable[STREAM_STATE] &&
		kind != MESSAGE_DIGEST)
		return "a stream began in its middle";
	row->acted = event->incarnation;
	agent->incarnation = event->incarnation;
	agent->durable[event->stream] = event->sequence;
	return NULL;
}

/* How much of the stream was acted on. */
static uint64_t done_of(const struct row *row, const struct hub_event *event)
{
	const struct hub_agent *agent = &row->open.agent;

	return event->incarnation == agent->incarnation ? agent->durable[event->stream] : 0;
}

static const char *act(struct store *store, const struct hub_event *event)
{
	struct row *row = find_id(store, event->id);
	struct message message;
	const char *wrong;

	if (!row)
		return "a message of an agent that never enrolled";
	if (row->open.agent.revoked)
		return NULL; /* it has no effect, */
	if (event->first > done_of(row, event) + 1)
		return NULL; /* nor has what follows such a one */
	touch(store, row);
	if (message_decode(SPAN(event->bytes, event->size), &message))
		return "a message that does not decode";
	wrong = note_order(store, row, event, message.kind);
	if (wrong)
		return wrong;
	switch (message.kind) {
	case MESSAGE_CHANGES:
		return put_facts(row, message.changes.facts);
	case MESSAGE_RANGE:
		return put_range(row, &message.range);
	case MESSAGE_DIGEST:
		return put_digest(row, &message.digest, event->sequence);
	case MESSAGE_RESULT:
		return put_result(store, row, event, &message.result);
	case MESSAGE_LOST:
	case MESSAGE_SIGHT:
		break;
	}
	return NULL;
}

static const char *note_presence(struct store *store, const struct hub_event *event)
{
	struct row *row = find_id(store, event->id);

	if (!row)
		return "a session of an agent that never enrolled";
	if (row->open.agent.revoked)
		return NULL; /* it stays that */
	touch(store, row);
	row->presence++;
	return NULL;
}

static const char *model_apply(void *owner, const struct hub_event *event, int64_t now_ms)
{
	struct store *store = owner;

	(void)now_ms;
	switch (event->kind) {
	case HUB_ENROL:
		return enrol(store, event);
	case HUB_MESSAGE:
		return act(store, event);
	case HUB_HERE:
	case HUB_LEFT:
		return note_presence(store, event);
	case HUB_DUPLICATE_KEY:
		return store->clones ? NULL : "the key of one agent is taken for that of two";
	case HUB_ROLLED_BACK:
		return store->clones || store->restored
			? NULL
			: "the CMA is taken for one that was restored";
	case HUB_UNREACHED:
	case HUB_UNANSWERED:
		break;
	}
	return NULL;
}

/* ---- transactions -------------------------------------------------------------------------- */

/* The first that the transaction changed, and that is over now; NULL. */
static struct row *next_dirty(struct store *store)
{
	struct row *row = store->dirty;

	if (row) {
		store->dirty = row->next_dirty;
		row->dirty = false;
	}
	return row;
}

static void end_turn(struct row *row)
{
	row->acted = 0;
	row->presence = 0;
}

static const char *model_commit(void *owner, struct hub *hub)
{
	struct store *store = owner;
	struct row *row;

	store->committed = store->open;
	while ((row = next_dirty(store))) {
		const struct hub_agent *agent = &row->open.agent;
		struct hub_commit commit = {
			.id = agent->id,
			.incarnation = row->acted,
			.want = agent->want,
			.want_digest = agent->want_digest,
		};

		row->committed = row->open;
		memcpy(commit.durable, agent->durable, sizeof(commit.durable));
		if (row->acted)
			hub_committed(hub, &commit);
		hub_told(hub, agent->id, row->presence);
		end_turn(row);
	}
	return NULL;
}

static void model_roll_back(void *owner)
{
	struct store *store = owner;
	struct row *row;

	store->open = store->committed;
	while ((row = next_dirty(store))) {
		row->open = row->committed;
		name_row(store, row);
		end_turn(row);
	}
}

static uint64_t model_restart(void *owner)
{
	struct store *store = owner;

	model_roll_back(store);
	store->open.epoch = ++store->committed.epoch;
	return store->committed.epoch;
}

static void model_back_up(void *owner)
{
	struct store *store = owner;

	store->saved = store->committed;
	for (struct row *row = store->rows; row; row = row->next)
		row->saved = row->committed;
}

static void model_restore(void *owner)
{
	struct store *store = owner;

	store->restored = true;
	store->committed = store->saved;
	for (struct row *row = store->rows; row; row = row->next) {
		row->committed = row->saved;
		touch(store, row);
	}
	model_roll_back(store);
}

static void model_set_revoked(void *owner, const uint8_t key[SEAL_KEY], bool revoked)
{
	struct row *row = find_key(owner, key);

	/* Nobody can revoke whom the store does not know, or knows no more. */
	if (row && row->committed.exists)
		row->committed.agent.revoked = row->open.agent.revoked = revoked;
}

static uint64_t model_durable(void *owner, const uint8_t key[SEAL_KEY], uint64_t incarnation)
{
	const struct row *row = find_key(owner, key);
	bool same = row && row->committed.exists && row->committed.agent.incarnation == incarnation;

	return same ? row->committed.agent.durable[STREAM_STATE] : 0;
}

static struct store_sum model_sum(void *owner, const uint8_t key[SEAL_KEY], uint32_t *tenant)
{
	const struct row *row = find_key(owner, key);

	*tenant = row && row->committed.exists ? row->committed.agent.tenant : 0;
	return row ? row->committed.sum : (struct store_sum){ .count = 0 };
}

static uint64_t model_result(void *owner, const uint8_t key[SEAL_KEY])
{
	const struct row *row = find_key(owner, key);

	return row ? row->committed.result : 0;
}

const struct store_ops store_model = {
	.open = model_open,
	.close = model_close,
	.restart = model_restart,
	.back_up = model_back_up,
	.restore = model_restore,
	.add_token = model_add_token,
	.load = model_load,
	.apply = model_apply,
	.commit = model_commit,
	.roll_back = model_roll_back,
	.set_revoked = model_set_revoked,
	.durable = model_durable,
	.sum = model_sum,
	.result = model_result,
};
