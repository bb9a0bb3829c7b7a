// SPDX-License-Identifier: Apache-2.0
#include "agent/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "wire/keys.h"

enum { POLICY_FILE_MAX = 256 << 10 };

static const char section_prefix[] = "operator ";

struct parse {
	struct policy *policy;
	FILE *file;
	char *why; /* owned; the first thing that is wrong */
};

/* What the parser reads as "stop". */
static int complain(struct parse *parse, const char *what, const char *word)
{
	if (!parse->why)
		parse->why = text_format("%s '%s'", what, word);
	return 0;
}

static struct policy_operator *named(struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->count; i++) {
		if (!strcmp(policy->operators[i].name, name))
			return &policy->operators[i];
	}
	return NULL;
}

static struct policy_operator *operator_of(struct parse *parse, const char *section)
{
	struct policy *policy = parse->policy;
	const char *name = section + strlen(section_prefix);
	struct policy_operator *known;

	if (strncmp(section, section_prefix, strlen(section_prefix)) || !*name ||
		strlen(name) >= POLICY_NAME_MAX) {
		complain(parse, "not [operator NAME]:", section);
		return NULL;
	}
	known = named(policy, name);
	if (known)
		return known;
	if (policy->count == POLICY_OPERATORS_MAX) {
		complain(parse, "too many operators, at", name);
		return NULL;
	}
	known = &policy->operators[policy->count++];
	text_copy_to(known->name, sizeof(known->name), name);
	text_copy_to(known->tenant, sizeof(known->tenant), "default");
	return known;
}

static int set_key(struct parse *parse, struct policy_operator *to, const char *value)
{
	uint8_t key[SIGN_KEY];

	if (to->has_key)
		return complain(parse, "a second key of operator", to->name);
	if (keys_parse(value, key))
		return complain(parse, "no key:", value);
	if (policy_find(parse->policy, key))
		return complain(parse, "two operators with the key", value);
	memcpy(to->key, key, sizeof(to->key));
	to->has_key = true;
	return 1;
}

static int set_tenant(struct parse *parse, struct policy_operator *to, const char *value)
{
	if (!*value || strlen(value) >= sizeof(to->tenant))
		return complain(parse, "no tenant:", value);
	text_copy_to(to->tenant, sizeof(to->tenant), value);
	return 1;
}

static int add_words(struct parse *parse, struct policy_operator *to, const char *value)
{
	static const char between[] = ", \t";

	for (value += strspn(value, between); *value; value += strspn(value, between)) {
		size_t size = strcspn(value, between);

		if (size >= POLICY_WORD_MAX || to->word_count == POLICY_WORDS_MAX)
			return complain(parse, "too much allowed, at", value);
		memcpy(to->words[to->word_count], value, size);
		to->words[to->word_count++][size] = '\0';
		value += size;
	}
	return 1;
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct parse *parse = user;
	struct policy_operator *to = parse->why ? NULL : operator_of(parse, section);

	if (!to)
		return 0;
	if (!strcmp(name, "key"))
		return set_key(parse, to, value);
	if (!strcmp(name, "tenant"))
		return set_tenant(parse, to, value);
	if (!strcmp(name, "allow"))
		return add_words(parse, to, value);
	return complain(parse, "unknown key", name);
}

/* 0, or why the file is not one to trust. */
static int check_file(int fd, const char **why)
{
	struct stat info;

	*why = "";
	if (fstat(fd, &info) || !S_ISREG(info.st_mode) || info.st_size > POLICY_FILE_MAX) {
		*why = "it is no file, or too large";
		return -EINVAL;
	}
	if (info.st_uid && info.st_uid != geteuid())
		*why = "it must belong to root";
	else if (info.st_mode & 022)
		*why = "others than its owner can write it";
	return **why ? -EPERM : 0;
}

static int check_keys(struct parse *parse)
{
	for (size_t i = 0; i < parse->policy->count; i++) {
		if (!parse->policy->operators[i].has_key)
			complain(parse, "no key of operator", parse->policy->operators[i].name);
	}
	return parse->why ? -EINVAL : 0;
}

/* The parser would take the rest of a line that is too long for it as another one. */
static char *next_line(char *to, int size, void *user)
{
	struct parse *parse = user;
	char *line = fgets(to, size, parse->file);
	size_t length = line ? strlen(line) : 0;

	if (line && length + 1 == (size_t)size && line[length - 1] != '\n')
		complain(parse, "too long (use a second line 'allow = ...'):", line);
	return line;
}

static int parse_file(struct policy *policy, int fd, char **why)
{
	struct parse parse = { .policy = policy, .file = fdopen(fd, "r") };
	int line, err;

	if (!parse.file)
		mem_exhausted();
	line = ini_parse_stream(next_line, &parse, on_value, &parse);
	err = ferror(parse.file) ? -EIO : line ? -EINVAL : check_keys(&parse);
	if (line && !parse.why)
		parse.why = text_format("not 'key = value'");
	if (line > 0)
		*why = text_format("line %d: %s", line, parse.why);
	else if (parse.why)
		*why = text_copy(parse.why);
	free(parse.why);
	fclose(parse.file);
	return err;
}

int policy_read(struct policy *policy, const char *path, char *error, size_t error_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *found autofree = NULL;
	const char *why = "";
	int err = fd < 0 ? -errno : check_file(fd, &why);

	*policy = (struct policy){ 0 };
	if (err) {
		if (fd >= 0)
			close(fd);
	} else {
		policy->operators = mem_alloc(POLICY_OPERATORS_MAX, sizeof(*policy->operators));
		err = parse_file(policy, fd, &found);
		if (found)
			why = found;
	}
	if (err) {
		policy_free(policy);
		snprintf(error, error_size, "%s: %s", path, *why ? why : strerror(-err));
	}
	return err;
}

void policy_free(struct policy *policy)
{
	free(policy->operators);
	*policy = (struct policy){ 0 };
}

const struct policy_operator *policy_find(const struct policy *policy, const uint8_t key[SIGN_KEY])
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct policy_operator *known = &policy->operators[i];

		if (known->has_key && !memcmp(known->key, key, SIGN_KEY))
			return known;
	}
	return NULL;
}

bool policy_allows(const struct policy_operator *known, struct span name, struct span argument)
{
	for (size_t i = 0; i < known->word_count; i++) {
		const char *word = known->words[i];
		size_t size = strcspn(word, ":");

		if (!span_equal(SPAN(word, size), name))
			continue;
		if (!word[size] || span_equal(SPAN_TEXT(word + size + 1), argument))
			return true;
	}
	return false;
}
