// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A row can hold a whole fact; anything longer is not an answer of ours. */
enum { ANSWER_LINE_MAX = 4 << 20 };

static int fail(struct client *client, int err, const char *what, const char *path)
{
	snprintf(client->error, sizeof(client->error), "%s %s: %s%s", what, path, strerror(-err),
		err == -ENOENT || err == -ECONNREFUSED ? " (is cma running?)" : "");
	return err;
}

static int client_connect(struct client *client, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(to.sun_path))
		return fail(client, -ENAMETOOLONG, "cannot reach the CMA at", path);
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return fail(client, err, "cannot reach the CMA at", path);
}

static int send_request(int fd, const json_t *request)
{
	char *text autofree = json_text(request), *line autofree = text_format("%s\n", text);
	size_t size = strlen(line), sent = 0;

	while (sent < size) {
		ssize_t wrote = send(fd, line + sent, size - sent, MSG_NOSIGNAL);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		if (wrote > 0)
			sent += (size_t)wrote;
	}
	return 0;
}

/* Shows one line of the answer: 1 when it is the last. */
static int take_line(struct client *client, const json_t *line, struct output *output)
{
	const json_t *columns = json_object_get(line, "columns"),
		     *row = json_object_get(line, "row");
	const json_t *error = json_object_get(line, "error");
	int err = 0;

	if (error) {
		snprintf(client->error, sizeof(client->error), "%s", json_get_text(line, "error"));
		client->usage = json_is_true(json_object_get(line, "usage"));
		return -EREMOTEIO;
	}
	if (columns)
		err = output_begin(
			output, columns, json_string_value(json_object_get(line, "edges")));
	else if (row)
		err = output_row(output, row);
	else if (json_object_get(line, "done"))
		err = 1;
	if (err < 0)
		snprintf(client->error, sizeof(client->error), "%s", output->error);
	client->usage = err == -EINVAL;
	/* Nobody reads any more, or the disk is full: main tells. */
	return err || !ferror(output->to) ? err : 1;
}

static int take_answer(struct client *client, FILE *from, struct output *output)
{
	char *line autofree = NULL;
	size_t capacity = 0;
	ssize_t size;
	int err = 0;

	while (!err && (size = getline(&line, &capacity, from)) > 0) {
		json_t *answer autojson = json_parse(SPAN(line, (size_t)size), ANSWER_LINE_MAX,
			client->error, sizeof(client->error));

		if (!answer)
			return -EPROTO;
		err = take_line(client, answer, output);
	}
	if (err)
		return err < 0 ? err : 0;
	snprintf(client->error, sizeof(client->error), "the CMA ended the connection");
	return -ECONNRESET;
}

int client_ask(
	struct client *client, const char *path, const json_t *request, struct output *output)
{
	int fd = client_connect(client, path), err;
	FILE *from;

	if (fd < 0)
		return fd;
	err = send_request(fd, request);
	if (err) {
		close(fd);
		return fail(client, err, "cannot ask the CMA at", path);
	}
	from = fdopen(fd, "r");
	if (!from)
		mem_exhausted();
	err = take_answer(client, from, output);
	fclose(from);
	if (!err)
		output_end(output);
	return err;
}
