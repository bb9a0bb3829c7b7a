/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ESTATE_H
#define TESTS_UNIT_ESTATE_H
/*
 * An estate for tests of the graph: a store in a temporary directory, agents that tell it facts
 * through graph_apply as real ones do, and queries whose rows come back as an array of objects.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cma/graph/roster.h"
#include "cma/graph/query.h"
#include "wire/fact.h"
#include "wire/message.h"
#include "wire/seal.h"

/* The time of the first change; each test counts on from it, in ms. */
#define ESTATE_START ((int64_t)1700000000000)

struct estate {
	char directory[64];
	struct graph_options options; /* of the next estate_open */
	struct graph *graph;
	struct queries *queries;
	int64_t now;
	uint64_t sequence;
	struct graph_result result; /* of the last message */
	char error[256];
};

void estate_new(struct estate *e);
void estate_open(struct estate *e);
void estate_close(struct estate *e);
/* Closes, and removes the directory. */
void estate_remove(struct estate *e);

/* A new agent of a tenant; its key is 32 times the given byte. */
int64_t estate_enrol(struct estate *e, const char *tenant, uint8_t key);
/* Acts on a message of the agent's state stream in the open transaction; sets result. */
int estate_apply(struct estate *e, int64_t agent, uint64_t incarnation, uint64_t sequence,
	struct span bytes);
/* Sends one message of the agent's incarnation 1 in a transaction of its own. */
void estate_send(struct estate *e, int64_t agent, const struct message *message);
/* Adds a change to packed ones. JSON is written with ' for "; NULL deletes. */
void estate_pack(struct writer *w, enum section section, const char *key, const char *json);
/* One change in one message, which must be applied. */
void estate_tell(
	struct estate *e, int64_t agent, enum section section, const char *key, const char *json);

/* A host of tenant "default" with one card, the address 10.0.0.NUMBER, and, unless port is NULL, a
 * cable to that port of switch sw1. */
int64_t estate_host(struct estate *e, uint8_t number, const char *name, const char *port);
/* Process NAME:1 listens on 0.0.0.0:port. */
void estate_service(struct estate *e, int64_t agent, const char *name, int port);
/* Process NAME:1 uses ip:port; or does no more. */
void estate_client(
	struct estate *e, int64_t agent, const char *name, const char *ip, int port, bool here);

/* The first column of the first row, of what is committed. */
int64_t estate_sql(struct estate *e, const char *sql);
/* Runs a query; params is JSON with ' for ", or NULL. -errno with e->error set. */
int estate_try(
	struct estate *e, const char *tenant, const char *name, const char *params, json_t **rows);
/* The rows of a query of tenant "default" as canonical text with ' for "; the caller frees. */
char *estate_ask(struct estate *e, const char *name, const char *params);

/* Asserts the whole answer, in the order of its rows. */
#define estate_expect(e, name, params, expected)                             \
	do {                                                                 \
		char *answer__ autofree = estate_ask((e), (name), (params)); \
		assert_string_equal(answer__, (expected));                   \
	} while (0)

#endif
