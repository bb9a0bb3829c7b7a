// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/root.h"

#include <string.h>

struct sign_pair root_of(uint8_t fill)
{
	struct sign_pair root;
	uint8_t seed[SIGN_SEED];

	memset(seed, fill, sizeof(seed));
	sign_from_seed(&root, seed);
	return root;
}
