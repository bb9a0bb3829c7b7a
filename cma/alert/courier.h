/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_COURIER_H
#define CMA_ALERT_COURIER_H
/*
 * The process that hands alerts over to one sink. It is started before the CMA reads any secret or
 * gives up its right to start processes, is another user than root, has no capability and no way to
 * get one, and holds nothing but a socket to us. Alerts go to it one at a time; for each it runs
 * an errand (errand.h). It ends when we do.
 */
#include <stdint.h>

#include "base/privilege.h"
#include "cma/alert/sink.h"

enum { COURIER_TEXT_MAX = 96 << 10, COURIER_WHY_MAX = 4096 + 64 };

struct courier_config {
	const struct sink_kind *kind;
	const char *target;
	int64_t time_ms;		   /* that one delivery may take */
	const struct privilege_user *user; /* whom root becomes */
};

/* *fd is our end: closing it ends the process. -errno. */
int courier_start(const struct courier_config *config, int *fd);
/*
 * Hands one over: text is an alert as JSON, of at most COURIER_TEXT_MAX bytes. Waits until it is
 * done, or until stop is readable. 0: it was taken. -EIO: it was not, and why (of COURIER_WHY_MAX
 * bytes) tells; when it was, why holds what the sink said. -ECANCELED: we are to stop, and what
 * became of it is not known. -EPIPE: there is no such process any more.
 */
int courier_deliver(int fd, const char *text, int stop, char *why);

#endif
