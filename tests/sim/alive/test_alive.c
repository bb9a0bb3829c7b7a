// SPDX-License-Identifier: Apache-2.0
/*
 * test_alive [-l] [-v] [-p PART] [-s SEED] [-n COUNT] [-j PROCESSES]: who is alive, and what
 * failed, for many hosts on a virtual clock. scene.h says what is real in it. -l: all of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/alive/part.h"
#include "wire/seal.h"

static const struct {
	const char *name;
	uint64_t (*run)(const struct part_config *config);
} parts[] = {
	{ "time", part_time },
	{ "loss", part_loss },
	{ "stall", part_stall },
	{ "cause", part_cause },
	{ "storm", part_storm },
	{ "rules", part_rules },
};

static int usage(void)
{
	fprintf(stderr,
		"usage: test_alive [-l] [-v] [-p part] [-s seed] [-n count] [-j processes]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct part_config config = { .seed = 1, .processes = 1 };
	const char *only = NULL;
	unsigned passed = 0, failed = 0;
	int option;

	while ((option = getopt(argc, argv, "lvp:s:n:j:")) != -1) {
		if (option == 'l')
			config.longer = true;
		else if (option == 'v')
			config.verbose = true;
		else if (option == 'p')
			only = optarg;
		else if (option == 's')
			config.seed = strtoull(optarg, NULL, 10);
		else if (option == 'n')
			config.count = strtoull(optarg, NULL, 10);
		else if (option == 'j')
			config.processes = (unsigned)strtoul(optarg, NULL, 10);
		else
			return usage();
	}
	if (optind < argc || seal_init())
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool wrong;

		if (only && strcmp(only, parts[i].name) != 0)
			continue;
		wrong = parts[i].run(&config) > 0;
		passed += !wrong;
		failed += wrong;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0 || !passed;
}
