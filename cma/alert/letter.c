// SPDX-License-Identifier: Apache-2.0
#include "cma/alert/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cma/alert/courier.h"
#include "cma/alert/settings.h"

/* A column that holds a list as JSON. */
static json_t *member(const char *name, json_t *value)
{
	if (!strcmp(name, "hosts") && json_is_string(value))
		return json_parse(SPAN_TEXT(json_string_value(value)), COURIER_TEXT_MAX, NULL, 0);
	return json_incref(value);
}

json_t *letter_of_row(const json_t *columns, const json_t *row)
{
	json_t *alert = json_object(), *column;
	bool begun = false;
	size_t i;

	json_array_foreach ((json_t *)columns, i, column) {
		const char *name = json_string_value(column);

		begun = begun || !strcmp(name, "what");
		if (begun)
			json_object_set_new(alert, name, member(name, json_array_get(row, i)));
	}
	return alert;
}

/* What a list of many says of each. */
static json_t *item_of(const json_t *alert)
{
	static const char *const keys[] = { "tenant", "incident", "kind", "severity", "state",
		"node", "held" };
	json_t *item = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set(item, keys[i], json_object_get(alert, keys[i]));
	return item;
}

static bool is_open(const json_t *alert)
{
	return !strcmp(json_get_text(alert, "state"), "open");
}

/* "940 incidents: 900 open, 40 cleared; 930 host, 10 switch" */
static json_t *summary_sentence(const json_t *alerts, size_t open)
{
	json_t *kinds autojson = json_object(), *alert, *count;
	size_t i, used, all = json_array_size(alerts);
	char text[1024];
	const char *kind, *before = "; ";

	json_array_foreach ((json_t *)alerts, i, alert) {
		const char *name = json_get_text(alert, "kind");
		json_int_t so_far = json_integer_value(json_object_get(kinds, name));

		json_object_set_new(kinds, name, json_integer(so_far + 1));
	}
	used = (size_t)snprintf(
		text, sizeof(text), "%zu incidents: %zu open, %zu cleared", all, open, all - open);
	json_object_foreach (kinds, kind, count) {
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%lld %s",
				before, (long long)json_integer_value(count), kind);
		before = ", ";
	}
	return json_bytes(SPAN_TEXT(text));
}

/* Alerts that are told together, with a list of as many as find room. */
static json_t *summary_of(const json_t *alerts, int64_t now_ms)
{
	json_t *summary = json_object(), *list = json_array(), *alert;
	const char *worst = "info";
	char at[TEXT_TIME_SIZE];
	size_t i, open = 0, size = 4096;

	json_array_foreach ((json_t *)alerts, i, alert) {
		const char *severity = json_get_text(alert, "severity");
		json_t *item = item_of(alert);
		char *text autofree = json_text(item);

		size += strlen(text) + 1;
		if (size <= COURIER_TEXT_MAX)
			json_array_append(list, item);
		json_decref(item);
		open += is_open(alert);
		if (is_open(alert) && settings_severity(severity) > settings_severity(worst))
			worst = severity;
	}
	text_time(now_ms, at);
	json_object_set_new(summary, "what", json_string("summary"));
	json_object_set_new(summary, "time", json_string(at));
	json_object_set_new(summary, "severity", json_string(worst));
	json_object_set_new(summary, "state", json_string(open ? "open" : "cleared"));
	json_object_set_new(summary, "held", json_integer((json_int_t)json_array_size(alerts)));
	json_object_set_new(summary, "text", summary_sentence(alerts, open));
	json_object_set_new(summary, "incidents", list);
	return summary;
}

char *letter_text(const json_t *alerts, int64_t now_ms)
{
	json_t *letter autojson = json_array_size(alerts) > 1
		? summary_of(alerts, now_ms)
		: json_copy(json_array_get(alerts, 0));
	char *text = json_text(letter);

	if (strlen(text) <= COURIER_TEXT_MAX)
		return text;
	free(text);
	json_object_del(letter, "hosts");
	return json_text(letter);
}
