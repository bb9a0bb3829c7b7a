/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_WARRANT_H
#define WIRE_WARRANT_H
/*
 * A warrant is a command as an operator signed it: what to do, on which host, and until when. The
 * CMA keeps and carries it but cannot make one; the host does what it says only when the host's own
 * policy lets that operator (agent/judge.h has the conditions). Pure.
 *
 *	u8 version (1), id 16, agent's public key 32, u64 incarnation, u64 not after (ms since 1970
 *	by the CMA's clock), operator's public key 32, tenant and name each behind a u8 size,
 *	argument behind a u16 size, Ed25519 signature 64 over "np1 command 1", a zero byte and
 *	all before it
 */
#include "wire/seal.h"
#include "wire/sign.h"

enum {
	WARRANT_ID = 16,
	WARRANT_TENANT_MAX = 63,
	WARRANT_NAME_MAX = 31,
	WARRANT_ARGUMENT_MAX = 896,
	/* Fits a COMMAND record, alone in its DATA packet. */
	WARRANT_MAX = 1 + WARRANT_ID + SEAL_KEY + 8 + 8 + SIGN_KEY + 1 + WARRANT_TENANT_MAX + 1 +
		WARRANT_NAME_MAX + 2 + WARRANT_ARGUMENT_MAX + SIGN_SIZE,
};

/* In RESULT: numbers are on the wire. */
enum result_status {
	RESULT_DONE = 1,
	RESULT_FAILED,	/* it was tried */
	RESULT_REFUSED, /* it was not: the host's policy, or what the warrant says, is against it */
	RESULT_EXPIRED, /* it was not: it came too late */
};

enum { RESULT_TEXT_MAX = 16 << 10 };

struct warrant {
	uint8_t id[WARRANT_ID]; /* random: the same one is never done twice */
	uint8_t agent[SEAL_KEY];
	uint64_t incarnation;
	uint64_t not_after_ms;
	uint8_t operator_key[SIGN_KEY];
	struct span tenant;   /* letters, digits, '-', '_', '.' */
	struct span name;     /* small letters, digits, '-' */
	struct span argument; /* UTF-8 without control characters; may be empty */
};

/*
 * Signs, and appends the frame; operator_key is set from the pair. -EINVAL when a text is too long
 * or is not of its letters.
 */
int warrant_sign(struct warrant *warrant, const struct sign_pair *pair, struct writer *to);
/* Reads a frame whose signature was not looked at; spans borrow from it. -EINVAL. */
int warrant_decode(struct span frame, struct warrant *warrant);
/* Was the frame, which warrant_decode took, signed with the operator's key that it names? */
bool warrant_is_signed(struct span frame, const struct warrant *warrant);

/*
 * The upper 48 bits of an incarnation are of a run of the nanoprobe, the lower 16 count the streams
 * that it began: a warrant holds for the run.
 */
static inline bool warrant_same_run(uint64_t one, uint64_t other)
{
	return one >> 16 == other >> 16;
}

#endif
