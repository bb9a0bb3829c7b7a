/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_EVENT_H
#define CMA_ALIVE_EVENT_H
/* What the arbiter (cma/alive/alive.h) and the store tell each other. */
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "wire/beat.h"

enum alive_status {
	ALIVE_UP,
	ALIVE_LEFT,	   /* it said BYE: shutdown */
	ALIVE_DOWN,	   /* the host is dead, or its only link */
	ALIVE_UNREACHABLE, /* behind a switch that failed */
	ALIVE_HUNG,	   /* its kernel answers, its nanoprobe does not */
	ALIVE_GONE,	   /* nobody listens on its port: the nanoprobe ended without BYE */
	ALIVE_REVOKED,
	ALIVE_STATUS_COUNT,
};

/* It is away against everybody's will. */
static inline bool alive_status_failed(enum alive_status status)
{
	return status != ALIVE_UP && status != ALIVE_LEFT && status != ALIVE_REVOKED;
}

enum { ALIVE_LINKS = 4 };

/* Where a host is plugged in. */
struct alive_place {
	struct {
		uint64_t sw, port;
	} link[ALIVE_LINKS]; /* by LLDP; a host may have several to one switch */
	uint8_t links;	     /* 0: not known */
	uint64_t subnet;     /* of its address: stands for the switch when there are no links; 0 */
};

struct alive_agent {
	uint64_t id;
	uint32_t tenant; /* agents of different tenants never meet */
	enum alive_status status;
	uint64_t boot, incarnation; /* that were heard last; 0: none */
	struct addr address;	    /* of its heartbeats; port 0: unknown, or it has none */
	struct alive_place place;
};

/* Two neighbours, and what each last told of the other. */
struct alive_edge {
	uint32_t edge; /* not 0 */
	uint8_t layer;
	uint64_t low, high; /* agents */
	enum sight low_sees, high_sees;
};

/* Of an incident. In parentheses what its node and its other are. */
enum alive_cause {
	ALIVE_CAUSE_HOST,	/* (agent) dead, or its only link */
	ALIVE_CAUSE_HUNG,	/* (agent) */
	ALIVE_CAUSE_GONE,	/* (agent) */
	ALIVE_CAUSE_LINK,	/* (port) NIC, cable or port: the host lives */
	ALIVE_CAUSE_SWITCH,	/* (switch) it, its uplink or its power */
	ALIVE_CAUSE_PARTITION,	/* (switch or subnet) cut off, its hosts lived: the uplink */
	ALIVE_CAUSE_POWER,	/* (switch or subnet) its hosts came back with new boots */
	ALIVE_CAUSE_PATH,	/* (switch, switch) the one with the lower id first */
	ALIVE_CAUSE_LOCAL_PATH, /* (agent, agent) two neighbours, both answer us */
	ALIVE_CAUSE_ONE_WAY,  /* (agent, agent) the first does not hear the other; other 0: anybody
			       */
	ALIVE_CAUSE_ISOLATED, /* (0) the CMA itself: nothing is declared dead meanwhile */
	ALIVE_CAUSE_COUNT,
};

/* What an incident is known by: there is one open of each. */
struct alive_incident {
	enum alive_cause cause;
	uint32_t tenant; /* 0 for ALIVE_CAUSE_ISOLATED, which is of all */
	uint64_t node, other;
};

/* Whether node and other are ids of agents, and not of nodes of the graph. */
static inline bool alive_cause_of_agents(enum alive_cause cause)
{
	return cause <= ALIVE_CAUSE_GONE || cause == ALIVE_CAUSE_LOCAL_PATH ||
		cause == ALIVE_CAUSE_ONE_WAY;
}

/* All can be told twice: the store keeps them until they are committed. */
enum alive_event_kind {
	ALIVE_EVENT_STATUS,	/* agent has this status */
	ALIVE_EVENT_OPEN,	/* incident is open */
	ALIVE_EVENT_CONCERNS,	/* incident concerns agent */
	ALIVE_EVENT_FREED,	/* incident does not concern agent any more */
	ALIVE_EVENT_RECLASSIFY, /* what was told as was is really incident; hosts stay with it */
	ALIVE_EVENT_CLEAR,	/* incident is over */
	ALIVE_EVENT_EDGE,	/* low and high are neighbours */
	ALIVE_EVENT_EDGE_END,	/* no more */
};

struct alive_event {
	enum alive_event_kind kind;
	uint64_t agent; /* STATUS, CONCERNS, FREED */
	enum alive_status status;
	struct alive_incident incident, was;
	uint32_t hosts,
		of;    /* OPEN: it concerns so many of so many hosts, for people; 0: not told */
	uint32_t edge; /* EDGE, EDGE_END */
	uint8_t layer;
	uint64_t low, high; /* agents */
};

struct alive_counters {
	uint64_t sights, strange; /* that came; of them, not of an edge of the sender */
	uint64_t questions, answers, forged;
	uint64_t rounds, stalls;
};

#endif
