/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_PLOT_H
#define TESTS_SIM_ALIVE_PLOT_H
/* What is broken in a scene, and what has to be said of it. */
#include "tests/sim/alive/scene.h"

enum plot_kind {
	PLOT_HOST,     /* a host dies, and boots later */
	PLOT_LINK,     /* one of the links of a host with two */
	PLOT_PORT,     /* the only link of a host */
	PLOT_SWITCH,   /* a switch dies, the hosts behind it live */
	PLOT_UPLINK,   /* of a switch */
	PLOT_POWER,    /* of a switch and all hosts that are only there */
	PLOT_PATH,     /* between two switches */
	PLOT_LOCAL,    /* between two neighbours behind one switch */
	PLOT_ONE_WAY,  /* from one neighbour to the other */
	PLOT_HUNG,     /* a nanoprobe is stopped */
	PLOT_GONE,     /* is killed */
	PLOT_LEAVE,    /* says goodbye: nothing is to be told */
	PLOT_ISOLATED, /* the CMA is cut off */
	PLOT_COUNT,
};

struct plot {
	enum plot_kind kind;
	uint32_t host, other; /* host: of the first nine and the nanoprobe's */
	uint32_t sw, other_sw;
	unsigned link;
	bool blind; /* no two neighbours are cut off together: who could tell an uplink? */
};

const char *plot_text(enum plot_kind kind);
/* Chooses what is concerned. -ENOENT: there is nothing in this scene that it could happen to. */
int plot_choose(struct scene *scene, enum plot_kind kind, struct plot *plot);
void plot_begin(struct scene *scene, const struct plot *plot);
void plot_end(struct scene *scene, const struct plot *plot);
/* What an incident of it is, while it lasts, or after it. False: there is to be none. */
bool plot_truth(const struct scene *scene, const struct plot *plot, bool over,
	struct alive_incident *truth);
/* The status that the host has to have while it lasts. */
enum alive_status plot_status(const struct plot *plot, const struct scene *scene, uint32_t host);

#endif
