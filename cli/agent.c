// SPDX-License-Identifier: Apache-2.0
/* Commands about who may talk to the CMA. */
#include "cli/command.h"

#include <errno.h>

#include "base/text.h"

static int named_query(struct args *args, json_t *request, const char *name)
{
	json_object_set_new(request, "do", json_string("query"));
	json_object_set_new(request, "name", json_string(name));
	return command_params(args, 0, request);
}

int command_agents(struct args *args, json_t *request)
{
	return named_query(args, request, "agents");
}

int command_tokens(struct args *args, json_t *request)
{
	return named_query(args, request, "tokens");
}

int command_pending(struct args *args, json_t *request)
{
	json_object_set_new(request, "do", json_string("pending"));
	return command_operands(args, 0, 0, "");
}

/* "do" and the one operand, under key. */
static int about_one(
	struct args *args, json_t *request, const char *what, const char *key, const char *missing)
{
	int err = command_operands(args, 1, 1, missing);

	if (err)
		return err;
	json_object_set_new(request, "do", json_string(what));
	json_object_set_new(request, key, json_bytes(SPAN_TEXT(args->operands[0])));
	return 0;
}

int command_approve(struct args *args, json_t *request)
{
	return about_one(args, request, "approve", "agent",
		"the FINGERPRINT of an agent (see 'cmactl pending')");
}

int command_revoke(struct args *args, json_t *request)
{
	return about_one(
		args, request, "revoke", "agent", "the FINGERPRINT or HOST (see 'cmactl agents')");
}

int command_token_revoke(struct args *args, json_t *request)
{
	return about_one(
		args, request, "token.revoke", "id", "the ID of a token (see 'cmactl tokens')");
}
