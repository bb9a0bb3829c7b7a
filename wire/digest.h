/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_DIGEST_H
#define WIRE_DIGEST_H
/*
 * The message DIGEST: a whole table of facts in at most 83 bytes. A hash over all the sums
 * (wire/seal.h) decides whether two tables are the same; 32 bits of each sum tell where they
 * differ.
 */
#include "wire/message.h"

/* Sets the fields that come from the sums. */
void digest_set(struct message_digest *digest, const uint64_t sums[SECTION_COUNT]);
/* The sections (bit n is section n) in which a table with these sums may differ; 0: in none. */
uint16_t digest_differs(const struct message_digest *digest, const uint64_t sums[SECTION_COUNT]);

#endif
