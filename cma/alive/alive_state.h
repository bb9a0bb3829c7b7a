/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_ALIVE_STATE_H
#define CMA_ALIVE_ALIVE_STATE_H
/* What the files of the arbiter share. */
#include "cma/alive/fault.h"
#include "cma/pool.h"

struct pulse {
	struct timer timer;
	struct instant began;
	size_t asked; /* 0: none is on its way */
};

struct alive {
	struct alive_config config;
	struct ringplan *plan;
	struct timers timers;
	struct table by_id, by_ip, domains, faults, trunks;
	struct pool agent_pool, inquiry_pool;
	struct agent **slots;
	size_t count, room;
	size_t up;	/* agents that are up and watched; */
	size_t doubted; /* of them, those that are accused and do not answer us */
	struct inquiries inquiries, turns, reviews; /* all; with a question to send; to review */
	size_t waiting;				    /* of turns */
	struct instant pace;			    /* no question before that */
	struct instant heard;			    /* when anybody was */
	struct instant due;			    /* the deadline as it was told */
	struct pulse pulse;
	struct timer mend;
	struct fault *isolated; /* NULL: we are not */
	bool majority;		/* isolated because most are accused, not because nobody answers */
	bool started;
	struct instant began;	    /* when we did */
	struct alive_event *events; /* a circle */
	size_t event_first, event_count, event_room;
	struct agent **dirty;
	size_t dirty_count, dirty_room;
	struct alive_edge *loaded; /* until alive_start */
	size_t loaded_count, loaded_room;
	struct alive_counters counters;
};

#endif
