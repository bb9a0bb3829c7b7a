// SPDX-License-Identifier: Apache-2.0
/*
 * nanoprobe: two processes. This one stays privileged and watches (sense.h); the one it forks has
 * no privileges and talks to the CMA (net.h). When either ends, so does the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/boot.h"
#include "agent/confine.h"
#include "agent/identity.h"
#include "agent/ipc.h"
#include "agent/net.h"
#include "agent/once.h"
#include "agent/options.h"
#include "agent/sense.h"
#include "base/json.h"
#include "base/privilege.h"
#include "discover/discover.h"

enum { EXIT_USAGE = 2, ERROR_SIZE = 512 };

struct nanoprobe {
	struct options options;
	struct log log;
	struct identity identity;
	struct privilege_user user;
	int ends[2]; /* of the socket pair: sense, net */
	uint64_t run;
};

/* The facts of this host that come from its files. */
static void discover_host(void *user, sense_emit_fn *emit, void *owner)
{
	const struct nanoprobe *nanoprobe = user;
	struct discover_sink sink = { .owner = owner, .fact = emit };
	struct discover_host host = { .hostname = nanoprobe->options.hostname };
	int root autoclose = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct utsname uts;

	if (root < 0 || uname(&uts))
		return;
	host.root = root;
	host.uts = &uts;
	discover_run(&host, &sink);
}

static void keep_enrolment(void *user)
{
	struct nanoprobe *nanoprobe = user;
	int err = identity_keep(&nanoprobe->identity);

	if (err)
		log_error(&nanoprobe->log, "cannot keep the enrolment in %s: %s",
			nanoprobe->options.state_dir, strerror(-err));
	else
		log_info(&nanoprobe->log, "enrolled%s",
			nanoprobe->identity.has_token ? "; the token is needed no more" : "");
}

/* The other process asks for it, and that may be in foreign hands: only the signature counts. */
static int keep_new_key(void *user, const uint8_t certificate[CERTIFICATE_SIZE])
{
	struct nanoprobe *nanoprobe = user;
	int err = identity_new_key(&nanoprobe->identity, certificate);

	if (!err)
		log_info(&nanoprobe->log, "the new key of the CMA is kept, serial %" PRIu32,
			nanoprobe->identity.enrolment.serial);
	else if (err != -EALREADY)
		log_error(&nanoprobe->log, "cannot keep a new key of the CMA: %s",
			err == -EACCES ? "our root key did not sign it" : strerror(-err));
	return err == -EACCES ? -EPROTO : 0;
}

static struct sense_config sense_config_of(struct nanoprobe *nanoprobe)
{
	struct sense_config config = {
		.own_netns = nanoprobe->options.own_netns,
		.edge_ttl_ms = nanoprobe->options.edge_ttl_ms,
		.reflector = nanoprobe->options.reflector,
		.reflector_interfaces = nanoprobe->options.reflector_interfaces,
		.lldpd_socket = nanoprobe->options.lldpd_socket,
		.discover = discover_host,
		.enrolled = keep_enrolment,
		.new_key = keep_new_key,
		.user = nanoprobe,
		.policy = nanoprobe->options.policy,
		.run = nanoprobe->run,
		.log = &nanoprobe->log,
	};

	memcpy(config.agent, nanoprobe->identity.key.public, sizeof(config.agent));
	return config;
}

/* No descriptor of a directory may be left: it would be a way out of the empty root. */
static uint64_t this_boot(void)
{
	int root autoclose = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return boot_hash(root);
}

/* The life of the forked process; returns its exit code. */
static int be_net(struct nanoprobe *nanoprobe)
{
	struct net_config config = {
		.identity = nanoprobe->options.dry_run ? NULL : &nanoprobe->identity,
		.dry_run = nanoprobe->options.dry_run,
		.json = nanoprobe->options.json,
		.beat_port = nanoprobe->options.beat_port,
		.boot = this_boot(),
		.run = nanoprobe->run,
		.sense = nanoprobe->ends[1],
		.log = &nanoprobe->log,
	};
	struct net *net;
	int code;

	close(nanoprobe->ends[0]);
	if (confine_net_begin(&nanoprobe->user, &nanoprobe->log) || net_new(&config, &net))
		return EXIT_FAILURE;
	identity_close(&nanoprobe->identity);
	code = confine_net(&nanoprobe->log) ? EXIT_FAILURE : net_run(net);
	net_free(net);
	return code;
}

/* The life of the first process once the other runs. */
static int be_sense(struct nanoprobe *nanoprobe, pid_t net)
{
	struct sense_config config = sense_config_of(nanoprobe);
	int err, status = 0;

	config.net = net;
	close(nanoprobe->ends[1]);
	err = sense_run(&config, nanoprobe->ends[0]);
	if (err)
		log_error(&nanoprobe->log, "cannot watch this host: %s", strerror(-err));
	close(nanoprobe->ends[0]); /* which ends the other */
	while (waitpid(net, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error(&nanoprobe->log,
			"the network process was killed for a system call that "
			"it must not make");
	else if (WIFSIGNALED(status))
		log_error(
			&nanoprobe->log, "the network process died of signal %d", WTERMSIG(status));
	return err || !WIFEXITED(status) ? EXIT_FAILURE : WEXITSTATUS(status);
}

static int run_both(struct nanoprobe *nanoprobe)
{
	int err = ipc_pair(nanoprobe->ends);
	pid_t net;

	if (err) {
		log_error(&nanoprobe->log, "socket pair: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	net = fork();
	if (net < 0) {
		log_error(&nanoprobe->log, "fork: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return net ? be_sense(nanoprobe, net) : be_net(nanoprobe);
}

static int run_daemon(struct nanoprobe *nanoprobe)
{
	const struct options *options = &nanoprobe->options;
	const struct identity_config config = {
		.state_dir = options->state_dir,
		.machine_id = "/etc/machine-id",
		.accept_machine_id = options->accept_machine_id,
		.credentials = getenv("CREDENTIALS_DIRECTORY"),
		.token = options->token,
		.cma_key = options->cma_key,
		.root_key = options->root_key,
		.cma = options->cma,
	};
	char error[ERROR_SIZE];
	int code;

	if (privilege_user(options->user, &nanoprobe->user)) {
		log_error(&nanoprobe->log, "there is no user '%s'",
			options->user ? options->user : "nobody");
		return EXIT_FAILURE;
	}
	nanoprobe->identity = (struct identity){ .dir = -1, .lock = -1 };
	if (!options->dry_run &&
		identity_open(&nanoprobe->identity, &config, error, sizeof(error))) {
		log_error(&nanoprobe->log, "%s", error);
		return EXIT_FAILURE;
	}
	seal_random(&nanoprobe->run, sizeof(nanoprobe->run));
	nanoprobe->run |= (uint64_t)1 << 63; /* not 0 */
	code = run_both(nanoprobe);
	identity_close(&nanoprobe->identity);
	return code;
}

static void warn_missing(const struct log *log)
{
	char missing[128];

	privilege_missing(missing, sizeof(missing));
	if (*missing)
		log_warn(log, "lacks %s: cannot see everything (run it as root)", missing);
}

static int run(struct nanoprobe *nanoprobe)
{
	struct sense_config config = sense_config_of(nanoprobe);

	if (seal_init()) {
		log_error(&nanoprobe->log, "no source of randomness");
		return EXIT_FAILURE;
	}
	warn_missing(&nanoprobe->log);
	if (!nanoprobe->options.once)
		return run_daemon(nanoprobe);
	return once_run(&config, nanoprobe->options.json) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Other users can read the command line of a process: the token need not stay there. */
static void hide_token(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--token=", 8))
			memset(argv[i] + 8, '*', strlen(argv[i] + 8));
		else if (!strcmp(argv[i], "--token") && i + 1 < argc)
			memset(argv[i + 1], '*', strlen(argv[i + 1]));
	}
}

int main(int argc, char **argv)
{
	struct nanoprobe nanoprobe = { .log = log_open("nanoprobe") };
	int result, code = EXIT_SUCCESS;

	mallopt(M_ARENA_MAX, 1);
	/* What libraries read from files when they are first used is not there later. */
	json_init();
	tzset();
	close_range(STDERR_FILENO + 1, ~0U, 0); /* nothing of the caller's gets to either process */
	result = options_read(&nanoprobe.options, argc, argv);
	hide_token(argc, argv);
	if (result < 0) {
		log_error(&nanoprobe.log, "%s (see nanoprobe --help)",
			nanoprobe.options.config.error);
		code = EXIT_USAGE;
	} else if (result == OPTIONS_RUN) {
		nanoprobe.log.level = nanoprobe.options.log_level;
		code = run(&nanoprobe);
	}
	options_free(&nanoprobe.options);
	return code;
}
