// SPDX-License-Identifier: Apache-2.0
/*
 * The whole truth table of cma/alive/verdict.c: every combination of facts, for up to four
 * witnesses, against rules that are stated here one by one and in no order. A rule says what must
 * hold of a verdict; together they leave exactly one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cma/alive/verdict.h"

enum { WITNESSES = 4, ROUND = 8 };

static unsigned int accusers(const struct verdict_facts *f)
{
	return f->silent + f->refused + f->one_way;
}

static bool all_accuse(const struct verdict_facts *f)
{
	return accusers(f) == f->witnesses;
}

static bool asked_once(const struct verdict_facts *f)
{
	return f->failed >= f->round;
}

/*
 * Two independent witnesses, or most of its domain, or twice as many questions; but only we accuse
 * it, and its neighbours are in doubt themselves: four times as many.
 */
static bool asked_enough(const struct verdict_facts *f)
{
	if (asked_once(f) && (f->witnesses >= 2 || f->crowd))
		return true;
	if (!f->witnesses && f->undecided)
		return f->failed >= 4 * f->round;
	return f->failed >= 2 * f->round;
}

static bool is_word_of_it(const struct verdict_facts *f)
{
	return f->answered || (f->spoke && f->one_way);
}

static bool is_word_of_host(const struct verdict_facts *f)
{
	return f->refuses || f->refused || f->kernel;
}

/* Its kernel has only just answered: the next question may well be answered by itself. */
static bool is_too_early(const struct verdict_facts *f)
{
	return f->kernel && f->lately && !f->refuses && !f->refused;
}

static bool we_are_sure_of_ourselves(const struct verdict_facts *f)
{
	return f->connected && !f->isolated;
}

static void check_dead(const struct verdict_facts *f, bool is)
{
	bool should = !is_word_of_it(f) && !is_word_of_host(f) && all_accuse(f) &&
		asked_enough(f) && we_are_sure_of_ourselves(f);

	assert_int_equal(is, should);
}

static void check_host_lives(const struct verdict_facts *f, bool gone, bool hung)
{
	bool should = !is_word_of_it(f) && asked_once(f) && all_accuse(f) && is_word_of_host(f) &&
		!is_too_early(f);

	assert_int_equal(gone || hung, should);
	if (gone || hung)
		assert_int_equal(gone, f->refuses || f->refused);
}

static void check(const struct verdict_facts *f)
{
	enum verdict verdict = verdict_of(f);
	bool undecided = !is_word_of_it(f) && !is_word_of_host(f) && all_accuse(f);

	check_dead(f, verdict == VERDICT_DEAD);
	check_host_lives(f, verdict == VERDICT_GONE, verdict == VERDICT_HUNG);
	assert_int_equal(verdict == VERDICT_LIVES, f->answered);
	assert_int_equal(verdict == VERDICT_DEAF, !f->answered && f->spoke && f->one_way);
	assert_int_equal(
		verdict == VERDICT_HEARD, !is_word_of_it(f) && asked_once(f) && !all_accuse(f));
	assert_int_equal(verdict == VERDICT_HOLD,
		undecided && asked_enough(f) && !we_are_sure_of_ourselves(f));
	assert_int_equal(verdict == VERDICT_ASK,
		!is_word_of_it(f) &&
			(!asked_once(f) || (undecided && !asked_enough(f)) ||
				(all_accuse(f) && is_too_early(f))));
}

/* Each of the nine yes-or-no facts by a bit. */
static size_t check_flags(struct verdict_facts facts)
{
	for (unsigned int bits = 0; bits < 512; bits++) {
		facts.answered = bits & 1;
		facts.spoke = bits & 2;
		facts.refuses = bits & 4;
		facts.kernel = bits & 8;
		facts.crowd = bits & 16;
		facts.connected = bits & 32;
		facts.isolated = bits & 64;
		facts.round = bits & 128 ? ROUND : 2 * ROUND;
		facts.lately = bits & 256;
		for (facts.failed = 0; facts.failed <= 9 * ROUND; facts.failed++)
			check(&facts);
	}
	return 512 * (9 * ROUND + 1);
}

static size_t check_undecided(struct verdict_facts facts)
{
	size_t count = 0;

	for (facts.undecided = 0; facts.undecided + facts.witnesses <= WITNESSES; facts.undecided++)
		count += check_flags(facts);
	return count;
}

static size_t check_witnesses(uint8_t witnesses)
{
	struct verdict_facts facts = { .witnesses = witnesses };
	size_t count = 0;

	for (facts.silent = 0; facts.silent <= witnesses; facts.silent++) {
		for (facts.refused = 0; facts.silent + facts.refused <= witnesses;
			facts.refused++) {
			for (facts.one_way = 0; accusers(&facts) <= witnesses; facts.one_way++)
				count += check_undecided(facts);
		}
	}
	return count;
}

static void test_every_combination(void **state)
{
	size_t count = 0;

	(void)state;
	for (uint8_t witnesses = 0; witnesses <= WITNESSES; witnesses++)
		count += check_witnesses(witnesses);
	print_message("%zu combinations\n", count);
	/* 1, 4, 10, 20, 35 ways to accuse, with 5, 4, 3, 2, 1 numbers of undecided ones. */
	assert_int_equal(count, (5 + 16 + 30 + 40 + 35) * 512 * (9 * ROUND + 1));
}

/* What no change of the rules may ever bring about, whatever else is known. */
static void test_what_a_death_needs(void **state)
{
	const struct verdict_facts death = {
		.witnesses = 2,
		.silent = 2,
		.round = ROUND,
		.failed = ROUND,
		.connected = true,
	};
	struct verdict_facts facts = death;

	(void)state;
	assert_int_equal(verdict_of(&death), VERDICT_DEAD);
	facts.kernel = true;
	assert_int_equal(verdict_of(&facts), VERDICT_HUNG);
	facts.lately = true;
	assert_int_equal(verdict_of(&facts), VERDICT_ASK);
	facts = death;
	facts.silent = 1;
	assert_int_equal(verdict_of(&facts), VERDICT_HEARD);
	facts = death;
	facts.failed--;
	assert_int_equal(verdict_of(&facts), VERDICT_ASK);
	facts = death;
	facts.witnesses = facts.silent = 1;
	assert_int_equal(verdict_of(&facts), VERDICT_ASK);
	assert_int_equal(verdict_questions(&facts), 2 * ROUND);
	facts.crowd = true;
	assert_int_equal(verdict_of(&facts), VERDICT_DEAD);
	facts = death;
	facts.connected = false;
	assert_int_equal(verdict_of(&facts), VERDICT_HOLD);
	/* Beats without a fresh echo may be recorded ones. */
	facts = death;
	facts.silent = 0;
	facts.one_way = 2;
	assert_int_equal(verdict_of(&facts), VERDICT_DEAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_what_a_death_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
