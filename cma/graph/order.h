/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_GRAPH_ORDER_H
#define CMA_GRAPH_ORDER_H
/* A message, read whole and checked before anything is touched. */
#include "base/json.h"
#include "wire/message.h"

/* What a message asks for, checked: nothing in it can be refused any more. */
struct order {
	struct message message;
	struct fact *facts; /* spans borrow from the message */
	json_t **values;    /* NULL: DELETE */
	size_t count;
};

/*
 * Reads a message (wire/messages.def); its spans borrow from bytes. -errno with the reason for
 * people when it cannot be acted on. End it with order_free in any case; it starts as zeroes.
 */
int order_read(struct order *order, struct span bytes, char *reason, size_t size);
void order_free(struct order *order);

#endif
