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

#include "base/alloc.h"
#include "base/file.h"

static char dir_path[32];

static int setup(void **state)
{
	int *dir = mem_alloc(1, sizeof(*dir));

	strcpy(dir_path, "/tmp/test_file.XXXXXX");
	if (!mkdtemp(dir_path))
		return -1;
	*dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = dir;
	return *dir < 0;
}

static int teardown(void **state)
{
	int *dir = *state;

	unlinkat(*dir, "a", 0);
	close(*dir);
	free(dir);
	return rmdir(dir_path); /* fails when a temporary file was left */
}

static void assert_content(int dir, const char *path, const void *expect, size_t expect_size)
{
	size_t size = 1;
	char *text autofree = file_read(dir, path, 1 << 20, &size);

	assert_non_null(text);
	assert_int_equal(size, expect_size);
	assert_memory_equal(text, expect, size);
	assert_int_equal(text[size], '\0');
}

static void test_replace_and_read(void **state)
{
	static char big[20000];
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 8192, 8193, 20000 };
	int dir = *(int *)*state;
	struct stat info;

	memset(big, 'b', sizeof(big));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(file_replace(dir, "a", big, sizes[i], 0640), 0);
		assert_content(dir, "a", big, sizes[i]);
	}
	assert_int_equal(fstatat(dir, "a", &info, 0), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	/* The mode asked for, whatever there was before and whatever umask says. */
	umask(0);
	assert_int_equal(file_replace(dir, "a", "x", 1, 0600), 0);
	assert_int_equal(fstatat(dir, "a", &info, 0), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

static void test_limit(void **state)
{
	static const size_t limits[] = { 0, 1, 10, 4095, 4096, 4097, 8192, 10000 };
	static char big[10001];
	int dir = *(int *)*state;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char *text;
		size_t size;

		assert_int_equal(file_replace(dir, "a", big, limits[i], 0600), 0);
		text = file_read(dir, "a", limits[i], &size);
		assert_non_null(text);
		assert_int_equal(size, limits[i]);
		free(text);
		assert_int_equal(file_replace(dir, "a", big, limits[i] + 1, 0600), 0);
		errno = 0;
		assert_null(file_read(dir, "a", limits[i], &size));
		assert_int_equal(errno, EFBIG);
	}
}

static void test_read_fails(void **state)
{
	int dir = *(int *)*state;
	char *text autofree = NULL;

	assert_null(file_read(dir, "none", 10, NULL));
	assert_int_equal(errno, ENOENT);
	assert_null(file_read(AT_FDCWD, dir_path, 10, NULL));
	assert_int_equal(errno, EISDIR);
	text = file_read(AT_FDCWD, "/proc/self/status", 1 << 16, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "Pid:"));
}

static void test_replace_fails(void **state)
{
	int dir = *(int *)*state;

	assert_int_equal(file_replace(dir, "none/a", "x", 1, 0600), -ENOENT);
	/* The old content stays when the new cannot take its place, and no part is left. */
	assert_int_equal(mkdirat(dir, "a", 0700), 0);
	assert_int_equal(file_replace(dir, "a", "x", 1, 0600), -EISDIR);
	assert_int_equal(faccessat(dir, "a.new", F_OK, 0), -1);
	assert_int_equal(unlinkat(dir, "a", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/dev/full", dir, "a.new"), 0);
	assert_int_equal(file_replace(dir, "a", "x", 1, 0600), -ENOSPC);
	assert_int_equal(faccessat(dir, "a", F_OK, 0), -1);
}

static void test_make_dir(void **state)
{
	char path[64], file[64];
	int dir = *(int *)*state;

	snprintf(path, sizeof(path), "%s/new", dir_path);
	snprintf(file, sizeof(file), "%s/a", dir_path);
	assert_int_equal(file_make_dir(path, 0700), 0);
	assert_int_equal(file_make_dir(path, 0700), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(file_replace(dir, "a", "x", 1, 0600), 0);
	assert_int_equal(file_make_dir(file, 0700), -ENOTDIR);
	assert_int_equal(file_make_dir("/nonexistent/a", 0700), -ENOENT);
}

static void test_lock(void **state)
{
	int dir = *(int *)*state, first = file_lock(dir, "a"), second;

	assert_true(first >= 0);
	assert_int_equal(file_lock(dir, "a"), -EWOULDBLOCK);
	close(first);
	second = file_lock(dir, "a");
	assert_true(second >= 0);
	close(second);
	assert_int_equal(file_lock(dir, "none/a"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replace_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_make_dir, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
