// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/weather.h"

#include <math.h>

#include "base/alloc.h"

struct weather_way {
	uint64_t key;		  /* from << 32 | to; 0: not in use */
	uint32_t planned, forced; /* run of losses: after the next that arrives; left of it */
	bool known, bad;
};

void weather_init(struct weather *weather, uint64_t seed, double loss, double burst)
{
	*weather = (struct weather){ .random = { seed }, .loss = loss, .burst = burst };
}

void weather_deinit(struct weather *weather)
{
	free(weather->ways);
}

double weather_uniform(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

static struct weather_way *find_in(struct weather_way *ways, size_t capacity, uint64_t key)
{
	struct random hash = { key };
	size_t i = (size_t)random_next(&hash) & (capacity - 1);

	while (ways[i].key && ways[i].key != key)
		i = (i + 1) & (capacity - 1);
	return &ways[i];
}

static void grow(struct weather *weather)
{
	size_t capacity = weather->capacity ? 2 * weather->capacity : 64;
	struct weather_way *ways = mem_alloc(capacity, sizeof(*ways));

	for (size_t i = 0; i < weather->capacity; i++) {
		if (weather->ways[i].key)
			*find_in(ways, capacity, weather->ways[i].key) = weather->ways[i];
	}
	free(weather->ways);
	weather->ways = ways;
	weather->capacity = capacity;
}

/* from and to are never both 0, as nobody sends to himself. */
static struct weather_way *find(struct weather *weather, uint32_t from, uint32_t to)
{
	uint64_t key = (uint64_t)from << 32 | to;
	struct weather_way *way;

	if (2 * weather->count >= weather->capacity)
		grow(weather);
	way = find_in(weather->ways, weather->capacity, key);
	weather->count += !way->key;
	way->key = key;
	return way;
}

/* A bad way becomes good at 1 / burst; a good one bad, so that the share of bad ones is loss. */
static bool step(struct weather *weather, struct weather_way *way)
{
	double turn = weather_uniform(&weather->random);

	if (!way->known)
		way->bad = turn < weather->loss;
	else if (way->bad)
		way->bad = turn >= 1 / weather->burst;
	else
		way->bad = turn < weather->loss / (1 - weather->loss) / weather->burst;
	way->known = true;
	return way->bad;
}

static bool loses(struct weather *weather, uint32_t from, uint32_t to)
{
	struct weather_way *way;
	bool lost;

	if (weather->burst <= 0 && !weather->count)
		return weather->loss > 0 && weather_uniform(&weather->random) < weather->loss;
	way = find(weather, from, to);
	if (way->forced) {
		way->forced--;
		way->known = way->bad = true;
		return true;
	}
	lost = weather->burst > 0 ? step(weather, way)
				  : weather_uniform(&weather->random) < weather->loss;
	if (!lost) {
		way->forced = way->planned;
		way->planned = 0;
	}
	return lost;
}

bool weather_loses(struct weather *weather, uint32_t from, uint32_t to)
{
	bool lost = loses(weather, from, to);

	weather->sent++;
	weather->lost += lost;
	return lost;
}

void weather_force(struct weather *weather, uint32_t from, uint32_t to, uint32_t count)
{
	find(weather, from, to)->planned = count;
}

double weather_run_rate(const struct weather *weather, uint32_t length)
{
	double loss = weather->loss;

	if (weather->burst <= 0)
		return (1 - loss) * pow(loss, length);
	return loss / weather->burst * pow(1 - 1 / weather->burst, length - 1.0);
}
