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

#include "agent/identity.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/unit/root.h"

enum { ERROR_SIZE = 256 };

struct bench {
	char dir[32];
	char error[ERROR_SIZE];
	struct identity identity;
};

static int setup(void **state)
{
	struct bench *bench = mem_alloc(1, sizeof(*bench));

	assert_int_equal(seal_init(), 0);
	strcpy(bench->dir, "/tmp/test_identity_XXXXXX");
	*state = bench;
	return mkdtemp(bench->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const files[] = { "version", "lock", "key", "enrolment", "machine",
		"machine-id" };
	struct bench *bench = *state;
	int dir autoclose = open(bench->dir, O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlinkat(dir, files[i], 0);
	rmdir(bench->dir);
	free(bench);
	return 0;
}

static int open_with(struct bench *bench, const char *token, const char *cma)
{
	struct identity_config config = { .state_dir = bench->dir, .token = token, .cma = cma };

	return identity_open(&bench->identity, &config, bench->error, ERROR_SIZE);
}

/* A token of a CMA whose key is filled with fill. */
static char *make_token(uint8_t fill)
{
	struct token token = { .id = { 1 } };
	char *text = mem_alloc(TOKEN_TEXT_SIZE, 1);

	assert_int_equal(addr_parse("192.0.2.1:1984", &token.cma), 0);
	memset(token.cma_public, fill, sizeof(token.cma_public));
	memset(token.secret, 0x77, sizeof(token.secret));
	token_text(&token, text);
	return text;
}

static int open_on(struct bench *bench, const char *token, const char *machine_id, bool accept)
{
	struct identity_config config = {
		.state_dir = bench->dir,
		.token = token,
		.machine_id = machine_id,
		.accept_machine_id = accept,
	};

	return identity_open(&bench->identity, &config, bench->error, ERROR_SIZE);
}

static void put_file(struct bench *bench, const char *name, const char *text, mode_t mode)
{
	int dir autoclose = open(bench->dir, O_RDONLY | O_DIRECTORY);

	assert_int_equal(file_replace(dir, name, text, strlen(text), mode), 0);
}

static void assert_error(struct bench *bench, int err, int expected, const char *words)
{
	assert_int_equal(err, expected);
	if (!strstr(bench->error, words))
		fail_msg("'%s' is not in '%s'", words, bench->error);
}

static void test_no_token_says_what_to_do(void **state)
{
	struct bench *bench = *state;

	assert_error(bench, open_with(bench, NULL, NULL), -ENOKEY, "cmactl token create");
}

static void test_token_then_enrolment_without_it(void **state)
{
	struct bench *bench = *state;
	char *token autofree = make_token(0x11);
	uint8_t key[SEAL_KEY], psk[SEAL_KEY];
	struct stat info;
	char *path autofree = text_format("%s/enrolment", bench->dir);

	assert_int_equal(open_with(bench, token, NULL), 0);
	assert_true(bench->identity.has_token && !bench->identity.enrolled);
	memcpy(key, bench->identity.key.public, sizeof(key));
	keys_agent_psk(bench->identity.token_secret, key, psk);
	assert_int_equal(identity_keep(&bench->identity), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	identity_close(&bench->identity);

	assert_int_equal(open_with(bench, NULL, "[2001:db8::1]:7"), 0);
	assert_true(bench->identity.enrolled && !bench->identity.has_token);
	assert_memory_equal(bench->identity.key.public, key, sizeof(key));
	assert_memory_equal(bench->identity.enrolment.psk, psk, sizeof(psk));
	assert_int_equal(bench->identity.enrolment.cma.port, 7);
	assert_false(addr_is_v4(bench->identity.enrolment.cma.ip));
	identity_close(&bench->identity);
}

static void test_token_of_another_cma_wins(void **state)
{
	struct bench *bench = *state;
	char *first autofree = make_token(0x11), *second autofree = make_token(0x22);

	assert_int_equal(open_with(bench, first, NULL), 0);
	assert_int_equal(identity_keep(&bench->identity), 0);
	identity_close(&bench->identity);
	assert_int_equal(open_with(bench, first, NULL), 0);
	assert_true(bench->identity.enrolled);
	identity_close(&bench->identity);
	assert_int_equal(open_with(bench, second, NULL), 0);
	assert_false(bench->identity.enrolled);
	assert_int_equal(bench->identity.enrolment.cma_key[0], 0x22);
	identity_close(&bench->identity);
}

/* With the CMA's key alone: it asks, and what a person approved is kept like any enrolment. */
static void test_asks_with_the_key_of_the_cma_only(void **state)
{
	struct bench *bench = *state;
	uint8_t key[SEAL_KEY] = { 0x33 }, secret[SEAL_KEY], psk[SEAL_KEY];
	char text[KEYS_TEXT_SIZE];
	struct identity_config config = {
		.state_dir = bench->dir, .cma_key = text, .cma = "192.0.2.9:1984"
	};
	struct identity *identity = &bench->identity;

	keys_text(key, text);
	assert_int_equal(identity_open(identity, &config, bench->error, ERROR_SIZE), 0);
	assert_true(identity->asks && !identity->has_token && !identity->enrolled);
	assert_memory_equal(identity->enrolment.cma_key, key, SEAL_KEY);
	assert_int_equal(keys_asking_secret(&identity->key, key, secret), 0);
	assert_memory_equal(identity->token_secret, secret, SEAL_KEY);
	keys_agent_psk(secret, identity->key.public, psk);
	assert_int_equal(identity_keep(identity), 0);
	identity_close(identity);
	/* Neither option is needed any more; with both it is still the same enrolment. */
	assert_int_equal(open_with(bench, NULL, NULL), 0);
	assert_true(identity->enrolled && !identity->asks);
	assert_memory_equal(identity->enrolment.psk, psk, SEAL_KEY);
	identity_close(identity);
	assert_int_equal(identity_open(identity, &config, bench->error, ERROR_SIZE), 0);
	assert_true(identity->enrolled && identity->asks);
	identity_close(identity);
	config.cma_key = "short";
	assert_error(bench, identity_open(identity, &config, bench->error, ERROR_SIZE), -EINVAL,
		"--cma-key");
}

static int new_key(struct bench *bench, const struct sign_pair *root, uint32_t serial, uint8_t fill)
{
	struct certificate certificate = { .serial = serial };
	uint8_t bytes[CERTIFICATE_SIZE];

	memset(certificate.key, fill, SEAL_KEY);
	certificate_sign(&certificate, root, bytes);
	return identity_new_key(&bench->identity, bytes);
}

/* Only what the pinned root signed, and only forward; it outlives a restart and the old token. */
static void test_new_key_of_the_cma(void **state)
{
	struct bench *bench = *state;
	char *token autofree = make_token(0x11);
	struct sign_pair root = root_of(1), other = root_of(2);
	struct identity *identity = &bench->identity;
	char root_text[KEYS_TEXT_SIZE];
	struct identity_config config = {
		.state_dir = bench->dir, .token = token, .root_key = root_text
	};

	keys_text(root.public, root_text);
	assert_int_equal(open_with(bench, token, NULL), 0);
	assert_int_equal(identity_keep(identity), 0);
	assert_int_equal(new_key(bench, &root, 1, 0x21), -ENOKEY); /* none is pinned */
	identity_close(identity);

	assert_int_equal(identity_open(identity, &config, bench->error, ERROR_SIZE), 0);
	identity_close(identity);
	assert_int_equal(open_with(bench, NULL, NULL), 0); /* the root was kept at once */
	assert_int_equal(new_key(bench, &other, 1, 0x21), -EACCES);
	assert_int_equal(new_key(bench, &root, 2, 0x22), 0);
	assert_int_equal(new_key(bench, &root, 2, 0x23), -EALREADY);
	assert_int_equal(new_key(bench, &root, 1, 0x24), -EALREADY);
	assert_int_equal(identity->enrolment.cma_key[0], 0x22);
	identity_close(identity);

	assert_int_equal(identity_open(identity, &config, bench->error, ERROR_SIZE), 0);
	assert_true(identity->enrolled);
	assert_int_equal(identity->enrolment.cma_key[0], 0x22);
	assert_int_equal(identity->enrolment.serial, 2);
	assert_int_equal(new_key(bench, &root, 1, 0x25), -EALREADY);
	assert_int_equal(new_key(bench, &root, 3, 0x26), 0);
	identity_close(identity);
	config.root_key = "x";
	assert_error(bench, identity_open(identity, &config, bench->error, ERROR_SIZE), -EINVAL,
		"--root-key");
}

static void test_credentials(void **state)
{
	struct bench *bench = *state;
	char credentials[] = "/tmp/test_identity_XXXXXX";
	char *token autofree = make_token(0x11), *line autofree = text_format("%s\n", token);
	char *key_path autofree = NULL, *token_path autofree = NULL, *kept autofree = NULL;
	struct identity_config config = { .state_dir = bench->dir, .credentials = credentials };
	struct identity *identity = &bench->identity;
	uint8_t secret[SEAL_KEY] = { 5, 6, 7 };

	assert_non_null(mkdtemp(credentials));
	key_path = text_format("%s/nanoprobe.key", credentials);
	token_path = text_format("%s/nanoprobe.token", credentials);
	kept = text_format("%s/key", bench->dir);
	assert_int_equal(file_replace(AT_FDCWD, key_path, secret, sizeof(secret), 0440), 0);
	assert_error(bench, identity_open(identity, &config, bench->error, ERROR_SIZE), -ENOKEY,
		"not enrolled");
	assert_int_equal(file_replace(AT_FDCWD, token_path, line, strlen(line), 0400), 0);
	assert_int_equal(identity_open(identity, &config, bench->error, ERROR_SIZE), 0);
	assert_memory_equal(identity->key.secret, secret, sizeof(secret));
	assert_true(identity->has_token);
	assert_int_equal(identity->enrolment.cma_key[0], 0x11);
	assert_int_equal(access(kept, F_OK), -1); /* it is nowhere on the disk */
	identity_close(identity);
	chmod(key_path, 0444);
	assert_error(bench, identity_open(identity, &config, bench->error, ERROR_SIZE), -EPERM,
		"nanoprobe.key: others");
	unlink(key_path);
	unlink(token_path);
	rmdir(credentials);
}

static void test_second_instance_is_refused(void **state)
{
	struct bench *bench = *state;
	char *token autofree = make_token(0x11);
	struct identity_config config = { .state_dir = bench->dir, .token = token };
	struct identity second;

	assert_int_equal(open_with(bench, token, NULL), 0);
	assert_error(bench, identity_open(&second, &config, bench->error, ERROR_SIZE), -EWOULDBLOCK,
		"another nanoprobe");
	identity_close(&bench->identity);
	assert_int_equal(open_with(bench, token, NULL), 0);
	identity_close(&bench->identity);
}

static void test_what_is_broken_is_named(void **state)
{
	struct bench *bench = *state;
	char *token autofree = make_token(0x11);

	assert_error(bench, open_with(bench, "np1:rubbish", NULL), -EINVAL, "--token");
	put_file(bench, "enrolment", "{\"cma\":\"x\"}", 0600);
	assert_error(bench, open_with(bench, token, NULL), -EINVAL, "/enrolment: not an enrolment");
	put_file(bench, "enrolment", "{", 0600);
	assert_error(bench, open_with(bench, token, NULL), -EINVAL, "/enrolment: 1:");
	put_file(bench, "enrolment", "", 0600);
	put_file(bench, "key", "short", 0600);
	assert_error(bench, open_with(bench, token, NULL), -EINVAL, "/key: not a key");
	put_file(bench, "key", "01234567890123456789012345678901", 0644);
	assert_error(bench, open_with(bench, token, NULL), -EPERM, "/key: others may");
}

static void test_newer_state_is_refused(void **state)
{
	struct bench *bench = *state;
	char *token autofree = make_token(0x11);

	put_file(bench, "version", "2\n", 0644);
	assert_error(bench, open_with(bench, token, NULL), -EPROTONOSUPPORT, "newer version");
	put_file(bench, "version", "1\n", 0644);
	assert_int_equal(open_with(bench, token, NULL), 0);
	identity_close(&bench->identity);
}

static void test_a_directory_that_cannot_be(void **state)
{
	struct identity_config config = { .state_dir = "/dev/null/x" };
	struct identity identity;
	char error[ERROR_SIZE];

	(void)state;
	assert_int_not_equal(identity_open(&identity, &config, error, sizeof(error)), 0);
	assert_non_null(strstr(error, "/dev/null/x"));
}

#define FIRST_ID  "00112233445566778899aabbccddeeff"
#define SECOND_ID "ffeeddccbbaa99887766554433221100"

/* Opens on a host of that machine id (NULL: it has none); the key is the first byte of, or -errno.
 */
static int start_on(struct bench *bench, const char *id, bool accept)
{
	char *token autofree = make_token(0x11),
		    *path autofree = text_format("%s/machine-id", bench->dir);
	int err;

	if (id)
		put_file(bench, "machine-id", id, 0444);
	else
		unlink(path);
	err = open_on(bench, token, path, accept);
	if (!err && !bench->identity.enrolled)
		assert_int_equal(identity_keep(&bench->identity), 0);
	return err;
}

/* What starts is the host with that key, or another one. */
static void starts(
	struct bench *bench, const char *id, bool accept, uint8_t key[SEAL_KEY], bool same)
{
	assert_int_equal(start_on(bench, id, accept), 0);
	assert_int_equal(!memcmp(key, bench->identity.key.public, SEAL_KEY), same);
	memcpy(key, bench->identity.key.public, SEAL_KEY);
	identity_close(&bench->identity);
}

static void remove_files(struct bench *bench, const char *const *names)
{
	int dir autoclose = open(bench->dir, O_RDONLY | O_DIRECTORY);

	for (; *names; names++)
		assert_int_equal(unlinkat(dir, *names, 0), 0);
}

static void test_copy_of_a_host_does_not_use_its_key(void **state)
{
	static const char *const both[] = { "key", "enrolment", NULL };
	struct bench *bench = *state;
	uint8_t key[SEAL_KEY] = { 0 };

	starts(bench, FIRST_ID "\n", false, key, false);
	starts(bench, FIRST_ID "\n", false, key, true);
	for (int i = 0; i < 2; i++) { /* to refuse does not make it right */
		assert_error(bench, start_on(bench, SECOND_ID "\n", false), -EKEYREJECTED,
			"--accept-machine-id");
		assert_non_null(strstr(bench->error, "remove key and enrolment"));
	}
	starts(bench, FIRST_ID "\n", false, key, true);
	remove_files(bench, both); /* it is to be a new host */
	starts(bench, SECOND_ID "\n", false, key, false);
	starts(bench, SECOND_ID "\n", false, key, true);
	assert_int_equal(start_on(bench, FIRST_ID "\n", false), -EKEYREJECTED);
}

static void test_same_host_with_another_machine_id(void **state)
{
	struct bench *bench = *state;
	uint8_t key[SEAL_KEY] = { 0 };

	starts(bench, FIRST_ID "\n", false, key, false);
	starts(bench, SECOND_ID "\n", true, key, true);
	starts(bench, SECOND_ID "\n", false, key, true); /* once is enough */
	assert_int_equal(start_on(bench, FIRST_ID "\n", false), -EKEYREJECTED);
}

/* What has none, or none yet, is not checked, and forgets nothing; nor does the id get out. */
static void test_without_a_machine_id(void **state)
{
	static const char *const none[] = { NULL, "", "\n", "uninitialized\n", FIRST_ID "00\n" };
	struct bench *bench = *state;
	int dir autoclose = open(bench->dir, O_RDONLY | O_DIRECTORY);
	uint8_t key[SEAL_KEY] = { 0 };
	char *kept autofree = NULL;

	starts(bench, NULL, false, key, false);
	assert_int_equal(faccessat(dir, "machine", F_OK, 0), -1);
	starts(bench, FIRST_ID "\n", false, key, true); /* made before there was such a check */
	kept = file_read(dir, "machine", 64, NULL);
	assert_int_equal(strlen(kept), strlen(FIRST_ID "\n"));
	assert_null(strstr(kept, FIRST_ID));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		starts(bench, none[i], false, key, true);
	assert_int_equal(start_on(bench, SECOND_ID, false), -EKEYREJECTED);
	starts(bench, FIRST_ID, false, key, true);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_no_token_says_what_to_do),
		CASE(test_token_then_enrolment_without_it),
		CASE(test_token_of_another_cma_wins),
		CASE(test_asks_with_the_key_of_the_cma_only),
		CASE(test_new_key_of_the_cma),
		CASE(test_credentials),
		CASE(test_second_instance_is_refused),
		CASE(test_what_is_broken_is_named),
		CASE(test_newer_state_is_refused),
		CASE(test_a_directory_that_cannot_be),
		CASE(test_copy_of_a_host_does_not_use_its_key),
		CASE(test_same_host_with_another_machine_id),
		CASE(test_without_a_machine_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
