// SPDX-License-Identifier: Apache-2.0
#include "agent/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
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

static int load_key(struct identity *identity, const char *path, char *error, size_t error_size)
{
	int err = keys_load_or_create(identity->dir, "key", &identity->key);

	if (err == -EPERM)
		snprintf(error, error_size,
			"%s/key: others may read or write it (mode must be 0600)", path);
	else if (err)
		snprintf(error, error_size, "%s/key: %s", path,
			err == -EINVAL ? "not a key (32 bytes)" : strerror(-err));
	return err;
}

static bool parse_enrolment(struct identity *identity, const json_t *enrolment)
{
	const char *psk = json_get_text(enrolment, "psk");

	return !addr_parse(json_get_text(enrolment, "cma"), &identity->cma) &&
		!keys_parse(json_get_text(enrolment, "cma_key"), identity->cma_public) &&
		!keys_parse_base64(SPAN_TEXT(psk), identity->psk, sizeof(identity->psk));
}

/* What an earlier run kept, if there was one. */
static int load_enrolment(
	struct identity *identity, const char *path, char *error, size_t error_size)
{
	char *text autofree = file_read(identity->dir, "enrolment", STATE_FILE_MAX, NULL);
	char why[256] = "not an enrolment";
	json_t *enrolment autojson = NULL;

	if (!text && errno == ENOENT)
		return 0;
	if (!text) {
		int err = -errno;

		snprintf(error, error_size, "%s/enrolment: %s", path, strerror(-err));
		return err;
	}
	enrolment = json_parse(SPAN_TEXT(text), STATE_FILE_MAX, why, sizeof(why));
	seal_wipe(text, strlen(text));
	identity->enrolled = enrolment && parse_enrolment(identity, enrolment);
	if (identity->enrolled)
		return 0;
	snprintf(error, error_size, "%s/enrolment: %s (remove it to enrol again with --token)",
		path, why);
	return -EINVAL;
}

/* A token of another CMA than the one we are enrolled with wins: somebody wants us to move. */
static void take_token(struct identity *identity, const struct token *token)
{
	if (!seal_equal(token->cma_public, identity->cma_public, SEAL_KEY))
		identity->enrolled = false;
	identity->cma = token->cma;
	identity->has_token = true;
	memcpy(identity->cma_public, token->cma_public, sizeof(identity->cma_public));
	memcpy(identity->token_id, token->id, sizeof(identity->token_id));
	memcpy(identity->token_secret, token->secret, sizeof(identity->token_secret));
}

static int open_state(struct identity *identity, const char *path, char *error, size_t error_size)
{
	int err = identity->dir = open_dir(path, error, error_size);

	if (err >= 0)
		err = identity->lock = take_lock(identity->dir, path, error, error_size);
	if (err >= 0)
		err = check_version(identity->dir, path, error, error_size);
	if (!err)
		err = load_key(identity, path, error, error_size);
	if (!err)
		err = load_enrolment(identity, path, error, error_size);
	return err;
}

int identity_open(struct identity *identity, const char *state_dir, const char *token_text,
	const char *cma, char *error, size_t error_size)
{
	const char *why = "";
	struct token token;
	int err;

	*identity = (struct identity){ .dir = -1, .lock = -1 };
	if (token_text && token_parse(token_text, &token, &why)) {
		snprintf(error, error_size, "--token: %s", why);
		return -EINVAL;
	}
	err = open_state(identity, state_dir, error, error_size);
	if (!err && token_text)
		take_token(identity, &token);
	if (!err && !identity->has_token && !identity->enrolled) {
		snprintf(error, error_size,
			"not enrolled with a CMA yet: run 'cmactl token create' there and give "
			"what it prints as --token (or look without a CMA: --once)");
		err = -ENOKEY;
	}
	if (!err && cma)
		err = addr_parse(cma, &identity->cma);
	seal_wipe(&token, sizeof(token));
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

int identity_keep(const struct identity *identity)
{
	char cma[ADDR_TEXT_SIZE], cma_key[KEYS_TEXT_SIZE], psk_text[KEYS_TEXT_SIZE];
	json_t *enrolment autojson = json_object();
	char *text autofree = NULL;
	uint8_t psk[SEAL_KEY];
	int err;

	if (!identity->has_token)
		return 0; /* nothing new to keep */
	keys_agent_psk(identity->token_secret, identity->key.public, psk);
	addr_text(&identity->cma, cma);
	keys_text(identity->cma_public, cma_key);
	keys_base64(SPAN(psk, sizeof(psk)), psk_text, sizeof(psk_text));
	json_set_text(enrolment, "cma", cma);
	json_set_text(enrolment, "cma_key", cma_key);
	json_set_text(enrolment, "psk", psk_text);
	text = json_text(enrolment);
	err = file_replace(identity->dir, "enrolment", text, strlen(text), 0600);
	seal_wipe(psk, sizeof(psk));
	seal_wipe(psk_text, sizeof(psk_text));
	seal_wipe(text, strlen(text));
	return err;
}
