/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_QUERY_H
#define CMA_GRAPH_QUERY_H
/*
 * Canned queries: .sql files (cma/queries/, and a directory of the operator's) and their running
 * on a read-only connection. See docs/schema.md for how to add one. A struct queries belongs to
 * one thread; any number of them may be open beside the writer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum {
	QUERY_PARAMS_MAX = 8,
	QUERY_FILE_MAX = 65536,
	QUERY_TIME_MS = 10000, /* a query that runs longer is ended */
};

enum query_type {
	QUERY_TEXT,
	QUERY_INT,
	QUERY_BOOL, /* bound as 0 or 1 */
	QUERY_TIME, /* text_parse_time; bound as ms */
	QUERY_HOST, /* name or key; bound as the id of its node */
	QUERY_IP,   /* bound as its one way to write it */
	QUERY_MAC,  /* bound as aa:bb:cc:dd:ee:ff */
	QUERY_NODE, /* host, switch, switch:port, or ip; bound as the id */
	QUERY_ENUM,
};

struct query_param {
	char *name;
	enum query_type type;
	char *choices; /* "a|b" of QUERY_ENUM */
	char *initial; /* NULL: it must be given */
	char *text;
};

struct query {
	char *name;
	char *summary;
	char *edges; /* "host -> host/ifname -> switch": columns that make a graph; NULL: none do */
	char *severity; /* of what a rule finds: info, warning or critical; NULL: not said */
	char *sql;
	char *broken; /* why the file cannot be asked, which is all there is of it; NULL: it can */
	struct query_param params[QUERY_PARAMS_MAX];
	size_t param_count;
	void *statement; /* prepared at first use */
};

struct queries;

/*
 * Opens directory/graph.db, which graph_open made, for reading, and reads all queries; those in
 * extra_directory (may be NULL or absent) come last and replace a compiled-in one of their name. A
 * file there that is no query says so, with line and word, when it is asked and when it is listed;
 * the others are not disturbed. -errno with error set. End it with queries_close.
 */
int queries_open(const char *directory, const char *extra_directory, struct queries **queries,
	char *error, size_t error_size);
/* The same of the files of another directory below cma/ than "queries": "rules", for example. */
int queries_open_set(const char *set, const char *directory, const char *extra_directory,
	struct queries **queries, char *error, size_t error_size);
void queries_close(struct queries *q);
/* The i-th in order of names; NULL behind the last. Valid until queries_close. */
const struct query *queries_at(const struct queries *q, size_t i);

/* Each returns 0, or what ends the query and is returned by query_run. They borrow the values. */
struct query_sink {
	int (*columns)(void *context, const json_t *names); /* once, an array of strings */
	int (*row)(void *context, const json_t *values);    /* array: string, number or null */
	bool (*cancelled)(void *context); /* now and then; true: end it with -ECANCELED. Or NULL */
	void *context;
};

/*
 * Runs a query. params is an object of strings, numbers or booleans (may be NULL); beside the
 * query's own it may hold as_of, a time (default: what is true now). tenant is a name. Results
 * beside those of the sink: -EINVAL for a fault of the asker (error names the word: unknown query,
 * parameter, host, ...), -ETIME, -ECANCELED, -EIO (error tells).
 */
int query_run(struct queries *q, const char *name, const json_t *params, const char *tenant,
	int64_t now_ms, const struct query_sink *sink, char *error, size_t error_size);

/*
 * The node that people mean by text, as a parameter of type node, and that of the tenant. -EINVAL
 * or -EIO, with error.
 */
int query_node(struct queries *q, const char *tenant, const char *text, int64_t *id,
	int64_t *tenant_id, char *error, size_t error_size);

#endif
