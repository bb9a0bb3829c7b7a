// SPDX-License-Identifier: Apache-2.0
#include "agent/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "agent/secret.h"
#include "base/text.h"

/* What goes on between words. */
struct redaction {
	struct writer out;
	const struct secret_tool *tool; /* the last one that was named */
	bool next;			/* the next word is the value of a secret option */
	bool next_login;		/* the next word is user:password */
	size_t word;			/* where the word being written starts in out */
};

static const struct span stars = { (const uint8_t *)"***", 3 };

static struct span rest_of(struct span text, size_t from)
{
	return SPAN(text.data + from, text.size - from);
}

/* Length of the name at the start of text: "--db.password", "X-Api-Key". */
static size_t name_length(struct span text)
{
	size_t length = 0;

	while (length < text.size &&
		(isalnum(text.data[length]) || memchr("-_.", text.data[length], 3)))
		length++;
	return length;
}

/* Length of the value at the start of text, which is not the whole rest of a word. */
static size_t value_length(struct span text)
{
	size_t length = 0;

	if (text.size && (text.data[0] == '\'' || text.data[0] == '"')) {
		const uint8_t *end = memchr(text.data + 1, text.data[0], text.size - 1);

		return end ? (size_t)(end + 1 - text.data) : text.size;
	}
	while (length < text.size && !memchr(" \t\n&;,'\"", text.data[length], 8))
		length++;
	return length;
}

static bool is_switch_value(struct span value)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (span_equal(value, SPAN_TEXT(words[i])))
			return true;
	}
	return !value.size;
}

/* NAME=value or NAME: value where NAME is secret; the bytes it used, 0 when it is none. */
static size_t redact_assignment(struct redaction *r, struct span text, bool at_word_start)
{
	size_t name = name_length(text), from = name + 1;
	struct span value;

	if (!name || from >= text.size || (text.data[name] != '=' && text.data[name] != ':') ||
		!secret_name(SPAN(text.data, name), text.data[name]))
		return 0;
	while (text.data[name] == ':' && from < text.size && text.data[from] == ' ')
		from++;
	value = rest_of(text, from);
	/* A header's value and one in a word of its own go to the end, with any spaces in it. */
	if (!at_word_start && text.data[name] == '=')
		value.size = value_length(value);
	put_bytes(&r->out, text.data, from);
	put_span(&r->out, is_switch_value(value) ? value : stars);
	return from + value.size;
}

/* scheme://user:password@: what it used, up to and with the '@'; 0 when it is none. */
static size_t redact_url(struct redaction *r, struct span text)
{
	const uint8_t *at = text.data + 3, *end = text.data + text.size, *colon, *mark = NULL;

	if (text.size < 4 || memcmp(text.data, "://", 3))
		return 0;
	for (const uint8_t *byte = at; byte < end && !memchr("/?# \t\n'\"", *byte, 8); byte++) {
		if (*byte == '@')
			mark = byte;
	}
	if (!mark)
		return 0;
	colon = memchr(at, ':', (size_t)(mark - at));
	put_bytes(&r->out, "://", 3);
	if (colon)
		put_bytes(&r->out, at, (size_t)(colon + 1 - at));
	if (colon || secret_random(SPAN(at, (size_t)(mark - at))))
		put_span(&r->out, stars);
	else
		put_bytes(&r->out, at, (size_t)(mark - at));
	put_u8(&r->out, '@');
	return (size_t)(mark + 1 - text.data);
}

/* "user:password" or "user%password": the user stays. */
static void redact_login(struct redaction *r, struct span text)
{
	size_t user = 0;

	while (user < text.size && text.data[user] != ':' && text.data[user] != '%')
		user++;
	put_bytes(&r->out, text.data, user);
	if (user < text.size) {
		put_u8(&r->out, text.data[user]);
		put_span(&r->out, stars);
	}
}

/* The value of an option that stood before: what it used, 0 when there is no such value here. */
static size_t redact_pending(struct redaction *r, struct span text, bool at_word_start)
{
	bool login = r->next_login, value = r->next;
	size_t used = at_word_start ? text.size : value_length(text);

	r->next = r->next_login = false;
	if (!login && !value)
		return 0;
	if (text.data[0] == '-' && (text.size == 2 || (text.size > 2 && text.data[1] == '-')))
		return 0; /* another option: that one was a switch */
	if (login)
		redact_login(r, SPAN(text.data, used));
	else
		put_span(&r->out, stars);
	return used;
}

/* "-pSECRET", "-a" (SECRET follows) of a known tool; "--password" (value follows). */
static size_t redact_option(struct redaction *r, struct span text)
{
	size_t name = name_length(text), used;
	const struct secret_tool *tool = r->tool;

	if (text.size < 2 || text.data[0] != '-')
		return 0;
	if (tool && text.data[1] == tool->option && (name <= 2 || tool->joined)) {
		used = value_length(text);
		if (used == 2) {
			r->next = !tool->login && tool->separate;
			r->next_login = tool->login;
			return 0;
		}
		put_bytes(&r->out, text.data, 2);
		if (tool->login)
			redact_login(r, SPAN(text.data + 2, used - 2));
		else
			put_span(&r->out, stars);
		return used;
	}
	if ((name == text.size || text.data[name] == ' ') &&
		secret_name(SPAN(text.data, name), ' '))
		r->next = true;
	return 0;
}

/* One run of bytes up to a separator: a tool's name, something random, or plain text. */
static size_t redact_plain(struct redaction *r, struct span text, bool random)
{
	size_t length = 0;
	const struct secret_tool *tool;

	while (length < text.size && secret_text_byte(text.data[length]))
		length++;
	tool = secret_tool(SPAN(text.data, length));
	if (tool)
		r->tool = tool;
	if (random && secret_random(SPAN(text.data, length)))
		put_span(&r->out, stars);
	else
		put_bytes(&r->out, text.data, length);
	return length;
}

/* A path of this host; what follows "https:" is none. text is not empty. */
static bool is_path(struct span text)
{
	uint8_t next = text.size > 1 ? text.data[1] : 0;

	return (text.data[0] == '/' && next != '/') || text.data[0] == '~' ||
		(text.data[0] == '.' && (next == '.' || next == '/'));
}

static void redact_word(struct redaction *r, struct span text, bool first)
{
	bool token_start = true, path = first;
	size_t size = text.size;

	while (text.size) {
		bool at_word_start = text.size == size;
		size_t used = 0;

		if (token_start) {
			path = first || is_path(text);
			used = redact_pending(r, text, at_word_start);
			if (!used)
				used = redact_option(r, text);
			if (!used)
				used = redact_assignment(r, text, at_word_start);
		}
		if (!used)
			used = redact_url(r, text);
		if (!used)
			used = redact_plain(r, text, !path);
		if (!used)
			put_u8(&r->out, text.data[used++]);
		token_start = memchr(" \t\n=:,;&?'\"(|", text.data[used - 1], 13);
		text = rest_of(text, used);
	}
}

/* Ends a word: cut where it is too long, never inside a UTF-8 sequence. */
static void end_word(struct redaction *r)
{
	size_t size = r->out.size - r->word;

	if (size > REDACT_WORD_MAX) {
		struct span kept = SPAN(r->out.data + r->word, REDACT_WORD_MAX - 3);
		size_t good = text_utf8_prefix(kept);

		/* Not UTF-8 anyway: cut where it is. */
		r->out.size = r->word + (good + 4 > kept.size ? good : kept.size);
		put_bytes(&r->out, "...", 3);
	}
	put_u8(&r->out, '\0');
	r->word = r->out.size;
}

size_t redact_argv(struct span argv, char *to)
{
	struct redaction r = { .out = writer_growing(1 << 20) };
	bool first = true;
	size_t size;

	while (argv.size && !argv.data[argv.size - 1])
		argv.size--;
	while (argv.size) {
		struct span word = SPAN(argv.data, strnlen((const char *)argv.data, argv.size));
		size_t start = r.out.size;

		redact_word(&r, word, first);
		end_word(&r);
		if (r.out.size > REDACT_MAX - 4) { /* room for "..." */
			r.out.size = start;
			put_bytes(&r.out, "...", 4);
			break;
		}
		argv = rest_of(argv, word.size + (word.size < argv.size));
		first = false;
	}
	size = r.out.failed ? 0 : r.out.size;
	memcpy(to, r.out.data ? r.out.data : (const uint8_t *)"", size);
	writer_free(&r.out);
	return size;
}
