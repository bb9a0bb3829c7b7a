// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/digest.h"
#include "wire/message.h"
#include "wire/seal.h"

enum { ROWS_MAX = 256, TOKENS_MAX = 4, INCARNATIONS_MAX = 4096 };

struct held_fact {
	enum section section;
	struct span key, value; /* owned */
};

/* An agent as it is, or as it will be when the transaction commits. */
struct version {
	struct hub_agent agent;
	struct held_fact *facts;
	size_t count;
};

struct row {
	struct version committed, open;
	bool exists, dirty; /* committed is one; open differs */
	uint64_t past[INCARNATIONS_MAX];
	size_t past_count;
};

struct store {
	uint64_t epoch;
	struct hub_token tokens[TOKENS_MAX], open_tokens[TOKENS_MAX];
	size_t token_count;
	struct row rows[ROWS_MAX];
	size_t row_count;
};

static void *model_open(void)
{
	return mem_alloc(1, sizeof(struct store));
}

static struct span span_copy(struct span from)
{
	return SPAN(mem_copy(from.data, from.size), from.size);
}

static void free_fact(struct held_fact *fact)
{
	free((void *)fact->key.data);
	free((void *)fact->value.data);
}

static void free_version(struct version *version)
{
	for (size_t i = 0; i < version->count; i++)
		free_fact(&version->facts[i]);
	free(version->facts);
	*version = (struct version){ .facts = NULL };
}

static void copy_version(struct version *to, const struct version *from)
{
	free_version(to);
	to->agent = from->agent;
	to->count = from->count;
	to->facts = mem_alloc(from->count, sizeof(*to->facts));
	for (size_t i = 0; i < from->count; i++)
		to->facts[i] = (struct held_fact){ from->facts[i].section,
			span_copy(from->facts[i].key), span_copy(from->facts[i].value) };
}

static void model_close(void *owner)
{
	struct store *store = owner;

	for (size_t i = 0; i < store->row_count; i++) {
		free_version(&store->rows[i].committed);
		free_version(&store->rows[i].open);
	}
	free(store);
}

static void model_add_token(void *owner, const struct hub_token *token)
{
	struct store *store = owner;

	store->tokens[store->token_count] = *token;
	store->open_tokens[store->token_count++] = *token;
}

static void model_load(void *owner, struct hub *hub)
{
	const struct store *store = owner;

	for (size_t i = 0; i < store->token_count; i++)
		hub_add_token(hub, &store->tokens[i]);
	for (size_t i = 0; i < store->row_count; i++) {
		if (store->rows[i].exists)
			hub_add_agent(hub, &store->rows[i].committed.agent);
	}
}

/* ---- effects ----------------------------------------------------------------------------------
 */

static struct row *find_key(struct store *store, const uint8_t key[SEAL_KEY])
{
	for (size_t i = 0; i < store->row_count; i++) {
		if (!memcmp(store->rows[i].open.agent.key, key, SEAL_KEY))
			return &store->rows[i];
	}
	return NULL;
}

static struct row *find_id(struct store *store, uint64_t id)
{
	for (size_t i = 0; i < store->row_count; i++) {
		if (store->rows[i].open.agent.id == id)
			return &store->rows[i];
	}
	return NULL;
}

static const char *enrol(struct store *store, const struct hub_event *event)
{
	struct row *row = find_key(store, event->agent.key);
	struct hub_token *token = NULL;

	for (size_t i = 0; i < store->token_count; i++) {
		if (!memcmp(store->open_tokens[i].id, event->token, TOKEN_ID))
			token = &store->open_tokens[i];
	}
	if (!token || !token->uses)
		return "enrolled with a token that is used up";
	token->uses--;
	if (row && row->open.agent.id && row->open.agent.id != event->agent.id)
		return "enrolled again under another id";
	if (!row)
		row = &store->rows[store->row_count++];
	row->open.agent.id = event->agent.id;
	row->open.agent.tenant = event->agent.tenant;
	memcpy(row->open.agent.key, event->agent.key, SEAL_KEY);
	memcpy(row->open.agent.psk, event->agent.psk, SEAL_KEY);
	row->dirty = true;
	return NULL;
}

static void put_fact(struct version *version, const struct fact *fact)
{
	size_t i = 0;

	while (i < version->count &&
		(version->facts[i].section != fact->section ||
			!span_equal(version->facts[i].key, fact->key)))
		i++;
	if (i < version->count) {
		free_fact(&version->facts[i]);
		version->facts[i] = version->facts[--version->count];
	}
	if (!fact->value.size)
		return;
	version->facts = mem_resize(version->facts, version->count + 1, sizeof(*version->facts));
	version->facts[version->count++] =
		(struct held_fact){ fact->section, span_copy(fact->key), span_copy(fact->value) };
}

static void put_facts(struct version *version, struct span facts)
{
	struct reader r = reader_of(facts);
	struct fact fact;

	while (fact_get(&r, &fact))
		put_fact(version, &fact);
}

static void put_range(struct version *version, const struct message_range *range)
{
	size_t kept = 0;

	for (size_t i = 0; i < version->count; i++) {
		struct held_fact *fact = &version->facts[i];
		bool inside = fact->section == range->section &&
			span_compare(fact->key, range->from) >= 0 &&
			(!range->until.size || span_compare(fact->key, range->until) < 0);

		if (inside)
			free_fact(fact);
		else
			version->facts[kept++] = *fact;
	}
	version->count = kept;
	put_facts(version, range->facts);
	if (!range->until.size)
		version->agent.want &= (uint16_t) ~(1U << range->section);
}

static void put_digest(
	struct version *version, const struct message_digest *digest, uint64_t sequence)
{
	uint64_t own[SECTION_COUNT] = { 0 };
	uint8_t key[SEAL_FACT_KEY];

	seal_fact_key(version->agent.key, key);
	for (size_t i = 0; i < version->count; i++) {
		struct fact fact = { version->facts[i].section, version->facts[i].key,
			version->facts[i].value };

		own[fact.section] += seal_fact_hash(key, &fact);
	}
	version->agent.want = digest_differs(digest, own);
	version->agent.want_digest = sequence;
}

static const char *note_order(struct row *row, const struct hub_event *event)
{
	struct hub_agent *agent = &row->open.agent;

	if (event->incarnation == agent->incarnation) {
		if (event->sequence <= agent->durable[event->stream])
			return "a message was acted on twice, or out of order";
	} else {
		for (size_t i = 0; i < row->past_count; i++) {
			if (row->past[i] == event->incarnation)
				return "a stream that had ended went on";
		}
		if (agent->incarnation && row->past_count < INCARNATIONS_MAX)
			row->past[row->past_count++] = agent->incarnation;
		agent->want = 0;
		agent->want_digest = 0;
		memset(agent->durable, 0, sizeof(agent->durable));
	}
	agent->incarnation = event->incarnation;
	agent->durable[event->stream] = event->sequence;
	return NULL;
}

static const char *act(struct store *store, const struct hub_event *event)
{
	struct row *row = find_id(store, event->id);
	struct message message;
	const char *wrong;

	if (!row)
		return "a message of an agent that never enrolled";
	row->dirty = true;
	wrong = note_order(row, event);
	if (wrong)
		return wrong;
	if (message_decode(SPAN(event->bytes, event->size), &message))
		return "a message that does not decode";
	switch (message.kind) {
	case MESSAGE_CHANGES:
		put_facts(&row->open, message.changes.facts);
		break;
	case MESSAGE_RANGE:
		put_range(&row->open, &message.range);
		break;
	case MESSAGE_DIGEST:
		put_digest(&row->open, &message.digest, event->sequence);
		break;
	case MESSAGE_RESULT:
	case MESSAGE_LOST:
		break;
	}
	return NULL;
}

static const char *model_apply(void *owner, const struct hub_event *event, int64_t now_ms)
{
	(void)now_ms;
	if (event->kind != HUB_ENROL && event->kind != HUB_MESSAGE)
		return NULL;
	return event->kind == HUB_ENROL ? enrol(owner, event) : act(owner, event);
}

/* ---- transactions -----------------------------------------------------------------------------
 */

static const struct hub_commit *commit_of(const struct hub_agent *agent, struct hub_commit *commit)
{
	*commit = (struct hub_commit){
		.id = agent->id,
		.incarnation = agent->incarnation,
		.want = agent->want,
		.want_digest = agent->want_digest,
	};
	memcpy(commit->durable, agent->durable, sizeof(commit->durable));
	return commit;
}

static const char *model_commit(void *owner, struct hub *hub)
{
	struct store *store = owner;

	memcpy(store->tokens, store->open_tokens, sizeof(store->tokens));
	for (size_t i = 0; i < store->row_count; i++) {
		struct row *row = &store->rows[i];
		const struct hub_agent *agent = &row->open.agent;
		struct hub_commit commit;

		if (!row->dirty)
			continue;
		copy_version(&row->committed, &row->open);
		row->exists = true;
		row->dirty = false;
		hub_committed(hub, commit_of(agent, &commit));
	}
	return NULL;
}

static void model_roll_back(void *owner)
{
	struct store *store = owner;

	memcpy(store->open_tokens, store->tokens, sizeof(store->tokens));
	for (size_t i = 0; i < store->row_count; i++) {
		struct row *row = &store->rows[i];

		if (row->dirty)
			copy_version(&row->open, &row->committed);
		row->dirty = false;
	}
	while (store->row_count && !store->rows[store->row_count - 1].exists)
		store->row_count--;
}

static uint64_t model_restart(void *owner)
{
	struct store *store = owner;

	model_roll_back(store);
	return ++store->epoch;
}

static uint64_t model_durable(void *owner, const uint8_t key[SEAL_KEY], uint64_t incarnation)
{
	const struct row *row = find_key(owner, key);

	if (!row || !row->exists || row->committed.agent.incarnation != incarnation)
		return 0;
	return row->committed.agent.durable[STREAM_STATE];
}

static void model_each(void *store, const uint8_t key[SEAL_KEY],
	void (*visit)(void *owner, const struct fact *fact), void *owner)
{
	const struct row *row = find_key(store, key);

	for (size_t i = 0; row && i < row->committed.count; i++) {
		struct fact fact = { row->committed.facts[i].section, row->committed.facts[i].key,
			row->committed.facts[i].value };

		visit(owner, &fact);
	}
}

const struct store_ops store_model = {
	.open = model_open,
	.close = model_close,
	.restart = model_restart,
	.add_token = model_add_token,
	.load = model_load,
	.apply = model_apply,
	.commit = model_commit,
	.roll_back = model_roll_back,
	.durable = model_durable,
	.each = model_each,
};
