/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_FACT_H
#define WIRE_FACT_H
/*
 * A change of one fact, as it travels from a discovery module to the tracker, to the CMA and into
 * the store: PUT when value is not empty, DELETE when it is. In a message body changes are packed
 * one after the other:
 *	u8 section | u16 key size | key | u32 value size | value (canonical JSON object)
 */
#include "base/buf.h"
#include "wire/section.h"

enum {
	FACT_KEY_MAX = 512,
	FACT_VALUE_MAX = 65536,
	FACT_DEPTH_MAX = 16, /* of arrays and objects in each other; ours have 2 */
};

struct fact {
	enum section section;
	struct span key;   /* UTF-8 without NUL, 1 to FACT_KEY_MAX bytes */
	struct span value; /* empty: the fact is gone */
};

void fact_put(struct writer *w, const struct fact *fact);
/*
 * The next change, borrowing from r. False at the end and on failure: r->failed tells. Bounds,
 * section, and key and value being UTF-8 are checked; that value is JSON is not.
 */
bool fact_get(struct reader *r, struct fact *fact);
/* Bytes that fact_put will use. */
size_t fact_size(const struct fact *fact);

#endif
