// SPDX-License-Identifier: Apache-2.0
/*
 * Texts of /proc: of a control group, and words of a command line. What is told of them fits its
 * room and is text without a secret that stood behind its option.
 */
#include <string.h>

#include "agent/cgroup.h"
#include "agent/redact.h"
#include "agent/title.h"
#include "base/alloc.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void check_cgroup(const char *text)
{
	char path[256];
	struct cgroup_names names;

	if (!cgroup_path_of_proc(text, path, sizeof(path)))
		fuzz_require(strlen(path) < sizeof(path));
	cgroup_parse(text, &names);
	fuzz_require(memchr(names.unit, '\0', sizeof(names.unit)));
	fuzz_require(memchr(names.container, '\0', sizeof(names.container)));
}

static void check_words(struct span argv)
{
	static const char option[] = "\0--password";
	char words[REDACT_MAX], *with autofree = mem_alloc(argv.size + 64, 1);
	size_t size = redact_argv(argv, words), used = argv.size;

	fuzz_require(size <= REDACT_MAX && (!size || !words[size - 1]));
	if (size)
		title_name(words, strlen(words) + 1 == size, NULL);
	/* The same with an option behind it, and its value. */
	if (argv.size > REDACT_MAX / 4)
		return;
	memcpy(with, argv.data, argv.size);
	memcpy(with + used, option, sizeof(option));
	used += sizeof(option);
	memcpy(with + used, "hunter2hunter2", 15);
	size = redact_argv(SPAN(with, used + 15), words);
	fuzz_require(!memmem(words, size, "hunter2hunter2", 14) ||
		memmem(argv.data, argv.size, "hunter2", 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text autofree = text_copy_n((const char *)data, size);

	check_cgroup(text);
	check_words(SPAN(data, size));
	return 0;
}
