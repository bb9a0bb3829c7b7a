/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_RINGPLAN_MODEL_H
#define TESTS_UNIT_RINGPLAN_MODEL_H
/* A plan and what it should be: each operation is done to both, and what it tells is checked. */
#include "cma/alive/ringplan.h"

enum { SLOTS = 512, DOMAINS = 64, EDGES = 4 * SLOTS };

/* What the plan was told, and what it told. */
struct model {
	struct ringplan *plan;
	unsigned int degree;
	uint32_t slots; /* that are in use, at most */
	struct model_member {
		uint32_t tenant;
		uint64_t domain;
		bool here, down;
	} members[SLOTS];
	struct ringplan_change edges[EDGES];
	size_t count, downs, edge_count;
	uint32_t last_edge;
	uint64_t chance;
	bool moved;		 /* and not mended yet */
	unsigned int operations; /* joins and leaves */
	unsigned int most, sum;	 /* changes of an operation */
	uint64_t hash;		 /* of all that it told */
};

struct model *model_new(unsigned int degree, uint32_t slots, uint64_t seed);
void model_free(struct model *m);
/* A number below that, of the model's own seed. */
uint32_t model_chance(struct model *m, uint32_t below);
/* Takes what the plan tells; how many changes. */
unsigned int model_take(struct model *m);

void model_join(struct model *m, uint32_t slot, uint32_t tenant, uint64_t domain);
void model_leave(struct model *m, uint32_t slot);
void model_move(struct model *m, uint32_t slot, uint64_t domain);
void model_down(struct model *m, uint32_t slot, bool down);
/* Asserts that nobody else loses his last neighbour that is up. */
void model_rescue(struct model *m, uint32_t slot);
/* Until nothing is left to do. */
void model_mend(struct model *m);

/* A neighbour of it is up; how many that are up have none. */
bool model_watched(const struct model *m, uint32_t slot);
size_t model_unwatched(const struct model *m);
/* Everybody has the neighbours that he should; mended: and the outside ones that can be. */
void model_check(const struct model *m, bool mended);

#endif
