// SPDX-License-Identifier: Apache-2.0
#include "agent/request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define CREDIT_NS (NS_PER_SEC / REQUEST_CREDIT_PER_S)

void request_meter_init(struct request_meter *meter, struct instant now)
{
	*meter = (struct request_meter){ now, REQUEST_CREDIT * CREDIT_NS };
}

struct instant request_next(struct request_meter *meter, struct instant now)
{
	int64_t wanted = REQUEST_COST_MAX * CREDIT_NS;

	meter->credit_ns += instant_sub(now, meter->at);
	meter->at = now;
	if (meter->credit_ns > REQUEST_CREDIT * CREDIT_NS)
		meter->credit_ns = REQUEST_CREDIT * CREDIT_NS;
	return meter->credit_ns < wanted ? instant_add(now, wanted - meter->credit_ns) : now;
}

void request_spend(struct request_meter *meter, int cost)
{
	meter->credit_ns -= cost * CREDIT_NS;
}

static size_t size_of(const union request *request, size_t got)
{
	if (got < sizeof(request->op))
		return 0;
	return request->op == SENSE_COMMAND ? sizeof(request->command) : sizeof(request->plain);
}

int request_receive(int peer, union request *request)
{
	struct iovec part = { request, sizeof(*request) };
	/* No room for a descriptor: the kernel closes what was sent along, and says that it did. */
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t got = recvmsg(peer, &message, MSG_DONTWAIT | MSG_TRUNC);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (got <= 0)
		return 0;
	if ((size_t)got != size_of(request, (size_t)got) ||
		message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EPROTO;
	return 1;
}

bool request_is_bare(const struct sense_request *request)
{
	const struct sense_request bare = { .op = request->op };

	return !memcmp(request, &bare, sizeof(bare));
}

int request_warrant(const struct sense_command *command, struct span *warrant)
{
	if (!command->size || command->size > WARRANT_MAX)
		return -EPROTO;
	for (size_t i = command->size; i < sizeof(command->warrant); i++) {
		if (command->warrant[i])
			return -EPROTO;
	}
	*warrant = SPAN(command->warrant, command->size);
	return 0;
}
