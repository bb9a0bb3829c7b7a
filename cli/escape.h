/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H
/*
 * What the estate says (host names, command lines, LLDP descriptions) is untrusted: shown on a
 * terminal it must not move the cursor, change colours or reverse the direction of the line.
 */

/*
 * A copy of UTF-8 text with control characters (C0, DEL, C1, and the bidirectional ones) as "\x1b"
 * or "\u202e"; an invalid byte becomes "\xNN". The caller frees.
 */
char *escape_text(const char *text) __attribute__((returns_nonnull));

#endif
