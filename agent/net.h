/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_NET_H
#define AGENT_NET_H
/*
 * The process of the nanoprobe that has no privileges: the only one with an internet socket and
 * the only one that parses what came over a network. It keeps the table of facts and tells the CMA
 * what changes in it.
 */
#include <stdbool.h>

#include "agent/identity.h"
#include "base/log.h"

struct net_config {
	const struct identity
		*identity;  /* NULL with dry_run; its secrets may be wiped afterwards */
	bool dry_run;	    /* print the changes to stdout instead of telling a CMA */
	bool json;	    /* ... as JSON */
	uint16_t beat_port; /* of heartbeats; 0: none */
	uint64_t boot;	    /* boot_hash() */
	uint64_t run;	    /* as in struct sense_config */
	int sense;	    /* this process's end of the socket pair */
	const struct log *log;
};

struct net;

/* Makes what net_run needs. -errno after a line in the log. End it with net_free. */
int net_new(const struct net_config *config, struct net **net);
/*
 * Until SIGTERM, SIGINT or the end of sense; the exit code of the process. The CMA is told that the
 * host leaves, unless sense ended without SENSE_END: then it crashed, and will be started again.
 */
int net_run(struct net *net);
void net_free(struct net *net);

#endif
