/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_EMBEDDED_H
#define CMA_GRAPH_EMBEDDED_H
/* The .sql files below cma/, compiled in by tools/embed-sql.sh. */

struct embedded_sql {
	const char *path; /* below cma/: "queries/allips.sql"; NULL ends the list */
	const char *text;
};

extern const struct embedded_sql embedded_sql[];

#endif
