// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "wire/keys.h"

/* A new directory as a descriptor; its path is in path. */
static int make_dir(char path[32])
{
	int dir;

	strcpy(path, "/tmp/test_keys.XXXXXX");
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return dir;
}

static void remove_dir(int dir, const char *path)
{
	unlinkat(dir, "key", 0);
	unlinkat(dir, "other", 0);
	close(dir);
	assert_int_equal(rmdir(path), 0); /* nothing else was left behind */
}

static void test_create_and_load(void **state)
{
	struct key_pair made, loaded;
	char path[32];
	struct stat info;
	int dir = make_dir(path);

	(void)state;
	assert_int_equal(keys_load(dir, "key", &loaded), -ENOENT);
	umask(0);
	assert_int_equal(keys_load_or_create(dir, "key", &made), 0);
	assert_int_equal(fstatat(dir, "key", &info, 0), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(info.st_nlink, 1);
	assert_int_equal(keys_load(dir, "key", &loaded), 0);
	assert_memory_equal(&loaded, &made, sizeof(made));
	assert_int_equal(keys_load_or_create(dir, "key", &loaded), 0);
	assert_memory_equal(&loaded, &made, sizeof(made));

	/* It is never overwritten. */
	assert_int_equal(keys_create(dir, "key", &loaded), -EEXIST);
	assert_int_equal(keys_load(dir, "key", &loaded), 0);
	assert_memory_equal(&loaded, &made, sizeof(made));
	remove_dir(dir, path);
}

static void test_refused_files(void **state)
{
	static const mode_t wide[] = { 0640, 0604, 0620, 0602, 0610, 0601 };
	struct key_pair made, loaded;
	uint8_t bytes[40] = { 0 };
	char path[32];
	int dir = make_dir(path);

	(void)state;
	assert_int_equal(keys_create(dir, "key", &made), 0);
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		assert_int_equal(fchmodat(dir, "key", wide[i], 0), 0);
		assert_int_equal(keys_load(dir, "key", &loaded), -EPERM);
		assert_int_equal(keys_load_or_create(dir, "key", &loaded), -EPERM);
	}
	assert_int_equal(fchmodat(dir, "key", 0400, 0), 0);
	assert_int_equal(keys_load(dir, "key", &loaded), 0);
	for (size_t size = 0; size < sizeof(bytes); size++) {
		assert_int_equal(file_replace(dir, "key", bytes, size, 0600), 0);
		assert_int_equal(keys_load(dir, "key", &loaded), size == 32 ? 0 : -EINVAL);
	}
	assert_int_equal(unlinkat(dir, "key", 0), 0);
	assert_int_equal(mkdirat(dir, "key", 0700), 0);
	assert_int_equal(keys_load(dir, "key", &loaded), -EINVAL);
	assert_int_equal(unlinkat(dir, "key", AT_REMOVEDIR), 0);

	/* A link to somebody's file, and a pipe that would block. */
	assert_int_equal(keys_create(dir, "other", &made), 0);
	assert_int_equal(symlinkat("other", dir, "key"), 0);
	assert_int_equal(keys_load(dir, "key", &loaded), -EINVAL);
	assert_int_equal(unlinkat(dir, "key", 0), 0);
	assert_int_equal(mkfifoat(dir, "key", 0600), 0);
	assert_int_equal(keys_load(dir, "key", &loaded), -EINVAL);
	remove_dir(dir, path);
}

static void test_no_directory(void **state)
{
	struct key_pair pair;

	(void)state;
	assert_int_equal(keys_load_or_create(AT_FDCWD, "/nonexistent/key", &pair), -ENOENT);
}

static void test_text(void **state)
{
	static const char *const wrong[] = {
		"",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* padding */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",	/* short */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* long */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A",	/* the other alphabet */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA A",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", /* bits that mean nothing */
		"AAE\xc5\xbe\x88\xae\xb9\xbd\x98\x9cICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
	};
	uint8_t key[32], back[32];
	char text[KEYS_TEXT_SIZE], fingerprint[KEYS_FINGERPRINT_SIZE];

	(void)state;
	for (int i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	keys_text(key, text);
	assert_string_equal(text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
	assert_int_equal(keys_parse(text, back), 0);
	assert_memory_equal(key, back, 32);
	keys_fingerprint(key, fingerprint);
	assert_string_equal(fingerprint, "39c9-d07f-f0bd-4971-5e38-791d-062d-d614");
	memset(key, 0xff, 32);
	keys_text(key, text);
	assert_string_equal(text, "__________________________________________8");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(keys_parse(wrong[i], back), -EINVAL);
}

/* Expected values from Python: hashlib.blake2b, and RFC 7748's own key pair. */
static void test_derive(void **state)
{
	uint8_t agent[32], secret[32], psk[32], expect[32];
	struct key_pair pair;

	(void)state;
	for (int i = 0; i < 32; i++)
		agent[i] = (uint8_t)i;
	memset(secret, 0x42, 32);
	keys_agent_psk(secret, agent, psk);
	text_parse_hex(
		"969e4dddbbf6291491359d4d844bac558267a1b843a1f2f7b33895b9f9ba9e24", expect, 32);
	assert_memory_equal(psk, expect, 32);

	text_parse_hex(
		"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", secret, 32);
	text_parse_hex(
		"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", expect, 32);
	keys_from_secret(&pair, secret);
	assert_memory_equal(pair.public, expect, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_load),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_no_directory),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_derive),
	};

	if (seal_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
