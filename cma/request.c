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
	{ "events", request_events },
	{ "maintenance.set", request_maintenance_set },
	{ "token.create", request_token_create },
	{ "token.revoke", request_token_revoke },
	{ "pending", request_pending },
	{ "approve", request_approve },
	{ "revoke", request_revoke },
	{ "incident.clear", request_incident_clear },
	{ "command.submit", request_command_submit },
	{ "key.status", request_key_status },
	{ "key.next", request_key_next },
	{ "key.rotate", request_key_rotate },
	{ "key.retire", request_key_retire },
	{ .name = NULL },
};

const char *request_tenant(const json_t *request)
{
	const char *tenant = json_get_text(request, "tenant");

	return *tenant ? tenant : "default";
}
