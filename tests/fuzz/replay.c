// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a fuzz target over every file of its corpus: fuzz_packet over tests/fuzz/corpus/packet/.
 * Other files or directories may be given as arguments. Every file is run in a heap block of its
 * exact size, so that a sanitizer sees a read beyond it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20 };

/* True when it could be read; a target that fails ends the program. */
static bool replay_file(const char *path)
{
	size_t size = 0;
	char *text autofree = file_read(AT_FDCWD, path, INPUT_MAX, &size);
	uint8_t *input autofree = NULL;

	printf("%s\n", path);
	fflush(stdout); /* the last line before a crash names its cause */
	if (!text) {
		printf("cannot read it: %s\n", strerror(errno));
		return false;
	}
	input = mem_copy(text, size);
	LLVMFuzzerTestOneInput(input, size);
	return true;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay(const char *path, int *passed, int *failed)
{
	struct dirent **entries;
	struct stat info;
	int count;

	if (!stat(path, &info) && !S_ISDIR(info.st_mode)) {
		++*(replay_file(path) ? passed : failed);
		return;
	}
	count = scandir(path, &entries, visible, alphasort);
	for (int i = 0; i < count; i++) {
		char *name autofree = text_format("%s/%s", path, entries[i]->d_name);

		replay(name, passed, failed);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "fuzz_");
	int passed = 0, failed = 0;

	for (const char *next = name; next; next = strstr(next + 1, "fuzz_"))
		name = next;
	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			replay(argv[i], &passed, &failed);
	} else if (name) {
		char *corpus autofree = text_format("tests/fuzz/corpus/%s", name + 5);

		replay(corpus, &passed, &failed);
	}
	if (!passed && !failed) {
		printf("nothing to replay\n");
		failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
