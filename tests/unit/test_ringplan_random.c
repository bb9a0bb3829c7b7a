// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ringplan_model.h"

enum { SEEDS = 4, STEPS = 2000, PHASE = 500 };

/* How the members of an estate are spread over domains. */
enum shape { SHAPE_RACKS, SHAPE_SINGLES, SHAPE_BIG, SHAPE_TWO, SHAPE_UNKNOWN, SHAPE_COUNT };

static uint64_t some_domain(struct model *m, enum shape shape)
{
	switch (shape) {
	case SHAPE_SINGLES:
		return 1 + model_chance(m, 1000000);
	case SHAPE_BIG:
		return model_chance(m, 3) ? 7 : 1000 + model_chance(m, 1000000);
	case SHAPE_TWO:
		return 1 + model_chance(m, 2);
	case SHAPE_UNKNOWN:
		return model_chance(m, 2) ? 0 : 1 + model_chance(m, 8);
	case SHAPE_RACKS:
	case SHAPE_COUNT:
		break;
	}
	return 1 + model_chance(m, 1 + m->slots / 12);
}

static void whole_domain(struct model *m, uint32_t slot)
{
	struct model_member members[SLOTS];

	memcpy(members, m->members, sizeof(members));
	for (uint32_t i = 0; i < m->slots; i++) {
		if (members[i].here && members[i].tenant == members[slot].tenant &&
			members[i].domain == members[slot].domain)
			model_leave(m, i);
	}
	model_check(m, false);
	for (uint32_t i = 0; i < m->slots; i++) {
		if (members[i].here && !m->members[i].here)
			model_join(m, i, members[i].tenant, members[i].domain);
	}
}

static void random_operation(struct model *m, enum shape shape, uint32_t fill, bool fails)
{
	uint32_t slot = model_chance(m, m->slots), dice = model_chance(m, 1000);

	if (!m->members[slot].here) {
		if (m->count < fill)
			model_join(m, slot, 1 + model_chance(m, 3) / 2, some_domain(m, shape));
	} else if (m->count > fill || dice < 300) {
		model_leave(m, slot);
	} else if (dice < 500) {
		model_down(m, slot, fails && model_chance(m, 2));
	} else if (dice < 600) {
		model_rescue(m, slot);
	} else if (dice < 700) {
		model_move(m, slot, some_domain(m, shape));
	} else if (dice < 705) {
		whole_domain(m, slot);
	} else if (dice < 750) {
		model_mend(m);
		model_check(m, true);
	}
}

struct total {
	unsigned int operations, sum, most;
};

/* What the plan told, as a number. */
static uint64_t play(
	struct total *total, unsigned int degree, uint32_t slots, enum shape shape, uint64_t seed)
{
	struct model *m = model_new(degree, slots, seed);
	unsigned int every = 1 + slots * slots / 4000;
	uint32_t fill = slots;
	uint64_t hash;

	for (unsigned int i = 0; i < STEPS; i++) {
		if (i % PHASE == 0)
			fill = 1 + model_chance(m, slots);
		random_operation(m, shape, fill, i / PHASE % 2);
		if (i % every == 0)
			model_check(m, false);
	}
	for (uint32_t i = 0; i < m->slots; i++) {
		if (m->members[i].here)
			model_down(m, i, false);
	}
	model_mend(m);
	model_check(m, true);
	total->operations += m->operations;
	total->sum += m->sum;
	total->most = m->most > total->most ? m->most : total->most;
	hash = m->hash;
	model_free(m);
	return hash;
}

static void test_random(void **state)
{
	static const uint32_t sizes[] = { 7, 13, 40, 200 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct total total = { 0 };

		for (int shape = 0; shape < SHAPE_COUNT; shape++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
				play(&total, 2, sizes[i], shape, 100 * seed + i);
				play(&total, 4, sizes[i], shape, 100 * seed + i);
			}
		}
		print_message(
			"  seed %u: %u joins and leaves changed %.2f edges each, at most %u\n",
			(unsigned int)seed, total.operations, (double)total.sum / total.operations,
			total.most);
	}
}

static void test_replay(void **state)
{
	struct total total = { 0 };

	(void)state;
	assert_true(play(&total, 4, 40, SHAPE_RACKS, 9) == play(&total, 4, 40, SHAPE_RACKS, 9));
	assert_true(play(&total, 4, 40, SHAPE_RACKS, 9) != play(&total, 4, 40, SHAPE_RACKS, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
