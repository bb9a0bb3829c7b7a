/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_QUERY_FILE_H
#define CMA_GRAPH_QUERY_FILE_H
/*
 * A query as a file: its summary on the first line, then one line per parameter, which columns make
 * a graph if any do (cli/output_dot.c), then a SELECT.
 *	-- which host has this address
 *	-- param ip: ip  the address
 *	-- param depth: int = 8  how many hops
 *	-- param direction: enum(up|down) = up  which way
 *	-- edges host -> switch
 * and in a rule (cma/alert/rules.h) how bad it is that the query finds something:
 *	-- severity warning
 * Other comment lines are for readers of the file.
 */
#include "cma/graph/query.h"

/*
 * Reads text. -EINVAL with error set: "line N: ..." naming the word. End it with query_file_free.
 */
int query_file_parse(
	const char *name, const char *text, struct query *query, char *error, size_t error_size);
void query_file_free(struct query *query);

#endif
