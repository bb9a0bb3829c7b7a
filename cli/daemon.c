// SPDX-License-Identifier: Apache-2.0
/* Commands about the CMA itself and its agents: status, hosts, watch, token create. */
#include "cli/command.h"

#include <errno.h>

#include "base/text.h"

enum { TOKEN_USES_MAX = 1000000000 };

int command_status(struct args *args, json_t *request)
{
	json_object_set_new(request, "do", json_string("status"));
	return command_operands(args, 0, 0, "");
}

int command_hosts(struct args *args, json_t *request)
{
	json_object_set_new(request, "do", json_string("hosts"));
	return command_operands(args, 0, 0, "");
}

int command_watch(struct args *args, json_t *request)
{
	json_object_set_new(request, "do", json_string("watch"));
	return command_params(args, 0, request);
}

int command_token_create(struct args *args, json_t *request)
{
	const char *ttl = args->options[ARGS_TTL], *uses = args->options[ARGS_USES];
	int64_t value;

	json_object_set_new(request, "do", json_string("token.create"));
	if (ttl && (text_parse_duration(ttl, &value) || !value)) {
		snprintf(args->error, sizeof(args->error),
			"--ttl '%s': must be a duration such as 90s, 15m, 24h or 7d", ttl);
		return -EINVAL;
	}
	if (ttl)
		json_object_set_new(request, "ttl_ms", json_integer(value));
	if (uses && text_parse_number(uses, 1, TOKEN_USES_MAX, &value)) {
		snprintf(args->error, sizeof(args->error),
			"--uses '%s': must be a number from 1 to %d", uses, TOKEN_USES_MAX);
		return -EINVAL;
	}
	if (uses)
		json_object_set_new(request, "uses", json_integer(value));
	return command_operands(args, 0, 0, "");
}
