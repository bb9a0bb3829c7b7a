// SPDX-License-Identifier: Apache-2.0
#include "wire/warrant.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

enum { WARRANT_VERSION = 1 };

static const char label[] = "np1 command 1";

/* 1 to max letters or digits (in the C locale) or others. */
static bool is_word(struct span text, size_t max, bool capitals, const char *others)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			!(capitals && c >= 'A' && c <= 'Z') && !(c && strchr(others, c)))
			return false;
	}
	return text.size && text.size <= max;
}

/* What can be logged and shown as it is. */
static bool is_line(struct span text, size_t max)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	}
	return text.size <= max && text_utf8_prefix(text) == text.size;
}

static bool is_sound(const struct warrant *warrant)
{
	return is_word(warrant->tenant, WARRANT_TENANT_MAX, true, "-_.") &&
		is_word(warrant->name, WARRANT_NAME_MAX, false, "-") &&
		is_line(warrant->argument, WARRANT_ARGUMENT_MAX);
}

static void put_span8(struct writer *w, struct span bytes)
{
	put_u8(w, (uint8_t)bytes.size);
	put_span(w, bytes);
}

int warrant_sign(struct warrant *warrant, const struct sign_pair *pair, struct writer *to)
{
	size_t start = to->size;
	uint8_t signature[SIGN_SIZE];

	if (!is_sound(warrant))
		return -EINVAL;
	memcpy(warrant->operator_key, pair->public, SIGN_KEY);
	put_u8(to, WARRANT_VERSION);
	put_bytes(to, warrant->id, WARRANT_ID);
	put_bytes(to, warrant->agent, SEAL_KEY);
	put_u64(to, warrant->incarnation);
	put_u64(to, warrant->not_after_ms);
	put_bytes(to, warrant->operator_key, SIGN_KEY);
	put_span8(to, warrant->tenant);
	put_span8(to, warrant->name);
	put_span16(to, warrant->argument);
	if (to->failed)
		return -ENOBUFS;
	sign_make(pair, label, SPAN(to->data + start, to->size - start), signature);
	put_bytes(to, signature, sizeof(signature));
	return to->failed ? -ENOBUFS : 0;
}

int warrant_decode(struct span frame, struct warrant *warrant)
{
	struct reader r = reader_of(frame);
	uint8_t version = get_u8(&r);

	get_bytes(&r, warrant->id, WARRANT_ID);
	get_bytes(&r, warrant->agent, SEAL_KEY);
	warrant->incarnation = get_u64(&r);
	warrant->not_after_ms = get_u64(&r);
	get_bytes(&r, warrant->operator_key, SIGN_KEY);
	warrant->tenant = get_span(&r, get_u8(&r));
	warrant->name = get_span(&r, get_u8(&r));
	warrant->argument = get_span16(&r);
	get_span(&r, SIGN_SIZE);
	return reader_done(&r) && version == WARRANT_VERSION && is_sound(warrant) ? 0 : -EINVAL;
}

bool warrant_is_signed(struct span frame, const struct warrant *warrant)
{
	struct span body = SPAN(frame.data, frame.size - SIGN_SIZE);

	return sign_is_good(warrant->operator_key, label, body, body.data + body.size);
}
