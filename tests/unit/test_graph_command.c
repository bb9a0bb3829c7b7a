// SPDX-License-Identifier: Apache-2.0
/* Commands in the store: what is taken, and that each ends once, with what is true. */
#include "tests/unit/estate.h"

#include <errno.h>
#include <stdlib.h>

#include "cma/graph/command.h"

enum { HOST_KEY = 7, OTHER_KEY = 8 };

struct fixture {
	struct estate e;
	int64_t host, other;
	struct warrant warrant; /* good */
	uint8_t frame[WARRANT_MAX];
	size_t size;
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));

	estate_new(&f->e);
	f->host = estate_enrol(&f->e, "default", HOST_KEY);
	f->other = estate_enrol(&f->e, "blue", OTHER_KEY);
	f->warrant = (struct warrant){ .incarnation = 5, /* the run of incarnation 1 */
		.not_after_ms = (uint64_t)f->e.now + 60000,
		.tenant = SPAN_TEXT("default"),
		.name = SPAN_TEXT("resync") };
	memset(f->warrant.agent, HOST_KEY, SEAL_KEY);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	estate_remove(&f->e);
	free(f);
	return 0;
}

static void sign(struct fixture *f)
{
	uint8_t seed[SIGN_SEED] = { 1 };
	struct writer w = writer_over(f->frame, sizeof(f->frame));
	struct sign_pair pair;

	sign_from_seed(&pair, seed);
	assert_int_equal(warrant_sign(&f->warrant, &pair, &w), 0);
	f->size = w.size;
}

/* Adds the signed frame in a transaction of its own. */
static int add_frame(struct fixture *f)
{
	int64_t host = 0;
	int err;

	assert_int_equal(graph_begin(f->e.graph, ++f->e.now), 0);
	err = graph_command_add(f->e.graph, SPAN(f->frame, f->size), &host);
	assert_int_equal(graph_commit(f->e.graph), 0);
	if (!err)
		assert_int_equal(host, f->host);
	return err;
}

static int add(struct fixture *f)
{
	sign(f);
	return add_frame(f);
}

static int take_state(void *context, const struct graph_command *command)
{
	snprintf(context, sizeof(command->state), "%s", command->state);
	return 0;
}

static void assert_state(struct fixture *f, const char *expected)
{
	char found[12] = "none";

	graph_command_find(f->e.graph, f->warrant.id, take_state, found);
	assert_string_equal(found, expected);
}

/* Through the stream, as it comes. */
static void tell_result(struct fixture *f, int64_t host, enum result_status status)
{
	struct message message = { .kind = MESSAGE_RESULT,
		.result = { .status = (uint8_t)status, .text = SPAN_TEXT("so it was") } };

	memcpy(message.result.command, f->warrant.id, WARRANT_ID);
	estate_send(&f->e, host, &message);
}

static void test_takes_only_what_fits(void **state)
{
	struct fixture *f = *state;
	const struct warrant good = f->warrant;

	f->warrant.tenant = SPAN_TEXT("blue");
	assert_int_equal(add(f), -ENOENT);
	f->warrant = good;
	memset(f->warrant.agent, OTHER_KEY, SEAL_KEY);
	assert_int_equal(add(f), -ENOENT);
	f->warrant = good;
	f->warrant.incarnation = 0x10000;
	assert_int_equal(add(f), -ESTALE);
	f->warrant = good;
	f->warrant.not_after_ms = (uint64_t)f->e.now;
	assert_int_equal(add(f), -ETIME);
	f->warrant.not_after_ms = (uint64_t)f->e.now + 86400000 + 1000;
	assert_int_equal(add(f), -ETIME);
	f->warrant = good;
	sign(f);
	f->frame[f->size - 1] ^= 1;
	assert_int_equal(add_frame(f), -EINVAL);
	assert_state(f, "none");
	assert_int_equal(add(f), 0);
	assert_state(f, "waiting");
	assert_int_equal(add(f), -EEXIST);
	for (uint8_t i = 1; i < 16; i++) {
		f->warrant.id[0] = i;
		assert_int_equal(add(f), 0);
	}
	f->warrant.id[0] = 99;
	assert_int_equal(add(f), -EDQUOT);
}

static void test_a_result_counts_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f), 0);
	tell_result(f, f->other, RESULT_DONE);
	assert_state(f, "waiting");
	tell_result(f, f->host, RESULT_FAILED);
	assert_state(f, "failed");
	tell_result(f, f->host, RESULT_DONE);
	assert_state(f, "failed");
	estate_expect(&f->e, "commands", "{'from':'2023-01-01'}",
		"[{'argument':'','command':'resync','finished':'2023-11-14T22:13:20.001Z','host':"
		"'0707070707070707070707070707070707070707070707070707070707070707','id':"
		"'00000000000000000000000000000000','issued':'2023-11-14T22:13:20.001Z','operator'"
		":'6b97-a62f-b53a-02d8-4cc0-cc44-6c9e-8cb0','result':'so it was','state':"
		"'failed'}]");
}

static void test_a_status_that_is_none_is_quarantined(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f), 0);
	tell_result(f, f->host, (enum result_status)9);
	assert_int_equal(f->e.result.verdict, GRAPH_QUARANTINED);
	assert_state(f, "waiting");
}

static void expire(struct fixture *f, bool sent)
{
	assert_int_equal(graph_begin(f->e.graph, ++f->e.now), 0);
	assert_int_equal(graph_command_expire(f->e.graph, f->warrant.id, sent), 0);
	assert_int_equal(graph_commit(f->e.graph), 0);
}

static void test_what_the_host_says_is_truer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f), 0);
	expire(f, true);
	assert_state(f, "unknown");
	tell_result(f, f->host, RESULT_DONE);
	assert_state(f, "done");
	expire(f, true);
	assert_state(f, "done");
	f->warrant.id[0]++;
	assert_int_equal(add(f), 0);
	expire(f, false);
	assert_state(f, "expired");
}

/* A new stream of the same run changes nothing; another run ends what waits for the last one. */
static void test_a_new_run_ends_what_waits(void **state)
{
	struct fixture *f = *state;
	struct message digest = { .kind = MESSAGE_DIGEST };
	struct graph_message told = { .stream = STREAM_STATE, .sequence = 1 };
	struct graph_result result;
	uint8_t bytes[256];
	struct writer w = writer_over(bytes, sizeof(bytes));

	message_encode(&w, &digest);
	told.bytes = writer_span(&w);
	assert_int_equal(add(f), 0);
	for (uint64_t incarnation = 2; incarnation <= 0x10002; incarnation += 0x10000) {
		assert_state(f, "waiting");
		assert_int_equal(graph_begin(f->e.graph, ++f->e.now), 0);
		told.incarnation = incarnation;
		assert_int_equal(graph_apply(f->e.graph, f->host, &told, &result), 0);
		assert_int_equal(graph_commit(f->e.graph), 0);
	}
	assert_state(f, "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_takes_only_what_fits),
		TEST(test_a_result_counts_once),
		TEST(test_a_status_that_is_none_is_quarantined),
		TEST(test_what_the_host_says_is_truer),
		TEST(test_a_new_run_ends_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
