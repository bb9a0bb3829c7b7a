/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_PACK_DICTIONARY_H
#define WIRE_PACK_DICTIONARY_H
/*
 * What both ends of a stream have in mind before the first byte of a message: text like that of
 * facts, which deflate then refers to. So a message of one service, too short to repeat itself, is
 * a third of its size.
 *
 * A dictionary is a part of the wire format: once released it never changes, not by a byte. To
 * renew it, add one with the next number and keep the others. Whoever reads knows all of them; what
 * is written (PACK_DICTIONARY) is one that the release before could already read. Deflate refers
 * cheapest to what is near: what changes most often stands last.
 */
#include "base/buf.h"

enum { PACK_DICTIONARY = 1 };

/* The dictionary with that number, static; empty: there is none. */
struct span pack_dictionary(uint8_t number);

#endif
