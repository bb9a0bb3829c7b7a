// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Answers of the CMA are full of times: by hand this takes a tenth of what strftime does. */
static char *put_digits(char *to, char before, int value, int count)
{
	*to++ = before;
	for (int i = count; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + count;
}

void text_time(int64_t wall_ms, char *to)
{
	int64_t milliseconds = wall_ms % 1000;
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	long long year;

	if (milliseconds < 0) {
		milliseconds += 1000;
		seconds--;
	}
	gmtime_r(&seconds, &parts); /* any such year fits an int */
	year = parts.tm_year + 1900LL;
	if (year >= 0 && year <= 9999)
		to = put_digits(to, (char)('0' + year / 1000), (int)(year % 1000), 3);
	else
		to += snprintf(to, TEXT_TIME_SIZE - sizeof("-mm-ddTHH:MM:SS.mmmZ"), "%04lld", year);
	to = put_digits(to, '-', parts.tm_mon + 1, 2);
	to = put_digits(to, '-', parts.tm_mday, 2);
	to = put_digits(to, 'T', parts.tm_hour, 2);
	to = put_digits(to, ':', parts.tm_min, 2);
	to = put_digits(to, ':', parts.tm_sec, 2);
	to = put_digits(to, '.', (int)milliseconds, 3);
	memcpy(to, "Z", 2);
}

/* Takes exactly count digits, whose value must be in [low, high], and moves *at behind them. */
static bool take_digits(const char **at, int count, int low, int high, int *value)
{
	*value = 0;
	for (; count > 0; count--, ++*at) {
		if (!isdigit((unsigned char)**at))
			return false;
		*value = *value * 10 + (**at - '0');
	}
	return *value >= low && *value <= high;
}

static bool take_char(const char **at, const char *any_of)
{
	if (!**at || !strchr(any_of, **at))
		return false;
	++*at;
	return true;
}

static bool take_date(const char **at, struct tm *parts)
{
	bool good = take_digits(at, 4, 1, 9999, &parts->tm_year) && take_char(at, "-") &&
		take_digits(at, 2, 1, 12, &parts->tm_mon) && take_char(at, "-") &&
		take_digits(at, 2, 1, 31, &parts->tm_mday);
	struct tm given;

	parts->tm_year -= 1900;
	parts->tm_mon -= 1;
	given = *parts;
	timegm(&given); /* makes 31 February 3 March */
	return good && given.tm_mday == parts->tm_mday;
}

/* "10:20:30.123456"; a 60th second is let through: clocks show it. */
static bool take_clock(const char **at, struct tm *parts, int64_t *milliseconds)
{
	int digit;

	if (!take_digits(at, 2, 0, 23, &parts->tm_hour) || !take_char(at, ":") ||
		!take_digits(at, 2, 0, 59, &parts->tm_min) || !take_char(at, ":") ||
		!take_digits(at, 2, 0, 60, &parts->tm_sec))
		return false;
	if (!take_char(at, "."))
		return true;
	for (int64_t scale = 100; take_digits(at, 1, 0, 9, &digit); scale /= 10)
		*milliseconds += digit * scale;
	return isdigit((unsigned char)(*at)[-1]);
}

/* "Z" or "+02:00" -> seconds east of UTC. */
static bool take_offset(const char **at, int64_t *seconds)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	*seconds = 0;
	if (take_char(at, "Zz"))
		return true;
	if (!take_char(at, "+-") || !take_digits(at, 2, 0, 23, &hours) || !take_char(at, ":") ||
		!take_digits(at, 2, 0, 59, &minutes))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static int parse_rfc3339(const char *text, int64_t *wall_ms)
{
	struct tm parts = { .tm_isdst = 0 };
	int64_t milliseconds = 0, offset = 0;
	const char *at = text;

	if (!take_date(&at, &parts))
		return -EINVAL;
	if (*at &&
		(!take_char(&at, "Tt ") || !take_clock(&at, &parts, &milliseconds) ||
			!take_offset(&at, &offset) || *at))
		return -EINVAL;
	*wall_ms = ((int64_t)timegm(&parts) - offset) * 1000 + milliseconds;
	return 0;
}

int text_parse_time(const char *text, int64_t now_ms, int64_t *wall_ms)
{
	int64_t ago;

	if (!strcmp(text, "now")) {
		*wall_ms = now_ms;
		return 0;
	}
	if (*text == '-' && !text_parse_duration(text + 1, &ago)) {
		*wall_ms = now_ms - ago;
		return 0;
	}
	return parse_rfc3339(text, wall_ms);
}

int text_parse_number(const char *text, int64_t low, int64_t high, int64_t *value)
{
	char *end;
	long long parsed;

	if (!isdigit((unsigned char)*text) && *text != '-')
		return -EINVAL;
	errno = 0;
	parsed = strtoll(text, &end, 10);
	if (*end || end == text)
		return -EINVAL;
	if (errno || parsed < low || parsed > high)
		return -ERANGE;
	*value = parsed;
	return 0;
}

int text_parse_duration(const char *text, int64_t *ms)
{
	static const struct {
		char suffix;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	char digits[16];
	size_t length = strlen(text);
	int64_t unit = 1000, count;
	int err;

	if (!length || length >= sizeof(digits))
		return -EINVAL;
	text_copy_to(digits, sizeof(digits), text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (digits[length - 1] == units[i].suffix) {
			unit = units[i].ms;
			digits[length - 1] = '\0';
			break;
		}
	}
	err = text_parse_number(digits, 0, 36500LL * 86400000 / unit, &count);
	if (!err)
		*ms = count * unit;
	return err;
}

void text_hex(const void *data, size_t size, char *to)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
	to[2 * size] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_parse_hex(const char *text, void *to, size_t size)
{
	uint8_t *bytes = to;

	if (strlen(text) != 2 * size)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* Length of the UTF-8 sequence at the start of bytes, 0 when there is no valid one. */
static size_t utf8_sequence(struct span bytes)
{
	uint8_t first = bytes.data[0];
	size_t length = first < 0x80 ? 1
		: first < 0xc2	     ? 0
		: first < 0xe0	     ? 2
		: first < 0xf0	     ? 3
				     : 4;

	if (!length || first > 0xf4 || length > bytes.size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((bytes.data[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((first == 0xe0 && bytes.data[1] < 0xa0) || (first == 0xed && bytes.data[1] > 0x9f) ||
		(first == 0xf0 && bytes.data[1] < 0x90) || (first == 0xf4 && bytes.data[1] > 0x8f))
		return 0;
	return length;
}

size_t text_utf8_prefix(struct span bytes)
{
	size_t at = 0;

	while (at < bytes.size) {
		size_t length = utf8_sequence(SPAN(bytes.data + at, bytes.size - at));

		if (!length)
			break;
		at += length;
	}
	return at;
}

void text_copy_to(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}
