// SPDX-License-Identifier: Apache-2.0
/*
 * test_sim [-c CASE] [-s SEED] [-n SEEDS] [-p PACKETS] [-t SECONDS] [-j PROCESSES]: agents and CMA
 * over a bad network. world.h says what is watched, cases.c what happens, runner.h when it ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/runner.h"
#include "wire/seal.h"

static int usage(void)
{
	fprintf(stderr,
		"usage: test_sim [-c case] [-s seed] [-n seeds] [-p packets] [-t seconds]"
		" [-j processes]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct runner_config config = { .seed = 1, .processes = 1 };
	uint64_t failed;
	int option;

	while ((option = getopt(argc, argv, "c:s:n:p:t:j:")) != -1) {
		if (option == 'c')
			config.only = optarg;
		else if (option == 's')
			config.seed = strtoull(optarg, NULL, 10);
		else if (option == 'n')
			config.seeds = strtoull(optarg, NULL, 10);
		else if (option == 'p')
			config.packets = strtoull(optarg, NULL, 10);
		else if (option == 't')
			config.seconds = strtoll(optarg, NULL, 10);
		else if (option == 'j')
			config.processes = (unsigned)strtoul(optarg, NULL, 10);
		else
			return usage();
	}
	if (optind < argc || seal_init())
		return usage();
	failed = runner_run(&config);
	printf("%d passed, %d failed\n", failed == 0, failed != 0);
	return failed != 0;
}
