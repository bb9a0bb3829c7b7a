/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_WORLD_STATE_H
#define TESTS_SIM_WORLD_STATE_H
/* What the parts of a simulated world share. */
#include "tests/sim/attack.h"
#include "tests/sim/host.h"
#include "tests/sim/schedule.h"
#include "tests/sim/world.h"

/* Slots of the schedule; host n has WORLD_HOSTS + n. */
enum { WORLD_CMA, WORLD_WEATHER, WORLD_HOSTS };

struct world {
	struct world_config config;
	struct estate estate;
	struct instant now;
	int64_t wall_ms; /* of the CMA, less now */
	struct network network;
	struct schedule schedule;
	struct attack *attack; /* NULL: there is none */
	struct addr cma;
	struct hub *hub; /* NULL while the CMA is down */
	const struct store_ops *ops;
	void *store;
	bool transaction;	/* is open in the store */
	uint64_t version;	/* counts what may change what an invariant says */
	uint64_t processes;	/* that were started, on either side */
	uint64_t cma_process;	/* the number of that one */
	struct instant work_at; /* until then the CMA is busy with an INIT */
	struct instant commit_at, cma_restart_at, cut_at, clock_at;
	struct host *hosts;
	struct world_figures figures;
	char wrong[256];
};

/* A time around the mean from now; never when the mean is 0. */
struct instant world_around(struct world *world, int64_t mean);
int64_t world_wall_ms(const struct world *world);
bool world_due(const struct world *world, struct instant at);

/* Each lets the part do what is due, and notes when it has to be called again. */
const char *world_serve_cma(struct world *world);
const char *world_serve_host(struct world *world, struct host *host);
void world_serve_weather(struct world *world);

const char *world_cma_input(struct world *world, const struct flight *flight);
const char *world_host_input(struct world *world, struct host *host, const struct flight *flight);
/* The operator changes his mind about an agent. */
void world_revoke(struct world *world, struct host *host, bool revoked);
/* What must hold of a host now. */
const char *world_check_host(struct world *world, struct host *host);
/* Sends to or from a host, if the network is not cut there. */
void world_send(struct world *world, const struct host *host, const struct addr *from,
	const struct addr *to, struct span bytes);
/* The CMA came back from a backup: notes who has been told of more than that holds. */
void world_host_restored(struct world *world, struct host *host);

#endif
