// SPDX-License-Identifier: Apache-2.0
/* Requests about the keys of the CMA; each answers with what there is after it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cma/hub_key.h"
#include "cma/loop.h"
#include "cma/request.h"
#include "cma/server.h"

/* What the network thread does with the keys, and what it has then. */
struct change {
	int (*act)(struct server *server, const struct change *change); /* NULL: only look */
	uint8_t certificate[CERTIFICATE_SIZE];
	int result;
	uint32_t serial;
	bool has_old, has_next, has_root;
	uint8_t key[SEAL_KEY], old[SEAL_KEY], next[SEAL_KEY], root[SIGN_KEY];
};

static int prepare(struct server *server, const struct change *change)
{
	(void)change;
	return keyring_prepare(&server->keyring);
}

/* On disk first: after a crash the hub begins with the same keys. */
static int rotate(struct server *server, const struct change *change)
{
	int err = keyring_rotate(&server->keyring, change->certificate);

	if (!err) {
		hub_key_rotate(server->hub, &server->keyring.key, change->certificate);
		log_info(server->log, "a new key is in force, serial %" PRIu32,
			server->keyring.serial);
	}
	return err;
}

static int retire(struct server *server, const struct change *change)
{
	int err = keyring_retire(&server->keyring);

	(void)change;
	if (err >= 0) {
		hub_key_retire(server->hub);
		log_info(server->log, "the old key is retired");
	}
	return err;
}

static void act(struct server *server, void *argument)
{
	struct change *change = argument;
	const struct keyring *ring = &server->keyring;

	change->result = change->act ? change->act(server, change) : 0;
	change->serial = ring->serial;
	change->has_old = ring->has_old;
	change->has_next = ring->has_next;
	change->has_root = ring->has_root;
	memcpy(change->key, ring->key.public, SEAL_KEY);
	memcpy(change->old, ring->old.public, SEAL_KEY);
	memcpy(change->next, ring->next.public, SEAL_KEY);
	memcpy(change->root, ring->root, SIGN_KEY);
}

static const char *reason(int err)
{
	switch (err) {
	case -ENOKEY:
		return "no root key is known here: start the CMA with --root-key";
	case -EBUSY:
		return "the change before is not finished: run 'cmactl key retire' first";
	case -ENOTSUP:
		return "the key is a credential of systemd: make another one, key.next, for it";
	case -EALREADY:
		return "its serial is not greater than that of the certificate in force";
	case -EACCES:
		return "our root key did not sign this certificate";
	case -ENODATA:
		return "there is no old key";
	case -ENOENT:
		return "it is not for the key that 'cmactl key next' printed";
	case -EPROTONOSUPPORT:
	case -EINVAL:
		return "no certificate that this version knows";
	default:
		return strerror(-err);
	}
}

/* False after an answer that says why not. */
static bool run(struct server *server, struct change *change, struct answer *answer)
{
	if (loop_ask(server->loop, act, change))
		answer_error(answer, false, "the CMA is ending");
	else if (change->result < 0)
		answer_error(answer, false, "%s", reason(change->result));
	else
		return true;
	return false;
}

static void add_key(json_t *names, json_t *row, const char *name, const uint8_t *key, bool there)
{
	char text[KEYS_TEXT_SIZE];

	keys_text(key, text);
	json_array_append_new(names, json_string(name));
	json_array_append_new(row, there ? json_string(text) : json_null());
}

static void answer_state(struct answer *answer, const struct change *change)
{
	json_t *names = json_array(), *row = json_array();

	add_key(names, row, "key", change->key, true);
	json_array_append_new(names, json_string("serial"));
	json_array_append_new(row, json_integer(change->serial));
	add_key(names, row, "old", change->old, change->has_old);
	add_key(names, row, "next", change->next, change->has_next);
	add_key(names, row, "root", change->root, change->has_root);
	answer_columns(answer, names, NULL);
	answer_row(answer, row);
}

void request_key_status(void *user, const json_t *request, struct answer *answer)
{
	struct change change = { .act = NULL };

	(void)request;
	if (run(user, &change, answer))
		answer_state(answer, &change);
}

void request_key_next(void *user, const json_t *request, struct answer *answer)
{
	struct change change = { .act = prepare };
	char text[KEYS_TEXT_SIZE];

	(void)request;
	if (!run(user, &change, answer))
		return;
	keys_text(change.next, text);
	answer_columns(answer, json_pack("[s]", "key"), NULL);
	answer_row(answer, json_pack("[s]", text));
}

void request_key_rotate(void *user, const json_t *request, struct answer *answer)
{
	struct change change = { .act = rotate };

	if (certificate_parse(json_get_text(request, "certificate"), change.certificate))
		answer_error(answer, true, "a certificate is what 'cmactl root sign' prints");
	else if (run(user, &change, answer))
		answer_state(answer, &change);
}

void request_key_retire(void *user, const json_t *request, struct answer *answer)
{
	struct change change = { .act = retire };

	(void)request;
	if (!run(user, &change, answer))
		return;
	if (change.result == 1)
		log_warn(((struct server *)user)->log,
			"the old key is a credential: put key.next in its place, or it is back "
			"with the next start");
	answer_state(answer, &change);
}
