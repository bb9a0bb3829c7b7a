/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_QUERY_VALUE_H
#define CMA_GRAPH_QUERY_VALUE_H
/* From what somebody typed to what a statement is given, and from its rows to JSON. */
#include <sqlite3.h>

#include "cma/graph/query.h"

enum query_finder { FIND_HOST, FIND_HOST_KEY, FIND_SWITCH, FIND_KEY, QUERY_FINDERS };

/* What look-ups need to know beside the text. */
struct query_scope {
	sqlite3 *db;
	int64_t tenant; /* its node; -1: it has none yet */
	int64_t now_ms;
	sqlite3_stmt *finders[QUERY_FINDERS]; /* prepared at first use */
};

/* Ends the statements; the connection is the caller's. */
void query_scope_close(struct query_scope *scope);

/*
 * Binds text as the value of a parameter of the statement, which may not use it. -EINVAL with
 * error naming the parameter and the text; -EIO with error telling.
 */
int query_value_bind(struct query_scope *scope, sqlite3_stmt *statement,
	const struct query_param *param, const char *text, char *error, size_t error_size);

/*
 * The node that text names (what: as the error calls it), a host only if host. -EINVAL with error:
 * there is none, or there are several; -EIO.
 */
int query_value_node(struct query_scope *scope, const char *what, bool host, const char *text,
	int64_t *id, char *error, size_t error_size);

/* The columns' names, and a row's values (a fact's value as an object); the caller decrefs. */
json_t *query_value_columns(sqlite3_stmt *statement);
json_t *query_value_row(sqlite3_stmt *statement);

#endif
