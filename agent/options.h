/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H
/* The command line and the configuration file of nanoprobe(8). */
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/log.h"

enum { OPTIONS_RUN = 0, OPTIONS_DONE = 1 };

/* Values are borrowed from config; NULL where unset. */
struct options {
	struct config config;
	const char *state_dir;
	bool accept_machine_id;
	const char *token;
	const char *cma_key;
	const char *root_key;
	const char *cma;
	bool own_netns;
	const char *lldpd_socket;
	const char *policy;
	const char *hostname;
	const char *user;
	int64_t edge_ttl_ms;
	const char *reflector; /* off, tc or xdp */
	const char *reflector_interfaces;
	uint16_t beat_port;
	enum log_level log_level;
	bool once, json, dry_run;
};

/*
 * Reads the command line and then the file that --config names, else SYSCONFDIR/assim/
 * nanoprobe.conf if there is one. OPTIONS_RUN; OPTIONS_DONE when --help, --version or
 * --print-config was all that was asked and has been printed; -errno with config.error set.
 * End it with options_free in every case.
 */
int options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
