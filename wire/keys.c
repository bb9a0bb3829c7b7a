// SPDX-License-Identifier: Apache-2.0
#include "wire/keys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

void keys_from_secret(struct key_pair *pair, const uint8_t secret[SEAL_KEY])
{
	memcpy(pair->secret, secret, SEAL_KEY);
	seal_public(secret, pair->public);
}

/* Is it a private regular file of one key, and ours? */
static int check_file(int fd, bool credential)
{
	struct stat info;

	if (fstat(fd, &info))
		return -errno;
	if (!S_ISREG(info.st_mode) || info.st_size != SEAL_KEY)
		return -EINVAL;
	if (credential ? info.st_mode & 07 : info.st_mode & 077 || info.st_uid != geteuid())
		return -EPERM;
	return 0;
}

static int load(int dir, const char *path, bool credential, struct key_pair *pair)
{
	int fd autoclose = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	uint8_t secret[SEAL_KEY];
	int err;

	if (fd < 0)
		return errno == ELOOP ? -EINVAL : -errno;
	err = check_file(fd, credential);
	if (!err && read(fd, secret, SEAL_KEY) != SEAL_KEY)
		err = -EIO;
	if (!err)
		keys_from_secret(pair, secret);
	seal_wipe(secret, sizeof(secret));
	return err;
}

int keys_load(int dir, const char *path, struct key_pair *pair)
{
	return load(dir, path, false, pair);
}

int keys_load_credential(int dir, const char *path, struct key_pair *pair)
{
	return load(dir, path, true, pair);
}

/* Writes a file beside path and links it there: a link does not replace what exists. */
static int write_secret(int dir, const char *path, const uint8_t secret[SEAL_KEY])
{
	char name[32], *temporary autofree = NULL;
	int fd autoclose = -1;
	uint64_t number;
	int err = 0;

	seal_random(&number, sizeof(number));
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)number);
	temporary = text_format("%s.%s", path, name);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, secret, SEAL_KEY) != SEAL_KEY)
		err = -EIO;
	else if (fchmod(fd, 0600) || fsync(fd) || linkat(dir, temporary, dir, path, 0))
		err = -errno;
	unlinkat(dir, temporary, 0);
	if (!err && dir != AT_FDCWD && fsync(dir))
		err = -errno;
	return err;
}

int keys_create(int dir, const char *path, struct key_pair *pair)
{
	uint8_t secret[SEAL_KEY];
	int err;

	seal_random(secret, sizeof(secret));
	err = write_secret(dir, path, secret);
	if (!err)
		keys_from_secret(pair, secret);
	seal_wipe(secret, sizeof(secret));
	return err;
}

int keys_load_or_create(int dir, const char *path, struct key_pair *pair)
{
	int err = keys_load(dir, path, pair);

	if (err != -ENOENT)
		return err;
	err = keys_create(dir, path, pair);
	return err == -EEXIST ? keys_load(dir, path, pair) : err;
}

void keys_base64(struct span bytes, char *to, size_t to_size)
{
	sodium_bin2base64(
		to, to_size, bytes.data, bytes.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* The library takes bytes above 127 for letters (1.0.18), so they are looked at first. */
static bool is_base64(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (c >= 0x80 || (!isalnum(c) && c != '-' && c != '_'))
			return false;
	}
	return true;
}

int keys_parse_base64(struct span text, void *to, size_t size)
{
	size_t got;

	if (!is_base64(text) || text.size + 1 != KEYS_BASE64_SIZE(size) ||
		sodium_base642bin(to, size, (const char *)text.data, text.size, NULL, &got, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
		got != size)
		return -EINVAL;
	return 0;
}

void keys_text(const uint8_t public[SEAL_KEY], char to[KEYS_TEXT_SIZE])
{
	keys_base64(SPAN(public, SEAL_KEY), to, KEYS_TEXT_SIZE);
}

int keys_parse(const char *text, uint8_t public[SEAL_KEY])
{
	return keys_parse_base64(SPAN_TEXT(text), public, SEAL_KEY);
}

void keys_fingerprint(const uint8_t public[SEAL_KEY], char to[KEYS_FINGERPRINT_SIZE])
{
	uint8_t hash[16];

	seal_hash(NULL, "np1 fingerprint", SPAN(public, SEAL_KEY), hash, sizeof(hash));
	for (size_t i = 0; i < sizeof(hash); i += 2) {
		text_hex(hash + i, 2, to + i / 2 * 5);
		to[i / 2 * 5 + 4] = '-';
	}
	to[KEYS_FINGERPRINT_SIZE - 1] = '\0';
}

void keys_agent_psk(
	const uint8_t token_secret[SEAL_KEY], const uint8_t agent[SEAL_KEY], uint8_t psk[SEAL_KEY])
{
	seal_hash(token_secret, "np1 agent psk", SPAN(agent, SEAL_KEY), psk, SEAL_KEY);
}

int keys_asking_secret(
	const struct key_pair *self, const uint8_t peer[SEAL_KEY], uint8_t secret[SEAL_KEY])
{
	uint8_t shared[SEAL_KEY];
	int err = seal_exchange(self->secret, peer, shared);

	if (!err)
		seal_hash(shared, "np1 asking", SPAN(NULL, 0), secret, SEAL_KEY);
	seal_wipe(shared, sizeof(shared));
	return err;
}
