// SPDX-License-Identifier: Apache-2.0
#include "agent/perform.h"

#include <errno.h>
#include <string.h>

#include "agent/ipc.h"
#include "agent/sense.h"
#include "base/json.h"
#include "wire/message.h"
#include "wire/warrant.h"

void perform_command(void *owner, uint64_t now_ms, struct span warrant)
{
	const struct perform *perform = owner;
	struct sense_command command = { .op = SENSE_COMMAND, .now_ms = now_ms };
	int err;

	if (!warrant.size || warrant.size > WARRANT_MAX)
		return;
	command.size = (uint32_t)warrant.size;
	memcpy(command.warrant, warrant.data, warrant.size);
	err = ipc_send(perform->sense, SPAN(&command, sizeof(command)), -1);
	if (err && err != -EAGAIN) /* no room: it comes again */
		log_error(perform->log, "command to sense: %s", strerror(-err));
}

/* What is done of a command here, with a text for people. */
typedef enum result_status perform_fn(const struct perform *perform, const char *argument,
	struct instant now, int64_t now_ms, char **text);

static enum result_status do_resync(const struct perform *perform, const char *argument,
	struct instant now, int64_t now_ms, char **text)
{
	(void)argument, (void)now, (void)now_ms;
	uplink_resync(perform->uplink);
	*text = text_copy("the digests of all sections are compared");
	return RESULT_DONE;
}

/* Sense looks at these, and does so already. */
static bool is_of_sense(enum section section)
{
	return section == SECTION_HOST ||
		(section >= SECTION_PROCESS && section <= SECTION_INBOUND);
}

static enum result_status do_rediscover(const struct perform *perform, const char *argument,
	struct instant now, int64_t now_ms, char **text)
{
	enum section section = SECTION_HOST;

	while (section < SECTION_COUNT && strcmp(section_name(section), argument) != 0)
		section++;
	if (section == SECTION_COUNT ||
		(!is_of_sense(section) && observe_again(perform->observe, section, now, now_ms))) {
		*text = *argument ? text_format("nothing on this host looks for '%s'", argument)
				  : text_copy("the section to look for is missing");
		return RESULT_FAILED;
	}
	*text = text_format("looking again for '%s'", argument);
	return RESULT_DONE;
}

static void add_coverage(void *owner, const struct fact *fact)
{
	json_t *value = json_parse(fact->value, FACT_VALUE_MAX, NULL, 0);
	char *key autofree = text_copy_n((const char *)fact->key.data, fact->key.size);

	if (value)
		json_object_set_new(owner, key, value);
}

/* How we are: what can be seen and why not all (it counts what was dropped), and the uplink. */
static enum result_status do_selftest(const struct perform *perform, const char *argument,
	struct instant now, int64_t now_ms, char **text)
{
	const struct uplink_status *status = uplink_status(perform->uplink);
	json_t *coverage = json_object();
	json_t *report autojson = json_pack("{s:s,s:o,s:{s:I,s:I,s:I,s:I,s:I,s:I}}", "version",
		VERSION, "coverage", coverage, "uplink", "told", (json_int_t)status->told,
		"durable", (json_int_t)status->durable, "lost", (json_int_t)status->lost,
		"sessions", (json_int_t)status->sessions, "restarts", (json_int_t)status->restarts,
		"ignored", (json_int_t)status->ignored);

	(void)argument, (void)now, (void)now_ms;
	tracker_each(perform->tracker, SECTION_COVERAGE, add_coverage, coverage);
	*text = json_text(report);
	return RESULT_DONE;
}

static const struct {
	const char *name;
	perform_fn *run;
} performs[] = {
	{ "resync", do_resync },
	{ "rediscover", do_rediscover },
	{ "selftest", do_selftest },
};

static enum result_status run(const struct perform *perform, struct span name, struct span argument,
	struct instant now, int64_t now_ms, char **text)
{
	char *word autofree = text_copy_n((const char *)argument.data, argument.size);

	for (size_t i = 0; i < sizeof(performs) / sizeof(performs[0]); i++) {
		if (span_equal(name, SPAN_TEXT(performs[i].name)))
			return performs[i].run(perform, word, now, now_ms, text);
	}
	*text = text_format("version " VERSION " of the nanoprobe knows no such command");
	return RESULT_FAILED;
}

static void tell(const struct perform *perform, const struct message *result)
{
	struct writer w = writer_growing(RESULT_TEXT_MAX + 64);

	message_encode(&w, result);
	if (!uplink_urgent(perform->uplink, writer_span(&w)))
		log_warn(perform->log, "no room for the result of a command");
	writer_free(&w);
}

int perform_result(
	const struct perform *perform, struct reader *r, struct instant now, int64_t now_ms)
{
	struct message result = { .kind = MESSAGE_RESULT };
	struct span name, argument;
	char *text autofree = NULL;

	get_bytes(r, result.result.command, WARRANT_ID);
	result.result.status = get_u8(r);
	name = get_span16(r);
	argument = get_span16(r);
	result.result.text = get_span16(r);
	if (!reader_done(r) || !perform->uplink)
		return -EBADMSG;
	if (result.result.status == RESULT_DONE) {
		result.result.status = (uint8_t)run(perform, name, argument, now, now_ms, &text);
		result.result.text = SPAN(text, strnlen(text, RESULT_TEXT_MAX));
	}
	tell(perform, &result);
	return 0;
}
