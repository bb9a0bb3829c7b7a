// SPDX-License-Identifier: Apache-2.0
/* What a neighbour says of itself, as lines: it becomes one fact that may be told. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "discover/lldpfact.h"
#include "tests/fuzz/fuzz.h"
#include "wire/fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text autofree = text_copy_n((const char *)data, size), *rest = text;
	const char *lines[9] = { NULL };
	json_t *facts autojson = json_object();
	struct lldpfact neighbour;

	for (size_t i = 0; i < 9; i++) {
		const char *line = strsep(&rest, "\n");

		lines[i] = line ? line : "";
	}
	neighbour = (struct lldpfact){ lines[0], lines[1], lines[2], lines[3], lines[4], lines[5],
		lines[6], lines[7], { lines[2], lines[8] }, 2, (long)size, -(long)size };
	lldpfact_add(facts, "eth0", &neighbour);
	fuzz_require(json_object_size(facts) == 1);
	for (void *at = json_object_iter(facts); at; at = json_object_iter_next(facts, at)) {
		const char *key = json_object_iter_key(at);

		fuzz_require(*key && strlen(key) <= FACT_KEY_MAX);
		fuzz_require(text_utf8_prefix(SPAN_TEXT(key)) == strlen(key));
	}
	return 0;
}
