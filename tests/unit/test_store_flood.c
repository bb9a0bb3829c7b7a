// SPDX-License-Identifier: Apache-2.0
/* The writer thread when one agent wants more of it than all others. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/desk.h"

enum { AGENTS = 5 };

/* One agent has seconds of work queued. Neither others' changes nor what is urgent wait for it. */
static void test_flood(void **state)
{
	enum { FLOOD = 40, FACTS = 3000, URGENT = AGENTS };
	struct desk *f = *state;
	struct store_result result;
	struct instant began;
	uint64_t flood = 0;
	size_t waiting = AGENTS - 1;

	desk_make_token(f, 7);
	for (uint64_t id = 1; id <= AGENTS; id++)
		desk_push_enrol(f, id, 7);
	for (uint64_t i = 1; i <= FLOOD; i++)
		desk_push_many(f, 1, STREAM_STATE, i, FACTS);
	began = instant_now();
	for (uint64_t id = 2; id < URGENT; id++)
		desk_push_fact(f, id, 1, "eth0");
	desk_push_many(f, URGENT, STREAM_URGENT, 1, 1);
	while (waiting) {
		assert_true(desk_take(f, &result));
		assert_int_equal(result.kind, STORE_COMMITTED);
		if (result.commit.id == 1)
			flood = result.commit.durable[STREAM_STATE];
		else if (result.commit.durable[STREAM_STATE] ||
			result.commit.durable[STREAM_URGENT])
			waiting--;
	}
	print_message("%d agents beside a flood: %.0f ms, after %" PRIu64 " of its %d messages\n",
		AGENTS - 1, (double)instant_sub(instant_now(), began) / NS_PER_MS, flood, FLOOD);
	assert_true(flood <= FLOOD / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flood, desk_setup, desk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
