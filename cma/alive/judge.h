/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_JUDGE_H
#define CMA_ALIVE_JUDGE_H
/* What is known of an accused agent, as the facts of a verdict, and what follows from it. Part of
 * the arbiter: pure. */
#include "cma/alive/fault.h"

enum { JUDGE_ROUND = 8 }; /* questions, at least */

struct verdict_facts judge_facts(
	const struct alive *alive, struct instant now, const struct inquiry *inquiry);
/* Something of what is known has changed. */
void judge(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* The agent has this status from now on, which is due to this cause. */
void judge_declare(struct alive *alive, struct instant now, struct inquiry *inquiry,
	enum alive_status status, enum alive_cause cause);

#endif
