// SPDX-License-Identifier: Apache-2.0
/*
 * What sense takes from net: a packet is one of the listed requests, of exactly its size, or none.
 * A command's warrant lies within it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/request.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union request request;
	struct warrant warrant;
	struct span frame;
	int ends[2], got;

	if (!size || size > 4096)
		return 0;
	fuzz_require(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	fuzz_require(send(ends[0], data, size, 0) == (ssize_t)size);
	got = request_receive(ends[1], &request);
	fuzz_require(got == 1 || got == -EPROTO);
	if (got == 1) {
		fuzz_require(!memcmp(&request, data, size));
		fuzz_require(size ==
			(request.op == SENSE_COMMAND ? sizeof(request.command)
						     : sizeof(request.plain)));
	}
	if (got == 1 && request.op == SENSE_COMMAND && !request_warrant(&request.command, &frame)) {
		fuzz_require(frame.size && frame.size <= WARRANT_MAX);
		if (!warrant_decode(frame, &warrant))
			warrant_is_signed(frame, &warrant);
	} else if (got == 1) {
		request_is_bare(&request.plain);
	}
	close(ends[0]);
	close(ends[1]);
	return 0;
}
