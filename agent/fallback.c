// SPDX-License-Identifier: Apache-2.0
#include "agent/fallback.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/diag.h"
#include "base/alloc.h"
#include "base/text.h"

struct search {
	const struct process_view *view;
	struct diag *diag;
	sensor_row_fn *row;
	void *owner;
};

/* "socket:[123]" -> 123; 0 when it is none. */
static uint32_t socket_inode(int dir, const char *name)
{
	char link[64];
	ssize_t length = readlinkat(dir, name, link, sizeof(link) - 1);
	unsigned int inode;

	if (length <= 0)
		return 0;
	link[length] = '\0';
	return sscanf(link, "socket:[%u]", &inode) == 1 ? inode : 0;
}

static void search_descriptors(const struct search *search, int dir, uint32_t tgid)
{
	int fds = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fds >= 0 ? fdopendir(fds) : NULL;
	const struct dirent *entry;
	uint64_t start = 0;

	if (!names && fds >= 0)
		close(fds);
	while (names && (entry = readdir(names))) {
		uint32_t inode = entry->d_name[0] != '.' ? socket_inode(fds, entry->d_name) : 0;
		const struct diag_socket *found = inode ? diag_find(search->diag, inode) : NULL;
		struct event_row row;

		if (!found || (!start && process_start(search->view, tgid, &start)))
			continue;
		row = found->row;
		row.tgid = tgid;
		row.start = start;
		search->row(search->owner, &row, found->path);
	}
	if (names)
		closedir(names);
}

static int search_processes(const struct search *search)
{
	int again = openat(search->view->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = again >= 0 ? fdopendir(again) : NULL;
	const struct dirent *entry;

	if (!names) {
		if (again >= 0)
			close(again);
		return -EIO;
	}
	while ((entry = readdir(names))) {
		int64_t tgid;
		int dir;

		if (text_parse_number(entry->d_name, 1, UINT32_MAX, &tgid))
			continue;
		dir = openat(search->view->proc, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			continue;
		search_descriptors(search, dir, (uint32_t)tgid);
		close(dir);
	}
	closedir(names);
	return 0;
}

static uint32_t own_netns(const struct process_view *view)
{
	struct stat info;

	return fstatat(view->proc, "self/ns/net", &info, 0) ? 0 : (uint32_t)info.st_ino;
}

int fallback_snapshot(
	const struct process_view *view, sensor_row_fn *row, void *owner, unsigned int *missing)
{
	struct search search = { .view = view, .row = row, .owner = owner };
	int err = diag_open(&search.diag, own_netns(view));

	if (err)
		return err;
	*missing = diag_missing(search.diag);
	err = search_processes(&search);
	diag_close(search.diag);
	return err;
}
