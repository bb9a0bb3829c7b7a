/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H
/* A host of a simulation: what is true of it, what it keeps on disk, and its agent, if that runs.
 */
#include "agent/uplink.h"
#include "base/addr.h"
#include "cma/hub.h"
#include "tests/sim/facts.h"
#include "tests/sim/orders.h"
#include "tests/sim/random.h"
#include "tests/sim/store.h"

enum { ESTATE_TENANTS = 2 };

/* What all hosts share. */
struct estate {
	struct random random;
	struct key_pair cma_key;
	struct hub_token tokens[ESTATE_TENANTS]; /* one of each tenant */
	size_t facts;				 /* that a host may have */
	size_t value_max;			 /* bytes of the longest value, about */
	char *value;				 /* room for one */
	struct orders *orders;			 /* what operators want done */
};

/* What is true of one thing: the seed of its value and the hash that both ends compute. */
struct truth {
	uint64_t seed; /* 0: there is no such thing */
	uint64_t hash;
};

struct host {
	struct estate *estate;
	struct addr address;
	struct key_pair key;
	const struct hub_token *token;
	uint8_t digest_key[SEAL_FACT_KEY];
	struct truth truth[FACTS_MAX];
	struct store_sum sum; /* of it */
	bool enrolled;	      /* kept on disk, with the psk */
	uint8_t psk[SEAL_KEY];
	struct tracker *tracker; /* NULL while the agent is down */
	struct uplink *uplink;
	struct judge judge; /* of the commands that come to the agent that runs */
	uint64_t results;   /* that any of its agents told; process_results: this one */
	uint64_t process_results;
	bool revoked; /* by an operator */
	struct instant change_at, restart_at, move_at, revoke_at;
	struct instant cut_to, cut_from; /* nothing reaches it, nothing comes from it until then */
	uint64_t restarts, stream_restarts, retries;
	uint64_t process; /* number of the agent's */
	bool cloned;	  /* shares its key with another */
	bool behind;	  /* was told of more than the CMA, come back from a backup, has */
	/* Of the stream at the last restore; 0: it is none that was. */
	uint64_t old_incarnation, old_sessions;
	/* At the last look; 0: has to be looked at. */
	uint64_t checked, checked_durable, checked_sessions;
};

/* The agent is not started. End it with host_deinit. */
void host_init(struct host *host, struct estate *estate, size_t n);
void host_deinit(struct host *host);
/* Takes the key and the place in the order of another: an image was cloned. */
void host_clone(struct host *host, const struct host *of);
/* One fact comes, changes or goes; the agent sees it at once. */
void host_change(struct host *host, struct estate *estate);
void host_start(struct host *host, struct estate *estate);
void host_stop(struct host *host);
/*
 * Tells the result of a command, its text the number host->results + 1, in the urgent stream, if
 * there is room.
 */
void host_tell_result(struct host *host, const uint8_t command[WARRANT_ID]);
/* Keeps on disk what the agent has learnt. */
void host_keep(struct host *host);
/* Has the store committed for the host what is true of it, in its tenant? */
bool host_is_known(const struct host *host, const struct store_ops *ops, void *store);

#endif
