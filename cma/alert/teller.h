/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_TELLER_H
#define CMA_ALERT_TELLER_H
/*
 * Tells one sink: reads the events from the store behind the last one that the sink was told, lets
 * pace.h say when to tell which, has its courier do it, and keeps in the store how far it came. On
 * a thread of its own, so that no sink waits for another. What was told within the last second
 * before a crash may be told again: at least once, not exactly once.
 */
#include "base/log.h"
#include "base/privilege.h"
#include "cma/alert/settings.h"
#include "cma/feed.h"
#include "cma/store.h"

struct teller;

/* What all of them work with. */
struct teller_world {
	const struct log *log;
	const char *state_dir;
	struct store *store;
	struct feed *feed;
};

/*
 * Starts the courier; takes the settings over. user is whom root becomes for it. -errno. End it
 * with teller_free in either case.
 */
int teller_new(
	struct settings *settings, const struct privilege_user *user, struct teller **teller);
void teller_free(struct teller *teller); /* NULL is fine */

const char *teller_name(const struct teller *teller);
/* Its sink was told everything up to this event. Before teller_start. */
void teller_begin(struct teller *teller, int64_t event);
/* world must live until teller_free. -errno. */
int teller_start(struct teller *teller, const struct teller_world *world);
/* What is under way is given up, to be told again at the next start; teller_join waits for that. */
void teller_stop(struct teller *teller);
void teller_join(struct teller *teller);

/* For people: what it is, what was told, what waits, since when it fails, why, and when next. */
json_t *teller_status(struct teller *teller);

#endif
