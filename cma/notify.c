// SPDX-License-Identifier: Apache-2.0
#include "cma/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/alloc.h"

int notify_send(const char *socket_name, const char *state)
{
	int fd autoclose = -1;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length;

	if (!socket_name || !*socket_name)
		return 0;
	length = strlen(socket_name);
	if (length > sizeof(to.sun_path) - 1)
		return -ENAMETOOLONG;
	memcpy(to.sun_path, socket_name, length);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0'; /* the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return -errno;
	return 0;
}
