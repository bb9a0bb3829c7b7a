/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ATTACK_H
#define TESTS_SIM_ATTACK_H
/*
 * Somebody who hears every datagram, keeps some, and sends to either end what he kept, what he
 * changed in it, and what he made up: under the address of whom it came from, or his own.
 */
#include "tests/sim/network.h"
#include "wire/keys.h"

struct attack;

/* cma is the public key of the CMA, which he knows. The network outlives the attack. */
struct attack *attack_new(
	struct network *network, const struct addr *cma, const uint8_t cma_key[SEAL_KEY]);
void attack_free(struct attack *attack);
/* A flight was delivered to the process with this number. */
void attack_hear(struct attack *attack, const struct flight *flight, uint64_t process);
void attack_strike(struct attack *attack, struct instant now);
/* An answer came to an address of his own. False: it is larger than what he had sent from there. */
bool attack_answered(struct attack *attack, const struct addr *to, size_t size);

#endif
