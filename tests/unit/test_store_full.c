// SPDX-License-Identifier: Apache-2.0
/* The writer thread on a full disk: nothing is acknowledged that is not kept, and it goes on. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "cma/act.h"
#include "cma/graph/store.h"
#include "tests/unit/desk.h"

enum { FACTS = 200, MESSAGES = 400, FEW_PAGES = 60 };

/* SQLite then finds the disk full: SQLITE_FULL, as from write(2) with ENOSPC. */
static int limit_pages(struct act *act, void *context)
{
	const int *pages = context;
	char pragma[64];

	snprintf(pragma, sizeof(pragma), "PRAGMA max_page_count = %d", *pages);
	return db_script(&act->graph->db, pragma);
}

static int note_durable(void *context, const struct graph_agent *agent)
{
	*(uint64_t *)context = agent->durable[STREAM_STATE];
	return 0;
}

static uint64_t durable_after_restart(struct desk *f)
{
	uint64_t durable = 0;

	desk_stop(f);
	desk_start(f);
	assert_int_equal(graph_agents(f->graph, note_durable, &durable), 0);
	return durable;
}

static void test_full(void **state)
{
	struct desk *f = *state;
	struct store_result result;
	uint64_t told = 0, sequence = 0;
	int pages = FEW_PAGES;

	desk_make_token(f, 7);
	desk_push_enrol(f, 1, 7);
	assert_true(desk_take(f, &result));
	assert_int_equal(store_change(f->store, limit_pages, &pages), 0);
	/* One at a time, as an agent does whose window is closed. */
	do {
		desk_push_many(f, 1, STREAM_STATE, ++sequence, FACTS);
		assert_true(desk_take(f, &result));
		if (result.kind == STORE_COMMITTED)
			told = result.commit.durable[STREAM_STATE];
		assert_true(sequence < MESSAGES);
	} while (result.kind == STORE_COMMITTED);
	assert_non_null(strstr(result.error, "full"));
	assert_int_equal(told, sequence - 1);
	/* As long as it is full: no acknowledgement, and what was kept stays. */
	for (int i = 0; i < 3; i++) {
		desk_push_many(f, 1, STREAM_STATE, sequence, FACTS);
		assert_true(desk_take(f, &result));
		assert_int_equal(result.kind, STORE_FAILED);
	}
	/* There is room again, and the agent sends again. */
	pages = 1 << 30;
	assert_int_equal(store_change(f->store, limit_pages, &pages), 0);
	desk_push_many(f, 1, STREAM_STATE, sequence, FACTS);
	assert_true(desk_take(f, &result));
	assert_int_equal(result.kind, STORE_COMMITTED);
	assert_int_equal(result.commit.durable[STREAM_STATE], sequence);
	assert_int_equal(durable_after_restart(f), sequence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full, desk_setup, desk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
