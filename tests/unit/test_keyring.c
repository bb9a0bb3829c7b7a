// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "cma/keyring.h"

struct bench {
	char dir[32], credentials[32];
	const char *root, *with_credentials; /* for the next open_again */
	char root_text[KEYS_TEXT_SIZE], error[KEYRING_ERROR_SIZE];
	struct sign_pair signer;
	struct keyring ring;
};

static int open_again(struct bench *bench)
{
	keyring_close(&bench->ring);
	return keyring_open(
		&bench->ring, bench->dir, bench->with_credentials, bench->root, bench->error);
}

static int setup(void **state)
{
	static const uint8_t seed[SIGN_SEED] = { 9 };
	struct bench *bench = mem_alloc(1, sizeof(*bench));

	assert_int_equal(seal_init(), 0);
	strcpy(bench->dir, "/tmp/test_keyring_XXXXXX");
	strcpy(bench->credentials, "/tmp/test_keyring_XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	assert_non_null(mkdtemp(bench->credentials));
	sign_from_seed(&bench->signer, seed);
	keys_text(bench->signer.public, bench->root_text);
	bench->root = bench->root_text;
	bench->ring.dir = bench->ring.credentials = -1;
	assert_int_equal(open_again(bench), 0);
	*state = bench;
	return 0;
}

static void remove_all(const char *path)
{
	static const char *const files[] = { "cma.key", "key.next", "certificate", "reset.key" };
	int dir autoclose = open(path, O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlinkat(dir, files[i], 0);
	rmdir(path);
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	keyring_close(&bench->ring);
	remove_all(bench->dir);
	remove_all(bench->credentials);
	free(bench);
	return 0;
}

static int rotate(struct bench *bench, const uint8_t *key, uint32_t serial)
{
	struct certificate certificate = { .serial = serial };
	uint8_t bytes[CERTIFICATE_SIZE];

	memcpy(certificate.key, key, SEAL_KEY);
	certificate_sign(&certificate, &bench->signer, bytes);
	return keyring_rotate(&bench->ring, bytes);
}

static bool exists(const char *directory, const char *name, mode_t mode)
{
	char *path autofree = text_format("%s/%s", directory, name);
	struct stat info;

	if (stat(path, &info))
		return false;
	assert_int_equal(info.st_mode & 07777, mode);
	return true;
}

static void test_whole_change(void **state)
{
	struct bench *bench = *state;
	struct keyring *ring = &bench->ring;
	uint8_t first[SEAL_KEY], next[SEAL_KEY], reset[SEAL_KEY];

	memcpy(first, ring->key.public, SEAL_KEY);
	memcpy(reset, ring->reset_key, SEAL_KEY);
	assert_int_equal(keyring_prepare(ring), 0);
	memcpy(next, ring->next.public, SEAL_KEY);
	assert_int_equal(open_again(bench), 0); /* nothing is in force yet */
	assert_memory_equal(ring->key.public, first, SEAL_KEY);
	assert_int_equal(keyring_prepare(ring), 0);
	assert_memory_equal(ring->next.public, next, SEAL_KEY);

	assert_int_equal(rotate(bench, next, 1), 0);
	for (int i = 0; i < 2; i++) { /* and after a restart */
		assert_memory_equal(ring->key.public, next, SEAL_KEY);
		assert_true(ring->has_old && !ring->has_next && ring->serial == 1);
		assert_memory_equal(ring->old.public, first, SEAL_KEY);
		assert_int_equal(keyring_prepare(ring), -EBUSY);
		assert_int_equal(open_again(bench), 0);
	}
	assert_int_equal(keyring_retire(ring), 0);
	for (int i = 0; i < 2; i++) {
		assert_memory_equal(ring->key.public, next, SEAL_KEY);
		assert_false(ring->has_old || ring->has_next);
		assert_memory_equal(ring->reset_key, reset, SEAL_KEY);
		assert_int_equal(keyring_retire(ring), -ENODATA);
		assert_int_equal(open_again(bench), 0);
	}
	assert_true(exists(bench->dir, "cma.key", 0600));
	assert_true(exists(bench->dir, "reset.key", 0600));
	assert_false(exists(bench->dir, "key.next", 0600));
	/* And once more. */
	assert_int_equal(keyring_prepare(ring), 0);
	assert_true(exists(bench->dir, "key.next", 0600));
	assert_int_equal(rotate(bench, ring->next.public, 2), 0);
	assert_int_equal(keyring_retire(ring), 0);
	assert_memory_not_equal(ring->key.public, next, SEAL_KEY);
}

/* The file of the retired key holds it no more, even for who has it open. */
static void test_old_key_is_overwritten(void **state)
{
	struct bench *bench = *state;
	int dir autoclose = open(bench->dir, O_RDONLY | O_DIRECTORY);
	int old autoclose = openat(dir, "cma.key", O_RDONLY);
	uint8_t bytes[SEAL_KEY], nothing[SEAL_KEY] = { 0 };

	assert_int_equal(keyring_prepare(&bench->ring), 0);
	assert_int_equal(rotate(bench, bench->ring.next.public, 1), 0);
	assert_int_equal(pread(old, bytes, SEAL_KEY, 0), SEAL_KEY);
	assert_memory_not_equal(bytes, nothing, SEAL_KEY);
	assert_int_equal(keyring_retire(&bench->ring), 0);
	assert_int_equal(pread(old, bytes, SEAL_KEY, 0), SEAL_KEY);
	assert_memory_equal(bytes, nothing, SEAL_KEY);
	assert_memory_equal(bench->ring.old.secret, nothing, SEAL_KEY);
}

static void test_what_is_refused(void **state)
{
	struct bench *bench = *state;
	struct keyring *ring = &bench->ring;
	struct sign_pair good = bench->signer;
	uint8_t other[SIGN_SEED] = { 1 }, first[SEAL_KEY];

	memcpy(first, ring->key.public, SEAL_KEY);
	assert_int_equal(rotate(bench, first, 1), -ENOENT); /* none was made */
	assert_int_equal(keyring_prepare(ring), 0);
	assert_int_equal(rotate(bench, first, 1), -ENOENT);
	sign_from_seed(&bench->signer, other);
	assert_int_equal(rotate(bench, ring->next.public, 1), -EACCES);
	bench->signer = good;
	assert_int_equal(rotate(bench, ring->next.public, 5), 0);
	assert_int_equal(rotate(bench, ring->next.public, 6), -EBUSY);
	assert_int_equal(keyring_retire(ring), 0);
	assert_int_equal(keyring_prepare(ring), 0);
	assert_int_equal(rotate(bench, ring->next.public, 5), -EALREADY);
	assert_int_equal(open_again(bench), 0);
	assert_int_equal(rotate(bench, ring->next.public, 5), -EALREADY);
	bench->root = NULL;
	assert_int_equal(open_again(bench), 0);
	assert_int_equal(rotate(bench, ring->next.public, 6), -ENOKEY);
	bench->root = "x";
	assert_int_equal(open_again(bench), -EINVAL);
	assert_non_null(strstr(bench->error, "--root-key"));
}

static void test_open_files_are_refused(void **state)
{
	static const char *const names[] = { "cma.key", "key.next", "reset.key" };
	struct bench *bench = *state;

	assert_int_equal(keyring_prepare(&bench->ring), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path autofree = text_format("%s/%s", bench->dir, names[i]);

		chmod(path, 0640);
		assert_int_equal(open_again(bench), -EPERM);
		assert_non_null(strstr(bench->error, names[i]));
		chmod(path, 0600);
		assert_int_equal(open_again(bench), 0);
	}
}

static void put_credential(struct bench *bench, const char *name, mode_t mode)
{
	char *path autofree = text_format("%s/%s", bench->credentials, name);
	uint8_t secret[SEAL_KEY];

	seal_random(secret, sizeof(secret));
	assert_int_equal(file_replace(AT_FDCWD, path, secret, sizeof(secret), mode), 0);
}

/* Whoever keeps the credentials makes and moves them: none of it gets to the disk. */
static void test_credentials(void **state)
{
	struct bench *bench = *state;
	struct keyring *ring = &bench->ring;
	char *cma autofree = text_format("%s/cma.key", bench->dir);
	uint8_t next[SEAL_KEY];

	bench->with_credentials = bench->credentials;
	assert_int_equal(open_again(bench), 0); /* of something else: the files count */
	assert_true(ring->credentials < 0);
	assert_int_equal(unlink(cma), 0);
	put_credential(bench, "cma.key", 0440);
	assert_int_equal(open_again(bench), 0);
	assert_int_equal(keyring_prepare(ring), -ENOTSUP);
	put_credential(bench, "key.next", 0400);
	assert_int_equal(open_again(bench), 0);
	assert_int_equal(keyring_prepare(ring), 0);
	memcpy(next, ring->next.public, SEAL_KEY);
	assert_int_equal(rotate(bench, next, 1), 0);
	assert_int_equal(open_again(bench), 0);
	assert_true(ring->has_old);
	assert_int_equal(keyring_retire(ring), 1);
	assert_false(ring->has_old);
	assert_memory_equal(ring->key.public, next, SEAL_KEY);
	assert_false(exists(bench->dir, "cma.key", 0600));
	assert_false(exists(bench->dir, "key.next", 0600));
	put_credential(bench, "cma.key", 0444);
	assert_int_equal(open_again(bench), -EPERM);
}

static void test_certificate_for_another_key(void **state)
{
	struct bench *bench = *state;
	char *next autofree = text_format("%s/key.next", bench->dir);

	assert_int_equal(keyring_prepare(&bench->ring), 0);
	assert_int_equal(rotate(bench, bench->ring.next.public, 1), 0);
	assert_int_equal(unlink(next), 0);
	assert_int_equal(open_again(bench), -ENOKEY);
	assert_non_null(strstr(bench->error, "certificate"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_whole_change),
		CASE(test_old_key_is_overwritten),
		CASE(test_what_is_refused),
		CASE(test_open_files_are_refused),
		CASE(test_credentials),
		CASE(test_certificate_for_another_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
