// SPDX-License-Identifier: Apache-2.0
/*
 * "SECTION KEY" on a line and the value of a fact behind it: any JSON says something that can be
 * kept, twice the same, and no more of it than the fact is long.
 */
#include <string.h>

#include "base/alloc.h"
#include "cma/graph/derive.h"
#include "tests/fuzz/fuzz.h"
#include "wire/fact.h"

static void check(const struct derived *d)
{
	for (size_t i = 0; i < d->node_count; i++) {
		fuzz_require(d->nodes[i].key && d->nodes[i].owner < (int)i);
		fuzz_require(d->nodes[i].owner >= DERIVE_TENANT);
	}
	for (size_t i = 0; i < d->edge_count; i++) {
		fuzz_require(d->edges[i].src >= DERIVE_HOST && d->edges[i].dst >= DERIVE_HOST);
		fuzz_require(d->edges[i].src < (int)d->node_count);
		fuzz_require(d->edges[i].dst < (int)d->node_count);
	}
}

static enum section section_of(const char *text)
{
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		if (!strncmp(section_name(i), text, strlen(section_name(i))))
			return (enum section)i;
	}
	return SECTION_HOST;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text autofree = text_copy_n((const char *)data, size);
	char *value = strchr(text, '\n'), *key = strchr(text, ' ');
	struct derive_locals locals cleanup(derive_locals_free) = { 0 };
	struct derived one cleanup(derived_free) = { 0 }, other cleanup(derived_free) = { 0 };
	json_t *json autojson = NULL;

	if (!value || !key || key > value)
		return 0;
	*value++ = '\0';
	json = json_parse(SPAN_TEXT(value), FACT_VALUE_MAX, NULL, 0);
	derive_locals_add(&locals, "", "10.0.0.1");
	derive_locals_add(&locals, "blue", "2001:db8::1");
	one = derive(section_of(text), key + 1, json, &locals);
	other = derive(section_of(text), key + 1, json, &locals);
	check(&one);
	fuzz_require(derived_equal(&one, &other));
	derive_is_wildcard(section_of(text), json);
	return 0;
}
