// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

static const char *const severities[] = { "info", "warning", "critical" };

int settings_severity(const char *word)
{
	for (int i = 0; i < 3; i++)
		if (!strcmp(severities[i], word))
			return i;
	return -1;
}

void settings_free(struct settings *settings)
{
	free(settings->target);
	free(settings->kinds);
	free(settings->name);
	*settings = (struct settings){ .kind = NULL };
}

/* "timeout=5s" and the like. */
static int take_word(struct settings *settings, const char *word, char *error)
{
	const char *value = strchr(word, '=') + 1;

	if (!strncmp(word, "timeout=", 8)) {
		if (!text_parse_duration(value, &settings->time_ms) && settings->time_ms &&
			settings->time_ms <= SETTINGS_TIME_MAX_MS)
			return 0;
		snprintf(error, SETTINGS_ERROR, "%s: must be a duration of 1s to 10m", word);
	} else if (!strncmp(word, "severity=", 9)) {
		settings->severity_least = settings_severity(value);
		if (settings->severity_least >= 0)
			return 0;
		snprintf(error, SETTINGS_ERROR, "%s: must be one of info|warning|critical", word);
	} else if (!strncmp(word, "kind=", 5) && *value) {
		free(settings->kinds);
		settings->kinds = text_copy(value);
		return 0;
	} else {
		snprintf(error, SETTINGS_ERROR,
			"'%s' is none of timeout=, severity= and kind=, and no target", word);
	}
	return -EINVAL;
}

/* What looks like an option and not like a path or a URL. */
static bool is_option(const char *word)
{
	size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz");

	return letters && word[letters] == '=';
}

static int take_words(struct settings *settings, char *line, char *error)
{
	const char *space = " \t";
	char *rest, *word = strtok_r(line, space, &rest);

	settings->kind = word ? sink_find(word) : NULL;
	if (!settings->kind) {
		snprintf(error, SETTINGS_ERROR, "'%s' is no sink; there are:%s", word ? word : "",
			sink_names);
		return -EINVAL;
	}
	settings->time_ms = settings->kind->time_ms;
	while ((word = strtok_r(NULL, space, &rest))) {
		if (is_option(word) || settings->target) {
			if (is_option(word) && !take_word(settings, word, error))
				continue;
			if (!is_option(word))
				snprintf(error, SETTINGS_ERROR, "'%s' behind '%s'", word,
					settings->target);
			return -EINVAL;
		}
		settings->target = text_copy(word);
	}
	if (!settings->target)
		settings->target = text_copy("");
	return 0;
}

/* One sink of these settings; they stay the caller's. */
static int take_target(const struct settings *settings, const char *target, settings_take_fn *take,
	void *context, char *error)
{
	const char *wrong = settings->kind->check(target);
	struct settings one = *settings;

	if (wrong) {
		snprintf(error, SETTINGS_ERROR, "%s '%s' %s", settings->kind->name, target, wrong);
		return -EINVAL;
	}
	one.target = text_copy(target);
	one.kinds = text_copy(settings->kinds);
	one.name = text_format("%s%s%s", settings->kind->name, *target ? " " : "", target);
	return take(context, &one);
}

static int is_program(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[size - 1] != '~';
}

static int take_directory(
	const struct settings *settings, settings_take_fn *take, void *context, char *error)
{
	struct dirent **entries;
	int count = scandir(settings->target, &entries, is_program, alphasort), err = 0;

	if (count < 0) {
		snprintf(error, SETTINGS_ERROR, "%s: %s", settings->target, strerror(errno));
		return -EINVAL;
	}
	for (int i = 0; i < count; i++) {
		char *path autofree = text_format("%s/%s", settings->target, entries[i]->d_name);
		struct stat info;

		if (!err && !stat(path, &info) && S_ISREG(info.st_mode) && !access(path, X_OK))
			err = take_target(settings, path, take, context, error);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int settings_parse(const char *line, settings_take_fn *take, void *context, char *error)
{
	struct settings settings cleanup(settings_free) = { .kind = NULL };
	char *words autofree = text_copy(line);
	int err = take_words(&settings, words, error);
	struct stat info;

	if (err)
		return err;
	if (settings.kind->programs && !stat(settings.target, &info) && S_ISDIR(info.st_mode))
		return take_directory(&settings, take, context, error);
	return take_target(&settings, settings.target, take, context, error);
}

bool settings_want(const struct settings *settings, const char *kind, const char *severity)
{
	char *kinds autofree = text_copy(settings->kinds), *rest = NULL;
	bool wanted = !kinds;

	if (settings_severity(severity) < settings->severity_least)
		return false;
	for (char *at = kinds ? strtok_r(kinds, ",", &rest) : NULL; at && !wanted;
		at = strtok_r(NULL, ",", &rest))
		wanted = !fnmatch(at, kind, 0);
	return wanted;
}

/* Of a URL the scheme and the host: a password, or a path that is as good as one, stays here. */
char *settings_shown(const struct settings *settings)
{
	const char *host = strstr(settings->target, "://"), *at;
	size_t scheme = host ? (size_t)(host - settings->target) + 3 : 0;

	if (!host)
		return text_copy(settings->name);
	host += 3;
	at = memchr(host, '@', strcspn(host, "/?#"));
	if (at)
		host = at + 1;
	return text_format("%s %.*s%.*s", settings->kind->name, (int)scheme, settings->target,
		(int)strcspn(host, "/?#"), host);
}
