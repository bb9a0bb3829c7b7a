// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/verdict.h"

unsigned int verdict_questions(const struct verdict_facts *facts)
{
	if (facts->witnesses >= 2 || facts->crowd)
		return facts->round;
	return !facts->witnesses && facts->undecided ? 4 * facts->round : 2 * facts->round;
}

static bool is_heard(const struct verdict_facts *facts)
{
	return facts->witnesses > facts->silent + facts->refused + facts->one_way;
}

enum verdict verdict_of(const struct verdict_facts *facts)
{
	if (facts->answered)
		return VERDICT_LIVES;
	if (facts->spoke && facts->one_way)
		return VERDICT_DEAF;
	if (facts->failed < facts->round)
		return VERDICT_ASK;
	if (is_heard(facts))
		return VERDICT_HEARD;
	if (facts->refuses || facts->refused)
		return VERDICT_GONE;
	if (facts->kernel)
		return facts->lately ? VERDICT_ASK : VERDICT_HUNG;
	if (facts->failed < verdict_questions(facts))
		return VERDICT_ASK;
	if (facts->isolated || !facts->connected)
		return VERDICT_HOLD;
	return VERDICT_DEAD;
}
