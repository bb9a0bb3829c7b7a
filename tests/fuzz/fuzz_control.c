// SPDX-License-Identifier: Apache-2.0
/* A line of the control socket: whatever it is, it has one answer, which is JSON and has an end. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cma/dispatch.h"
#include "tests/fuzz/fuzz.h"

static void echo(void *user, const json_t *request, struct answer *answer)
{
	(void)user;
	answer_columns(answer, json_pack("[s]", "request"), NULL);
	answer_row(answer, json_pack("[O]", request));
}

static const struct control_request requests[] = { { "echo", echo }, { .name = NULL } };

/* Every line that was sent is an object; the last one tells how it ended. */
static void check(int fd)
{
	static char text[8 * CONTROL_REQUEST_MAX];
	ssize_t size = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	bool ended = false;

	fuzz_require(size > 0 && text[size - 1] == '\n');
	for (const char *line = text, *end; line < text + size; line = end + 1) {
		json_t *object autojson = NULL;

		end = memchr(line, '\n', (size_t)(text + size - line));
		object = json_parse(SPAN(line, (size_t)(end - line)), sizeof(text), NULL, 0);
		fuzz_require(json_is_object(object) && !ended);
		ended = json_object_get(object, "done") || json_object_get(object, "error");
	}
	fuzz_require(ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int room = 16 * CONTROL_REQUEST_MAX;
	_Atomic bool stop = false;
	struct answer answer;
	int ends[2];

	if (size > CONTROL_REQUEST_MAX / 8)
		return 0; /* the answer must fit the socket's buffer: nobody reads beside us */
	fuzz_require(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	answer_init(&answer, ends[0], &stop, INSTANT_NEVER);
	dispatch(requests, NULL, SPAN(data, size), &answer);
	fuzz_require(answer.ended);
	answer_free(&answer);
	check(ends[1]);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
