// SPDX-License-Identifier: Apache-2.0
#include "agent/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/text.h"

#define DEFAULT_CONFIG SYSCONFDIR "/assim/nanoprobe.conf"

static const struct option_def defs[] = {
	{ .name = "state-dir",
		.argument = "DIR",
		.initial = "/var/lib/assim/nanoprobe",
		.help = "keys and enrolment of this host" },
	{ .name = "accept-machine-id",
		.type = OPTION_FLAG,
		.help = "this is the host of the state directory, though its machine-id changed" },
	{ .name = "token",
		.argument = "TOKEN",
		.help = "enrol with what 'cmactl token create' printed" },
	{ .name = "cma-key",
		.argument = "KEY",
		.help = "without a token: ask the CMA with this public key to be let in" },
	{ .name = "root-key",
		.argument = "KEY",
		.help = "the CMA's root key, which signs its next key (default: of the token)" },
	{ .name = "cma",
		.argument = "ADDR:PORT|multicast",
		.help = "the CMA, when not where the token says" },
	{ .name = "scope",
		.type = OPTION_CHOICE,
		.argument = "host|netns",
		.initial = "host",
		.help = "watch all network namespaces or only our own" },
	{ .name = "lldpd-socket",
		.argument = "PATH",
		.initial = "/run/lldpd.socket",
		.help = "control socket of lldpd" },
	{ .name = "policy",
		.argument = "FILE",
		.initial = SYSCONFDIR "/assim/policy.conf",
		.help = "who may have this host do what" },
	{ .name = "hostname", .argument = "NAME", .help = "call this host NAME" },
	{ .name = "user",
		.argument = "USER",
		.help = "run the network process as USER (default _nanoprobe, else nobody)" },
	{ .name = "edge-ttl",
		.type = OPTION_DURATION,
		.argument = "DURATION",
		.initial = "24h",
		.help = "forget a connection that was not used for so long" },
	{ .name = "reflector",
		.type = OPTION_CHOICE,
		.argument = "off|tc|xdp",
		.initial = "off",
		.help = "let the kernel answer the CMA when this program is stopped" },
	{ .name = "reflector-interfaces",
		.argument = "NAME,...",
		.help = "where it answers (default: where there is an address)" },
	{ .name = "beat-port",
		.argument = "PORT",
		.initial = "1985",
		.help = "UDP port of heartbeats with neighbours; 0: none" },
	{ .name = "log-level",
		.type = OPTION_CHOICE,
		.argument = "error|warn|info|debug",
		.initial = "info",
		.help = "least important lines to log" },
	{ .name = "config",
		.argument = "FILE",
		.help = "read options from FILE (default " DEFAULT_CONFIG ")",
		.action = true },
	{ .name = "once",
		.type = OPTION_FLAG,
		.help = "print what is there now and exit; needs no CMA",
		.action = true },
	{ .name = "json",
		.type = OPTION_FLAG,
		.help = "with --once: one JSON document; with --dry-run: one object a line",
		.action = true },
	{ .name = "dry-run",
		.type = OPTION_FLAG,
		.help = "print each change instead of telling a CMA",
		.action = true },
	{ .name = "print-config",
		.type = OPTION_FLAG,
		.help = "print the options in force and exit",
		.action = true },
	{ .name = "version",
		.type = OPTION_FLAG,
		.help = "print the version and exit",
		.action = true },
	{ .name = "help", .type = OPTION_FLAG, .help = "print this and exit", .action = true },
	{ .name = NULL },
};

static int read_file(struct config *config)
{
	const char *path = config_text(config, "config");

	if (!path && access(DEFAULT_CONFIG, F_OK) && errno == ENOENT)
		return 0;
	return config_parse_file(config, path ? path : DEFAULT_CONFIG);
}

static void take_values(struct options *options)
{
	const struct config *config = &options->config;

	options->state_dir = config_text(config, "state-dir");
	options->accept_machine_id = config_flag(config, "accept-machine-id");
	options->token = config_text(config, "token");
	options->cma_key = config_text(config, "cma-key");
	options->root_key = config_text(config, "root-key");
	options->cma = config_text(config, "cma");
	options->own_netns = !strcmp(config_text(config, "scope"), "netns");
	options->lldpd_socket = config_text(config, "lldpd-socket");
	options->policy = config_text(config, "policy");
	options->hostname = config_text(config, "hostname");
	options->user = config_text(config, "user");
	options->edge_ttl_ms = config_duration_ms(config, "edge-ttl");
	options->reflector = config_text(config, "reflector");
	options->reflector_interfaces = config_text(config, "reflector-interfaces");
	options->once = config_flag(config, "once");
	options->json = config_flag(config, "json");
	options->dry_run = config_flag(config, "dry-run");
	log_level_parse(config_text(config, "log-level"), &options->log_level);
}

static int complain(struct config *config, const char *what)
{
	snprintf(config->error, sizeof(config->error), "%s", what);
	return -EINVAL;
}

static int check(struct options *options)
{
	struct addr addr;
	int64_t port;

	if (options->json && !options->once && !options->dry_run)
		return complain(&options->config, "--json needs --once or --dry-run");
	if (options->once && options->dry_run)
		return complain(&options->config, "--once and --dry-run exclude each other");
	if (options->cma && strcmp(options->cma, "multicast") && addr_parse(options->cma, &addr)) {
		snprintf(options->config.error, sizeof(options->config.error),
			"--cma '%s': must be ADDRESS:PORT with a numeric address ([v6]:PORT), or "
			"multicast",
			options->cma);
		return -EINVAL;
	}
	if (text_parse_number(config_text(&options->config, "beat-port"), 0, UINT16_MAX, &port)) {
		snprintf(options->config.error, sizeof(options->config.error),
			"--beat-port '%s': must be a number from 0 to 65535",
			config_text(&options->config, "beat-port"));
		return -EINVAL;
	}
	options->beat_port = (uint16_t)port;
	if (options->token && options->cma_key)
		return complain(&options->config, "--token and --cma-key exclude each other");
	if (options->hostname && strlen(options->hostname) > HOST_NAME_MAX)
		return complain(&options->config, "--hostname is longer than 64 bytes");
	return 0;
}

/* What is only asked for and printed. */
static bool print_and_done(const struct config *config)
{
	if (config_flag(config, "help")) {
		puts("usage: nanoprobe --state-dir DIR --token TOKEN [option ...]\n"
		     "       nanoprobe --once [--json]\n"
		     "       nanoprobe --dry-run\n"
		     "Watches this host and tells a CMA what changes. See nanoprobe(8).\n");
		config_print_help(config, stdout);
	} else if (config_flag(config, "version")) {
		puts("nanoprobe " VERSION);
	} else {
		return false;
	}
	return true;
}

int options_read(struct options *options, int argc, char **argv)
{
	struct config *config = &options->config;
	int operands, err;

	*options = (struct options){ .once = false };
	config_init(config, defs);
	err = config_parse_args(config, argc, argv, true, &operands);
	if (!err && print_and_done(config))
		return OPTIONS_DONE;
	if (!err)
		err = read_file(config);
	if (err)
		return err;
	take_values(options);
	err = check(options);
	if (!err && config_flag(config, "print-config")) {
		config_print(config, stdout);
		return OPTIONS_DONE;
	}
	return err;
}

void options_free(struct options *options)
{
	config_free(&options->config);
}
