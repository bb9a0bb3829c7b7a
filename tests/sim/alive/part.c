// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/alive/part.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double part_quantile(double *samples, size_t count, double share)
{
	size_t at = (size_t)(share * (double)count);

	if (!count)
		return 0;
	qsort(samples, count, sizeof(*samples), compare);
	return samples[at < count ? at : count - 1];
}
