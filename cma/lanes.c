// SPDX-License-Identifier: Apache-2.0
#include "cma/lanes.h"

#include <stdlib.h>

#include "base/alloc.h"

/* What waits of one stream of an agent: in the lane of its first. */
struct lanes_queue {
	TAILQ_ENTRY(lanes_queue) turn;
	struct line *line;
	struct lanes_items items;
	int64_t credit;
};

/* An agent of which something waits. */
struct line {
	struct table_link by_agent;
	struct lanes_queue queues[STREAM_COUNT];
	uint64_t incarnation; /* of what came last, */
	uint64_t segment;
	bool closed; /* and that was a barrier */
};

static const unsigned shares[LANE_COUNT] = {
	[LANE_URGENT] = LANES_URGENT_SHARE,
	[LANE_CHANGES] = LANES_CHANGES_SHARE,
	[LANE_SNAPSHOT] = LANES_SNAPSHOT_SHARE,
};

void lanes_init(struct lanes *lanes)
{
	*lanes = (struct lanes){ .count = 0 };
	for (int i = 0; i < LANE_COUNT; i++)
		TAILQ_INIT(&lanes->turns[i]);
}

void lanes_deinit(struct lanes *lanes)
{
	table_deinit(&lanes->lines);
}

static struct line *line_of(struct lanes *lanes, const struct lanes_item *item)
{
	struct table_link *link = table_find(&lanes->lines, item->agent);
	struct line *line;

	if (link)
		return table_object(link, struct line, by_agent);
	line = mem_alloc(1, sizeof(*line));
	line->incarnation = item->incarnation;
	for (int i = 0; i < STREAM_COUNT; i++) {
		line->queues[i].line = line;
		STAILQ_INIT(&line->queues[i].items);
	}
	table_insert(&lanes->lines, &line->by_agent, item->agent);
	return line;
}

static void enter(struct lanes *lanes, struct lanes_queue *queue)
{
	TAILQ_INSERT_TAIL(&lanes->turns[STAILQ_FIRST(&queue->items)->lane], queue, turn);
}

void lanes_push(struct lanes *lanes, struct lanes_item *item)
{
	struct line *line = line_of(lanes, item);
	struct lanes_queue *queue = &line->queues[item->stream];
	bool waits = !STAILQ_EMPTY(&queue->items);

	line->segment += line->closed || item->barrier ||
		(item->incarnation && item->incarnation != line->incarnation);
	line->closed = item->barrier;
	if (item->incarnation)
		line->incarnation = item->incarnation;
	item->segment = line->segment;
	STAILQ_INSERT_TAIL(&queue->items, item, next);
	if (!waits)
		enter(lanes, queue);
	lanes->count++;
}

/* Is anything of this agent to be done before it? */
static bool must_wait(const struct line *line, const struct lanes_item *item)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		const struct lanes_item *first = STAILQ_FIRST(&line->queues[i].items);

		if (first && first->segment < item->segment)
			return true;
	}
	return false;
}

static void leave(struct lanes *lanes, struct line *line)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (!STAILQ_EMPTY(&line->queues[i].items))
			return;
	}
	table_remove(&lanes->lines, &line->by_agent);
	free(line);
}

/* The first of the queue, whose turn it is; the queue goes to the end of the lane. */
static struct lanes_item *take_first(struct lanes *lanes, struct lanes_queue *queue)
{
	struct lanes_item *item = STAILQ_FIRST(&queue->items);

	TAILQ_REMOVE(&lanes->turns[item->lane], queue, turn);
	STAILQ_REMOVE_HEAD(&queue->items, next);
	queue->credit -= (int64_t)item->cost;
	lanes->count--;
	if (STAILQ_EMPTY(&queue->items))
		leave(lanes, queue->line);
	else
		enter(lanes, queue);
	return item;
}

/* The next of the lane, or NULL when all that is there waits for another lane. */
static struct lanes_item *take_next(struct lanes *lanes, enum lane lane)
{
	struct lanes_turns *turns = &lanes->turns[lane];
	const struct lanes_queue *stuck = NULL; /* the first of a round of those that must wait */
	struct lanes_queue *queue;

	while ((queue = TAILQ_FIRST(turns)) != stuck) {
		bool waits = must_wait(queue->line, STAILQ_FIRST(&queue->items));

		if (!waits && queue->credit <= 0)
			queue->credit += LANES_QUANTUM;
		if (!waits && queue->credit > 0)
			return take_first(lanes, queue);
		TAILQ_REMOVE(turns, queue, turn);
		TAILQ_INSERT_TAIL(turns, queue, turn);
		if (!waits)
			stuck = NULL;
		else if (!stuck)
			stuck = queue;
	}
	return NULL;
}

/* What one call of lanes_take has taken so far. */
struct taking {
	struct lanes_item **items;
	size_t count, max;
	size_t cost, budget;
};

static bool take_one(struct lanes *lanes, enum lane lane, struct taking *taking)
{
	struct lanes_item *item;

	if (taking->count == taking->max || taking->cost >= taking->budget)
		return false;
	item = take_next(lanes, lane);
	if (!item)
		return false;
	taking->items[taking->count++] = item;
	taking->cost += item->cost;
	return true;
}

/* A lane gets its share anew with each budget. It cannot save, but it has to pay back. */
static void give_share(struct lanes *lanes, enum lane lane, size_t budget)
{
	int64_t share = (int64_t)(budget * shares[lane] / 100) + 1;

	lanes->credit[lane] += share;
	if (lanes->credit[lane] > share || TAILQ_EMPTY(&lanes->turns[lane]))
		lanes->credit[lane] = share;
}

size_t lanes_take(struct lanes *lanes, size_t budget, struct lanes_item **items, size_t max)
{
	struct taking taking = { .items = items, .max = max, .budget = budget };

	for (int lane = 0; lane < LANE_COUNT; lane++) {
		give_share(lanes, (enum lane)lane, budget);
		while (lanes->credit[lane] > 0 && take_one(lanes, (enum lane)lane, &taking))
			lanes->credit[lane] -= (int64_t)items[taking.count - 1]->cost;
	}
	/* What the others did not want. */
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		while (take_one(lanes, (enum lane)lane, &taking))
			continue;
	}
	return taking.count;
}
