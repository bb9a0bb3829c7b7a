// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

#define GOLDEN "tests/data/golden"

void golden_assert_same(struct span got, struct span expect)
{
	assert_int_equal(got.size, expect.size);
	assert_memory_equal(got.data, expect.data, expect.size);
}

struct span golden_load(const char *release, const char *name)
{
	char *path autofree = text_format(GOLDEN "/%s/%s", release, name);
	size_t size = 0;
	char *bytes = file_read(AT_FDCWD, path, 1 << 16, &size);

	return SPAN(bytes, size);
}

void golden_keep(const char *name, struct span made)
{
	struct span kept = golden_load(VERSION, name);

	if (!kept.data && getenv("GOLDEN")) {
		char *path autofree = text_format(GOLDEN "/" VERSION "/%s", name);

		assert_int_equal(file_make_dir(GOLDEN, 0755), 0);
		assert_int_equal(file_make_dir(GOLDEN "/" VERSION, 0755), 0);
		assert_int_equal(file_replace(AT_FDCWD, path, made.data, made.size, 0644), 0);
		return;
	}
	if (!kept.data)
		fail_msg("no " GOLDEN "/" VERSION "/%s", name);
	golden_assert_same(made, kept);
	free((void *)kept.data);
}

static bool is_hidden(const struct dirent *entry)
{
	return entry->d_name[0] == '.';
}

unsigned golden_each(void (*visit)(const char *release))
{
	DIR *dir = opendir(GOLDEN);
	unsigned count = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (is_hidden(entry))
			continue;
		visit(entry->d_name);
		count++;
	}
	closedir(dir);
	return count;
}
