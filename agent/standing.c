// SPDX-License-Identifier: Apache-2.0
#include "agent/standing.h"

#include <inttypes.h>

enum { SILENT_CALLS = 3 }; /* calls without an answer before the log says so */

static const char *refusal_text(enum welcome_refusal refusal)
{
	switch (refusal) {
	case WELCOME_TOKEN_EXPIRED:
		return "the token has expired; make another with 'cmactl token create'";
	case WELCOME_TOKEN_USED_UP:
		return "the token has been used up; make another with 'cmactl token create'";
	case WELCOME_OTHER_TENANT:
		return "this host belongs to another tenant than the token";
	case WELCOME_PENDING:
		return "nobody has approved this host yet";
	case WELCOME_REVOKED:
		return "this host was revoked; 'cmactl approve' lets it in again";
	case WELCOME_OK:
	case WELCOME_REFUSAL_MASK:
		break;
	}
	return "no reason that this version knows";
}

void standing_log(struct standing *standing, const struct uplink_status *status, const char *cma,
	const char *fingerprint, const struct log *log)
{
	const struct uplink_status *logged = &standing->logged;

	if (status->calls > logged->calls)
		log_debug(log, "calling the CMA at %s", cma);
	if (status->durable != logged->durable)
		log_debug(log, "the CMA has all up to %" PRIu64, status->durable);
	if (status->refusal == WELCOME_PENDING && status->refusal != logged->refusal)
		log_warn(log, "the CMA at %s waits for somebody to do 'cmactl approve %s'", cma,
			fingerprint);
	else if (status->refusal && status->refusal != logged->refusal)
		log_error(log, "the CMA at %s refuses us: %s", cma, refusal_text(status->refusal));
	else if (status->wrong_secret && !logged->wrong_secret)
		log_error(log,
			"the CMA at %s does not accept our token: was it revoked, or made by "
			"another CMA?",
			cma);
	else if (status->sessions > logged->sessions)
		log_info(log, "connected to the CMA at %s", cma);
	else if (status->calls >= SILENT_CALLS && logged->calls < SILENT_CALLS &&
		!status->wrong_secret && !status->refusal)
		log_warn(log,
			"no answer from %s yet (is a CMA running there, the one that made the "
			"token?); trying on",
			cma);
	standing->logged = *status;
}
