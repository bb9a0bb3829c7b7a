// SPDX-License-Identifier: Apache-2.0
/* Files of /proc that are cut, empty, or not there: a process ends while it is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/procfs.h"
#include "base/alloc.h"

struct fixture {
	char root[64];
	int dir;
};

static void write_file(const struct fixture *f, const char *name, const char *bytes, size_t size)
{
	int fd autoclose = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
}

static void write_text(const struct fixture *f, const char *name, const char *text)
{
	write_file(f, name, text, strlen(text));
}

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));

	strcpy(f->root, "/tmp/test-procfs-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	f->dir = open(f->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char *command autofree = text_format("rm -rf %s", f->root);

	close(f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void test_stat(void **state)
{
	static const char *const gone[] = { "", "1 (x", "1 (x)", "1 (x) Z 1", "1 (x) S",
		"1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18" };
	const struct fixture *f = *state;
	struct procfs_stat stat;

	assert_int_equal(procfs_stat(f->dir, &stat), -ESRCH);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		write_text(f, "stat", gone[i]);
		assert_int_equal(procfs_stat(f->dir, &stat), -ESRCH);
	}
	write_text(f, "stat", "1 (a) b) S 1 2 3 4 5 2097152 7 8 9 10 11 12 13 14 15 16 17 18 99 0");
	assert_int_equal(procfs_stat(f->dir, &stat), 0);
	assert_true(stat.kernel);
	assert_int_equal(stat.start, 99);
}

static void test_ids(void **state)
{
	const struct fixture *f = *state;
	uint32_t uid = 7, gid = 7;

	assert_int_equal(procfs_ids(f->dir, &uid, &gid), -ENOENT);
	write_text(f, "status", "Name:\tx\nGid:\t1\t2\t3\t4\n");
	assert_int_equal(procfs_ids(f->dir, &uid, &gid), -EINVAL);
	write_text(f, "status", "Name:\tx\nUid:\t1\nGid:\t1\t2\t3\t4\n");
	assert_int_equal(procfs_ids(f->dir, &uid, &gid), -EINVAL);
	write_text(f, "status", "Name:\tx\nUid:\t5\t6\t3\t4\n");
	assert_int_equal(procfs_ids(f->dir, &uid, &gid), -EINVAL);
	write_text(f, "status", "Name:\tx\nUid:\t5\t6\t3\t4\nGid:\t1\t2\t3\t4\n");
	assert_int_equal(procfs_ids(f->dir, &uid, &gid), 0);
	assert_int_equal(uid, 6);
	assert_int_equal(gid, 2);
}

/* Of a command line of any length the beginning is told, in whole words. */
static void test_cmdline(void **state)
{
	const struct fixture *f = *state;
	char *words autofree = NULL, *name autofree = NULL, *whole autofree = NULL;
	char argv[9000];
	uint32_t size;

	assert_null(procfs_cmdline(f->dir, NULL, &size));
	write_text(f, "comm", "kworker/0\n");
	name = procfs_cmdline(f->dir, NULL, &size);
	assert_string_equal(name, "[kworker/0]");
	memset(argv, 'x', sizeof(argv));
	memcpy(argv, "prog", 5);
	memcpy(argv + 6, "one", 4);
	argv[5] = '-';
	write_file(f, "cmdline", argv, sizeof(argv));
	words = procfs_cmdline(f->dir, NULL, &size);
	assert_int_equal(size, strlen("prog") + 1 + strlen("-one") + 1);
	assert_string_equal(words, "prog");
	assert_string_equal(words + 5, "-one");
	/* Nothing but one word that does not end. */
	memset(argv, 'x', sizeof(argv));
	write_file(f, "cmdline", argv, sizeof(argv));
	whole = procfs_cmdline(f->dir, NULL, &size);
	assert_string_equal(whole, "[kworker/0]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stat),
		TEST(test_ids),
		TEST(test_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
