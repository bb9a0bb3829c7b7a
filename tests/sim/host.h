/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H
/* A host of a simulation: what is true of it, what it keeps on disk, and its agent, if that runs.
 */
#include "agent/uplink.h"
#include "base/addr.h"
#include "cma/hub.h"
#include "tests/sim/random.h"
#include "tests/sim/store.h"

/* What all hosts share. */
struct estate {
	struct random random;
	struct key_pair cma_key;
	struct hub_token token;
	size_t facts;	  /* that a host may have */
	size_t value_max; /* bytes of the longest value, about */
};

struct host {
	struct addr address;
	struct key_pair key;
	uint8_t digest_key[SEAL_FACT_KEY];
	uint64_t *truth; /* for each fact the seed of its value; 0: there is none */
	bool enrolled;	 /* kept on disk, with the psk */
	uint8_t psk[SEAL_KEY];
	struct tracker *tracker; /* NULL while the agent is down */
	struct uplink *uplink;
	struct instant change_at, restart_at;
	uint64_t restarts, stream_restarts;
	uint64_t checked; /* version of the world at the last look; 0: has to be looked at */
	uint64_t checked_durable;
};

/* The agent is not started. End it with host_deinit. */
void host_init(struct host *host, struct estate *estate, size_t n);
void host_deinit(struct host *host);
/* One fact comes, changes or goes; the agent sees it at once. */
void host_change(struct host *host, struct estate *estate);
void host_start(struct host *host, struct estate *estate);
void host_stop(struct host *host);
/* Keeps on disk what the agent has learnt. */
void host_keep(struct host *host, const struct estate *estate);
/* Is what the store has committed for the host what its agent's table holds? */
bool host_is_known(const struct host *host, const struct store_ops *ops, void *store);

#endif
