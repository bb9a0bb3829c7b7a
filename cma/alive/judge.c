// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/judge.h"

#include "cma/alive/accusation.h"
#include "cma/alive/alive_state.h"
#include "cma/alive/comeback.h"
#include "cma/alive/path.h"
#include "cma/alive/pulse.h"

enum {
	DOWN_ROUND = 2,	   /* questions to a host that is down */
	SWEEP_S = 4,	   /* between two rounds to an agent that nobody watches */
	HEARD_S = 1,	   /* between two questions to an agent that others hear, */
	HEARD_LONG_S = 20, /* after three rounds */
	HOLD_S = 1,
	KERNEL_QUESTIONS = 4, /* fail after its kernel answered, before it is hung */
	HOLD_LONG_S = 5,      /* while we are isolated */
	DOUBT = 3,
};

/* It does not answer us, either. */
static bool is_in_doubt(const struct agent *agent)
{
	const struct inquiry *inquiry = agent->inquiry;

	return agent->status == ALIVE_UP && inquiry && inquiry->asking && inquiry->failed >= DOUBT;
}

static bool can_tell(const struct agent *agent)
{
	return agent->status == ALIVE_UP && !is_in_doubt(agent);
}

static bool is_found_dead(const struct agent *agent)
{
	return agent->status == ALIVE_DOWN || agent->status == ALIVE_UNREACHABLE;
}

static void count_witnesses(const struct alive *alive, struct instant now,
	const struct inquiry *inquiry, struct verdict_facts *facts)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t count = member_neighbours(alive, inquiry->agent, neighbours);
	bool found_dead = false;

	for (size_t i = 0; i < count; i++) {
		const struct agent *witness = alive->slots[neighbours[i].slot];
		const struct accusation *accusation =
			accusation_find(inquiry->agent, neighbours[i].edge);

		found_dead |= is_found_dead(witness);
		facts->undecided += is_in_doubt(witness) && !accusation;
		if (!can_tell(witness))
			continue;
		if (accusation ? accusation->late : !member_has_watched(witness, now))
			continue;
		facts->witnesses++;
		facts->silent += accusation && accusation->sight == SIGHT_SILENT;
		facts->refused += accusation && accusation->sight == SIGHT_REFUSED;
		facts->one_way += accusation && accusation->sight == SIGHT_ONE_WAY;
	}
	if (found_dead)
		facts->undecided = 0; /* it is not we alone who miss them */
}

/* At least 8; more when the witnesses needed more beats to be sure. */
static unsigned int round_of(const struct inquiry *inquiry)
{
	unsigned int misses = 0, round;

	if (inquiry->agent->status == ALIVE_DOWN || inquiry->agent->status == ALIVE_UNREACHABLE)
		return DOWN_ROUND;
	for (size_t i = 0; i < inquiry->accused; i++) {
		if (inquiry->accusations[i].misses > misses)
			misses = inquiry->accusations[i].misses;
	}
	round = 3 * misses / 2;
	return round > JUDGE_ROUND ? round : JUDGE_ROUND;
}

/* Whether there is anybody else who could have been heard. */
static bool is_alone(const struct alive *alive, const struct inquiry *inquiry)
{
	return alive->up <= (size_t)member_counts(inquiry->agent);
}

struct verdict_facts judge_facts(
	const struct alive *alive, struct instant now, const struct inquiry *inquiry)
{
	const struct domain *domain = inquiry->agent->domain;
	struct verdict_facts facts = {
		.answered = inquiry->answered,
		.spoke = inquiry->spoke,
		.round = round_of(inquiry),
		.failed = inquiry->failed,
		.refuses = inquiry->refuses,
		.kernel = inquiry->kernel,
		.lately = inquiry->failed < inquiry->kernel_at + KERNEL_QUESTIONS,
		.crowd = domain && domain_is_crowd(domain),
		.connected =
			!instant_before(alive->heard, inquiry->began) || is_alone(alive, inquiry),
		.isolated = alive->isolated != NULL,
	};

	count_witnesses(alive, now, inquiry, &facts);
	return facts;
}

/* ---- what follows -----------------------------------------------------------------------------
 */

/* Quickly at first; slowly when what is missing is not an answer. */
static void ask_on(struct alive *alive, struct instant now, struct inquiry *inquiry,
	const struct verdict_facts *facts)
{
	if (timer_runs(&inquiry->question) || inquiry->waiting)
		return;
	if (facts->failed < 2 * facts->round)
		inquiry_ask_on(alive, inquiry);
	else
		inquiry_ask_on_at(alive, instant_add(now, HOLD_S * NS_PER_SEC), inquiry);
}

/* It lives. Whoever accuses it cannot reach it; who is watched by nobody is asked again. */
static void lives(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	inquiry_stop(alive, inquiry);
	inquiry->patience = 0;
	if (inquiry->accused)
		path_expect(alive, now, inquiry);
	if (inquiry->orphan)
		inquiry_ask_at(alive, instant_add(now, SWEEP_S * NS_PER_SEC), inquiry);
}

static void heard_by_others(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	int64_t wait_s = inquiry->failed < 3 * JUDGE_ROUND ? HEARD_S : HEARD_LONG_S;

	inquiry_acquit(alive, inquiry);
	if (inquiry->agent->status != ALIVE_UP) {
		if (inquiry->vouched)
			comeback(alive, now, inquiry->agent, true);
		else
			inquiry_down(alive, now, inquiry);
		return;
	}
	if (inquiry->accused)
		path_expect(alive, now, inquiry);
	if (!inquiry->waiting)
		inquiry_ask_on_at(alive, instant_add(now, wait_s * NS_PER_SEC), inquiry);
}

/* It cannot be decided: is it us? */
static void hold(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	if (!alive->isolated)
		pulse_now(alive, now);
	inquiry_ask_on_at(alive,
		instant_add(now, (alive->isolated ? HOLD_LONG_S : HOLD_S) * NS_PER_SEC), inquiry);
}

void judge_declare(struct alive *alive, struct instant now, struct inquiry *inquiry,
	enum alive_status status, enum alive_cause cause)
{
	struct agent *agent = inquiry->agent;
	const struct alive_incident name = {
		.cause = cause,
		.tenant = agent->tenant,
		.node = agent->id,
	};
	struct fault *fault;

	inquiry_stop(alive, inquiry);
	member_set_status(alive, now, agent, status);
	if (inquiry->fault && !fault_is_group(inquiry->fault)) {
		fault_reclassify(alive, inquiry->fault, &name);
	} else {
		fault = fault_open(alive, now, &name, 0, 0);
		fault_concern(alive, fault, inquiry);
	}
	inquiry->patience = 0;
	inquiry_down(alive, now, inquiry);
}

static bool is_declared(const struct inquiry *inquiry, enum alive_status status)
{
	return inquiry->agent->status == status;
}

static void dead(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	switch ((enum alive_status)inquiry->agent->status) {
	case ALIVE_UP:
		domain_ripe(alive, now, inquiry);
		break;
	case ALIVE_HUNG:
	case ALIVE_GONE:
		judge_declare(alive, now, inquiry, ALIVE_DOWN, ALIVE_CAUSE_HOST);
		break;
	case ALIVE_DOWN:
	case ALIVE_UNREACHABLE:
	case ALIVE_LEFT:
	case ALIVE_REVOKED:
	case ALIVE_STATUS_COUNT:
		inquiry_down(alive, now, inquiry);
		break;
	}
}

/* The kernel of its host lives. */
static void without_agent(struct alive *alive, struct instant now, struct inquiry *inquiry,
	enum alive_status status, enum alive_cause cause)
{
	if (is_declared(inquiry, status))
		inquiry_down(alive, now, inquiry);
	else
		judge_declare(alive, now, inquiry, status, cause);
}

void judge(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	struct verdict_facts facts = judge_facts(alive, now, inquiry);

	if (!inquiry->asking)
		return;
	inquiry->verdict = (uint8_t)verdict_of(&facts);
	switch ((enum verdict)inquiry->verdict) {
	case VERDICT_ASK:
	case VERDICT_COUNT:
		ask_on(alive, now, inquiry, &facts);
		break;
	case VERDICT_LIVES:
	case VERDICT_DEAF:
		lives(alive, now, inquiry);
		break;
	case VERDICT_HEARD:
		heard_by_others(alive, now, inquiry);
		break;
	case VERDICT_GONE:
		without_agent(alive, now, inquiry, ALIVE_GONE, ALIVE_CAUSE_GONE);
		break;
	case VERDICT_HUNG:
		without_agent(alive, now, inquiry, ALIVE_HUNG, ALIVE_CAUSE_HUNG);
		break;
	case VERDICT_HOLD:
		hold(alive, now, inquiry);
		break;
	case VERDICT_DEAD:
		dead(alive, now, inquiry);
		break;
	}
}
