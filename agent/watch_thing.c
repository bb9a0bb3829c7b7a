// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_thing.h"

#include <string.h>

#include "agent/watch_state.h"
#include "base/json.h"

static struct thing *find_any(const struct watch *watch, enum section section, const char *key)
{
	char id[1 + FACT_KEY_MAX];
	size_t size = strnlen(key, FACT_KEY_MAX);
	struct thing *thing;

	id[0] = (char)section;
	memcpy(id + 1, key, size);
	HASH_FIND(hh, watch->things, id, size + 1, thing);
	return thing;
}

struct thing *thing_find(const struct watch *watch, enum section section, const char *key)
{
	struct thing *thing = find_any(watch, section, key);

	return thing && !thing->gone ? thing : NULL;
}

void *thing_new(struct watch *watch, enum section section, const char *key, size_t size)
{
	struct thing *thing = find_any(watch, section, key);
	size_t length = strnlen(key, FACT_KEY_MAX);

	if (thing) { /* the mark of one that ended */
		memset((char *)thing + sizeof(*thing), 0, size - sizeof(*thing));
		thing->gone = false;
		return thing;
	}
	thing = mem_alloc(1, size + length + 2);
	thing->id = (char *)thing + size;
	thing->id[0] = (char)section;
	memcpy(thing->id + 1, key, length);
	HASH_ADD_KEYPTR(hh, watch->things, thing->id, length + 1, thing);
	return thing;
}

static void unqueue(struct watch *watch, struct thing *thing)
{
	if (thing->queued)
		TAILQ_REMOVE(&watch->waiting, thing, waiting);
	thing->queued = false;
}

void thing_touch(struct watch *watch, struct thing *thing)
{
	if (thing->queued)
		return;
	TAILQ_INSERT_TAIL(&watch->waiting, thing, waiting);
	thing->queued = true;
}

void thing_touch_first(struct watch *watch, struct thing *thing)
{
	unqueue(watch, thing);
	TAILQ_INSERT_HEAD(&watch->waiting, thing, waiting);
	thing->queued = true;
}

void thing_drop(struct watch *watch, struct thing *thing)
{
	unqueue(watch, thing);
	if (thing->told) {
		thing->gone = true;
		thing_touch(watch, thing);
		return;
	}
	HASH_DELETE(hh, watch->things, thing);
	free(thing);
}

void watch_cover(struct watch *watch, const char *feature, const json_t *value)
{
	struct cover *cover = (struct cover *)thing_find(watch, SECTION_COVERAGE, feature);

	if (!cover)
		cover = thing_new(watch, SECTION_COVERAGE, feature, sizeof(*cover));
	free(cover->value);
	cover->value = json_text(value);
	thing_touch(watch, &cover->thing);
}

/* The value of a thing now; NULL when it is no fact (any more). The caller frees. */
static char *value_of(const struct thing *thing)
{
	const struct program *program = (const struct program *)thing;
	json_t *value autojson = NULL;

	if (thing->gone)
		return NULL;
	switch ((int)thing_section(thing)) {
	case SECTION_PROCESS:
		return program->uses ? text_copy(program->value) : NULL;
	case SECTION_COVERAGE:
		return text_copy(((const struct cover *)thing)->value);
	case SECTION_LISTEN:
		value = listen_json((const struct listen *)thing);
		break;
	case SECTION_CLIENT:
		value = client_json((const struct client *)thing);
		break;
	default:
		value = inbound_json((const struct inbound *)thing);
		break;
	}
	return json_text(value);
}

/* True when the fact that waits is news; false when it is what was told before. */
static bool take(struct watch *watch, struct thing *thing, struct fact *fact)
{
	uint64_t hash = 0;

	*fact = (struct fact){ .section = thing_section(thing),
		.key = SPAN_TEXT(thing_key(thing)) };
	watch->value = value_of(thing);
	if (watch->value) {
		fact->value = SPAN_TEXT(watch->value);
		hash = naming_hash(NAMING_HASH_START, fact->value.data, fact->value.size) | 1;
	}
	if (thing->gone) {
		HASH_DELETE(hh, watch->things, thing);
		watch->last = thing;
	}
	if (thing->told == hash)
		return false;
	thing->told = hash;
	return true;
}

bool watch_next(struct watch *watch, struct fact *fact)
{
	struct thing *thing;

	while ((thing = TAILQ_FIRST(&watch->waiting))) {
		free(watch->value);
		free(watch->last);
		watch->value = NULL;
		watch->last = NULL;
		unqueue(watch, thing);
		if (take(watch, thing, fact))
			return true;
	}
	return false;
}
