/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_PROBE_H
#define CMA_PROBE_H
/*
 * The socket from which the CMA itself asks agents whether they live (cma/alive/alive.h): an
 * inbound of its own, so that what routers and hosts say about questions that cannot be delivered
 * disturbs nobody else. A host that says that nobody listens on the port has a kernel that lives:
 * that is told with the address and port of the question (IP_RECVERR in ip(7)).
 */
#include "cma/inbound.h"

struct probe_counters {
	uint64_t refused; /* questions and knocks that a host answered so */
	uint64_t others;  /* that somebody else, or something else, was said about */
};

struct probe;

/* Any port of the address where agents call. -errno. End it with probe_close. */
int probe_open(const struct addr *listen, struct probe **probe);
void probe_close(struct probe *probe); /* NULL is fine */
/* For what is asked and what comes back. */
struct inbound *probe_inbound(struct probe *probe);

typedef void probe_fn(void *owner, const struct addr *refused);
/* Gives fn what was refused, at most a batch; how many errors there were. Does not block. */
size_t probe_refusals(struct probe *probe, probe_fn *fn, void *owner);
const struct probe_counters *probe_counters(const struct probe *probe);

#endif
