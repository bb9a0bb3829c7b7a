/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_PULSE_H
#define CMA_ALIVE_PULSE_H
/*
 * Is it us? Every 10 s one agent, drawn by chance, is asked; when it is silent, eight others; when
 * nobody was heard meanwhile, the CMA is cut off. It also believes that when more than half of all
 * agents are accused and silent, unless they are all behind one switch. While it does, nothing is
 * declared dead. Part of the arbiter: pure.
 */
#include "cma/alive/domain.h"

void pulse_start(struct alive *alive, struct instant now);
/* Asks eight at once: somebody is about to be declared dead, and nobody was heard lately. */
void pulse_now(struct alive *alive, struct instant now);
/* One more agent of this domain (NULL: unknown) is accused and silent. */
void pulse_doubt(struct alive *alive, struct instant now, const struct domain *domain);

#endif
