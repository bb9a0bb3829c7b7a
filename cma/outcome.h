/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_OUTCOME_H
#define CMA_OUTCOME_H
/* What the network thread is told of jobs that are committed. On the store's thread. */
#include "cma/job.h"
#include "cma/store.h"

typedef void outcome_fn(void *owner, const struct store_result *result);
/* jobs are sorted by agent, and were acted on. */
void outcome_tell(
	struct act *act, struct job *const *jobs, size_t count, outcome_fn *fn, void *owner);

#endif
