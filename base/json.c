// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

void json_init(void)
{
	json_set_alloc_funcs(mem_take, free);
	json_object_seed(0);
}

void json_decref_cleanup(json_t **value)
{
	json_decref(*value);
}

char *json_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	if (!text)
		mem_exhausted();
	return text;
}

json_t *json_parse(struct span text, size_t limit, char *error, size_t error_size)
{
	json_error_t why = { .line = 0 };
	json_t *value = NULL;

	if (text.size > limit)
		snprintf(why.text, sizeof(why.text), "%zu bytes, the limit is %zu", text.size,
			limit);
	else
		value = json_loadb((const char *)text.data, text.size,
			JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!value && error)
		snprintf(error, error_size, "%d:%d: %s", why.line, why.column, why.text);
	return value;
}

json_t *json_bytes(struct span bytes)
{
	struct writer out = writer_growing(4 * bytes.size + 4);
	json_t *value;

	while (bytes.size) {
		size_t good = strnlen((const char *)bytes.data, text_utf8_prefix(bytes));

		put_bytes(&out, bytes.data, good);
		bytes = SPAN(bytes.data + good, bytes.size - good);
		if (bytes.size) {
			put_bytes(&out, "\xef\xbf\xbd", 3);
			bytes = SPAN(bytes.data + 1, bytes.size - 1);
		}
	}
	value = json_stringn(out.size ? (const char *)out.data : "", out.size);
	writer_free(&out);
	return value;
}

void json_set_text(json_t *object, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(object, key, json_bytes(SPAN_TEXT(text)));
}

const char *json_get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
