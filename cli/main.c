// SPDX-License-Identifier: Apache-2.0
/* cmactl: what a person or a script asks the CMA. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/escape.h"

enum { EXIT_ERROR = 1, EXIT_USAGE = 2 };

static int complain(const char *what, int code)
{
	char *safe autofree = escape_text(what);

	fflush(stdout);
	fprintf(stderr, "cmactl: %s\n", safe);
	return code;
}

/* Text widths need a locale with UTF-8; a minimal system has none set. */
static void use_utf8(void)
{
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static int ask(struct args *args, const struct command *command, struct output *output)
{
	const char *path = args->options[ARGS_CONTROL], *tenant = args->options[ARGS_TENANT];
	json_t *request autojson = json_object();
	struct client client = { .usage = false };

	if (tenant)
		json_object_set_new(request, "tenant", json_bytes(SPAN_TEXT(tenant)));
	if (command->request(args, request))
		return complain(args->error, EXIT_USAGE);
	if (client_ask(&client, path ? path : COMMAND_CONTROL_DEFAULT, request, output))
		return complain(
			client.error, client.usage || *output->error ? EXIT_USAGE : EXIT_ERROR);
	if (fflush(stdout) || ferror(stdout))
		return complain(strerror(errno), EXIT_ERROR);
	return EXIT_SUCCESS;
}

/* What a command of its own made of it. */
static int run_own(struct args *args, const struct command *command, struct output *output)
{
	int err = command->run(args, output);

	if (err < 0)
		return complain(args->error, err == -EINVAL ? EXIT_USAGE : EXIT_ERROR);
	if (fflush(stdout) || ferror(stdout))
		return complain(strerror(errno), EXIT_ERROR);
	return err ? EXIT_ERROR : EXIT_SUCCESS;
}

static int run(struct args *args)
{
	const struct command *command;
	enum output_style style;
	struct output output;
	int code;

	if (args->options[ARGS_VERSION]) {
		puts("cmactl " VERSION);
		return EXIT_SUCCESS;
	}
	if (args->options[ARGS_HELP] && !args->operand_count) {
		command_help(NULL, stdout);
		return EXIT_SUCCESS;
	}
	command = command_find(args);
	if (!command || command_check_options(command, args))
		return complain(args->error, EXIT_USAGE);
	if (args->options[ARGS_HELP]) {
		command_help(command, stdout);
		return EXIT_SUCCESS;
	}
	style = args->options[ARGS_FOLLOW] ? OUTPUT_LIVE : command->style;
	if (output_open(&output, args->options[ARGS_OUTPUT], style, stdout))
		return complain(output.error, EXIT_USAGE);
	code = command->run ? run_own(args, command, &output) : ask(args, command, &output);
	output_close(&output);
	return code;
}

int main(int argc, char **argv)
{
	struct args args;

	/* `cmactl ... | head` ends quietly, whoever started us. */
	signal(SIGPIPE, SIG_DFL);
	use_utf8();
	json_init();
	if (args_parse(&args, argc, argv))
		return complain(args.error, EXIT_USAGE);
	return run(&args);
}
