// SPDX-License-Identifier: Apache-2.0
#include "agent/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/text.h"

int cgroupfs_open_root(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		struct statfs info;
		int fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && !fstatfs(fd, &info) && info.f_type == CGROUP2_SUPER_MAGIC)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

static int path_of_fd(int fd, char *to, size_t size)
{
	char link[40];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, to, size - 1);
	if (length < 0)
		return -errno;
	to[length] = '\0';
	return 0;
}

int cgroupfs_path_of_id(int root, uint64_t id, char *to, size_t size)
{
	enum { FILEID_KERNFS_TYPE = 0xfe }; /* linux/exportfs.h */
	struct {
		struct file_handle handle;
		uint64_t id;
	} wanted = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS_TYPE } };
	char base[64];
	size_t length;
	int fd, err;

	memcpy(wanted.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(root, &wanted.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = path_of_fd(fd, to, size);
	close(fd);
	if (!err)
		err = path_of_fd(root, base, sizeof(base));
	if (err)
		return err;
	length = strlen(base);
	if (strncmp(to, base, length) || (to[length] && to[length] != '/'))
		return -ENOENT;
	memmove(to, to + length, strlen(to + length) + 1);
	if (!*to)
		text_copy_to(to, size, "/");
	return 0;
}
