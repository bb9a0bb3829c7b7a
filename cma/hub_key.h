/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_KEY_H
#define CMA_HUB_KEY_H
/*
 * The key that proves the CMA to agents, and how it is replaced: for a time the hub answers calls
 * to the old and to the new one, and tells agents of the old one the certificate of the new one
 * (wire/certificate.h).
 */
#include "cma/hub.h"
#include "wire/certificate.h"
#include "wire/session.h"

struct channel;

/* key takes the place of the one in force, which becomes the old one. */
void hub_key_rotate(
	struct hub *hub, const struct key_pair *key, const uint8_t certificate[CERTIFICATE_SIZE]);
/* Forgets the old key, if there is one: nobody is answered under it any more. Sessions go on. */
void hub_key_retire(struct hub *hub);

/* Which of our keys this INIT was made for; NULL: none. */
const struct session_self *hub_key_called(const struct hub *hub, const struct packet *init);
/* A session under this key begins. */
void hub_key_begin(const struct hub *hub, struct channel *channel, const struct session_self *self);
/* Beside an ack: the certificate, if the session is of an older key, the first few times. */
void hub_key_tell(const struct hub *hub, struct channel *channel, struct writer *plain);

#endif
