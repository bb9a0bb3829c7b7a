/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ACT_ALIVE_H
#define CMA_ACT_ALIVE_H
/*
 * What the arbiter decided (cma/alive/event.h) becomes durable, within a transaction of the store:
 * how hosts are, who watches whom, and these incidents (cma/graph/incident.h), with the events that
 * tell of them. To act twice on one is to act once.
 *
 *	kind		node		other
 *	host		host			dead, or its only link is
 *	agent-hung	host			it answers, its nanoprobe does not
 *	agent-gone	host			it answers, no nanoprobe runs
 *	link		switch port		network card, cable or port; the host lives
 *	switch		switch, subnet		it, its uplink or its power
 *	partition	switch, subnet		cut off; its hosts lived
 *	power		switch, subnet		its hosts were started again
 *	path		switch		switch	between two switches
 *	local-path	host		host	between two neighbours
 *	one-way		host		host	the first does not hear the other, or (0) anybody
 *	cma-isolated	tenant			the CMA itself: one in each tenant
 */
#include "cma/act.h"
#include "cma/alive/event.h"

/* 0, ACT_REFUSED (there is no such agent or node), or -errno: the transaction is useless. */
int act_alive(struct act *act, const struct alive_event *event);

/* The words of the store. */
const char *act_alive_kind(enum alive_cause cause);
const char *act_alive_word(enum alive_status status);

#endif
