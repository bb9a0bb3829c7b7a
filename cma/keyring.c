// SPDX-License-Identifier: Apache-2.0
#include "cma/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

static int complain(char *error, const char *name, int err)
{
	snprintf(error, KEYRING_ERROR_SIZE, "%s: %s", name,
		err == -EPERM		 ? "others than its owner can read or write it"
			: err == -EINVAL ? "it is no key"
					 : strerror(-err));
	return err;
}

/* From the credentials, if there are any: which is settled by whether cma.key is one. */
static int load_key(struct keyring *ring)
{
	int err = -ENOENT;

	if (ring->credentials >= 0)
		err = keys_load_credential(ring->credentials, "cma.key", &ring->key);
	if (err != -ENOENT)
		return err;
	if (ring->credentials >= 0)
		close(ring->credentials);
	ring->credentials = -1;
	return keys_load_or_create(ring->dir, "cma.key", &ring->key);
}

static int load_key_next(struct keyring *ring)
{
	int err = ring->credentials < 0
		? keys_load(ring->dir, "key.next", &ring->next)
		: keys_load_credential(ring->credentials, "key.next", &ring->next);

	ring->has_next = !err;
	return err == -ENOENT ? 0 : err;
}

static int load_certificate(struct keyring *ring, struct certificate *certificate)
{
	size_t size;
	char *bytes autofree = file_read(ring->dir, "certificate", CERTIFICATE_SIZE, &size);

	if (!bytes)
		return errno == ENOENT ? 0 : -errno;
	if (size != CERTIFICATE_SIZE || certificate_peek((uint8_t *)bytes, certificate))
		return -EINVAL;
	memcpy(ring->certificate, bytes, CERTIFICATE_SIZE);
	ring->serial = certificate->serial;
	return 0;
}

static void put_in_force(struct keyring *ring)
{
	ring->old = ring->key;
	ring->has_old = true;
	ring->key = ring->next;
	seal_wipe(&ring->next, sizeof(ring->next));
	ring->has_next = false;
}

/* The certificate tells whether key.next is in force already. */
static int load_next(struct keyring *ring, char *error)
{
	struct certificate certificate = { .serial = 0 };
	int err = load_certificate(ring, &certificate);

	if (err)
		return complain(error, "certificate", err);
	err = load_key_next(ring);
	if (err)
		return complain(error, "key.next", err);
	if (!certificate.serial || seal_equal(certificate.key, ring->key.public, SEAL_KEY))
		return 0;
	if (!ring->has_next || !seal_equal(certificate.key, ring->next.public, SEAL_KEY)) {
		snprintf(error, KEYRING_ERROR_SIZE,
			"certificate: it is for neither cma.key nor key.next: agents know another "
			"key than these");
		return -ENOKEY;
	}
	put_in_force(ring);
	return 0;
}

static int load_reset_key(struct keyring *ring)
{
	struct key_pair pair;
	int err = keys_load_or_create(ring->dir, "reset.key", &pair);

	if (!err)
		memcpy(ring->reset_key, pair.secret, SEAL_KEY);
	seal_wipe(&pair, sizeof(pair));
	return err;
}

static int open_directory(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

int keyring_open(struct keyring *ring, const char *directory, const char *credentials,
	const char *root, char error[KEYRING_ERROR_SIZE])
{
	int err;

	*ring = (struct keyring){ .dir = open_directory(directory), .credentials = -1 };
	if (ring->dir < 0)
		return complain(error, directory, ring->dir);
	if (credentials)
		ring->credentials = open_directory(credentials);
	if (root && keys_parse(root, ring->root)) {
		snprintf(error, KEYRING_ERROR_SIZE,
			"--root-key: a key is 43 characters of base64url ('cmactl root create' "
			"prints it)");
		return -EINVAL;
	}
	ring->has_root = root;
	err = load_key(ring);
	if (err)
		return complain(error, "cma.key", err);
	err = load_reset_key(ring);
	return err ? complain(error, "reset.key", err) : load_next(ring, error);
}

void keyring_close(struct keyring *ring)
{
	if (ring->dir >= 0)
		close(ring->dir);
	if (ring->credentials >= 0)
		close(ring->credentials);
	seal_wipe(ring, sizeof(*ring));
	ring->dir = ring->credentials = -1;
}

int keyring_prepare(struct keyring *ring)
{
	int err;

	if (ring->has_old)
		return -EBUSY;
	if (ring->has_next)
		return 0;
	if (ring->credentials >= 0)
		return -ENOTSUP;
	err = keys_load_or_create(ring->dir, "key.next", &ring->next);
	ring->has_next = !err;
	return err;
}

int keyring_rotate(struct keyring *ring, const uint8_t bytes[CERTIFICATE_SIZE])
{
	struct certificate certificate = { .serial = 0 };
	int err;

	if (!ring->has_root)
		return -ENOKEY;
	if (ring->has_old)
		return -EBUSY;
	err = certificate_open(bytes, ring->root, &certificate);
	if (!err && certificate.serial <= ring->serial)
		err = -EALREADY;
	if (!err && (!ring->has_next || !seal_equal(certificate.key, ring->next.public, SEAL_KEY)))
		err = -ENOENT;
	if (!err)
		err = file_replace(ring->dir, "certificate", bytes, CERTIFICATE_SIZE, 0600);
	if (err)
		return err;
	memcpy(ring->certificate, bytes, CERTIFICATE_SIZE);
	ring->serial = certificate.serial;
	put_in_force(ring);
	return 0;
}

/* The blocks that held it, as far as the file system lets us. */
static void overwrite(int fd)
{
	static const uint8_t nothing[SEAL_KEY];

	if (pwrite(fd, nothing, sizeof(nothing), 0) == (ssize_t)sizeof(nothing))
		fsync(fd);
}

/* key.next becomes cma.key, in one step. */
static int replace_file(const struct keyring *ring)
{
	int old autoclose = openat(ring->dir, "cma.key", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (renameat(ring->dir, "key.next", ring->dir, "cma.key") || fsync(ring->dir))
		return -errno;
	if (old >= 0)
		overwrite(old);
	return 0;
}

int keyring_retire(struct keyring *ring)
{
	int err;

	if (!ring->has_old)
		return -ENODATA;
	err = ring->credentials < 0 ? replace_file(ring) : 1;
	if (err < 0)
		return err;
	seal_wipe(&ring->old, sizeof(ring->old));
	ring->has_old = false;
	return err;
}
