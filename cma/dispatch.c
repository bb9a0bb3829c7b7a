// SPDX-License-Identifier: Apache-2.0
#include "cma/dispatch.h"

#include <string.h>

#include "base/suggest.h"

static const struct control_request *find_request(
	const struct control_request *requests, const char *name, struct suggest *suggest)
{
	for (const struct control_request *r = requests; r->name; r++) {
		if (!strcmp(r->name, name))
			return r;
		suggest_offer(suggest, r->name);
	}
	return NULL;
}

void dispatch(
	const struct control_request *requests, void *user, struct span line, struct answer *answer)
{
	char why[256];
	json_t *request autojson = json_parse(line, CONTROL_REQUEST_MAX, why, sizeof(why));
	const char *name = json_get_text(request, "do");
	struct suggest suggest = { .word = name };
	const struct control_request *found;

	if (!request) {
		answer_error(answer, true, "the request is not JSON: %s", why);
		return;
	}
	if (!*name) {
		answer_error(answer, true, "the request has no \"do\"");
		return;
	}
	found = find_request(requests, name, &suggest);
	if (found)
		found->run(user, request, answer);
	else if (suggest.best)
		answer_error(answer, true, "unknown request '%s', did you mean '%s'?", name,
			suggest.best);
	else
		answer_error(answer, true, "unknown request '%s'", name);
	if (!answer->ended)
		answer_done(answer);
}
