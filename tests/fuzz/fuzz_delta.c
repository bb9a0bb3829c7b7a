// SPDX-License-Identifier: Apache-2.0
/* Packed changes of facts: what is taken is within the limits and is written as it was read. */
#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "wire/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[SEAL_FACT_KEY] = { 1 };
	struct reader r = reader_of(SPAN(data, size));
	struct writer w = writer_growing(size);
	struct fact fact;

	while (fact_get(&r, &fact)) {
		fuzz_require(fact.section < SECTION_COUNT && section_name(fact.section)[0]);
		fuzz_require(fact.key.size && fact.key.size <= FACT_KEY_MAX);
		fuzz_require(fact.value.size <= FACT_VALUE_MAX);
		fuzz_require(text_utf8_prefix(fact.key) == fact.key.size);
		seal_fact_hash(key, &fact);
		fact_put(&w, &fact);
		fuzz_require(w.size == size - r.left.size);
	}
	fuzz_require(span_equal(writer_span(&w), SPAN(data, w.size)));
	fuzz_require(r.failed || w.size == size);
	writer_free(&w);
	return 0;
}
