/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H
/*
 * Which operators may have this host do what: a file that belongs to the host, not to the CMA.
 *
 *	[operator NAME]
 *	key = what 'cmactl operator create' printed
 *	tenant = default
 *	allow = resync, rediscover:listen, selftest
 *
 * A word of allow is a command, or a command and the one argument that it may have. Without the
 * file nobody may do anything; one with any mistake counts as none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/sign.h"

enum {
	POLICY_OPERATORS_MAX = 32,
	POLICY_WORDS_MAX = 64, /* in allow */
	POLICY_WORD_MAX = 128,
	POLICY_NAME_MAX = 48,
	POLICY_TENANT_MAX = 64,
};

struct policy_operator {
	char name[POLICY_NAME_MAX];
	bool has_key;
	uint8_t key[SIGN_KEY];
	char tenant[POLICY_TENANT_MAX]; /* of which this host is, as this operator says */
	size_t word_count;
	char words[POLICY_WORDS_MAX][POLICY_WORD_MAX];
};

struct policy {
	size_t count;
	struct policy_operator *operators; /* owned: policy_free */
};

/*
 * Reads the file, which must belong to root or to us and not be writable by others. 0; -ENOENT:
 * there is none; -EPERM, -EINVAL or other -errno with error, for a person, set. On failure the
 * policy allows nothing. End it with policy_free in every case.
 */
int policy_read(struct policy *policy, const char *path, char *error, size_t error_size);
void policy_free(struct policy *policy);

/* The operator with that key, or NULL. */
const struct policy_operator *policy_find(const struct policy *policy, const uint8_t key[SIGN_KEY]);
bool policy_allows(const struct policy_operator *known, struct span name, struct span argument);

#endif
