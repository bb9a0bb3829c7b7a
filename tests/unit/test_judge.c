// SPDX-License-Identifier: Apache-2.0
/* When a host does what it is told: everything fits, or nothing happens; and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/judge.h"
#include "base/alloc.h"

enum { NOW_MS = 1000000 };

#define RUN ((uint64_t)0x00aabbccddee0003)

struct fixture {
	struct judge judge;
	struct policy policy;
	struct policy_operator operators[2];
	struct sign_pair pairs[3]; /* the third is nobody's */
	struct warrant warrant;	   /* of the first operator, and good */
	uint8_t frame[WARRANT_MAX];
	size_t size;
	struct warrant read;
	char reason[JUDGE_REASON_SIZE];
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));
	uint8_t agent[SEAL_KEY];

	memset(agent, 5, sizeof(agent));
	judge_init(&f->judge, agent, RUN);
	for (int i = 0; i < 3; i++) {
		uint8_t seed[SIGN_SEED];

		memset(seed, 1 + i, sizeof(seed));
		sign_from_seed(&f->pairs[i], seed);
	}
	f->policy = (struct policy){ .count = 2, .operators = f->operators };
	for (int i = 0; i < 2; i++) {
		f->operators[i] = (struct policy_operator){
			.has_key = true, .tenant = "blue", .word_count = 1
		};
		snprintf(f->operators[i].name, POLICY_NAME_MAX, "op%d", i);
		memcpy(f->operators[i].key, f->pairs[i].public, SIGN_KEY);
	}
	strcpy(f->operators[0].words[0], "resync");
	strcpy(f->operators[1].words[0], "selftest");
	f->warrant = (struct warrant){ .incarnation = RUN & ~(uint64_t)0xffff,
		.not_after_ms = NOW_MS + 60000,
		.tenant = SPAN_TEXT("blue"),
		.name = SPAN_TEXT("resync") };
	memcpy(f->warrant.agent, agent, sizeof(agent));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void sign(struct fixture *f, int who)
{
	struct writer w = writer_over(f->frame, sizeof(f->frame));

	assert_int_equal(warrant_sign(&f->warrant, &f->pairs[who], &w), 0);
	f->size = w.size;
}

static enum judge_verdict judge_at(struct fixture *f, uint64_t now_ms)
{
	return judge_warrant(
		&f->judge, &f->policy, now_ms, SPAN(f->frame, f->size), &f->read, f->reason);
}

static void assert_refused(struct fixture *f, int who, const char *why)
{
	f->warrant.id[0]++;
	sign(f, who);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_REFUSE);
	if (!strstr(f->reason, why))
		fail_msg("'%s' does not say '%s'", f->reason, why);
}

static void test_good_one_is_done_once(void **state)
{
	struct fixture *f = *state;

	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_DO);
	assert_true(span_equal(f->read.name, SPAN_TEXT("resync")));
	for (int i = 0; i < 3; i++)
		assert_int_equal(judge_at(f, NOW_MS + i), JUDGE_AGAIN);
	f->warrant.id[0]++;
	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_DO);
}

/* Each condition broken alone. */
static void test_each_condition_counts(void **state)
{
	struct fixture *f = *state;
	const struct warrant good = f->warrant;

	assert_refused(f, 2, "knows no operator");
	assert_refused(f, 1, "does not allow operator 'op1'");
	f->warrant.agent[31] ^= 1;
	assert_refused(f, 0, "another host");
	f->warrant = good;
	f->warrant.tenant = SPAN_TEXT("default");
	f->warrant.id[0] = 50;
	assert_refused(f, 0, "another tenant");
	f->warrant = good;
	f->warrant.incarnation ^= 0x10000;
	f->warrant.id[0] = 60;
	assert_refused(f, 0, "earlier run");
	f->warrant = good;
	f->warrant.not_after_ms = NOW_MS + JUDGE_LIFE_MAX_MS + 1;
	f->warrant.id[0] = 70;
	assert_refused(f, 0, "more than a day");
	f->warrant = good;
	f->warrant.name = SPAN_TEXT("rediscover");
	f->warrant.id[0] = 80;
	assert_refused(f, 0, "does not allow operator 'op0'");
	f->warrant = good;
	f->warrant.not_after_ms = NOW_MS;
	f->warrant.id[0] = 90;
	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_LATE);
	f->policy.count = 0;
	f->warrant = good;
	f->warrant.id[0] = 100;
	assert_refused(f, 0, "no policy");
	assert_int_equal(f->judge.forged, 0);
}

static void test_forged_is_only_counted(void **state)
{
	struct fixture *f = *state;

	sign(f, 0);
	f->frame[f->size - 1] ^= 1;
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_FORGED);
	f->frame[f->size - 1] ^= 1;
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_DO);
	assert_int_equal(
		judge_warrant(&f->judge, &f->policy, NOW_MS, SPAN("junk", 4), &f->read, f->reason),
		JUDGE_FORGED);
	assert_int_equal(f->judge.forged, 2);
}

/* A clock that steps back must not let an id come again that was forgotten at its expiry. */
static void test_time_does_not_go_back(void **state)
{
	struct fixture *f = *state;

	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_DO);
	f->warrant.id[0]++;
	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS + 70000), JUDGE_LATE);
	f->warrant.id[0]--;
	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_LATE);
}

static void test_full_means_no_more(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < JUDGE_SEEN_MAX; i++) {
		f->warrant.id[0] = (uint8_t)i;
		f->warrant.id[1] = (uint8_t)(i >> 8);
		sign(f, 0);
		assert_int_equal(judge_at(f, NOW_MS), JUDGE_DO);
	}
	f->warrant.id[2] = 1;
	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_REFUSE);
	assert_non_null(strstr(f->reason, "too many"));
	f->warrant.id[2] = 0;
	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS), JUDGE_AGAIN);
	/* They expire, and there is room again. */
	f->warrant.id[2] = 2;
	f->warrant.not_after_ms = NOW_MS + 200000;
	sign(f, 0);
	assert_int_equal(judge_at(f, NOW_MS + 60000), JUDGE_DO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good_one_is_done_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_condition_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forged_is_only_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time_does_not_go_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_means_no_more, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
