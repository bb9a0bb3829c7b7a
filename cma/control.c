// SPDX-License-Identifier: Apache-2.0
#include "cma/control.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "cma/dispatch.h"

enum { GROUP_NONE = -1, PEER_GROUPS_MAX = 1024 };

struct connection {
	LIST_ENTRY(connection) entry;
	struct control *control;
	int fd;
};

struct control {
	struct control_config config;
	char *path;
	int fd;
	gid_t group; /* GROUP_NONE: none */
	_Atomic bool stop;
	pthread_mutex_t lock; /* of the list */
	pthread_cond_t ended; /* a connection left the list */
	LIST_HEAD(, connection) connections;
	size_t count;
};

static bool in_group(int fd, gid_t peer_group, gid_t wanted)
{
	gid_t groups[PEER_GROUPS_MAX];
	socklen_t size = sizeof(groups);

	if (peer_group == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++) {
		if (groups[i] == wanted)
			return true;
	}
	return false;
}

static bool peer_allowed(const struct control *control, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	if (!peer.uid || peer.uid == geteuid())
		return true;
	return control->group != (gid_t)GROUP_NONE && in_group(fd, peer.gid, control->group);
}

static bool answer_one(struct connection *connection, struct span line)
{
	struct control *control = connection->control;
	struct answer answer;
	bool gone;

	answer_init(&answer, connection->fd, &control->stop,
		instant_add(instant_now(), CONTROL_TIME_LIMIT_MS * NS_PER_MS));
	if (line.size > CONTROL_REQUEST_MAX)
		answer_error(
			&answer, true, "the request is longer than %d bytes", CONTROL_REQUEST_MAX);
	else
		dispatch(control->config.requests, control->config.user, line, &answer);
	gone = answer.gone || line.size > CONTROL_REQUEST_MAX;
	answer_free(&answer);
	return !gone;
}

/* Requests, one a line, until the peer ends or says what cannot be a request. */
static void serve(struct connection *connection)
{
	char *buffer autofree = mem_alloc(CONTROL_REQUEST_MAX + 1, 1);
	size_t used = 0;

	while (!connection->control->stop) {
		char *end = memchr(buffer, '\n', used);
		size_t taken = end ? (size_t)(end - buffer) + 1 : used;
		ssize_t got;

		if (end || used > CONTROL_REQUEST_MAX) {
			if (!answer_one(connection, SPAN(buffer, end ? taken - 1 : taken)))
				return;
			memmove(buffer, buffer + taken, used - taken);
			used -= taken;
			continue;
		}
		got = read(connection->fd, buffer + used, CONTROL_REQUEST_MAX + 1 - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return;
		used += (size_t)got;
	}
}

static void *connection_thread(void *user)
{
	struct connection *connection = user;
	struct control *control = connection->control;

	serve(connection);
	pthread_mutex_lock(&control->lock);
	LIST_REMOVE(connection, entry);
	control->count--;
	close(connection->fd);
	free(connection);
	/* Under the lock: once it is released, control_close may free the condition. */
	pthread_cond_signal(&control->ended);
	pthread_mutex_unlock(&control->lock);
	return NULL;
}

static void refuse(int fd, const char *why)
{
	char *line autofree = text_format("{\"error\":\"%s\",\"usage\":false}\n", why);

	/* Fits a fresh socket's buffer; whoever does not read it misses only the reason. */
	if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		errno = 0;
	close(fd);
}

static void start_connection(struct control *control, int fd)
{
	struct connection *connection = mem_alloc(1, sizeof(*connection));
	pthread_t thread;

	*connection = (struct connection){ .control = control, .fd = fd };
	pthread_mutex_lock(&control->lock);
	LIST_INSERT_HEAD(&control->connections, connection, entry);
	control->count++;
	if (!pthread_create(&thread, NULL, connection_thread, connection)) {
		pthread_detach(thread);
	} else {
		LIST_REMOVE(connection, entry);
		control->count--;
		refuse(fd, "no thread for one more connection");
		free(connection);
	}
	pthread_mutex_unlock(&control->lock);
}

void control_accept(struct control *control)
{
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);
	size_t count;

	if (fd < 0)
		return;
	pthread_mutex_lock(&control->lock);
	count = control->count;
	pthread_mutex_unlock(&control->lock);
	if (!peer_allowed(control, fd))
		refuse(fd, "permission denied: only root, the CMA's user and its control group");
	else if (count >= CONTROL_CONNECTIONS_MAX)
		refuse(fd, "too many connections to the control socket");
	else
		start_connection(control, fd);
}

int control_fd(const struct control *control)
{
	return control->fd;
}

/* Whether somebody answers on an existing socket; one that nobody listens on is left over. */
static bool answers(const struct sockaddr_un *at)
{
	int fd autoclose = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && !connect(fd, (const struct sockaddr *)at, sizeof(*at));
}

static int find_group(const char *name, gid_t *gid)
{
	struct group *group;

	*gid = (gid_t)GROUP_NONE;
	if (!name)
		return 0;
	group = getgrnam(name);
	if (!group)
		return -ENOENT;
	*gid = group->gr_gid;
	return 0;
}

static int bind_at(struct control *control, const struct sockaddr_un *at)
{
	char *copy autofree = text_copy(control->path);
	struct stat info;

	/* /run is empty after a boot; anything deeper is for the packaging to make. */
	file_make_dir(dirname(copy), 0755);
	if (!lstat(control->path, &info)) {
		if (!S_ISSOCK(info.st_mode))
			return -EEXIST;
		if (answers(at))
			return -EADDRINUSE;
		unlink(control->path);
	}
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0 || bind(control->fd, (const struct sockaddr *)at, sizeof(*at)))
		return -errno;
	if (control->group != (gid_t)GROUP_NONE && chown(control->path, (uid_t)-1, control->group))
		return -errno;
	if (chmod(control->path, 0660) || listen(control->fd, CONTROL_CONNECTIONS_MAX))
		return -errno;
	return 0;
}

static struct control *control_new(const struct control_config *config)
{
	struct control *control = mem_alloc(1, sizeof(*control));

	control->config = *config;
	control->path = text_copy(config->path);
	control->fd = -1;
	pthread_mutex_init(&control->lock, NULL);
	pthread_cond_init(&control->ended, NULL);
	return control;
}

static void control_free(struct control *control)
{
	if (control->fd >= 0)
		close(control->fd);
	pthread_cond_destroy(&control->ended);
	pthread_mutex_destroy(&control->lock);
	free(control->path);
	free(control);
}

int control_open(const struct control_config *config, struct control **control, char *error,
	size_t error_size)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct control *made;
	int err;

	if (strlen(config->path) >= sizeof(at.sun_path)) {
		snprintf(error, error_size, "control socket %s: the path is longer than %zu bytes",
			config->path, sizeof(at.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(at.sun_path, config->path, strlen(config->path));
	made = control_new(config);
	err = find_group(config->group, &made->group);
	if (err)
		snprintf(error, error_size, "unknown control group '%s'", config->group);
	else if ((err = bind_at(made, &at)) != 0)
		snprintf(error, error_size, "control socket %s: %s", config->path,
			err == -EADDRINUSE	 ? "another process answers on it"
				: err == -EEXIST ? "a file that is no socket is there"
						 : strerror(-err));
	if (err)
		control_free(made);
	else
		*control = made;
	return err;
}

void control_close(struct control *control)
{
	struct connection *connection;

	if (!control)
		return;
	control->stop = true;
	unlink(control->path);
	pthread_mutex_lock(&control->lock);
	LIST_FOREACH (connection, &control->connections, entry)
		shutdown(connection->fd, SHUT_RDWR);
	while (control->count)
		pthread_cond_wait(&control->ended, &control->lock);
	pthread_mutex_unlock(&control->lock);
	control_free(control);
}
