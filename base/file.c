// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

char *file_read(int dir, const char *path, size_t limit, size_t *size)
{
	int fd autoclose = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t used = 0, capacity = limit < 4096 ? limit : 4096;
	char *text autofree = NULL;
	char *result;

	if (fd < 0)
		return NULL;
	for (;;) {
		ssize_t got;

		text = mem_resize(text, capacity + 1, 1);
		/* One byte more than the capacity shows that a file at the limit is larger. */
		got = read(fd, text + used, capacity + 1 - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NULL;
		if (!got)
			break;
		used += (size_t)got;
		if (used > limit) {
			errno = EFBIG;
			return NULL;
		}
		if (used >= capacity)
			capacity = 2 * capacity < limit ? 2 * capacity : limit;
	}
	text[used] = '\0';
	if (size)
		*size = used;
	result = text;
	text = NULL;
	return result;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t wrote = write(fd, data, size);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		if (wrote > 0) {
			data += wrote;
			size -= (size_t)wrote;
		}
	}
	return 0;
}

int file_replace(int dir, const char *path, const void *data, size_t size, mode_t mode)
{
	char *temporary autofree = text_format("%s.new", path);
	int fd autoclose = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, data, size);
	if (!err && (fchmod(fd, mode) || fsync(fd) || renameat(dir, temporary, dir, path)))
		err = -errno;
	if (err)
		unlinkat(dir, temporary, 0);
	else if (dir != AT_FDCWD && fsync(dir))
		err = -errno;
	return err;
}

int file_make_dir(const char *path, mode_t mode)
{
	struct stat info;

	if (!mkdir(path, mode))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &info))
		return -errno;
	return S_ISDIR(info.st_mode) ? 0 : -ENOTDIR;
}

int file_lock(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), err;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = -errno;
	close(fd);
	return err;
}
