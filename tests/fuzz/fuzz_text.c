// SPDX-License-Identifier: Apache-2.0
/* Values as people and files write them: what is taken is printed so that it is taken again. */
#include <string.h>

#include "base/addr.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void check_time(const char *text)
{
	char printed[TEXT_TIME_SIZE];
	int64_t time, again;

	if (text_parse_time(text, 0, &time) || time < -62135596800000)
		return; /* the year 0 and before have no four digits */
	text_time(time, printed);
	if (time <= 253402300799999)
		fuzz_require(!text_parse_time(printed, 0, &again) && again == time);
}

static void check_addr(const char *text)
{
	char printed[ADDR_TEXT_SIZE];
	struct addr addr, again;

	if (addr_parse(text, &addr))
		return;
	addr_text(&addr, printed);
	fuzz_require(!addr_parse(printed, &again) && !memcmp(&addr, &again, sizeof(addr)));
}

/* Any bytes become a JSON string that our own parser takes, as the canonical text. */
static void check_json(struct span bytes)
{
	json_t *value autojson = json_bytes(bytes), *again autojson = NULL;
	char *text autofree = json_text(value), *text_again autofree = NULL;

	again = json_parse(SPAN_TEXT(text), SIZE_MAX, NULL, 0);
	fuzz_require(again);
	text_again = json_text(again);
	fuzz_require(!strcmp(text, text_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text autofree = text_copy_n((const char *)data, size);
	int64_t ms;

	check_time(text);
	check_addr(text);
	check_json(SPAN(data, size));
	if (!text_parse_duration(text, &ms))
		fuzz_require(ms >= 0 && ms <= 36500LL * 86400000);
	return 0;
}
