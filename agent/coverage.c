// SPDX-License-Identifier: Apache-2.0
#include "agent/coverage.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"

void coverage_set(struct tracker *tracker, const struct coverage *coverage, int64_t now_ms)
{
	struct fact fact = { .section = SECTION_COVERAGE, .key = SPAN_TEXT(coverage->feature) };
	json_t *was autojson =
		json_parse(tracker_value(tracker, fact.section, fact.key), FACT_VALUE_MAX, NULL, 0);
	json_t *is autojson = json_object();
	char *text autofree = NULL;
	char since[TEXT_TIME_SIZE];

	text_time(now_ms, since);
	json_set_text(is, "state", coverage->state);
	json_set_text(is, "why", coverage->why);
	json_set_text(is, "hook", coverage->hook);
	json_set_text(is, "since",
		!strcmp(json_get_text(was, "state"), coverage->state) ? json_get_text(was, "since")
								      : since);
	text = json_text(is);
	fact.value = SPAN_TEXT(text);
	tracker_apply(tracker, &fact);
}
