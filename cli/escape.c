// SPDX-License-Identifier: Apache-2.0
#include "cli/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* The character at the start of valid UTF-8, and its length. */
static uint32_t decode(const char *text, size_t *length)
{
	const uint8_t *bytes = (const uint8_t *)text;

	*length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	switch (*length) {
	case 1:
		return bytes[0];
	case 2:
		return (bytes[0] & 0x1fU) << 6 | (bytes[1] & 0x3fU);
	case 3:
		return (bytes[0] & 0xfU) << 12 | (bytes[1] & 0x3fU) << 6 | (bytes[2] & 0x3fU);
	default:
		return (bytes[0] & 7U) << 18 | (bytes[1] & 0x3fU) << 12 | (bytes[2] & 0x3fU) << 6 |
			(bytes[3] & 0x3fU);
	}
}

/* Unicode 15: categories Cc, Zl, Zp and the property Bidi_Control. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

char *escape_text(const char *text)
{
	size_t left = strlen(text), used = 0;
	/* The longest growth is one byte to four. */
	char *to = mem_alloc(4 * left + 8, 1);

	while (left) {
		size_t length = 1;
		uint32_t c = (uint8_t)*text;
		bool valid = text_utf8_prefix(SPAN(text, left < 4 ? left : 4)) > 0;

		if (valid)
			c = decode(text, &length);
		if (!valid || (c < 0x100 && is_control(c))) {
			used += (size_t)sprintf(
				to + used, c < 0x80 || !valid ? "\\x%02x" : "\\u%04x", c);
		} else if (is_control(c)) {
			used += (size_t)sprintf(to + used, "\\u%04x", c);
		} else {
			memcpy(to + used, text, length);
			used += length;
		}
		text += length;
		left -= length;
	}
	return to;
}
