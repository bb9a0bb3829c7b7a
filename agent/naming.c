// SPDX-License-Identifier: Apache-2.0
#include "agent/naming.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

uint64_t naming_hash(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return text ? naming_hash(hash, text, strlen(text) + 1) : naming_hash(hash, "", 1);
}

static uint64_t hash_number(uint64_t hash, uint32_t number)
{
	uint8_t bytes[4] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
		(uint8_t)(number >> 24) };

	return naming_hash(hash, bytes, sizeof(bytes));
}

/* The last part of the path; of a process without one (a kernel thread) its own name. */
static void base_name(const struct process *process, char *to, size_t size)
{
	const char *path = process->exe, *slash;
	struct span name;

	if (!path && process->cmdline_size)
		path = process->cmdline;
	if (!path || !*path)
		path = "unknown";
	slash = strrchr(path, '/');
	name = SPAN_TEXT(slash && slash[1] ? slash + 1 : path);
	if (name.size >= size)
		name.size = size - 1;
	name.size = text_utf8_prefix(name);
	memcpy(to, name.data, name.size);
	to[name.size] = '\0';
	for (char *at = to; *at; at++) {
		if (isspace((unsigned char)*at) || iscntrl((unsigned char)*at))
			*at = '_'; /* names are words of keys */
	}
}

static uint64_t hash_process(
	const struct process *process, const char *cmdline, size_t size, const char *netns)
{
	uint64_t hash = NAMING_HASH_START;

	hash = hash_text(hash, process->exe);
	hash = naming_hash(hash, cmdline, size);
	hash = hash_number(hash, process->uid);
	hash = hash_number(hash, process->gid);
	hash = hash_text(hash, process->unit);
	if (process->container)
		hash = hash_text(hash, process->container);
	/* A namespace without a name has only a number that the next boot gives to another one. */
	if (*netns && !isdigit((unsigned char)*netns))
		hash = hash_text(hash, netns);
	return hash;
}

uint64_t naming_kin(const struct process *process, const char *netns)
{
	return hash_process(process, "", 0, netns);
}

void naming_process(const struct process *process, const char *netns, char *to)
{
	enum { DIGITS = 8 };
	uint64_t hash = hash_process(process, process->cmdline, process->cmdline_size, netns);
	char base[NAMING_PROCESS_SIZE - DIGITS - 1];

	base_name(process, base, sizeof(base));
	snprintf(to, NAMING_PROCESS_SIZE, "%s:%08x", base, (uint32_t)(hash ^ hash >> 32));
}

static bool find_netns(DIR *names, uint32_t inode, char *to)
{
	const struct dirent *entry;
	struct stat info;

	while ((entry = readdir(names))) {
		if (entry->d_name[0] != '.' && !fstatat(dirfd(names), entry->d_name, &info, 0) &&
			info.st_ino == inode) {
			text_copy_to(to, NAMING_NETNS_SIZE, entry->d_name);
			return true;
		}
	}
	return false;
}

void naming_netns(int dir, uint32_t inode, char *to)
{
	int again = dir >= 0 ? openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *names = again >= 0 ? fdopendir(again) : NULL;
	bool found = names && find_netns(names, inode, to);

	if (names)
		closedir(names);
	else if (again >= 0)
		close(again);
	if (!found)
		snprintf(to, NAMING_NETNS_SIZE, "%u", inode);
}
