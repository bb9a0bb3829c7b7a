/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_WEATHER_H
#define TESTS_SIM_ALIVE_WEATHER_H
/*
 * Which datagrams are lost: each by itself, or in bursts (Gilbert: a way is either good, and loses
 * nothing, or bad, and loses everything; how long it stays bad is geometric). Each direction of
 * each pair of hosts is a way of its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/random.h"

struct weather_way; /* how one is now */

struct weather {
	struct random random;
	double loss;  /* share of the datagrams */
	double burst; /* mean length of a burst, in datagrams; 0: each is lost by itself */
	struct weather_way *ways;
	size_t capacity, count;
	uint64_t sent, lost;
};

void weather_init(struct weather *weather, uint64_t seed, double loss, double burst);
void weather_deinit(struct weather *weather);
/* Whether the next datagram from one to the other is lost. */
bool weather_loses(struct weather *weather, uint32_t from, uint32_t to);
/*
 * After the next datagram that arrives count of them are lost; what comes then is as it is after
 * such a run.
 */
void weather_force(struct weather *weather, uint32_t from, uint32_t to, uint32_t count);
/* Mean number of runs of losses that are at least so long and begin, for each datagram sent. */
double weather_run_rate(const struct weather *weather, uint32_t length);
/* 0 <= x < 1 */
double weather_uniform(struct random *random);

#endif
