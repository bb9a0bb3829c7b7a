// SPDX-License-Identifier: Apache-2.0
#include "agent/observe.h"

#include <errno.h>
#include <string.h>

#include "agent/coverage.h"
#include "agent/sweep.h"
#include "base/alloc.h"
#include "discover/lldp.h"
#include "discover/netlink.h"

/* A router with the full table of the Internet tells its first routes only, and says so. */
enum { LIST_MAX = 16384 };

struct observe {
	struct observe_config config;
	struct discover_sink sink;
	struct sweep sweep;
	struct netlink *netlink;
	struct lldp *lldp;
	int netlink_error; /* what made rtnetlink unusable */
	/* As told in the coverage record. */
	enum lldp_state lldp_told;
	const char *lldp_why_told;
	uint64_t overruns_told;
	bool overflow, overflow_told;
};

void observe_fact(struct observe *observe, const struct fact *fact)
{
	struct tracker *tracker = observe->config.tracker;

	if (fact->value.size && tracker_count(tracker, fact->section) >= LIST_MAX &&
		(fact->section == SECTION_ROUTE || fact->section == SECTION_NEIGHBOUR) &&
		!tracker_value(tracker, fact->section, fact->key).size) {
		observe->overflow = true;
		return;
	}
	sweep_saw(&observe->sweep, fact);
	tracker_apply(tracker, fact);
}

static void on_fact(void *owner, const struct fact *fact)
{
	observe_fact(owner, fact);
}

static void on_list(void *owner, enum section section, bool begins)
{
	struct observe *observe = owner;

	if (begins)
		sweep_begin(&observe->sweep, observe->config.tracker, section);
	else
		sweep_end(&observe->sweep, observe->config.tracker);
}

static void tell_net(const struct observe *observe)
{
	struct coverage coverage = { .feature = "net", .state = "complete", .hook = "rtnetlink" };
	char *why autofree = NULL;

	if (observe->netlink_error) {
		coverage.state = "unavailable";
		why = text_format("rtnetlink: %s", strerror(-observe->netlink_error));
	} else if (observe->overflow) {
		coverage.state = "partial";
		why = text_format("more than %d routes or neighbours", LIST_MAX);
	} else if (observe->overruns_told) {
		why = text_format("the kernel dropped messages %llu times; all was listed again",
			(unsigned long long)observe->overruns_told);
	}
	coverage.why = why;
	coverage_set(observe->config.tracker, &coverage);
}

static void tell_lldp(const struct observe *observe)
{
	bool away = lldp_state(observe->lldp) == LLDP_AWAY;
	struct coverage coverage = {
		.feature = "lldp",
		.state = away ? "unavailable" : "complete",
		.why = away ? lldp_why(observe->lldp) : NULL,
		.hook = "lldpd",
	};

	coverage_set(observe->config.tracker, &coverage);
}

/* Keeps the coverage record up to date; costs nothing when nothing changed. */
static void tell_coverage(struct observe *observe)
{
	uint64_t overruns = observe->netlink ? netlink_overruns(observe->netlink) : 0;
	enum lldp_state state = lldp_state(observe->lldp);

	if (overruns != observe->overruns_told || observe->overflow != observe->overflow_told) {
		observe->overruns_told = overruns;
		observe->overflow_told = observe->overflow;
		tell_net(observe);
	}
	if (state != observe->lldp_told || lldp_why(observe->lldp) != observe->lldp_why_told) {
		observe->lldp_told = state;
		observe->lldp_why_told = lldp_why(observe->lldp);
		tell_lldp(observe);
	}
}

struct observe *observe_new(const struct observe_config *config, struct instant now, int64_t now_ms)
{
	struct observe *observe = mem_alloc(1, sizeof(*observe));
	struct lldp_config lldp = {
		.sink = &observe->sink, .owner = config->owner, .connect = config->connect_lldpd
	};

	observe->config = *config;
	observe->sink =
		(struct discover_sink){ .owner = observe, .fact = on_fact, .list = on_list };
	observe->netlink_error = netlink_open(&observe->sink, &observe->netlink);
	tell_net(observe);
	observe->lldp = lldp_new(&lldp);
	observe_run(observe, now, now_ms);
	return observe;
}

void observe_free(struct observe *observe)
{
	if (!observe)
		return;
	sweep_cancel(&observe->sweep);
	netlink_close(observe->netlink);
	lldp_free(observe->lldp);
	free(observe);
}

void observe_lldp_connected(struct observe *observe, int fd, struct instant now, int64_t now_ms)
{
	lldp_connected(observe->lldp, fd, now, now_ms);
	tell_coverage(observe);
}

void observe_descriptors(const struct observe *observe, int fds[OBSERVE_DESCRIPTORS])
{
	fds[0] = observe->netlink ? netlink_fd(observe->netlink) : -1;
	lldp_descriptors(observe->lldp, fds + 1);
}

struct instant observe_deadline(const struct observe *observe)
{
	return lldp_deadline(observe->lldp);
}

void observe_run(struct observe *observe, struct instant now, int64_t now_ms)
{
	int err = observe->netlink ? netlink_input(observe->netlink) : 0;

	if (err) {
		observe->netlink_error = err;
		netlink_close(observe->netlink);
		observe->netlink = NULL;
		tell_net(observe);
	}
	lldp_run(observe->lldp, now, now_ms);
	tell_coverage(observe);
}

int observe_again(struct observe *observe, enum section section, struct instant now, int64_t now_ms)
{
	if (section == SECTION_LLDP) {
		lldp_again(observe->lldp, now, now_ms);
		return lldp_state(observe->lldp) == LLDP_AWAY ? -ENOENT : 0;
	}
	return observe->netlink ? netlink_again(observe->netlink, section) : -ENOENT;
}

bool observe_settled(const struct observe *observe)
{
	return (!observe->netlink || netlink_settled(observe->netlink)) &&
		lldp_state(observe->lldp) != LLDP_STARTING;
}
