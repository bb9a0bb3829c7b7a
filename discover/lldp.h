/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_LLDP_H
#define DISCOVER_LLDP_H
/*
 * Event module: the neighbours that lldpd(8) hears, over LLDP, CDP and whatever else it speaks.
 * One connection to lldpd waits for changes; on each, and at the start, a second one asks for
 * everything. Without lldpd, or when it goes, it is looked for again after 5 s to 60 s, and what
 * was known stays, with "stale_since", until lldpd hears it again or 120 s after lldpd came back.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "discover/discover.h"

struct lldp;

enum lldp_state {
	LLDP_STARTING, /* no answer yet */
	LLDP_COMPLETE,
	LLDP_AWAY,
};

struct lldp_config {
	const struct discover_sink *sink; /* must outlive it */
	void *owner;
	/* Wants a socket connected to lldpd: answer with one call of lldp_connected, at any time.
	 */
	void (*connect)(void *owner);
};

/* Starts by asking for a connection. End it with lldp_free, which closes its descriptors. */
struct lldp *lldp_new(const struct lldp_config *config);
void lldp_free(struct lldp *lldp);

/* The answer to connect: a descriptor, owned from here on, or -errno. */
void lldp_connected(struct lldp *lldp, int fd, struct instant now, int64_t now_ms);
/* What to wait on for reading; -1 where there is nothing. May change with every call. */
enum { LLDP_DESCRIPTORS = 2 };
void lldp_descriptors(const struct lldp *lldp, int fds[LLDP_DESCRIPTORS]);
/* One of them is readable, or the deadline has come: goes as far as it can without blocking. */
void lldp_run(struct lldp *lldp, struct instant now, int64_t now_ms);
struct instant lldp_deadline(const struct lldp *lldp);

/* Asks for everything again: at once when it is idle, else as soon as it can. */
void lldp_again(struct lldp *lldp, struct instant now, int64_t now_ms);

enum lldp_state lldp_state(const struct lldp *lldp);
/* Why it is away; static text. */
const char *lldp_why(const struct lldp *lldp);

#endif
