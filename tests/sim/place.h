/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_PLACE_H
#define TESTS_SIM_PLACE_H
/* Who is where in a simulated network: an address tells which end it belongs to. */
#include "base/addr.h"

enum place { PLACE_CMA = 1, PLACE_HOST, PLACE_STRANGER };

static inline struct addr place_addr(enum place place, size_t n, uint16_t port)
{
	return (struct addr){
		.ip = { [10] = 0xff, 0xff, 10, (uint8_t)place, (uint8_t)(n >> 8), (uint8_t)n },
		.port = port
	};
}

static inline enum place place_of(const struct addr *addr)
{
	return (enum place)addr->ip[13];
}

static inline size_t place_number(const struct addr *addr)
{
	return (size_t)addr->ip[14] << 8 | addr->ip[15];
}

#endif
