/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_FABRIC_H
#define TESTS_SIM_ALIVE_FABRIC_H
/*
 * The network that hosts and the CMA really have: hosts with one or two links to access switches,
 * a core above these, and what of all that is broken.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FABRIC_LINKS = 2, FABRIC_BLOCKS = 4 };

/* As a host: the CMA. As a switch of the CMA: it is in the core. */
#define FABRIC_CMA UINT32_MAX

struct fabric_host {
	uint32_t sw[FABRIC_LINKS];
	uint8_t links;
	bool cut[FABRIC_LINKS]; /* NIC, cable or port */
	bool dead;		/* its kernel does not run */
};

struct fabric_switch {
	uint32_t hosts; /* that have a link to it */
	bool dead;
	bool cut;  /* its uplink: what is behind it still hears each other */
	bool mute; /* it speaks no LLDP */
};

/* A way that is closed: between two switches, or from one host to another (an access list). */
struct fabric_block {
	bool of_hosts;
	uint32_t from, to;
};

struct fabric {
	struct fabric_host *hosts;
	struct fabric_switch *switches;
	uint32_t host_count, switch_count;
	uint32_t cma_switch;
	bool cma_cut;
	struct fabric_block blocks[FABRIC_BLOCKS];
	unsigned block_count;
};

void fabric_init(struct fabric *fabric, uint32_t hosts, uint32_t switches);
void fabric_deinit(struct fabric *fabric);
void fabric_wire(struct fabric *fabric, uint32_t host, uint32_t sw);
void fabric_block(struct fabric *fabric, bool of_hosts, uint32_t from, uint32_t to);

/* The link that carries what the host sends: the first with carrier; FABRIC_LINKS: none has. */
unsigned fabric_link(const struct fabric *fabric, uint32_t host);
bool fabric_has_carrier(const struct fabric *fabric, uint32_t host, unsigned link);
/* Whether a datagram from one to the other arrives when nothing is lost. */
bool fabric_passes(const struct fabric *fabric, uint32_t from, uint32_t to);

#endif
