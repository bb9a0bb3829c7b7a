// SPDX-License-Identifier: Apache-2.0
#include "cma/request.h"

const struct control_request requests[] = {
	{ "status", request_status },
	{ "hosts", request_hosts },
	{ "queries", request_queries },
	{ "query", request_query },
	{ "history", request_history },
	{ "explain", request_explain },
	{ "watch", request_watch },
	{ "token.create", request_token_create },
	{ "command.submit", request_command_submit },
	{ .name = NULL },
};

const char *request_tenant(const json_t *request)
{
	const char *tenant = json_get_text(request, "tenant");

	return *tenant ? tenant : "default";
}
