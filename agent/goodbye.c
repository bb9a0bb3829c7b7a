// SPDX-License-Identifier: Apache-2.0
#include "agent/goodbye.h"

#include "base/instant.h"

enum {
	LINGER_MS = 200,      /* for a CMA to say that it does not know us, */
	CALL_AGAIN_MS = 1500, /* and to be called */
};
#define STEP_S 0.05

static void on_step(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop, (void)watcher, (void)events;
}

static void say(struct ev_loop *loop, struct uplink *uplink)
{
	uplink_leave(uplink);
	ev_run(loop, EVRUN_NOWAIT);
}

static void wait_for_unknown(struct ev_loop *loop, struct uplink *uplink, uint64_t resets)
{
	struct instant end = instant_add(instant_now(), LINGER_MS * NS_PER_MS);
	bool calls = false;

	while (instant_before(instant_now(), end)) {
		const struct uplink_status *status = uplink_status(uplink);

		if (!calls && status->resets != resets) {
			calls = true;
			end = instant_add(instant_now(), CALL_AGAIN_MS * NS_PER_MS);
		}
		if (calls && status->state == UPLINK_UP) {
			say(loop, uplink);
			return;
		}
		ev_run(loop, EVRUN_ONCE);
	}
}

void goodbye_say(struct ev_loop *loop, struct uplink *uplink)
{
	uint64_t resets = uplink_status(uplink)->resets;
	ev_timer step;

	if (uplink_status(uplink)->state != UPLINK_UP)
		return;
	ev_timer_init(&step, on_step, STEP_S, STEP_S);
	ev_timer_start(loop, &step);
	say(loop, uplink);
	wait_for_unknown(loop, uplink, resets);
	ev_timer_stop(loop, &step);
}
