// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/store.h"

#include <errno.h>
#include <string.h>

/* As many are read in the time that an edge takes. */
enum { LISTENERS_AN_EDGE = 16 };

void merge_free(struct merge *m)
{
	derive_locals_free(&m->touched);
}

/* One fact more (1) or less (-1) tells of an address. */
static int local_count(struct merge *m, const struct derive_local *local, int change)
{
	struct db *db = &m->g->db;
	int64_t facts = 0;
	int got = db_int(db, &facts, DB_LOCAL_COUNT, "itti", m->host, local->netns, local->ip,
		(int64_t)change);

	if (got >= 0 && facts == (change > 0))
		derive_locals_add(&m->touched, local->netns, local->ip);
	if (got >= 0 && !facts)
		got = db_run(db, DB_LOCAL_END, "itt", m->host, local->netns, local->ip);
	return got < 0 ? got : 0;
}

static int locals_replace(
	struct merge *m, const struct derive_locals *before, const struct derive_locals *after)
{
	int failed = 0;

	for (size_t i = 0; i < after->count && !failed; i++)
		failed = local_count(m, &after->items[i], 1);
	for (size_t i = 0; i < before->count && !failed; i++)
		failed = local_count(m, &before->items[i], -1);
	return failed;
}

static int locals_read(struct merge *m, struct derive_locals *to)
{
	sqlite3_stmt *s dbreset = db_bind(&m->g->db, DB_LOCAL_LIST, "i", m->host);
	int got;

	while ((got = db_step(&m->g->db, s)) > 0)
		derive_locals_add(to, db_string(s, 0), db_string(s, 1));
	return got;
}

/* ---- one fact ---- */

/* A fact as the store has it. */
struct stored {
	int64_t id;
	int64_t since;
	char *value; /* NULL: there is none */
	json_t *json;
};

static void stored_free(struct stored *stored)
{
	free(stored->value);
	json_decref(stored->json);
}

static int stored_find(struct merge *m, const struct fact *fact, struct stored *to)
{
	sqlite3_stmt *s dbreset = db_bind(
		&m->g->db, DB_FACT_FIND, "its", m->host, section_name(fact->section), fact->key);
	struct span value;
	int got = db_step(&m->g->db, s);

	if (got <= 0)
		return got;
	value = db_text(s, 1);
	to->id = sqlite3_column_int64(s, 0);
	to->value = text_copy_n((const char *)value.data, value.size);
	to->since = sqlite3_column_int64(s, 2);
	return 0;
}

static uint64_t hash(const struct merge *m, const struct fact *fact, struct span value)
{
	struct fact version = { .section = fact->section, .key = fact->key, .value = value };

	return seal_fact_hash(m->hash_key, &version);
}

static void account(struct merge *m, const struct fact *fact, const struct stored *old)
{
	if (old->value) {
		m->facts--;
		m->bytes -= (int64_t)(fact->key.size + strlen(old->value));
	}
	if (fact->value.size) {
		m->facts++;
		m->bytes += (int64_t)(fact->key.size + fact->value.size);
	}
}

/* Writes the row and the digest; *id is the row that is alive, or was. */
static int fact_write(
	struct merge *m, const struct fact *fact, const struct stored *old, int64_t *id)
{
	struct db *db = &m->g->db;
	const char *section = section_name(fact->section);
	int64_t now = m->g->now;
	int failed = 0;

	*id = old->id;
	account(m, fact, old);
	if (old->value)
		m->digests[fact->section] -= hash(m, fact, SPAN_TEXT(old->value));
	if (fact->value.size)
		m->digests[fact->section] += hash(m, fact, fact->value);
	if (!fact->value.size)
		return db_run(db, DB_FACT_END, "ii", old->id, now);
	if (old->value && old->since < now)
		failed = db_run(db, DB_FACT_ADD, "itstii", m->host, section, fact->key, old->value,
			old->since, now);
	if (failed || old->value)
		return failed ? failed : db_run(db, DB_FACT_SET, "isi", old->id, fact->value, now);
	failed = db_run(db, DB_FACT_ADD, "itssii", m->host, section, fact->key, fact->value, now,
		DB_FOREVER);
	*id = sqlite3_last_insert_rowid(db->handle);
	return failed;
}

static bool is_wildcard(const struct fact *fact, const json_t *before, const json_t *after)
{
	return derive_is_wildcard(fact->section, before) ||
		derive_is_wildcard(fact->section, after);
}

/* So much more is to be looked at. */
static int spend(struct merge *m, size_t work)
{
	m->work += work;
	return m->work > m->work_max ? -EDQUOT : 0;
}

static int merge_edges(struct merge *m, const struct fact *fact, int64_t id, const json_t *before,
	const json_t *after)
{
	struct derive_locals locals cleanup(derive_locals_free) = { 0 };
	struct derived old cleanup(derived_free) = { 0 };
	struct derived new cleanup(derived_free) = { 0 };
	char *key autofree = text_copy_n((const char *)fact->key.data, fact->key.size);
	int failed = 0;

	if (is_wildcard(fact, before, after))
		failed = locals_read(m, &locals);
	if (failed)
		return failed;
	old = derive(fact->section, key, before, &locals);
	new = derive(fact->section, key, after, &locals);
	failed = spend(m, new.edge_count);
	if (!failed)
		failed = edge_replace(m, id, &old, &new);
	if (!failed)
		failed = locals_replace(m, &old.locals, &new.locals);
	if (!failed && new.host_label)
		failed = db_run(&m->g->db, DB_NODE_LABEL, "it", m->host, new.host_label);
	return failed;
}

int merge_fact(struct merge *m, const struct fact *fact, const json_t *json)
{
	struct stored old cleanup(stored_free) = { 0 };
	int64_t id;
	int failed = stored_find(m, fact, &old);

	if (failed || (old.value ? span_equal(SPAN_TEXT(old.value), fact->value) : !json))
		return failed;
	if (old.value)
		old.json = json_parse(SPAN_TEXT(old.value), FACT_VALUE_MAX, NULL, 0);
	if (is_wildcard(fact, old.json, json))
		failed = merge_finish(m); /* while the store has the listener that is followed */
	if (!failed)
		failed = fact_write(m, fact, &old, &id);
	return failed ? failed : merge_edges(m, fact, id, old.json, json);
}

/* ---- ranges ---- */

static int compare_keys(const void *a, const void *b)
{
	return span_compare(((const struct fact *)a)->key, ((const struct fact *)b)->key);
}

int merge_range(struct merge *m, enum section section, struct span from, struct span until,
	const struct fact *facts, size_t count)
{
	struct writer gone cleanup(writer_free) = writer_growing(SIZE_MAX / 2);
	struct reader each;
	int got = 0;

	{
		sqlite3_stmt *s dbreset = db_bind(&m->g->db, DB_FACT_RANGE, "itss", m->host,
			section_name(section), from, until);

		while ((got = db_step(&m->g->db, s)) > 0) {
			struct fact stored = { .section = section, .key = db_text(s, 0) };

			if (!count || !bsearch(&stored, facts, count, sizeof(*facts), compare_keys))
				fact_put(&gone, &stored);
		}
	}
	each = reader_of(writer_span(&gone));
	for (struct fact fact; !got && fact_get(&each, &fact);)
		got = merge_fact(m, &fact, NULL);
	return got;
}

/* ---- listeners on wildcard addresses ---- */

struct listener {
	int64_t fact;
	char *key;
	json_t *value;
};

static int listeners_follow(struct merge *m, const struct listener *listeners, size_t count,
	const struct derive_locals *gone, const struct derive_locals *come)
{
	int failed = 0;

	for (size_t i = 0; i < count && !failed; i++) {
		const struct listener *l = &listeners[i];
		struct derived old cleanup(derived_free) =
			derive(SECTION_LISTEN, l->key, l->value, gone);
		struct derived new cleanup(derived_free) =
			derive(SECTION_LISTEN, l->key, l->value, come);

		if (new.edge_count > old.edge_count)
			failed = spend(m, new.edge_count - old.edge_count);
		if (!failed)
			failed = edge_replace(m, l->fact, &old, &new);
	}
	return failed;
}

/* All first, then act: no statement is open while others write. */
static int listeners_read(struct merge *m, struct listener **listeners, size_t *count)
{
	sqlite3_stmt *s dbreset =
		db_bind(&m->g->db, DB_FACT_SECTION, "it", m->host, section_name(SECTION_LISTEN));
	int got;

	while ((got = db_step(&m->g->db, s)) > 0) {
		json_t *value = json_parse(db_text(s, 2), FACT_VALUE_MAX, NULL, 0);

		if (!derive_is_wildcard(SECTION_LISTEN, value)) {
			json_decref(value);
			continue;
		}
		*listeners = mem_resize(*listeners, *count + 1, sizeof(**listeners));
		(*listeners)[(*count)++] = (struct listener){ sqlite3_column_int64(s, 0),
			text_copy(db_string(s, 1)), value };
	}
	return got;
}

/* Whether the addresses that came or went, perhaps both, are there now. */
static int touched_sort(struct merge *m, struct derive_locals *gone, struct derive_locals *come)
{
	int got = 0;

	for (size_t i = 0; i < m->touched.count && got >= 0; i++) {
		const struct derive_local *local = &m->touched.items[i];
		int64_t one;

		got = db_int(
			&m->g->db, &one, DB_LOCAL_FIND, "itt", m->host, local->netns, local->ip);
		derive_locals_add(got > 0 ? come : gone, local->netns, local->ip);
	}
	return got < 0 ? got : 0;
}

int merge_finish(struct merge *m)
{
	struct derive_locals gone cleanup(derive_locals_free) = { 0 };
	struct derive_locals come cleanup(derive_locals_free) = { 0 };
	struct listener *listeners autofree = NULL;
	size_t count = 0;
	int failed;

	if (!m->touched.count)
		return 0;
	failed = touched_sort(m, &gone, &come);
	if (!failed)
		failed = listeners_read(m, &listeners, &count);
	if (!failed)
		failed = spend(m, count / LISTENERS_AN_EDGE);
	if (!failed)
		failed = listeners_follow(m, listeners, count, &gone, &come);
	derive_locals_free(&m->touched);
	for (size_t i = 0; i < count; i++) {
		free(listeners[i].key);
		json_decref(listeners[i].value);
	}
	return failed;
}
