// SPDX-License-Identifier: Apache-2.0
#include "agent/dryrun.h"

#include "base/json.h"

/* One change of the largest size always fits. */
enum { PRINT_BATCH = 16384, PRINT_LIMIT = 2 * FACT_VALUE_MAX };

static void print_change(const struct fact *fact, FILE *to)
{
	fprintf(to, "%s %s %.*s", fact->value.size ? "PUT" : "DELETE", section_name(fact->section),
		(int)fact->key.size, fact->key.data);
	if (fact->value.size)
		fprintf(to, " %.*s", (int)fact->value.size, fact->value.data);
	fputc('\n', to);
}

static void print_json(const struct fact *fact, FILE *to)
{
	json_t *key autojson = json_bytes(fact->key);
	char *key_text autofree = json_text(key);

	fprintf(to, "{\"section\":\"%s\",\"key\":%s", section_name(fact->section), key_text);
	if (fact->value.size)
		fprintf(to, ",\"value\":%.*s", (int)fact->value.size, fact->value.data);
	fputs("}\n", to);
}

void dryrun_print(struct tracker *tracker, bool json, FILE *to)
{
	struct writer changes = writer_growing(PRINT_LIMIT);

	while (tracker_pending(tracker)) {
		struct reader r;
		struct fact fact;

		writer_reset(&changes);
		tracker_take_changes(tracker, &changes, PRINT_BATCH);
		r = reader_of(writer_span(&changes));
		while (fact_get(&r, &fact))
			(json ? print_json : print_change)(&fact, to);
	}
	writer_free(&changes);
	fflush(to);
}
