// SPDX-License-Identifier: Apache-2.0
#include "wire/fact.h"

#include <string.h>

#include "base/text.h"

void fact_put(struct writer *w, const struct fact *fact)
{
	put_u8(w, (uint8_t)fact->section);
	put_span16(w, fact->key);
	put_span32(w, fact->value);
}

static bool is_text(struct span bytes)
{
	return text_utf8_prefix(bytes) == bytes.size &&
		(!bytes.size || !memchr(bytes.data, 0, bytes.size));
}

bool fact_get(struct reader *r, struct fact *fact)
{
	uint8_t section;

	if (r->failed || !r->left.size)
		return false;
	section = get_u8(r);
	fact->key = get_span16(r);
	fact->value = get_span32(r);
	if (section >= SECTION_COUNT || !fact->key.size || fact->key.size > FACT_KEY_MAX ||
		fact->value.size > FACT_VALUE_MAX || !is_text(fact->key) || !is_text(fact->value))
		r->failed = true;
	fact->section = (enum section)section;
	return !r->failed;
}

size_t fact_size(const struct fact *fact)
{
	return 1 + 2 + fact->key.size + 4 + fact->value.size;
}
