// SPDX-License-Identifier: Apache-2.0
/* cma: takes what nanoprobes say, keeps the graph, answers questions about it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cma/notify.h"
#include "cma/server.h"

#define CONFIG_DEFAULT	SYSCONFDIR "/assim/cma.conf"
#define QUERIES_DEFAULT SYSCONFDIR "/assim/queries.d"
#define RULES_DEFAULT	SYSCONFDIR "/assim/rules.d"

enum { EXIT_USAGE = 2 };

static const struct option_def options[] = {
	{ "config", OPTION_TEXT, "FILE", NULL,
		"read options from FILE (default " CONFIG_DEFAULT " when there is one)", true },
	{ "state-dir", OPTION_TEXT, "DIR", "/var/lib/assim/cma", "where graph and key are kept",
		false },
	{ "listen", OPTION_ADDRESS, "ADDR:PORT", "0.0.0.0:1984", "UDP address for nanoprobes",
		false },
	{ "multicast", OPTION_CHOICE, "yes|no", "yes",
		"hear nanoprobes that call 224.0.2.5 (with a wildcard --listen)", false },
	{ "public-address", OPTION_ADDRESS, "ADDR:PORT", NULL,
		"what tokens tell nanoprobes to call (default: an address of this host)", false },
	{ "root-key", OPTION_TEXT, "KEY", NULL,
		"public key of 'cmactl root create', which signs the next keys of this CMA",
		false },
	{ "ring-degree", OPTION_CHOICE, "2|4|off", "2",
		"neighbours that each host exchanges heartbeats with", false },
	{ "heartbeat-interval", OPTION_DURATION, "TIME", "1s", "time between two heartbeats",
		false },
	{ "control", OPTION_TEXT, "PATH", "/run/assim/cma.sock", "control socket for cmactl",
		false },
	{ "control-group", OPTION_TEXT, "GROUP", NULL, "whose members may use it, beside root",
		false },
	{ "user", OPTION_TEXT, "USER", NULL,
		"run as USER once the sockets are open (default: who started it)", false },
	{ "queries-dir", OPTION_TEXT, "DIR", QUERIES_DEFAULT, "more canned queries (*.sql)",
		false },
	{ "rules-dir", OPTION_TEXT, "DIR", RULES_DEFAULT, "more rules (*.sql)", false },
	{ "alert", OPTION_LIST, "SINK", NULL,
		"whom to tell what happened: exec PATH, journal, syslog or webhook URL; "
		"may be given again",
		false },
	{ "alert-user", OPTION_TEXT, "USER", "nobody", "who runs the sinks, if root starts us",
		false },
	{ "log-level", OPTION_CHOICE, "error|warn|info|debug", "info", "how much to tell", false },
	{ "print-config", OPTION_FLAG, "", NULL, "print the options as they are in force", true },
	{ "version", OPTION_FLAG, "", NULL, "print the version", true },
	{ "help", OPTION_FLAG, "", NULL, "print this text", true },
	{ .name = NULL },
};

static int read_file(struct config *config, const struct log *log)
{
	const char *path = config_text(config, "config");
	int err;

	if (!path && access(CONFIG_DEFAULT, F_OK))
		return 0;
	err = config_parse_file(config, path ? path : CONFIG_DEFAULT);
	if (err)
		log_error(log, "%s", config->error);
	return err;
}

static int print_help(const struct config *config)
{
	puts("usage: cma [OPTION ...]\nCollective Management Authority.\n");
	config_print_help(config, stdout);
	return EXIT_SUCCESS;
}

static int serve(const struct config *config, const struct log *log)
{
	char address[ADDR_TEXT_SIZE];
	struct server server;
	int err = server_open(&server, config, log);

	if (!err) {
		addr_text(&server.address, address);
		log_info(log, "version " VERSION ", listening on %s, control socket %s", address,
			config_text(config, "control"));
		notify_send(getenv("NOTIFY_SOCKET"), "READY=1");
		server_run(&server);
		notify_send(getenv("NOTIFY_SOCKET"), "STOPPING=1");
		log_info(log, "ended");
	}
	server_close(&server);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct config *config, int argc, char **argv, struct log *log)
{
	int operands;

	if (config_parse_args(config, argc, argv, true, &operands)) {
		log_error(log, "%s (see --help)", config->error);
		return EXIT_USAGE;
	}
	if (config_flag(config, "help"))
		return print_help(config);
	if (config_flag(config, "version"))
		return puts("cma " VERSION) < 0;
	if (read_file(config, log))
		return EXIT_USAGE;
	if (config_flag(config, "print-config")) {
		config_print(config, stdout);
		return EXIT_SUCCESS;
	}
	log_level_parse(config_text(config, "log-level"), &log->level);
	return serve(config, log);
}

int main(int argc, char **argv)
{
	struct log log = log_open("cma");
	struct config config;
	int code;

	signal(SIGPIPE, SIG_IGN);
	json_init();
	config_init(&config, options);
	code = run(&config, argc, argv, &log);
	config_free(&config);
	return code;
}
