// SPDX-License-Identifier: Apache-2.0
/* Any datagram: what is decoded is encoded to the same bytes. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[PACKET_MAX];
	struct writer w = writer_over(again, sizeof(again));
	struct packet p;

	if (packet_decode(SPAN(data, size), &p))
		return 0;
	packet_encode(&w, &p);
	fuzz_require(!w.failed && w.size == size && !memcmp(again, data, size));
	fuzz_require(p.covered.data == data || !p.covered.size);
	return 0;
}
