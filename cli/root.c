// SPDX-License-Identifier: Apache-2.0
/*
 * Commands about the root key, which signs the keys of the CMA: create, show, sign. They need no
 * CMA: this is for a machine that has no network. The file holds the 32 bytes of the seed, 0600.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "wire/certificate.h"

/* Whatever is wrong with a file is no wrong usage. */
static int complain(struct args *args, const char *path, int err)
{
	snprintf(args->error, sizeof(args->error), "%s: %s", path,
		err == -EPERM		 ? "others than its owner can read or write it"
			: err == -EINVAL ? "it is no root key (32 bytes)"
					 : strerror(-err));
	return err == -EINVAL ? -EIO : err;
}

static void show(struct output *output, const char *name, const char *text)
{
	json_t *columns autojson = json_pack("[s]", name), *row autojson = json_pack("[s]", text);

	output_begin(output, columns, NULL);
	output_row(output, row);
	output_end(output);
}

static void show_public(struct output *output, const struct key_pair *secret)
{
	struct sign_pair root;
	char text[KEYS_TEXT_SIZE];

	sign_from_seed(&root, secret->secret);
	keys_text(root.public, text);
	show(output, "key", text);
	seal_wipe(&root, sizeof(root));
}

/* open: keys_create or keys_load. */
static int open_and_show(
	struct args *args, struct output *output, int (*open)(int, const char *, struct key_pair *))
{
	struct key_pair secret;
	int err = command_operands(args, 1, 1, "a file");

	if (err)
		return err;
	err = seal_init();
	if (!err)
		err = open(AT_FDCWD, args->operands[0], &secret);
	if (err)
		return complain(args, args->operands[0], err);
	show_public(output, &secret);
	seal_wipe(&secret, sizeof(secret));
	return 0;
}

int command_root_create(struct args *args, struct output *output)
{
	return open_and_show(args, output, keys_create);
}

int command_root_show(struct args *args, struct output *output)
{
	return open_and_show(args, output, keys_load);
}

static int read_certificate(struct args *args, struct certificate *certificate)
{
	int64_t serial;

	if (keys_parse(args->operands[1], certificate->key)) {
		snprintf(args->error, sizeof(args->error),
			"'%s' is no public key: 'cmactl key next' prints it", args->operands[1]);
		return -EINVAL;
	}
	if (text_parse_number(args->operands[2], 1, UINT32_MAX, &serial)) {
		snprintf(args->error, sizeof(args->error),
			"serial '%s' must be a number from 1, greater than the one before",
			args->operands[2]);
		return -EINVAL;
	}
	certificate->serial = (uint32_t)serial;
	return 0;
}

int command_root_sign(struct args *args, struct output *output)
{
	struct certificate certificate;
	uint8_t bytes[CERTIFICATE_SIZE];
	char text[CERTIFICATE_TEXT_SIZE];
	struct key_pair secret;
	struct sign_pair root;
	int err = command_operands(args, 3, 3, "a file, a public key and a serial number");

	if (!err)
		err = read_certificate(args, &certificate);
	if (err)
		return err;
	err = keys_load(AT_FDCWD, args->operands[0], &secret);
	if (err)
		return complain(args, args->operands[0], err);
	sign_from_seed(&root, secret.secret);
	certificate_sign(&certificate, &root, bytes);
	certificate_text(bytes, text);
	show(output, "certificate", text);
	seal_wipe(&root, sizeof(root));
	seal_wipe(&secret, sizeof(secret));
	return 0;
}
