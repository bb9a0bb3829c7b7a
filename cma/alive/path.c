// SPDX-License-Identifier: Apache-2.0
#include "cma/alive/path.h"

#include "cma/alive/accusation.h"
#include "cma/alive/alive_state.h"

enum {
	TELL_S = 3, /* for all to be well again, until both ends are given their lists again, */
	WAIT_S = 5, /* and for that to help, or for other edges to be accused, too */
	AGAIN_S = 2,
	MOST_PERCENT = 60,
};

/* An edge of an agent, and what both ends tell. */
struct span_edge {
	struct agent *one, *other;
	struct accusation *of_one, *of_other; /* NULL: none */
};

struct tally {
	size_t edges, failing;
};

static bool is_certain(const struct agent *agent)
{
	return agent->status == ALIVE_UP && !(agent->inquiry && agent->inquiry->doubted);
}

static struct span_edge edge_of(
	const struct alive *alive, struct agent *agent, const struct ringplan_neighbour *neighbour)
{
	struct agent *other = alive->slots[neighbour->slot];

	return (struct span_edge){
		.one = agent,
		.other = other,
		.of_one = accusation_find(agent, neighbour->edge),
		.of_other = accusation_find(other, neighbour->edge),
	};
}

static bool fails(const struct span_edge *edge)
{
	return (edge->of_one || edge->of_other) && is_certain(edge->one) && is_certain(edge->other);
}

/* Its one end does not hear the other, which hears that much. */
static bool is_deaf(const struct span_edge *edge)
{
	return fails(edge) && edge->of_one && edge->of_one->sight == SIGHT_ONE_WAY;
}

static bool is_single(const struct agent *agent)
{
	for (size_t i = 1; i < agent->links; i++) {
		if (agent->cables[i].sw != agent->cables[0].sw)
			return false;
	}
	return true;
}

/* An edge that is well proves nothing when an end may have taken its other switch. */
static void count(struct tally *tally, const struct span_edge *edge)
{
	bool failing = fails(edge);

	tally->edges += failing || (is_single(edge->one) && is_single(edge->other));
	tally->failing += failing;
}

static bool is_most(const struct tally *tally)
{
	return 100 * tally->failing >= MOST_PERCENT * tally->edges;
}

/* ---- which incident ---------------------------------------------------------------------------
 */

static bool is_between(const struct span_edge *edge, const struct domain *a, const struct domain *b)
{
	return edge->one->domain == a && edge->other->domain == b;
}

/* The edges between the domains of two agents: all, without the first agent, and the second. */
static void tally_pair(struct alive *alive, const struct agent *one, const struct agent *other,
	struct tally tallies[3])
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	struct agent *agent;

	LIST_FOREACH (agent, &one->domain->agents, beside) {
		size_t n = member_neighbours(alive, agent, neighbours);

		for (size_t i = 0; i < n; i++) {
			struct span_edge edge = edge_of(alive, agent, &neighbours[i]);

			if (!is_between(&edge, one->domain, other->domain))
				continue;
			count(&tallies[0], &edge);
			if (edge.one != one)
				count(&tallies[1], &edge);
			if (edge.other != other)
				count(&tallies[2], &edge);
		}
	}
}

static bool is_whole_agent(
	const struct alive *alive, struct agent *agent, bool (*what)(const struct span_edge *edge))
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, agent, neighbours), all = 0;

	for (size_t i = 0; i < n; i++) {
		struct span_edge edge = edge_of(alive, agent, &neighbours[i]);

		all += what(&edge);
	}
	return n >= 2 && all == n;
}

/* Is it the path between the two domains? */
static bool is_path(struct alive *alive, struct agent *one, struct agent *other)
{
	struct tally tallies[3] = { { .edges = 0 } };

	if (!one->domain || !other->domain || one->domain == other->domain)
		return false;
	tally_pair(alive, one, other, tallies);
	if (!is_most(&tallies[0]) || !is_most(&tallies[1]) || !is_most(&tallies[2]))
		return false;
	return (tallies[1].edges || !is_whole_agent(alive, one, fails)) &&
		(tallies[2].edges || !is_whole_agent(alive, other, fails));
}

static struct alive_incident of_agents(
	enum alive_cause cause, const struct agent *one, const struct agent *other)
{
	return (struct alive_incident){
		.cause = cause,
		.tenant = one->tenant,
		.node = one->id,
		.other = other ? other->id : 0,
	};
}

static struct alive_incident of_domains(uint32_t tenant, uint64_t a, uint64_t b)
{
	return (struct alive_incident){
		.cause = ALIVE_CAUSE_PATH,
		.tenant = tenant,
		.node = a < b ? a : b,
		.other = a < b ? b : a,
	};
}

/* One way: this end of the edge is deaf, or the other one is; NULL: neither. */
static struct agent *deaf_end(const struct span_edge *edge)
{
	if (edge->of_one && edge->of_one->sight == SIGHT_ONE_WAY)
		return edge->one;
	if (edge->of_other && edge->of_other->sight == SIGHT_ONE_WAY)
		return edge->other;
	return NULL;
}

/* The switches that it may use; its subnet stands for one that tells nothing of itself. */
static size_t nodes_of(const struct agent *agent, uint64_t nodes[ALIVE_LINKS + 1])
{
	size_t count = 0;

	while (count < agent->links) {
		nodes[count] = agent->cables[count].sw;
		count++;
	}
	nodes[count++] = agent->subnet;
	return count;
}

/* Between switches of its ends, whichever of them they use, a path is known to be at fault. */
static bool is_on_path(
	const struct alive *alive, const struct span_edge *edge, struct alive_incident *path)
{
	uint64_t one[ALIVE_LINKS + 1], other[ALIVE_LINKS + 1];
	size_t ones = nodes_of(edge->one, one), others = nodes_of(edge->other, other);

	for (size_t i = 0; i < ones * others; i++) {
		*path = of_domains(edge->one->tenant, one[i / others], other[i % others]);
		if (fault_find(alive, path))
			return true;
	}
	return false;
}

static struct alive_incident name_of(struct alive *alive, const struct span_edge *edge)
{
	struct agent *ends[] = { edge->one, edge->other }, *deaf = deaf_end(edge);
	struct tally pair[3] = { { .edges = 0 } };
	struct alive_incident path;

	if (is_on_path(alive, edge, &path))
		return path;
	if (is_path(alive, edge->one, edge->other)) {
		tally_pair(alive, edge->one, edge->other, pair);
		if (!deaf || pair[0].failing > 1)
			return of_domains(edge->one->tenant, edge->one->domain->node,
				edge->other->domain->node);
	}
	for (int i = 0; i < 2; i++) {
		if (is_whole_agent(alive, ends[i], is_deaf))
			return of_agents(ALIVE_CAUSE_ONE_WAY, ends[i], NULL);
		if (is_whole_agent(alive, ends[i], fails) && !deaf)
			return of_agents(ALIVE_CAUSE_LOCAL_PATH, ends[i], NULL);
	}
	if (deaf)
		return of_agents(
			ALIVE_CAUSE_ONE_WAY, deaf, deaf == edge->one ? edge->other : edge->one);
	if (edge->one->id < edge->other->id)
		return of_agents(ALIVE_CAUSE_LOCAL_PATH, edge->one, edge->other);
	return of_agents(ALIVE_CAUSE_LOCAL_PATH, edge->other, edge->one);
}

/* ---- what is told -----------------------------------------------------------------------------
 */

/* The accusation is due to that; an incident that was opened for it alone becomes that one. */
static void attribute(struct alive *alive, struct instant now, struct accusation *accusation,
	const struct alive_incident *name)
{
	struct fault *fault = fault_find(alive, name);
	struct fault *old = accusation ? accusation->fault : NULL;

	if (!accusation || (old && old == fault))
		return;
	if (old && !fault) {
		fault_reclassify(alive, old, name);
		return;
	}
	if (!fault)
		fault = fault_open(alive, now, name, 0, 0);
	accusation->fault = fault;
	fault->support++;
	if (old && !--old->support)
		fault_clear(alive, old);
}

static void blame(struct alive *alive, struct instant now, const struct span_edge *edge)
{
	struct alive_incident name = name_of(alive, edge);
	struct accusation *first = edge->of_one, *second = edge->of_other;

	/* The one that has an incident first: it becomes this one. */
	if (second && second->fault) {
		first = edge->of_other;
		second = edge->of_one;
	}
	attribute(alive, now, first, &name);
	attribute(alive, now, second, &name);
}

static void expire(struct alive *alive, struct instant now, struct timer *timer);

static bool is_told(const struct span_edge *edge)
{
	return (!edge->of_one || edge->of_one->told) && (!edge->of_other || edge->of_other->told);
}

/* It may be that one of them has another list than it should. */
static void tell_ends(
	struct alive *alive, struct instant now, const struct span_edge *edge, struct timer *timer)
{
	if (edge->of_one)
		edge->of_one->told = true;
	if (edge->of_other)
		edge->of_other->told = true;
	member_tell(alive, now, edge->one);
	member_tell(alive, now, edge->other);
	timer_set(&alive->timers, timer, instant_add(now, WAIT_S * NS_PER_SEC), expire);
}

static void expire(struct alive *alive, struct instant now, struct timer *timer)
{
	struct inquiry *inquiry = timer_object(timer, struct inquiry, path);
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, inquiry->agent, neighbours);

	if (inquiry->agent->status != ALIVE_UP)
		return;
	for (size_t i = 0; i < n; i++) {
		struct span_edge edge = edge_of(alive, inquiry->agent, &neighbours[i]);

		if (fails(&edge) && is_told(&edge))
			blame(alive, now, &edge);
		else if (fails(&edge))
			tell_ends(alive, now, &edge, timer);
		else if (edge.of_one)
			timer_set(&alive->timers, timer, instant_add(now, AGAIN_S * NS_PER_SEC),
				expire);
	}
}

void path_expect(struct alive *alive, struct instant now, struct inquiry *inquiry)
{
	bool is_new = false;

	for (size_t i = 0; i < inquiry->accused; i++)
		is_new |= !inquiry->accusations[i].fault;
	if (is_new && !timer_runs(&inquiry->path))
		timer_set(&alive->timers, &inquiry->path, instant_add(now, TELL_S * NS_PER_SEC),
			expire);
}

static void release(struct alive *alive, struct instant now, struct accusation *accusation)
{
	struct fault *fault = accusation ? accusation->fault : NULL;

	if (!fault)
		return;
	accusation->fault = NULL;
	accusation->told = false;
	fault_unsupport(alive, now, fault);
}

void path_release(struct alive *alive, struct instant now, const struct agent *agent)
{
	struct ringplan_neighbour neighbours[RINGPLAN_DEGREE];
	size_t n = member_neighbours(alive, agent, neighbours);

	for (size_t i = 0; i < n; i++) {
		release(alive, now, accusation_find(agent, neighbours[i].edge));
		release(alive, now,
			accusation_find(alive->slots[neighbours[i].slot], neighbours[i].edge));
	}
}
