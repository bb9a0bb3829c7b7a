// SPDX-License-Identifier: Apache-2.0
/* Commands that ask the graph: query, query list, history, explain. */
#include "cli/command.h"

static int set_do(json_t *request, const char *what)
{
	return json_object_set_new(request, "do", json_string(what));
}

int command_query_list(struct args *args, json_t *request)
{
	set_do(request, "queries");
	return command_operands(args, 0, 0, "");
}

/* "NAME param=value ...", with NAME under the given key. */
static int named_request(struct args *args, json_t *request, const char *key, const char *what)
{
	int err = command_operands(args, 1, ARGS_OPERANDS_MAX, what);

	if (err)
		return err;
	json_object_set_new(request, key, json_bytes(SPAN_TEXT(args->operands[0])));
	return command_params(args, 1, request);
}

int command_query(struct args *args, json_t *request)
{
	set_do(request, "query");
	return named_request(
		args, request, "name", "the NAME of a query (see 'cmactl query list')");
}

int command_history(struct args *args, json_t *request)
{
	set_do(request, "history");
	return named_request(args, request, "host", "the HOST");
}

int command_explain(struct args *args, json_t *request)
{
	set_do(request, "explain");
	return named_request(args, request, "name", "the NAME of what to explain");
}
