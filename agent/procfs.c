// SPDX-License-Identifier: Apache-2.0
#include "agent/procfs.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/redact.h"
#include "agent/title.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

enum { STAT_MAX = 4096, STATUS_MAX = 16384, CMDLINE_MAX = 8192, ACCOUNTS_MAX = 4 << 20 };

int procfs_stat(int dir, struct procfs_stat *stat)
{
	enum { KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD of linux/sched.h */
	char *text autofree = file_read(dir, "stat", STAT_MAX, NULL);
	const char *at =
		text ? strrchr(text, ')') : NULL; /* the name before it may hold anything */
	unsigned long long flags = 0;

	if (!at || !at[1] || memchr("ZXx", at[2], 3))
		return -ESRCH;
	/* Behind "pid (name)" come the fields of proc(5) from the third on. */
	for (int field = 3; at && field <= 22; field++) {
		at = strchr(at + 1, ' ');
		if (at && field == 9)
			flags = strtoull(at + 1, NULL, 10);
	}
	if (!at)
		return -ESRCH;
	stat->start = strtoull(at + 1, NULL, 10);
	stat->kernel = flags & KERNEL_THREAD;
	return 0;
}

/* The second number (the effective one) behind "Uid:\t". */
static int status_id(const char *status, const char *name, uint32_t *id)
{
	const char *at = strstr(status, name);
	unsigned int real, effective;

	if (!at || sscanf(at + strlen(name), "%u %u", &real, &effective) != 2)
		return -EINVAL;
	*id = effective;
	return 0;
}

int procfs_ids(int dir, uint32_t *uid, uint32_t *gid)
{
	char *status autofree = file_read(dir, "status", STATUS_MAX, NULL);
	int err;

	if (!status)
		return -errno;
	err = status_id(status, "\nUid:", uid);
	return err ? err : status_id(status, "\nGid:", gid);
}

/* Without " (deleted)", which is told apart. */
static char *read_link(int dir, const char *name, bool *gone)
{
	static const char deleted[] = " (deleted)";
	char target[PATH_MAX];
	ssize_t length = readlinkat(dir, name, target, sizeof(target) - 1);
	size_t rest;

	if (length <= 0)
		return NULL;
	target[length] = '\0';
	rest = (size_t)length > strlen(deleted) ? (size_t)length - strlen(deleted) : 0;
	*gone = rest && !strcmp(target + rest, deleted);
	if (*gone)
		target[rest] = '\0';
	return text_copy(target);
}

char *procfs_link(int dir, const char *name)
{
	bool gone;

	return read_link(dir, name, &gone);
}

char *procfs_cwd(int dir)
{
	bool gone = false;
	char *path = read_link(dir, "cwd", &gone);

	if (!gone)
		return path;
	free(path);
	return NULL;
}

uint32_t procfs_netns(int dir)
{
	char *link autofree = procfs_link(dir, "ns/net");
	unsigned int inode;

	return link && sscanf(link, "net:[%u]", &inode) == 1 ? inode : 0;
}

/* Reads as much as fits; the last word, cut in the middle, is left out. */
static size_t read_cmdline(int dir, char *to, size_t room)
{
	int fd autoclose = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t got;

	while (fd >= 0 && size < room && (got = read(fd, to + size, room - size)) > 0)
		size += (size_t)got;
	while (size == room && size && to[size - 1])
		room = --size;
	return size;
}

char *procfs_cmdline(int dir, const char *exe, uint32_t *size)
{
	char raw[CMDLINE_MAX], words[REDACT_MAX] = "";
	size_t length = read_cmdline(dir, raw, sizeof(raw));
	char *comm autofree = NULL;
	struct span name;

	if (!length) {
		comm = file_read(dir, "comm", 64, NULL);
		if (!comm)
			return NULL;
		comm[strcspn(comm, "\n")] = '\0';
		*size = (uint32_t)snprintf(words, sizeof(words), "[%s]", comm) + 1;
		return mem_copy(words, *size);
	}
	*size = (uint32_t)redact_argv(SPAN(raw, length), words);
	name = title_name(words, *size && strlen(words) + 1 == *size, exe);
	if (!name.size)
		return mem_copy(words, *size);
	*size = (uint32_t)name.size + 1;
	return text_copy_n((const char *)name.data, name.size);
}

char *procfs_account(int etc, const char *file, uint32_t id)
{
	size_t size = 0;
	char *text autofree = etc >= 0 ? file_read(etc, file, ACCOUNTS_MAX, &size) : NULL;

	/* "name:password:id:..." */
	for (char *line = text, *end; line && *line; line = end + (*end == '\n')) {
		unsigned int found;
		size_t name = strcspn(line, ":\n");

		end = line + strcspn(line, "\n");
		if (line[name] == ':' && sscanf(line + name, ":%*[^:\n]:%u:", &found) == 1 &&
			found == id)
			return text_copy_n(line, name);
		if (line[name] == ':' && sscanf(line + name, "::%u:", &found) == 1 && found == id)
			return text_copy_n(line, name);
	}
	return NULL;
}
