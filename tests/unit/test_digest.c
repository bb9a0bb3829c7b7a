// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/boot.h"
#include "base/alloc.h"
#include "base/file.h"
#include "wire/digest.h"

static void fill(uint64_t sums[SECTION_COUNT])
{
	for (uint64_t i = 0; i < SECTION_COUNT; i++)
		sums[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void test_the_same_table_does_not_differ(void **state)
{
	struct message_digest digest = { .boot = 1 };
	uint64_t sums[SECTION_COUNT];

	(void)state;
	fill(sums);
	digest_set(&digest, sums);
	assert_int_equal(digest_differs(&digest, sums), 0);
}

static void test_each_section_that_differs_is_named(void **state)
{
	struct message_digest digest = { .boot = 1 };
	uint64_t sums[SECTION_COUNT];

	(void)state;
	for (int i = 0; i < SECTION_COUNT; i++) {
		fill(sums);
		digest_set(&digest, sums);
		sums[i] ^= 1;
		assert_int_equal(digest_differs(&digest, sums), 1 << i);
		sums[(i + 5) % SECTION_COUNT] = 0;
		assert_int_equal(
			digest_differs(&digest, sums), 1 << i | 1 << (i + 5) % SECTION_COUNT);
	}
}

/* What 32 bits of a sum do not show the hash over all of them does. */
static void test_a_difference_in_the_upper_half_is_no_secret(void **state)
{
	struct message_digest digest = { .boot = 1 };
	uint64_t sums[SECTION_COUNT];

	(void)state;
	for (int bit = 32; bit < 64; bit++) {
		fill(sums);
		digest_set(&digest, sums);
		sums[bit % SECTION_COUNT] ^= UINT64_C(1) << bit;
		assert_int_equal(digest_differs(&digest, sums), UINT16_MAX);
	}
}

static void test_every_section_fits_a_small_message(void **state)
{
	struct message message = { .kind = MESSAGE_DIGEST, .digest.boot = UINT64_MAX };
	struct writer w cleanup(writer_free) = writer_growing(1024);
	uint64_t sums[SECTION_COUNT];

	(void)state;
	fill(sums);
	digest_set(&message.digest, sums);
	message_encode(&w, &message);
	assert_int_equal(w.size, 83);
}

/* What the kernel would say, in a directory of our own. */
static uint64_t hash_of(const char *text)
{
	static const char *const dirs[] = { "proc", "proc/sys", "proc/sys/kernel",
		"proc/sys/kernel/random" };
	static const char file[] = "proc/sys/kernel/random/boot_id";
	char path[] = "/tmp/test_digest_XXXXXX";
	uint64_t hash;
	int root;

	assert_non_null(mkdtemp(path));
	root = open(path, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(mkdirat(root, dirs[i], 0700), 0);
	if (text)
		assert_int_equal(file_replace(root, file, text, strlen(text), 0600), 0);
	hash = boot_hash(root);
	unlinkat(root, file, 0);
	for (size_t i = 4; i-- > 0;)
		unlinkat(root, dirs[i], AT_REMOVEDIR);
	close(root);
	rmdir(path);
	return hash;
}

static void test_boot_hash(void **state)
{
	uint64_t one = hash_of("3f0a1c9e-58d2-4c44-9a5e-0b3d7f4e2a11\n");

	(void)state;
	assert_true(one != 0);
	assert_true(one == hash_of("3f0a1c9e-58d2-4c44-9a5e-0b3d7f4e2a11\n"));
	assert_true(one != hash_of("3f0a1c9e-58d2-4c44-9a5e-0b3d7f4e2a12\n"));
	assert_true(hash_of(NULL) == 0);
	assert_true(hash_of("3f0a1c9e\n") == 0);
	assert_true(hash_of("3f0a1c9e-58d2-4c44-9a5e-0b3d7f4e2a1/\n") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_table_does_not_differ),
		cmocka_unit_test(test_each_section_that_differs_is_named),
		cmocka_unit_test(test_a_difference_in_the_upper_half_is_no_secret),
		cmocka_unit_test(test_every_section_fits_a_small_message),
		cmocka_unit_test(test_boot_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
