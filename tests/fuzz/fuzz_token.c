// SPDX-License-Identifier: Apache-2.0
/* Text a person pastes: a token that is taken is the only way to write what it says. */
#include <string.h>

#include "base/alloc.h"
#include "tests/fuzz/fuzz.h"
#include "wire/keys.h"
#include "wire/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_copy_n((const char *)data, size), again[TOKEN_TEXT_SIZE];
	uint8_t public[SEAL_KEY];
	struct token token;
	const char *why;
	int err = token_parse(text, &token, &why);

	fuzz_require(!err == !why);
	if (!err) {
		token_text(&token, again);
		fuzz_require(!strcmp(text, again));
	}
	if (!keys_parse(text, public)) {
		keys_text(public, again);
		fuzz_require(!strcmp(text, again));
	}
	free(text);
	return 0;
}
