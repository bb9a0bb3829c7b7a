/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_REQUEST_H
#define CMA_REQUEST_H
/*
 * What the control socket can be asked (docs/control.md has the form): each is a function here
 * and a line in request.c. They run on the thread of their connection; user is the server.
 */
#include "cma/control.h"

/* The requests of the CMA, for struct control_config. */
extern const struct control_request requests[];

/* About the graph: request_graph.c. */
void request_query(void *user, const json_t *request, struct answer *answer);
void request_queries(void *user, const json_t *request, struct answer *answer);
void request_history(void *user, const json_t *request, struct answer *answer);
void request_explain(void *user, const json_t *request, struct answer *answer);
void request_hosts(void *user, const json_t *request, struct answer *answer);
void request_watch(void *user, const json_t *request, struct answer *answer);
void request_events(void *user, const json_t *request, struct answer *answer);

/* About the CMA: request_self.c. */
void request_status(void *user, const json_t *request, struct answer *answer);
void request_token_create(void *user, const json_t *request, struct answer *answer);

/* Who may talk to it: request_agent.c. */
void request_token_revoke(void *user, const json_t *request, struct answer *answer);
void request_pending(void *user, const json_t *request, struct answer *answer);
void request_approve(void *user, const json_t *request, struct answer *answer);
void request_revoke(void *user, const json_t *request, struct answer *answer);
void request_incident_clear(void *user, const json_t *request, struct answer *answer);

/* What operators are at work on: request_maintenance.c. */
void request_maintenance_set(void *user, const json_t *request, struct answer *answer);

/* Commands to hosts: request_command.c. */
void request_command_submit(void *user, const json_t *request, struct answer *answer);

/* About its keys: request_key.c. */
void request_key_status(void *user, const json_t *request, struct answer *answer);
void request_key_next(void *user, const json_t *request, struct answer *answer);
void request_key_rotate(void *user, const json_t *request, struct answer *answer);
void request_key_retire(void *user, const json_t *request, struct answer *answer);

/* Adds what the query "status" counts in the graph, (name, value) rows, to an object. */
void request_add_counts(void *user, const char *tenant, struct answer *answer, json_t *object);

/*
 * The rows of a query, an array of arrays, for who does something else with them than to answer;
 * NULL after telling why not.
 */
json_t *request_rows(void *user, const char *tenant, const char *name, const json_t *params,
	struct answer *answer);

/* request["tenant"], or the default one. */
const char *request_tenant(const json_t *request);

#endif
