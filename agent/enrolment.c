// SPDX-License-Identifier: Apache-2.0
#include "agent/enrolment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "wire/keys.h"

/* An optional key: *there tells whether it was given. */
static bool parse_key(const json_t *object, const char *name, uint8_t key[SEAL_KEY], bool *there)
{
	*there = json_object_get(object, name) != NULL;
	return !*there || !keys_parse(json_get_text(object, name), key);
}

static bool parse(struct enrolment *enrolment, const json_t *object)
{
	json_int_t serial = json_integer_value(json_object_get(object, "serial"));
	bool pinned;

	memset(enrolment, 0, sizeof(*enrolment));
	if (addr_parse(json_get_text(object, "cma"), &enrolment->cma) ||
		keys_parse(json_get_text(object, "cma_key"), enrolment->cma_key) ||
		keys_parse(json_get_text(object, "psk"), enrolment->psk) ||
		!parse_key(object, "pinned", enrolment->pinned, &pinned) ||
		!parse_key(object, "root", enrolment->root, &enrolment->has_root) || serial < 0 ||
		serial > UINT32_MAX)
		return false;
	if (!pinned)
		memcpy(enrolment->pinned, enrolment->cma_key, SEAL_KEY);
	enrolment->serial = (uint32_t)serial;
	return true;
}

int enrolment_load(int dir, struct enrolment *enrolment, char *why, size_t why_size)
{
	char *text autofree = file_read(dir, "enrolment", ENROLMENT_FILE_MAX, NULL);
	json_t *object autojson = NULL;
	int err = -errno;

	if (!text && err == -ENOENT)
		return 0;
	if (!text) {
		snprintf(why, why_size, "%s", strerror(-err));
		return err;
	}
	snprintf(why, why_size, "not an enrolment");
	object = json_parse(SPAN_TEXT(text), ENROLMENT_FILE_MAX, why, why_size);
	seal_wipe(text, strlen(text));
	return object && parse(enrolment, object) ? 1 : -EINVAL;
}

static void set_key(json_t *object, const char *name, const uint8_t key[SEAL_KEY])
{
	char text[KEYS_TEXT_SIZE];

	keys_text(key, text);
	json_set_text(object, name, text);
	seal_wipe(text, sizeof(text));
}

int enrolment_keep(int dir, const struct enrolment *enrolment)
{
	json_t *object autojson = json_object();
	char *text autofree = NULL;
	char cma[ADDR_TEXT_SIZE];
	int err;

	addr_text(&enrolment->cma, cma);
	json_set_text(object, "cma", cma);
	set_key(object, "cma_key", enrolment->cma_key);
	set_key(object, "pinned", enrolment->pinned);
	set_key(object, "psk", enrolment->psk);
	if (enrolment->has_root) {
		set_key(object, "root", enrolment->root);
		json_object_set_new(object, "serial", json_integer(enrolment->serial));
	}
	text = json_text(object);
	err = file_replace(dir, "enrolment", text, strlen(text), 0600);
	seal_wipe(text, strlen(text));
	return err;
}
