// SPDX-License-Identifier: Apache-2.0
/* The host's policy: a file with any mistake in it allows nobody anything, and says what is wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/policy.h"
#include "base/alloc.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file autoclose = memfd_create("policy", MFD_CLOEXEC);
	struct policy policy;
	char path[32], error[256] = "";
	int err;

	fuzz_require(file >= 0 && write(file, data, size) == (ssize_t)size && !fchmod(file, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	err = policy_read(&policy, path, error, sizeof(error));
	fuzz_require(!err || err == -EINVAL);
	fuzz_require(!err || (*error && !policy.count));
	for (size_t i = 0; i < policy.count; i++) {
		const struct policy_operator *known = &policy.operators[i];

		fuzz_require(known->has_key && policy_find(&policy, known->key) == known);
		fuzz_require(*known->name && *known->tenant);
		fuzz_require(known->word_count <= POLICY_WORDS_MAX);
		policy_allows(known, SPAN(data, size), SPAN_TEXT("x"));
	}
	policy_free(&policy);
	return 0;
}
