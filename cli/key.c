// SPDX-License-Identifier: Apache-2.0
/* Commands about the keys of the CMA: status, next, rotate, retire. */
#include "cli/command.h"

static int key_request(struct args *args, json_t *request, const char *what)
{
	json_object_set_new(request, "do", json_string(what));
	return command_operands(args, 0, 0, "");
}

int command_key_status(struct args *args, json_t *request)
{
	return key_request(args, request, "key.status");
}

int command_key_next(struct args *args, json_t *request)
{
	return key_request(args, request, "key.next");
}

int command_key_rotate(struct args *args, json_t *request)
{
	int err = command_operands(args, 1, 1, "the certificate that 'cmactl root sign' printed");

	if (err)
		return err;
	json_object_set_new(request, "do", json_string("key.rotate"));
	json_object_set_new(request, "certificate", json_bytes(SPAN_TEXT(args->operands[0])));
	return 0;
}

int command_key_retire(struct args *args, json_t *request)
{
	return key_request(args, request, "key.retire");
}
