// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/known.h"

#include <string.h>

#include "base/text.h"

/* FNV-1a. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	return hash * 0x100000001b3;
}

static size_t slot_of(int64_t owner, const char *kind, const char *key)
{
	uint64_t hash = (0xcbf29ce484222325 ^ (uint64_t)owner) * 0x100000001b3;

	hash = hash_text(hash_text(hash, kind), key);
	return (hash ^ hash >> 32) % KNOWN_SLOTS;
}

static bool is(const struct known_node *node, int64_t owner, const char *kind, const char *key)
{
	return node->id && node->owner == owner && !strcmp(node->key, key) &&
		!strcmp(node->kind, kind);
}

const struct known_node *known_find(
	const struct known *known, int64_t owner, const char *kind, const char *key)
{
	const struct known_node *node = &known->slots[slot_of(owner, kind, key)];

	return is(node, owner, kind, key) ? node : NULL;
}

void known_keep(struct known *known, int64_t id, int64_t owner, const char *kind, const char *key,
	const char *label)
{
	struct known_node *node = &known->slots[slot_of(owner, kind, key)];

	if (strlen(kind) >= KNOWN_KIND || strlen(key) >= KNOWN_TEXT || strlen(label) >= KNOWN_TEXT)
		return;
	node->id = id;
	node->owner = owner;
	text_copy_to(node->kind, sizeof(node->kind), kind);
	text_copy_to(node->key, sizeof(node->key), key);
	text_copy_to(node->label, sizeof(node->label), label);
}

void known_forget(struct known *known, int64_t owner, const char *kind, const char *key)
{
	struct known_node *node = &known->slots[slot_of(owner, kind, key)];

	if (is(node, owner, kind, key))
		node->id = 0;
}

void known_clear(struct known *known)
{
	for (size_t i = 0; i < KNOWN_SLOTS; i++)
		known->slots[i].id = 0;
}
