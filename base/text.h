/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
/* Small conversions between text and values. All parsers take the whole string or fail. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Room for any text_time result with its NUL. */
enum { TEXT_TIME_SIZE = 32 };

/* RFC 3339 in UTC with milliseconds, "2026-11-22T19:20:37.123Z"; to must hold TEXT_TIME_SIZE. */
void text_time(int64_t wall_ms, char *to);
/*
 * RFC 3339 (any offset, fraction optional), a date alone (its midnight UTC), "now", or a duration
 * before now_ms such as "-2h". -EINVAL for anything else.
 */
int text_parse_time(const char *text, int64_t now_ms, int64_t *wall_ms);
/* "90", "90s", "15m", "24h", "7d" -> milliseconds; a bare number is seconds. -EINVAL or -ERANGE. */
int text_parse_duration(const char *text, int64_t *ms);
/* A decimal number in [low, high]. -EINVAL or -ERANGE. */
int text_parse_number(const char *text, int64_t low, int64_t high, int64_t *value);

/* Lower-case hex of size bytes; to must hold 2 * size + 1. */
void text_hex(const void *data, size_t size, char *to);
/* Exactly size bytes from 2 * size hex digits; -EINVAL. */
int text_parse_hex(const char *text, void *to, size_t size);

/* Length of the longest valid UTF-8 prefix (RFC 3629: no surrogates, no overlong forms). */
size_t text_utf8_prefix(struct span bytes);
/* Copies from, cut to size - 1 bytes, always NUL-terminated. */
void text_copy_to(char *to, size_t size, const char *from);

#endif
