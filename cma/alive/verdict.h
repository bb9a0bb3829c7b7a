/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALIVE_VERDICT_H
#define CMA_ALIVE_VERDICT_H
/*
 * Is an accused agent alive? A pure function of what is known at this moment, so that each
 * combination can be tested. The first row that fits decides (n is `round`):
 *
 *	it answered					LIVES	its accusers have lost the path
 *	it spoke, and its beats come somewhere		DEAF	it does not hear, but lives
 *	fewer than n questions failed			ASK
 *	a witness hears it				HEARD	the path from us may have failed
 *	its host refused the port			GONE
 *	its host's kernel answered, some questions ago	HUNG
 *	lately						ASK
 *	fewer than two witnesses, not 2n failed		ASK	n is enough when most of its domain
 *								is in doubt with it;
 *	no witness, a neighbour in doubt, not 4n failed	ASK	what becomes of that one decides
 *	we may be the ones who are cut off		HOLD
 *	otherwise					DEAD	the host, or its only link
 *
 * A witness is a neighbour that would tell: it is up, on time, and does not itself leave our
 * questions unanswered. ONE_WAY is no sign of life by itself: beats that echo nothing fresh may be
 * recorded ones.
 */
#include <stdbool.h>
#include <stdint.h>

struct verdict_facts {
	bool answered; /* a question of this round; or it told us anything since its beginning */
	bool spoke;    /* it told us anything since it was accused first */
	uint8_t witnesses;		  /* in all; of them: */
	uint8_t silent, refused, one_way; /* what they told (enum sight); the others hear it */
	/* Neighbours that did not accuse it, and do not answer us, either; 0 if one is found dead.
	 */
	uint8_t undecided;
	unsigned int round, failed; /* questions: of a round; sent and not answered */
	bool refuses;		    /* ICMP: nobody listens on its port of heartbeats */
	bool kernel;	/* ICMP for a port that nobody should use, or the echo, came back */
	bool lately;	/* so lately that few questions have failed since */
	bool crowd;	/* most of its domain is in doubt, several of it by witnesses */
	bool connected; /* somebody else was heard since this round began */
	bool isolated;	/* the CMA believes that it is cut off itself */
};

enum verdict {
	VERDICT_ASK,
	VERDICT_LIVES,
	VERDICT_DEAF,
	VERDICT_HEARD,
	VERDICT_GONE,
	VERDICT_HUNG,
	VERDICT_HOLD,
	VERDICT_DEAD,
	VERDICT_COUNT,
};

enum verdict verdict_of(const struct verdict_facts *facts);
/* How many questions are to fail before somebody can be declared dead. */
unsigned int verdict_questions(const struct verdict_facts *facts);

#endif
