/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_HUB_COUNTERS_H
#define CMA_HUB_COUNTERS_H
/* What went well at the hub, and what was dropped and why. They only grow. */
#include <stdint.h>

#define HUB_COUNTERS(X)                                                                     \
	X(datagrams, "datagrams received")                                                  \
	X(sent, "datagrams sent")                                                           \
	X(handshakes, "handshakes answered")                                                \
	X(sessions, "sessions that agents proved")                                          \
	X(enrolled, "agents that proved a token")                                           \
	X(messages, "messages handed out")                                                  \
	X(duplicates, "fragments received again")                                           \
	X(resets, "resets sent for unknown sessions")                                       \
	X(byes, "agents that said goodbye")                                                 \
	X(bad_packet, "no packet of ours, or of a type that a CMA does not take")           \
	X(bad_mac, "INIT from someone who does not know our key")                           \
	X(no_cookie, "INIT without the cookie that it needs: told when to come back")       \
	X(crowded, "INIT told to come back later, too many waiting or from one address")    \
	X(not_told, "RETRY and UNKNOWN not sent, for there were too many at once")          \
	X(unproven, "handshakes that the agent did not complete")                           \
	X(bad_handshake, "INIT that does not open")                                         \
	X(unknown_agent, "INIT of a key that never enrolled")                               \
	X(unknown_token, "INIT with a token that does not exist")                           \
	X(refused, "agents refused, and told why: token expired or used up, wait, revoked") \
	X(replayed, "DATA received before, or too old to tell")                             \
	X(forged, "DATA that does not open")                                                \
	X(bad_record, "DATA whose records do not parse")                                    \
	X(skipped_record, "records of a kind that is not known and may be skipped")         \
	X(beyond_window, "fragments further ahead than the credit")                         \
	X(over_limit, "dropped for memory, of one agent or of all")                         \
	X(evicted, "unfinished messages dropped for others")                                \
	X(bad_message, "messages that could not be put together or inflated")               \
	X(pending_full, "agents without a token for which the list had no room")            \
	X(duplicate_keys, "sessions taken over by another nanoprobe with the same key")     \
	X(rollbacks, "agents that had been told of more than is on disk here")

struct hub_counters {
#define HUB_COUNTER_FIELD(name, text) uint64_t name;
	HUB_COUNTERS(HUB_COUNTER_FIELD)
#undef HUB_COUNTER_FIELD
};

#endif
