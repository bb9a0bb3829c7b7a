// SPDX-License-Identifier: Apache-2.0
#include "agent/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/machine.h"
#include "agent/reach.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

enum { STATE_VERSION = 1, STATE_FILE_MAX = 4096 };

static int open_dir(const char *path, char *error, size_t error_size)
{
	int err = file_make_dir(path, 0700);
	int dir = err ? err : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		dir = -errno;
	if (dir < 0)
		snprintf(error, error_size, "state directory %s: %s", path, strerror(-dir));
	return dir;
}

static int take_lock(int dir, const char *path, char *error, size_t error_size)
{
	int lock = file_lock(dir, "lock");

	if (lock == -EWOULDBLOCK)
		snprintf(error, error_size, "another nanoprobe is running on state directory %s",
			path);
	else if (lock < 0)
		snprintf(error, error_size, "%s/lock: %s", path, strerror(-lock));
	return lock;
}

static int check_version(int dir, const char *path, char *error, size_t error_size)
{
	char *text autofree = file_read(dir, "version", STATE_FILE_MAX, NULL);
	char mine[16];
	int64_t version = 0;
	int err = 0;

	if (text) {
		text[strcspn(text, "\n")] = '\0';
		if (text_parse_number(text, 1, INT32_MAX, &version) || version > STATE_VERSION) {
			snprintf(error, error_size,
				"%s/version is '%s', this nanoprobe knows up to %d: it was "
				"written by a newer version",
				path, text, STATE_VERSION);
			return -EPROTONOSUPPORT;
		}
		return 0;
	}
	if (errno == ENOENT) {
		snprintf(mine, sizeof(mine), "%d\n", STATE_VERSION);
		err = file_replace(dir, "version", mine, strlen(mine), 0644);
	} else {
		err = -errno;
	}
	if (err)
		snprintf(error, error_size, "%s/version: %s", path, strerror(-err));
	return err;
}

static int complain_key(const char *path, const char *name, int err, char *error, size_t error_size)
{
	if (err == -EPERM)
		snprintf(error, error_size,
			"%s/%s: others may read or write it (mode must be 0600)", path, name);
	else if (err)
		snprintf(error, error_size, "%s/%s: %s", path, name,
			err == -EINVAL ? "not a key (32 bytes)" : strerror(-err));
	return err;
}

/* A key that is to be made is for this machine, whatever another one was for. */
static int check_machine(
	int dir, const struct identity_config *config, char *error, size_t error_size)
{
	bool is_new = faccessat(dir, "key", F_OK, 0) && errno == ENOENT;
	int err = machine_check(dir, config->machine_id, is_new || config->accept_machine_id);

	if (err < 0)
		snprintf(error, error_size, "%s/machine: %s", config->state_dir, strerror(-err));
	if (err != MACHINE_OTHER)
		return err;
	snprintf(error, error_size,
		"%s has changed since the key in %s was made. A copied host: remove key and "
		"enrolment there, and it is a new one. The same host: start it once with "
		"--accept-machine-id",
		config->machine_id, config->state_dir);
	return -EKEYREJECTED;
}

static int load_key(struct identity *identity, const struct identity_config *config, char *error,
	size_t error_size)
{
	int dir autoclose = -1, err = -ENOENT;

	if (config->credentials)
		dir = open(config->credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		err = keys_load_credential(dir, "nanoprobe.key", &identity->key);
	if (err != -ENOENT)
		return complain_key(config->credentials, "nanoprobe.key", err, error, error_size);
	err = check_machine(identity->dir, config, error, error_size);
	if (err)
		return err;
	err = keys_load_or_create(identity->dir, "key", &identity->key);
	return complain_key(config->state_dir, "key", err, error, error_size);
}

/* What an earlier run kept, if there was one. */
static int load_enrolment(
	struct identity *identity, const char *path, char *error, size_t error_size)
{
	char why[256] = "";
	int got = enrolment_load(identity->dir, &identity->enrolment, why, sizeof(why));

	identity->enrolled = got == 1;
	if (got == -EINVAL)
		snprintf(error, error_size,
			"%s/enrolment: %s (remove it to enrol again with --token)", path, why);
	else if (got < 0)
		snprintf(error, error_size, "%s/enrolment: %s", path, why);
	return got < 0 ? got : 0;
}

/*
 * Somebody names the CMA by its key. Another one than we are enrolled with wins: we are to move.
 * The same one as at first is no news, even if it has another key by now.
 */
static void pin(struct identity *identity, const uint8_t key[SEAL_KEY])
{
	struct enrolment *enrolment = &identity->enrolment;

	if (identity->enrolled &&
		(seal_equal(key, enrolment->pinned, SEAL_KEY) ||
			seal_equal(key, enrolment->cma_key, SEAL_KEY)))
		return;
	identity->enrolled = false;
	seal_wipe(enrolment, sizeof(*enrolment));
	memcpy(enrolment->pinned, key, SEAL_KEY);
	memcpy(enrolment->cma_key, key, SEAL_KEY);
}

/* Somebody names the root key. What is kept already gets it too. */
static int pin_root(
	struct identity *identity, const uint8_t root[SIGN_KEY], char *error, size_t error_size)
{
	struct enrolment *enrolment = &identity->enrolment;
	int err;

	if (enrolment->has_root && seal_equal(enrolment->root, root, SIGN_KEY))
		return 0;
	enrolment->has_root = true;
	memcpy(enrolment->root, root, SIGN_KEY);
	err = identity->enrolled ? enrolment_keep(identity->dir, enrolment) : 0;
	if (err)
		snprintf(error, error_size, "cannot keep the root key: %s", strerror(-err));
	return err;
}

static int take_token(struct identity *identity, const char *text, char *error, size_t error_size)
{
	struct token token;
	const char *why;
	int err = token_parse(text, &token, &why);

	if (err) {
		snprintf(error, error_size, "--token: %s", why);
	} else {
		pin(identity, token.cma_public);
		identity->has_token = true;
		identity->enrolment.cma = token.cma;
		memcpy(identity->token_id, token.id, sizeof(identity->token_id));
		memcpy(identity->token_secret, token.secret, sizeof(identity->token_secret));
		if (token.has_root)
			err = pin_root(identity, token.root, error, error_size);
	}
	seal_wipe(&token, sizeof(token));
	return err;
}

static int take_cma_key(struct identity *identity, const char *text, char *error, size_t error_size)
{
	uint8_t key[SEAL_KEY];

	if (keys_parse(text, key) ||
		keys_asking_secret(&identity->key, key, identity->token_secret)) {
		snprintf(error, error_size,
			"--cma-key: a key is 43 characters of base64url ('cmactl status' at the "
			"CMA prints it)");
		return -EINVAL;
	}
	pin(identity, key);
	identity->asks = true;
	return 0;
}

static int take_root_key(
	struct identity *identity, const char *text, char *error, size_t error_size)
{
	uint8_t root[SIGN_KEY];

	if (!keys_parse(text, root))
		return pin_root(identity, root, error, error_size);
	snprintf(error, error_size, "--root-key: a key is 43 characters of base64url");
	return -EINVAL;
}

/* The token that is a credential; the caller wipes and frees it. NULL: there is none. */
static char *credential_token(const struct identity_config *config)
{
	char *path autofree = NULL, *text;

	if (!config->credentials || config->cma_key)
		return NULL;
	path = text_format("%s/nanoprobe.token", config->credentials);
	text = file_read(AT_FDCWD, path, 2 * TOKEN_TEXT_SIZE, NULL);
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

static int take_credential_token(struct identity *identity, const struct identity_config *config,
	char *error, size_t error_size)
{
	char *text autofree = credential_token(config);
	int err = text ? take_token(identity, text, error, error_size) : 0;

	if (text)
		seal_wipe(text, strlen(text));
	return err;
}

/* What the options say about the CMA, over what an earlier run kept. */
static int take_config(struct identity *identity, const struct identity_config *config, char *error,
	size_t error_size)
{
	int err = 0;

	if (config->token)
		err = take_token(identity, config->token, error, error_size);
	else if (config->cma_key)
		err = take_cma_key(identity, config->cma_key, error, error_size);
	else
		err = take_credential_token(identity, config, error, error_size);
	if (!err && config->root_key)
		err = take_root_key(identity, config->root_key, error, error_size);
	if (!err && config->cma)
		err = addr_parse(strcmp(config->cma, "multicast") ? config->cma : REACH_GROUP,
			&identity->enrolment.cma);
	if (!err && !identity->has_token && !identity->asks && !identity->enrolled) {
		snprintf(error, error_size,
			"not enrolled with a CMA yet: run 'cmactl token create' there and give "
			"what it prints as --token (or look without a CMA: --once)");
		err = -ENOKEY;
	}
	if (!err && !identity->enrolment.cma.port)
		err = addr_parse(REACH_GROUP, &identity->enrolment.cma);
	return err;
}

static int open_state(struct identity *identity, const struct identity_config *config, char *error,
	size_t error_size)
{
	const char *path = config->state_dir;
	int err = identity->dir = open_dir(path, error, error_size);

	if (err >= 0)
		err = identity->lock = take_lock(identity->dir, path, error, error_size);
	if (err >= 0)
		err = check_version(identity->dir, path, error, error_size);
	if (!err)
		err = load_key(identity, config, error, error_size);
	if (!err)
		err = load_enrolment(identity, path, error, error_size);
	return err;
}

int identity_open(struct identity *identity, const struct identity_config *config, char *error,
	size_t error_size)
{
	int err;

	*identity = (struct identity){ .dir = -1, .lock = -1 };
	err = open_state(identity, config, error, error_size);
	if (!err)
		err = take_config(identity, config, error, error_size);
	if (err)
		identity_close(identity);
	return err;
}

void identity_close(struct identity *identity)
{
	if (identity->lock >= 0)
		close(identity->lock);
	if (identity->dir >= 0)
		close(identity->dir);
	seal_wipe(identity, sizeof(*identity));
	identity->dir = identity->lock = -1;
}

int identity_keep(struct identity *identity)
{
	struct enrolment *enrolment = &identity->enrolment;

	if (!identity->has_token && !identity->asks)
		return 0; /* nothing new to keep */
	keys_agent_psk(identity->token_secret, identity->key.public, enrolment->psk);
	identity->enrolled = true;
	return enrolment_keep(identity->dir, enrolment);
}

int identity_new_key(struct identity *identity, const uint8_t bytes[CERTIFICATE_SIZE])
{
	struct enrolment changed = identity->enrolment;
	struct certificate certificate = { .serial = 0 };
	int err = -ENOKEY;

	if (identity->enrolled && changed.has_root)
		err = certificate_open(bytes, changed.root, &certificate);
	if (!err && certificate.serial <= changed.serial)
		err = -EALREADY;
	if (!err) {
		changed.serial = certificate.serial;
		memcpy(changed.cma_key, certificate.key, SEAL_KEY);
		err = enrolment_keep(identity->dir, &changed);
	}
	if (!err)
		identity->enrolment = changed;
	seal_wipe(&changed, sizeof(changed));
	return err;
}
