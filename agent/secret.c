// SPDX-License-Identifier: Apache-2.0
#include "agent/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NAME_MAX_SIZE = 64, RANDOM_MIN = 20 };

static const struct secret_tool tools[] = {
	{ .name = "mysql*", .option = 'p', .joined = true },
	{ .name = "mariadb*", .option = 'p', .joined = true },
	{ .name = "mongo*", .option = 'p', .separate = true },
	{ .name = "sshpass", .option = 'p', .joined = true, .separate = true },
	{ .name = "redis-cli", .option = 'a', .separate = true },
	{ .name = "valkey-cli", .option = 'a', .separate = true },
	{ .name = "keydb-cli", .option = 'a', .separate = true },
	{ .name = "curl", .option = 'u', .joined = true, .login = true },
	{ .name = "smbclient", .option = 'U', .joined = true, .login = true },
	{ .name = "ldap*", .option = 'w', .joined = true, .separate = true },
	{ .name = "ipmitool", .option = 'P', .joined = true, .separate = true },
	{ .name = "sqlcmd", .option = 'P', .joined = true, .separate = true },
	{ .name = "mosquitto_*", .option = 'P', .separate = true },
	{ .name = "zip", .option = 'P', .separate = true },
	{ .name = "unzip", .option = 'P', .joined = true, .separate = true },
	{ .name = "7z*", .option = 'p', .joined = true },
};

const struct secret_tool *secret_tool(struct span text)
{
	for (size_t i = 0; i < COUNT(tools); i++) {
		size_t length = strcspn(tools[i].name, "*");

		if (text.size >= length && !memcmp(text.data, tools[i].name, length) &&
			(text.size == length || tools[i].name[length]))
			return &tools[i];
	}
	return NULL;
}

static bool has(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strstr(text, words[i]))
			return true;
	}
	return false;
}

static bool ends(const char *text, const char *const *words, size_t count)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(words[i]);

		if (size >= length && !strcmp(text + size - length, words[i]))
			return true;
	}
	return false;
}

/* "--DB_Pass-Word" -> "dbpassword" */
static void plain_name(struct span name, char *to)
{
	size_t used = 0;

	for (size_t i = 0; i < name.size && used < NAME_MAX_SIZE - 1; i++) {
		if (isalnum(name.data[i]))
			to[used++] = (char)tolower(name.data[i]);
	}
	to[used] = '\0';
}

/* "--no-password", "--skip_secrets" */
static bool is_negated(struct span name)
{
	static const char *const words[] = { "no", "skip", "without", "disable" };

	while (name.size && name.data[0] == '-')
		name = SPAN(name.data + 1, name.size - 1);
	for (size_t i = 0; i < COUNT(words); i++) {
		size_t length = strlen(words[i]);

		if (name.size > length && !memcmp(name.data, words[i], length) &&
			!isalnum(name.data[length]))
			return true;
	}
	return false;
}

bool secret_name(struct span name, char separator)
{
	static const char *const within[] = { "password", "passwd", "passphrase", "passcode",
		"secret", "apikey", "accesskey", "authkey", "privatekey", "credential", "bearer" };
	static const char *const endings[] = { "token", "pass", "pwd", "psk", "jwt", "sessionkey",
		"encryptionkey", "signingkey", "passw", "tokens" };
	static const char *const headers[] = { "authorization", "cookie", "xauth" };
	/* Where the secret is, or something about it, but not it. */
	static const char *const about[] = { "file", "path", "dir", "fd", "env", "policy", "length",
		"type", "ttl", "expiry", "lifetime", "timeout", "prompt", "stdin", "hash", "age",
		"maxtokens", "numtokens", "bypass", "compass", "accesskeyid" };
	char plain[NAME_MAX_SIZE];

	plain_name(name, plain);
	if (ends(plain, about, COUNT(about)) || is_negated(name) || !strcmp(plain, "pwd") ||
		!strcmp(plain, "oldpwd"))
		return false;
	if (separator == ':' && has(plain, headers, COUNT(headers)))
		return true;
	if (separator == ' ' && (!name.size || name.data[0] != '-'))
		return false;
	return has(plain, within, COUNT(within)) || ends(plain, endings, COUNT(endings));
}

bool secret_text_byte(uint8_t byte)
{
	return isalnum(byte) || byte == '_' || byte == '-' || byte == '+';
}

static bool has_known_form(struct span text)
{
	static const char *const forms[] = { "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
		"glpat-", "xoxb-", "xoxp-", "xoxa-", "xapp-", "sk_live_", "sk_test_", "rk_live_",
		"AKIA", "ASIA", "AIza", "eyJ", "npm_", "dop_v1_", "pypi-" };

	for (size_t i = 0; i < COUNT(forms); i++) {
		size_t length = strlen(forms[i]);

		if (text.size >= RANDOM_MIN && !memcmp(text.data, forms[i], length))
			return true;
	}
	return false;
}

/* Kinds of characters that words and numbers keep together and random text mixes. */
static int kind_of(uint8_t byte)
{
	return isdigit(byte) ? 0 : islower(byte) ? 1 : isupper(byte) ? 2 : 3;
}

/* A run without separators: random when the kind of character changes again and again. */
static bool is_random_run(const uint8_t *run, size_t size)
{
	size_t kinds[4] = { 0 }, changes = 0;
	bool hex = true;

	for (size_t i = 0; i < size; i++) {
		kinds[kind_of(run[i])]++;
		changes += i && kind_of(run[i]) != kind_of(run[i - 1]);
		hex = hex && isxdigit(run[i]);
	}
	if (size < RANDOM_MIN || hex || !kinds[0])
		return false;
	return 3 * changes >= size && (kinds[1] || kinds[2]);
}

bool secret_random(struct span text)
{
	if (has_known_form(text))
		return true;
	/* Words joined by '-' or '_' are judged one by one: a long name is not a long secret. */
	for (size_t at = 0; at < text.size;) {
		size_t run = 0;

		while (at + run < text.size && text.data[at + run] != '-' &&
			text.data[at + run] != '_')
			run++;
		if (is_random_run(text.data + at, run))
			return true;
		at += run + 1;
	}
	return false;
}
