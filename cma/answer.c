// SPDX-License-Identifier: Apache-2.0
#include "cma/answer.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ANSWER_CHUNK = 64 << 10,     /* try to send when this much is buffered */
	ANSWER_BUFFER_MAX = 64 << 20 /* wait for the reader when this much is */
};

void answer_init(struct answer *answer, int fd, const _Atomic bool *stop, struct instant deadline)
{
	*answer = (struct answer){
		.fd = fd,
		.stop = stop,
		.deadline = deadline,
		.out = writer_growing(SIZE_MAX),
	};
}

void answer_free(struct answer *answer)
{
	writer_free(&answer->out);
}

/* Sends the buffer, all of it or with MSG_DONTWAIT what goes at once. */
static int send_buffered(struct answer *answer, int flags)
{
	struct span left = writer_span(&answer->out);

	while (left.size && !answer->gone) {
		ssize_t sent = send(answer->fd, left.data, left.size, MSG_NOSIGNAL | flags);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && flags && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (sent < 0)
			answer->gone = true;
		else
			left = SPAN(left.data + sent, left.size - (size_t)sent);
	}
	if (left.size)
		memmove(answer->out.data, left.data, left.size);
	answer->out.size = left.size;
	return answer->gone ? -EPIPE : 0;
}

int answer_flush(struct answer *answer)
{
	return send_buffered(answer, 0);
}

static int put_line(struct answer *answer, json_t *object)
{
	char *text autofree = json_text(object);

	json_decref(object);
	put_bytes(&answer->out, text, strlen(text));
	put_u8(&answer->out, '\n');
	if (answer->out.size < ANSWER_CHUNK)
		return answer->gone ? -EPIPE : 0;
	return send_buffered(answer, answer->out.size < ANSWER_BUFFER_MAX ? MSG_DONTWAIT : 0);
}

int answer_columns(struct answer *answer, json_t *names, const char *edges)
{
	json_t *object = json_object();

	json_object_set_new(object, "columns", names);
	json_set_text(object, "edges", edges);
	return put_line(answer, object);
}

int answer_row(struct answer *answer, json_t *row)
{
	json_t *object = json_object();

	json_object_set_new(object, "row", row);
	answer->rows++;
	return put_line(answer, object);
}

int answer_done(struct answer *answer)
{
	json_t *object = json_object(), *done = json_object();

	json_object_set_new(done, "rows", json_integer((json_int_t)answer->rows));
	json_object_set_new(object, "done", done);
	put_line(answer, object);
	answer->ended = true;
	return send_buffered(answer, 0);
}

int answer_error(struct answer *answer, bool usage, const char *format, ...)
{
	json_t *object = json_object();
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_set_new(object, "error", json_bytes(SPAN_TEXT(text)));
	json_object_set_new(object, "usage", json_boolean(usage));
	put_line(answer, object);
	answer->ended = true;
	return send_buffered(answer, 0);
}

static bool is_late(const struct answer *answer)
{
	return instant_before(answer->deadline, instant_now());
}

bool answer_cancelled(struct answer *answer)
{
	struct pollfd peer = { .fd = answer->fd };

	/* POLLHUP: closed both ways. One that only ended its requests still reads. */
	if (poll(&peer, 1, 0) == 1 && peer.revents)
		answer->gone = true;
	return answer->gone || *answer->stop || is_late(answer);
}
