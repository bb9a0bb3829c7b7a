// SPDX-License-Identifier: Apache-2.0
/*
 * A row of rtnetlink messages, whatever is in them: each fact is one that may be told. What is
 * behind each message is what follows it, and not read.
 */
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "discover/netfact.h"
#include "tests/fuzz/fuzz.h"

static void take(void *owner, const struct fact *fact)
{
	(void)owner;
	fuzz_require(fact->section < SECTION_COUNT);
	fuzz_require(fact->key.size && fact->key.size <= FACT_KEY_MAX);
	fuzz_require(text_utf8_prefix(fact->key) == fact->key.size);
	fuzz_require(fact->value.size <= FACT_VALUE_MAX);
	if (fact->value.size) {
		json_t *value autojson = json_parse(fact->value, FACT_VALUE_MAX, NULL, 0);

		fuzz_require(json_is_object(value));
	}
}

static bool name(void *owner, int index, char *to)
{
	(void)owner;
	snprintf(to, IFNAMSIZ, "if%d", index % 100);
	return index % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct discover_sink sink = { .fact = take };
	struct netfact netfact = { .name = name };
	int left = (int)size;
	struct nlmsghdr *message;
	void *bytes autofree = mem_copy(data, size); /* aligned */

	for (message = bytes; nlmsg_ok(message, left); message = nlmsg_next(message, &left)) {
		void *one autofree = mem_copy(message, message->nlmsg_len);

		netfact_apply(&netfact, one, &sink);
	}
	netfact_free(&netfact);
	return 0;
}
