// SPDX-License-Identifier: Apache-2.0
/* Commands about what went wrong: incidents, incident clear, events, maintenance. */
#include "cli/command.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static void set_query(json_t *request, const char *name)
{
	json_object_set_new(request, "do", json_string("query"));
	json_object_set_new(request, "name", json_string(name));
}

static void set_param(json_t *request, const char *name, json_t *value)
{
	json_object_set_new(json_object_get(request, "params"), name, value);
}

static int incident_number(struct args *args, int64_t *id)
{
	if (!text_parse_number(args->operands[0], 1, INT64_MAX, id))
		return 0;
	snprintf(args->error, sizeof(args->error), "'%s' is no number of an incident",
		args->operands[0]);
	return -EINVAL;
}

int command_incidents(struct args *args, json_t *request)
{
	bool one = args->operand_count && !strchr(args->operands[0], '=');
	int64_t id = 0;
	int err = one ? incident_number(args, &id) : 0;

	if (err)
		return err;
	set_query(request, one ? "incidenthosts" : "incidents");
	err = command_params(args, one, request);
	if (!err && one && args->options[ARGS_ALL]) {
		snprintf(args->error, sizeof(args->error),
			"option '--all' does not go with an incident");
		return -EINVAL;
	}
	if (one)
		set_param(request, "incident", json_integer(id));
	else if (args->options[ARGS_ALL])
		set_param(request, "all", json_string("yes"));
	return err;
}

int command_incident_clear(struct args *args, json_t *request)
{
	int err = command_operands(args, 1, 1, "the ID of an incident (see 'cmactl incidents')");
	int64_t id = 0;

	if (!err)
		err = incident_number(args, &id);
	if (err)
		return err;
	json_object_set_new(request, "do", json_string("incident.clear"));
	json_object_set_new(request, "id", json_integer(id));
	return 0;
}

int command_events(struct args *args, json_t *request)
{
	bool follow = args->options[ARGS_FOLLOW] != NULL;
	const char *since = args->options[ARGS_SINCE];

	json_object_set_new(request, "do", json_string("events"));
	if (command_params(args, 0, request))
		return -EINVAL;
	if (follow)
		json_object_set_new(request, "follow", json_true());
	if (since || follow)
		set_param(request, "since", json_bytes(SPAN_TEXT(since ? since : "now")));
	return 0;
}

/* "HOST on|off" */
static int set_maintenance(struct args *args, json_t *request)
{
	static const struct {
		enum args_option option;
		const char *key;
	} more[] = { { ARGS_UNTIL, "until" }, { ARGS_NOTE, "note" } };
	const char *state = args->operands[1];
	bool on = !strcmp(state, "on");

	if (!on && strcmp(state, "off") != 0) {
		snprintf(args->error, sizeof(args->error), "'%s' is neither 'on' nor 'off'", state);
		return -EINVAL;
	}
	json_object_set_new(request, "do", json_string("maintenance.set"));
	json_object_set_new(request, "node", json_bytes(SPAN_TEXT(args->operands[0])));
	json_object_set_new(request, "state", json_string(state));
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		const char *value = args->options[more[i].option];

		if (value && !on) {
			snprintf(args->error, sizeof(args->error),
				"option '--%s' does not go with 'off'", more[i].key);
			return -EINVAL;
		}
		if (value)
			json_object_set_new(request, more[i].key, json_bytes(SPAN_TEXT(value)));
	}
	return 0;
}

int command_maintenance(struct args *args, json_t *request)
{
	bool all = args->options[ARGS_ALL] != NULL;

	if (args->operand_count) {
		if (command_operands(args, 2, 2, "'on' or 'off' behind the HOST or SWITCH"))
			return -EINVAL;
		return set_maintenance(args, request);
	}
	if (args->options[ARGS_UNTIL] || args->options[ARGS_NOTE]) {
		snprintf(args->error, sizeof(args->error), "the HOST or SWITCH is missing");
		return -EINVAL;
	}
	set_query(request, "maintenance");
	json_object_set_new(request, "params", json_object());
	if (all)
		set_param(request, "all", json_string("yes"));
	return 0;
}
