// SPDX-License-Identifier: Apache-2.0
/*
 * A certificate, or a RETRY for an INIT, changed by a mask: any change but that of what is not
 * covered makes it none. The first byte chooses, the others are XORed into it.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/certificate.h"
#include "wire/cookie.h"
#include "wire/session.h"

enum { RETRY_SEALED_FROM = 8 }; /* what is before: type, version, flags, receiver */

static bool change(uint8_t *bytes, size_t from, size_t size, const uint8_t *mask, size_t masked)
{
	bool changed = false;

	for (size_t i = from; i < size && i < masked; i++) {
		bytes[i] ^= mask[i];
		changed |= mask[i] != 0;
	}
	return changed;
}

static void fuzz_certificate(const uint8_t *mask, size_t size)
{
	static const uint8_t seed[SIGN_SEED] = { 3 };
	struct certificate certificate = { .serial = 1, .key = { 4 } }, got;
	uint8_t bytes[CERTIFICATE_SIZE], parsed[CERTIFICATE_SIZE];
	char text[CERTIFICATE_TEXT_SIZE];
	struct sign_pair root;
	bool changed;

	sign_from_seed(&root, seed);
	certificate_sign(&certificate, &root, bytes);
	changed = change(bytes, 0, sizeof(bytes), mask, size);
	fuzz_require(changed == (certificate_open(bytes, root.public, &got) != 0));
	if (!certificate_peek(bytes, &got))
		fuzz_require(got.serial);
	certificate_text(bytes, text);
	fuzz_require(!certificate_parse(text, parsed) && !memcmp(parsed, bytes, sizeof(bytes)));
	if (size)
		text[mask[0] % (sizeof(text) - 1)] ^= (char)mask[size - 1];
	if (!certificate_parse(text, parsed) && mask && size && mask[size - 1])
		fuzz_require(memcmp(parsed, bytes, sizeof(bytes)) != 0);
}

static void fuzz_retry(const uint8_t *mask, size_t size)
{
	static const uint8_t public[SEAL_KEY] = { 5 }, nonce[SEAL_NONCE] = { 6 };
	uint8_t init[PACKET_INIT_SIZE] = { PACKET_INIT, PACKET_VERSION }, retry[PACKET_RETRY_SIZE];
	struct cookie_reply reply = { { 7 }, 1234 }, got;
	struct packet p;
	bool changed;

	fuzz_require(!packet_decode(SPAN(init, sizeof(init)), &p));
	cookie_seal(&reply, public, &p, SPAN(nonce, sizeof(nonce)), retry);
	changed = change(retry, RETRY_SEALED_FROM, sizeof(retry), mask, size);
	fuzz_require(!packet_decode(SPAN(retry, sizeof(retry)), &p));
	fuzz_require(changed == (cookie_open(public, init, &p, &got) != 0));
	if (!changed)
		fuzz_require(got.after_ms == 1234 && got.cookie[0] == 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		fuzz_retry(data + 1, size - 1);
	else
		fuzz_certificate(data + 1, size - 1);
	return 0;
}
