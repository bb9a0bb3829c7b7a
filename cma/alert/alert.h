/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_ALERT_H
#define CMA_ALERT_ALERT_H
/*
 * Tells people what happened, and looks for what should not be: a thread for each sink of the
 * option "alert" (teller.h), and one for the rules (rules.h).
 */
#include "base/config.h"
#include "cma/alert/teller.h"

struct alerts;

/*
 * Reads the options "alert" and "alert-user", and starts the process of each sink: before anything
 * secret is read, and while we may. -errno after logging why. End it with alert_free in either
 * case.
 */
int alert_open(const struct config *config, const struct log *log, struct alerts **alerts);
/* NULL is fine. Ends the processes. */
void alert_free(struct alerts *alerts);
/* Between graph_begin and graph_commit: how far each sink was told. -errno. */
int alert_load(struct alerts *alerts, struct graph *graph);
/* world must live until alert_free. -errno after logging why. */
int alert_start(struct alerts *alerts, const struct teller_world *world);
/* Ends the threads; before the store ends, for they still write. NULL is fine. */
void alert_stop(struct alerts *alerts);

/* For people, an array with an object for each sink. Any thread. */
json_t *alert_status(struct alerts *alerts);

#endif
