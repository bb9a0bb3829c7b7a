/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_GOODBYE_H
#define AGENT_GOODBYE_H
/* The last words to the CMA, so that what follows is no death. */
#include <ev.h>

#include "agent/uplink.h"

/*
 * Says BYE and waits a moment, because nobody acknowledges it: a CMA that was started again has no
 * session with us and says so. Then it is called once more, and told. The loop, which has ended, is
 * run meanwhile: it sends what the uplink has to say, and takes what comes. At most 1.7 s.
 */
void goodbye_say(struct ev_loop *loop, struct uplink *uplink);

#endif
