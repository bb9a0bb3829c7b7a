/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_SCENE_H
#define TESTS_SIM_ALIVE_SCENE_H
/*
 * Hosts with the real ring of heartbeats (agent/ring.h), the CMA's real view of who is alive
 * (cma/alive/alive.h), and a network between them, on one virtual clock. What sessions carry
 * (lists, sights) goes by itself: reliable, late, and kept while the way to the CMA is cut.
 */
#include "base/instant.h"
#include "tests/sim/alive/centre.h"
#include "tests/sim/alive/fabric.h"
#include "tests/sim/alive/guard.h"
#include "tests/sim/alive/ledger.h"
#include "tests/sim/alive/mail.h"
#include "tests/sim/alive/node.h"
#include "tests/sim/alive/weather.h"
#include "tests/sim/alive/wheel.h"
#include "tests/sim/random.h"

enum {
	SCENE_BEAT_PORT = 1985,
	SCENE_PROBE_PORT = 40000,
	SCENE_SESSION_PORT = 50000,
	SCENE_TENANT = 1
};

enum scene_event {
	SCENE_NODE_TIMER,
	SCENE_NODE_RESUME, /* data: which of its stops ends */
	SCENE_NODE_START,
	SCENE_NODE_BOOT,
	SCENE_NODE_POWER, /* its kernel starts, and its nanoprobe a little later */
	SCENE_PLACE,	  /* a nanoprobe tells what it is plugged into now */
	SCENE_ARRIVES,	  /* data: letter, at target (a host, or FABRIC_CMA) */
	SCENE_TELL,	  /* a nanoprobe tries to tell what it has for the CMA */
	SCENE_LIST,	  /* data: letter; the CMA tries to hand a list to a nanoprobe */
	SCENE_CENTRE_TIMER,
	SCENE_CENTRE_RESUME,
	SCENE_LOOK,
};

struct scene_config {
	uint64_t seed;
	double loss, burst; /* weather.h */
	unsigned degree;    /* 0: 2 */
	int64_t start_ns;   /* nanoprobes start within this */
	uint32_t absent;    /* the last hosts, which join later: centre_add, node_start */
	bool off;	    /* all hosts are, until they start: then they boot, too */
	bool told;	    /* all that is told is printed */
	int64_t look_ns;    /* between two looks of the guard; 0: only at what the CMA says */
};

/* Edges that somebody looks at closely. */
struct scene_marked {
	uint32_t edge[2]; /* 0: none */
	bool accused[2];
	uint64_t accusations;
	bool both; /* were accused at one time */
};

struct scene {
	struct scene_config config;
	struct random random;
	struct fabric fabric;
	struct weather weather;
	struct wheel wheel;
	struct mail mail;
	struct node *nodes;
	struct centre centre;
	struct ledger ledger;
	struct guard guard;
	uint32_t *marks, mark; /* of switches, for who has to remember some */
	uint64_t beats;	       /* datagrams of hosts */
	uint64_t probes, lists;
	uint64_t sights[SIGHT_COUNT];
	struct scene_marked marked;
};

/* The caller builds the fabric, which the scene then owns, and lets it begin. */
void scene_init(struct scene *scene, const struct scene_config *config, struct fabric fabric);
void scene_begin(struct scene *scene);
void scene_deinit(struct scene *scene);
/* Lets so much time pass. */
void scene_run(struct scene *scene, int64_t ns);
struct instant scene_now(const struct scene *scene);

/* Sends it, when the network is so kind. */
void scene_send(struct scene *scene, const struct letter *letter);
/* Whether what one sends to the other arrives: it is connected, and this one is not lost. */
bool scene_passes(struct scene *scene, uint32_t from, uint32_t to);
/* When what is sent now arrives. */
struct instant scene_arrival(struct scene *scene);
struct addr scene_addr(uint32_t who, uint16_t port);
/* Who has this address. */
uint32_t scene_who(const struct addr *addr);

/* What the CMA calls it. */
static inline uint64_t scene_id(uint32_t host)
{
	return (uint64_t)host + 1;
}

static inline uint32_t scene_host(uint64_t id)
{
	return (uint32_t)(id - 1);
}

uint64_t scene_switch_node(uint32_t sw);
uint64_t scene_subnet_node(uint32_t sw);
uint64_t scene_port_node(uint32_t host, unsigned link);
/* Where LLDP says that the host is now. */
struct alive_place scene_place(const struct scene *scene, uint32_t host);

#endif
