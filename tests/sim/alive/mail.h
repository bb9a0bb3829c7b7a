/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_ALIVE_MAIL_H
#define TESTS_SIM_ALIVE_MAIL_H
/* What is under way in a simulation, by number: datagrams, and what sessions carry. */
#include "base/instant.h"
#include "cma/alive/alive.h"
#include "wire/message.h"

enum letter_kind {
	LETTER_DATAGRAM,
	LETTER_REFUSED, /* the kernel of the sender says: nobody listens on that port */
	/* From a nanoprobe to the CMA, reliable and in order: */
	LETTER_HELLO, /* a session is proven: boot, incarnation, held */
	LETTER_HELD,
	LETTER_SIGHT,
	LETTER_PLACE, /* what it is plugged into now */
	LETTER_BYE,
	/* From the CMA to a nanoprobe: */
	LETTER_RING,
};

struct letter {
	uint32_t next; /* in a queue; 0: none */
	uint32_t from, to;
	uint16_t from_port, to_port;
	uint8_t kind; /* enum letter_kind */
	uint8_t size; /* of bytes */
	uint8_t tries;
	union {
		uint8_t bytes[PACKET_BEAT_SIZE];
		struct message_sight sight;
		struct {
			struct record_held held;
			uint64_t boot, incarnation;
		};
		struct {
			uint64_t version; /* of the list */
			uint8_t *ring;	  /* an encoded RING record, owned */
			size_t ring_size;
		};
	};
};

struct mail {
	struct letter *letters; /* moves when one is taken */
	uint32_t capacity, free, used;
};

struct mail_queue {
	uint32_t first, last;
};

void mail_init(struct mail *mail);
void mail_deinit(struct mail *mail);
/* A copy of the letter: its number, never 0. */
uint32_t mail_put(struct mail *mail, const struct letter *letter);
struct letter *mail_at(const struct mail *mail, uint32_t letter);
void mail_end(struct mail *mail, uint32_t letter);

void mail_append(struct mail *mail, struct mail_queue *queue, uint32_t letter);
/* The first of the queue, taken out of it; 0: it is empty. */
uint32_t mail_take(struct mail *mail, struct mail_queue *queue);
void mail_end_all(struct mail *mail, struct mail_queue *queue);

#endif
