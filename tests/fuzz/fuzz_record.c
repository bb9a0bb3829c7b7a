// SPDX-License-Identifier: Apache-2.0
/*
 * The plaintext of a packet, and a message: whatever is taken is the same after another round. An
 * even first byte: records follow; an odd one: a message.
 */
#include "tests/fuzz/fuzz.h"
#include "wire/message.h"

static void check_record(const struct record *record)
{
	struct writer first = writer_growing(1 << 17), second = writer_growing(1 << 17);
	struct record again;
	struct reader r;

	record_encode(&first, record);
	fuzz_require(!first.failed);
	r = reader_of(writer_span(&first));
	fuzz_require(record_next(&r, &again) && again.kind == record->kind && reader_done(&r));
	record_encode(&second, &again);
	fuzz_require(span_equal(writer_span(&first), writer_span(&second)));
	writer_free(&first);
	writer_free(&second);
}

static void check_message(struct span bytes)
{
	struct writer w = writer_growing(bytes.size);
	struct message message;

	if (!message_decode(bytes, &message)) {
		message_encode(&w, &message);
		fuzz_require(span_equal(writer_span(&w), bytes));
	}
	writer_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(SPAN(data, size));
	struct record record;

	if (get_u8(&r) & 1) {
		check_message(get_rest(&r));
		return 0;
	}
	while (record_next(&r, &record)) {
		if (record.kind != RECORD_UNKNOWN)
			check_record(&record);
	}
	return 0;
}
