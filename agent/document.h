/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_DOCUMENT_H
#define AGENT_DOCUMENT_H
/*
 * The facts of a tracker as one JSON document:
 *	host		the fields of fact "os"; "cpu" and "memory" as objects in it
 *	processes	name -> the process, with listenaddrs and clientaddrs: "addr:port" ->
 *			{proto, addr, port, ...}. Where one process has an address twice, the later
 *			one's key has "/proto" and the network namespace behind it.
 *	unattributed	listenaddrs whose process is not known, if there are any
 *	links		ifname -> the link, with its "addresses" as "addr/prefix" and its
 *			"routes" as "dst via gateway"
 *	neighbours, lldp	arrays
 *	coverage	feature -> what can be seen
 *
 * The caller decrefs.
 */
#include "agent/tracker.h"
#include "base/json.h"

json_t *document_of(const struct tracker *tracker);

#endif
