// SPDX-License-Identifier: Apache-2.0
/* Who exchanges heartbeats with whom, and how each end sees the other. */
#include "tests/unit/estate.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "cma/graph/ring.h"

#define T0 "'2023-11-14T22:13:20.000Z'" /* ESTATE_START */

#define SIDE(host, neighbour, sees) \
	"{'host':'" host "','layer':0,'neighbour':'" neighbour "','sees':'" sees "','since':" T0 "}"

static int add(struct estate *e, uint32_t edge, int64_t low, int64_t high)
{
	const struct graph_ring_edge made = { .edge = edge, .low = low, .high = high };
	int err;

	assert_int_equal(graph_begin(e->graph, e->now), 0);
	err = graph_ring_add(e->graph, &made);
	assert_int_equal(graph_commit(e->graph), 0);
	return err;
}

static void drop(struct estate *e, uint32_t edge)
{
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_ring_remove(e->graph, edge), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

/* SIGHT, in the urgent stream of a run. */
static enum graph_verdict see_in(struct estate *e, int64_t agent, uint64_t incarnation,
	uint64_t sequence, uint32_t edge, uint8_t sight)
{
	const struct message message = { .kind = MESSAGE_SIGHT,
		.sight = { .edge = edge, .sight = sight } };
	struct writer w cleanup(writer_free) = writer_growing(64);
	struct graph_message said = {
		.incarnation = incarnation, .stream = STREAM_URGENT, .sequence = sequence
	};

	message_encode(&w, &message);
	said.bytes = writer_span(&w);
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_apply(e->graph, agent, &said, &e->result), 0);
	assert_int_equal(graph_commit(e->graph), 0);
	assert_true(e->result.durable[STREAM_URGENT] >= sequence);
	return e->result.verdict;
}

static enum graph_verdict see(
	struct estate *e, int64_t agent, uint64_t sequence, uint32_t edge, uint8_t sight)
{
	return see_in(e, agent, 1, sequence, edge, sight);
}

static void test_secret(void **state)
{
	static const char thief[] = "-- x\nSELECT secret FROM secret";
	static const uint8_t nothing[GRAPH_KEY];
	uint8_t first[GRAPH_KEY], again[GRAPH_KEY];
	json_t *rows autojson = NULL;
	char *path autofree = NULL;
	struct estate e;

	(void)state;
	estate_new(&e);
	assert_int_equal(graph_ring_secret(e.graph, first), 0);
	assert_memory_not_equal(first, nothing, GRAPH_KEY);
	assert_int_equal(graph_ring_secret(e.graph, again), 0);
	assert_memory_equal(first, again, GRAPH_KEY);
	estate_close(&e);
	estate_open(&e);
	assert_int_equal(graph_ring_secret(e.graph, again), 0);
	assert_memory_equal(first, again, GRAPH_KEY);

	/* No query reads it. */
	path = text_format("%s/thief.sql", e.directory);
	assert_int_equal(file_replace(AT_FDCWD, path, thief, strlen(thief), 0600), 0);
	queries_close(e.queries);
	assert_int_equal(
		queries_open(e.directory, e.directory, &e.queries, e.error, sizeof(e.error)), 0);
	assert_int_equal(estate_try(&e, "default", "thief", NULL, &rows), -EINVAL);
	assert_non_null(strstr(e.error, "prohibited"));
	estate_remove(&e);
}

static void test_numbers(void **state)
{
	struct estate e;
	int64_t a, b, foreign;
	uint32_t last;

	(void)state;
	estate_new(&e);
	a = estate_enrol(&e, "default", 1);
	b = estate_enrol(&e, "default", 2);
	foreign = estate_enrol(&e, "other", 3);
	assert_int_equal(graph_ring_last(e.graph, &last), 0);
	assert_int_equal(last, 0);
	assert_int_equal(add(&e, 1, a, b), 0);
	assert_int_equal(add(&e, UINT32_MAX, b, a), 0);
	assert_int_equal(add(&e, 3, a, foreign), -ENOENT);
	assert_int_equal(add(&e, 3, a, 12345), -ENOENT);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM ring"), 2);

	/* The highest is known when its edge is gone, also at the next start. */
	drop(&e, UINT32_MAX);
	drop(&e, UINT32_MAX);
	estate_close(&e);
	estate_open(&e);
	assert_int_equal(graph_ring_last(e.graph, &last), 0);
	assert_int_equal(last, UINT32_MAX);
	assert_int_equal(estate_sql(&e, "SELECT count(*) FROM ring"), 1);
	estate_remove(&e);
}

static void test_sights(void **state)
{
	struct estate e;
	int64_t a, b, c;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	b = estate_host(&e, 2, "b", NULL);
	c = estate_host(&e, 3, "c", NULL);
	assert_int_equal(add(&e, 1, a, b), 0);
	assert_int_equal(see(&e, a, 1, 1, SIGHT_SILENT), GRAPH_APPLIED);
	assert_int_equal(see(&e, b, 1, 1, SIGHT_ONE_WAY), GRAPH_APPLIED);
	estate_expect(
		&e, "ring", NULL, "[" SIDE("a", "b", "silent") "," SIDE("b", "a", "one-way") "]");
	/* To add it again changes nothing. */
	assert_int_equal(add(&e, 1, a, b), 0);
	estate_expect(
		&e, "ring", NULL, "[" SIDE("a", "b", "silent") "," SIDE("b", "a", "one-way") "]");

	/* Said again, said of the edge of others, of one that is gone, and what nobody can see. */
	assert_int_equal(see(&e, a, 1, 1, SIGHT_HEARD), GRAPH_DUPLICATE);
	assert_int_equal(see(&e, c, 1, 1, SIGHT_HEARD), GRAPH_APPLIED);
	assert_int_equal(see(&e, b, 2, 7, SIGHT_HEARD), GRAPH_APPLIED);
	assert_int_equal(see(&e, b, 3, 1, SIGHT_COUNT), GRAPH_QUARANTINED);
	assert_string_equal(e.result.reason, "sight: unknown 4");
	estate_close(&e);
	estate_open(&e);
	estate_expect(
		&e, "ring", NULL, "[" SIDE("a", "b", "silent") "," SIDE("b", "a", "one-way") "]");
	assert_int_equal(see(&e, a, 2, 1, SIGHT_HEARD), GRAPH_APPLIED);
	assert_int_equal(see(&e, b, 4, 1, SIGHT_REFUSED), GRAPH_APPLIED);
	estate_expect(
		&e, "ring", NULL, "[" SIDE("a", "b", "heard") "," SIDE("b", "a", "refused") "]");
	estate_remove(&e);
}

/* A process that ended with an accusation, and another one that has nothing to complain of. */
static void test_another_run(void **state)
{
	struct estate e;
	int64_t a, b, c;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	b = estate_host(&e, 2, "b", NULL);
	c = estate_host(&e, 3, "c", NULL);
	assert_int_equal(add(&e, 1, a, b), 0);
	assert_int_equal(add(&e, 2, c, a), 0);
	assert_int_equal(see(&e, a, 1, 1, SIGHT_REFUSED), GRAPH_APPLIED);
	assert_int_equal(see(&e, a, 2, 2, SIGHT_SILENT), GRAPH_APPLIED);
	assert_int_equal(see(&e, b, 1, 1, SIGHT_SILENT), GRAPH_APPLIED);
	/* Another session of the same run. */
	assert_int_equal(see_in(&e, a, 2, 1, 7, SIGHT_HEARD), GRAPH_APPLIED);
	estate_expect(&e, "ring", NULL,
		"[" SIDE("a", "b", "refused") "," SIDE("a", "c", "silent") "," SIDE(
			"b", "a", "silent") "," SIDE("c", "a", "heard") "]");
	assert_int_equal(see_in(&e, a, 1 << 16, 1, 7, SIGHT_HEARD), GRAPH_APPLIED);
	estate_expect(&e, "ring", NULL,
		"[" SIDE("a", "b", "heard") "," SIDE("a", "c", "heard") "," SIDE(
			"b", "a", "silent") "," SIDE("c", "a", "heard") "]");
	estate_remove(&e);
}

/* What a host sees, and what is seen of it, by all that are its neighbours. */
static void test_query(void **state)
{
	json_t *rows autojson = NULL;
	struct estate e;
	int64_t a, b, c;

	(void)state;
	estate_new(&e);
	a = estate_host(&e, 1, "a", NULL);
	b = estate_host(&e, 2, "b", NULL);
	c = estate_host(&e, 3, "c", NULL);
	assert_int_equal(add(&e, 1, a, b), 0);
	assert_int_equal(add(&e, 2, b, c), 0);
	assert_int_equal(add(&e, 3, c, a), 0);
	estate_expect(&e, "ring", "{'host':'a'}",
		"[" SIDE("a", "b", "heard") "," SIDE("a", "c", "heard") "," SIDE(
			"b", "a", "heard") "," SIDE("c", "a", "heard") "]");
	estate_enrol(&e, "other", 9);
	assert_int_equal(estate_try(&e, "other", "ring", NULL, &rows), 0);
	assert_int_equal(json_array_size(rows), 0);
	estate_remove(&e);
}

static int collect(void *context, const struct graph_ring_edge *edge)
{
	struct graph_ring_edge **to = context;

	*(*to)++ = *edge;
	return 0;
}

static int stop(void *context, const struct graph_ring_edge *edge)
{
	(void)context;
	return (int)edge->edge;
}

static void test_load(void **state)
{
	const struct graph_ring_edge third = { .edge = 9, .layer = 1 };
	struct graph_ring_edge edges[3], *to = edges, given = third;
	struct estate e;
	int64_t a, b;

	(void)state;
	estate_new(&e);
	a = estate_enrol(&e, "default", 1);
	b = estate_enrol(&e, "default", 2);
	given.low = b;
	given.high = a;
	assert_int_equal(graph_begin(e.graph, e.now), 0);
	assert_int_equal(graph_ring_add(e.graph, &given), 0);
	assert_int_equal(graph_commit(e.graph), 0);
	assert_int_equal(add(&e, 4, a, b), 0);
	assert_int_equal(see(&e, a, 1, 9, SIGHT_SILENT), GRAPH_APPLIED);
	assert_int_equal(graph_ring_edges(e.graph, collect, &to), 0);
	assert_ptr_equal(to, edges + 2);
	assert_int_equal(edges[0].edge, 4);
	assert_int_equal(edges[1].edge, 9);
	assert_int_equal(edges[1].layer, 1);
	assert_true(edges[1].low == b && edges[1].high == a);
	assert_int_equal(edges[1].low_sees, SIGHT_HEARD);
	assert_int_equal(edges[1].high_sees, SIGHT_SILENT);
	assert_int_equal(graph_ring_edges(e.graph, stop, NULL), 4);
	estate_remove(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_sights),
		cmocka_unit_test(test_another_run),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
