/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SECRET_H
#define AGENT_SECRET_H
/* What a secret looks like in a command line: the rules behind agent/redact.h. */
#include <stdbool.h>

#include "base/buf.h"

/* A program with a one-letter option that takes a password. */
struct secret_tool {
	const char *name; /* a trailing '*' stands for any ending */
	char option;
	bool joined;   /* -pSECRET */
	bool separate; /* -p SECRET */
	bool login;    /* the value is user:password; the user may be told */
};

/* NULL when text names none. */
const struct secret_tool *secret_tool(struct span text);

/*
 * Is what follows name a secret? Leading dashes are ignored; separator is what stands between them:
 * '=' (assignment), ':' (header) or ' ' (option and value).
 */
bool secret_name(struct span name, char separator);

/* Is text an access token of a known form, or long and random? Hex digits alone are not. */
bool secret_random(struct span text);
/* May this byte be a part of what secret_random and secret_tool judge? */
bool secret_text_byte(uint8_t byte);

#endif
