/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_GUARD_H
#define TESTS_SIM_ALIVE_GUARD_H
/* What has to hold in a scene at all times. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"

struct scene;

struct guard {
	struct instant *unwatched; /* since when each host has nobody who would notice; or NEVER */
	struct instant looked;
	uint64_t false_deaths;	 /* called dead or cut off while its nanoprobe answers */
	uint64_t hung_deaths;	 /* while only its nanoprobe does not */
	uint64_t unwatched_long; /* hosts that nobody watched for more than 10 s */
	int64_t unwatched_ns;	 /* the longest */
	char first[128];	 /* what was found first, for people */
};

void guard_init(struct guard *guard, uint32_t hosts);
void guard_deinit(struct guard *guard);
/* The CMA has just said so of the host. */
void guard_status(struct scene *scene, uint32_t host, uint8_t status);
/* Looks at all hosts: what they can see of each other, and whom the CMA has asked lately. */
void guard_look(struct scene *scene);
/* How many hosts were called dead that were not. */
uint64_t guard_broken(const struct guard *guard);

#endif
