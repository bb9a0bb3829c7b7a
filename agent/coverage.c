// SPDX-License-Identifier: Apache-2.0
#include "agent/coverage.h"

#include "base/json.h"

void coverage_set(struct tracker *tracker, const struct coverage *coverage)
{
	struct fact fact = { .section = SECTION_COVERAGE, .key = SPAN_TEXT(coverage->feature) };
	json_t *is autojson = json_object();
	char *text autofree = NULL;

	json_set_text(is, "state", coverage->state);
	json_set_text(is, "why", coverage->why);
	json_set_text(is, "hook", coverage->hook);
	text = json_text(is);
	fact.value = SPAN_TEXT(text);
	tracker_apply(tracker, &fact);
}
