/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_DISPATCH_H
#define CMA_DISPATCH_H
/* One line of the control socket: which request it is, run and answered. */
#include "cma/control.h"

/* requests ends with a NULL name. The answer is ended when this returns. */
void dispatch(const struct control_request *requests, void *user, struct span line,
	struct answer *answer);

#endif
