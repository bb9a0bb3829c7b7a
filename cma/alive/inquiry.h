/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_INQUIRY_H
#define CMA_ALIVE_INQUIRY_H
/*
 * What is asked about one agent: because it is accused, because nobody watches it, because it is
 * down and may be back, or because a neighbour of it is accused. Part of the arbiter: pure.
 */
#include "cma/alive/member.h"
#include "cma/alive/timer.h"
#include "cma/alive/verdict.h"

/* What one end of an edge last told of the other. */
struct accusation {
	uint32_t edge, by; /* slot of the accuser */
	uint8_t sight, misses;
	bool late; /* the accuser was, so it may be its own fault */
	struct instant since;
	bool told;	     /* both ends were given their lists again */
	struct fault *fault; /* of the path; NULL */
};

struct inquiry {
	struct agent *agent;
	struct table_link by_ip; /* of the agent's address */
	TAILQ_ENTRY(inquiry) all, turn, suspect, review;
	LIST_ENTRY(inquiry) concerned;
	struct fault *fault; /* open incident that concerns it; NULL */
	struct timer question, grace, path;
	struct instant began;	       /* of the round */
	uint32_t nonce;		       /* in the challenges of its questions */
	uint16_t sent, failed;	       /* in this round */
	uint16_t kernel_at;	       /* questions sent when its kernel answered first */
	uint16_t knock;		       /* the port that was knocked at; 0 */
	uint8_t extra;		       /* with this question goes another one: enum question */
	uint8_t patience;	       /* how often a host that is down was asked again */
	uint8_t verdict;	       /* the last one */
	uint8_t accused;	       /* so many accusations */
	bool answered, spoke, vouched; /* in this round; since it was accused; heard by others */
	bool asking;		       /* a round runs */
	bool waiting;		       /* for its turn to send a question */
	bool suspected;		       /* it is among the suspects of its domain */
	bool doubted, ripe;	       /* it does not answer; it would be declared dead */
	bool kernel, refuses;	       /* verdict.h */
	bool orphan;		       /* nobody watches it */
	bool counted;		       /* among the accused of its domain */
	bool in_review;
	bool reported;	   /* back from behind a switch, it has told what it saw meanwhile */
	bool spread;	   /* its neighbours are asked, too */
	bool boot_unknown; /* it is back by a new run: is it a new boot? */
	struct accusation accusations[RINGPLAN_DEGREE];
};

TAILQ_HEAD(inquiries, inquiry);

/* That of the agent, made when there is none. */
struct inquiry *inquiry_of(struct alive *alive, struct agent *agent);
uint64_t inquiry_ip_hash(const struct addr *address);
/* The agent's address is another one now. */
void inquiry_moved(struct alive *alive, struct inquiry *inquiry);
/* It may have nothing to ask any more. */
void inquiry_touch(struct alive *alive, struct inquiry *inquiry);
/* At the end of every input: those with nothing to ask end. */
void inquiry_review(struct alive *alive);
void inquiry_end(struct alive *alive, struct inquiry *inquiry);

/* Starts a round of questions, unless one runs. */
void inquiry_ask(struct alive *alive, struct instant now, struct inquiry *inquiry);
void inquiry_ask_at(struct alive *alive, struct instant at, struct inquiry *inquiry);
/*
 * All are switched on, we too: those who are up first miss the others, who were not there since we
 * started and may need long to boot. Then they are asked later.
 */
bool inquiry_is_early(const struct alive *alive, struct instant now, const struct inquiry *inquiry);
void inquiry_ask_later(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* One more question of the round that runs. */
void inquiry_ask_on(struct alive *alive, struct inquiry *inquiry);
void inquiry_ask_on_at(struct alive *alive, struct instant at, struct inquiry *inquiry);
/* Questions still go often, so what failed until now is as good as a new round. */
bool inquiry_is_fresh(const struct inquiry *inquiry);
/* The round is over. */
void inquiry_stop(struct alive *alive, struct inquiry *inquiry);
/* The round that runs begins anew. */
void inquiry_again(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* All rounds that run begin anew: we were late, or cut off ourselves. */
void inquiry_restart_all(struct alive *alive, struct instant now);
/* The neighbours of who does not answer are asked, too: it may be that they cannot tell. */
void inquiry_spread(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* A question was sent. */
void inquiry_sent(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* The agent answered, or told us something (spoke). */
void inquiry_alive(struct alive *alive, struct instant now, struct agent *agent, bool spoke);
/* A neighbour was declared dead, which may decide about this one. */
void inquiry_nudge(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* None is ripe any more: we may be cut off ourselves. */
void inquiry_hold_all(struct alive *alive, struct instant now);
/* Whether somebody watches the agent has changed, perhaps. */
void inquiry_watch(struct alive *alive, struct instant now, struct agent *agent);
/* It is down: asked again after a while; and its edges end when it stays away. */
void inquiry_down(struct alive *alive, struct instant now, struct inquiry *inquiry);
/* It is suspected no more. */
void inquiry_acquit(struct alive *alive, struct inquiry *inquiry);

#endif
