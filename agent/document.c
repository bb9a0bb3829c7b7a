// SPDX-License-Identifier: Apache-2.0
#include "agent/document.h"

#include <string.h>

/* The value of a fact; the caller decrefs. Ours are always valid. */
static json_t *value_of(const struct fact *fact)
{
	json_t *value = json_parse(fact->value, FACT_VALUE_MAX, NULL, 0);

	return value ? value : json_object();
}

/* object[key] as an object, made when it is not there; borrowed. */
static json_t *member(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!value) {
		value = json_object();
		json_object_set_new(object, key, value);
	}
	return value;
}

static void add_host(void *owner, const struct fact *fact)
{
	json_t *value autojson = value_of(fact);
	char *key autofree = text_copy_n((const char *)fact->key.data, fact->key.size);

	if (!strcmp(key, "os"))
		json_object_update(owner, value);
	else
		json_object_set(owner, key, value);
}

static void add_keyed(void *owner, const struct fact *fact)
{
	char *key autofree = text_copy_n((const char *)fact->key.data, fact->key.size);

	json_object_set_new(owner, key, value_of(fact));
}

static void add_entry(void *owner, const struct fact *fact)
{
	json_array_append_new(owner, value_of(fact));
}

/* Appends to the array of that name of the link that the value is about. */
static void add_to_link(json_t *links, const json_t *value, const char *name, const char *text)
{
	json_t *link = member(links, json_get_text(value, "ifname"));
	json_t *array = json_object_get(link, name);

	if (!array) {
		array = json_array();
		json_object_set_new(link, name, array);
	}
	json_array_append_new(array, json_string(text));
}

static void add_address(void *owner, const struct fact *fact)
{
	json_t *value autojson = value_of(fact);
	char *text autofree = text_format("%s/%lld", json_get_text(value, "addr"),
		json_integer_value(json_object_get(value, "prefix")));

	add_to_link(owner, value, "addresses", text);
}

static void add_route(void *owner, const struct fact *fact)
{
	json_t *value autojson = value_of(fact);
	const char *gateway = json_get_text(value, "gateway");
	char *text autofree = text_format(
		"%s%s%s", json_get_text(value, "dst"), *gateway ? " via " : "", gateway);

	if (*json_get_text(value, "ifname"))
		add_to_link(owner, value, "routes", text);
}

/* "addr:port" as people write it; the path of a unix socket. */
static char *endpoint_text(const json_t *value)
{
	const char *addr = json_get_text(value, "addr");
	long long port = json_integer_value(json_object_get(value, "port"));

	if (!strcmp(json_get_text(value, "proto"), "unix"))
		return text_copy(addr);
	return strchr(addr, ':') ? text_format("[%s]:%lld", addr, port)
				 : text_format("%s:%lld", addr, port);
}

static void add_endpoint(json_t *addrs, json_t *value)
{
	const char *netns = json_get_text(value, "netns");
	char *plain autofree = endpoint_text(value);
	char *full autofree = text_format(
		"%s/%s%s%s", plain, json_get_text(value, "proto"), *netns ? " " : "", netns);
	json_t *entry = json_copy(value);

	json_object_del(entry, "process");
	json_object_set_new(addrs, json_object_get(addrs, plain) ? full : plain, entry);
}

static void add_listen(void *owner, const struct fact *fact)
{
	json_t *document = owner, *processes = json_object_get(document, "processes");
	json_t *value autojson = value_of(fact);
	json_t *holders = json_object_get(value, "process"), *name;
	size_t i;

	json_array_foreach (holders, i, name)
		add_endpoint(
			member(member(processes, json_string_value(name)), "listenaddrs"), value);
	if (!json_array_size(holders))
		add_endpoint(member(member(document, "unattributed"), "listenaddrs"), value);
}

static void add_client(void *owner, const struct fact *fact)
{
	json_t *value autojson = value_of(fact);
	json_t *process = member(owner, json_get_text(value, "process"));

	add_endpoint(member(process, "clientaddrs"), value);
}

static json_t *section_array(const struct tracker *tracker, enum section section)
{
	json_t *array = json_array();

	tracker_each(tracker, section, add_entry, array);
	return array;
}

json_t *document_of(const struct tracker *tracker)
{
	json_t *document = json_object();

	tracker_each(tracker, SECTION_HOST, add_host, member(document, "host"));
	tracker_each(tracker, SECTION_PROCESS, add_keyed, member(document, "processes"));
	tracker_each(tracker, SECTION_LISTEN, add_listen, document);
	tracker_each(tracker, SECTION_CLIENT, add_client, member(document, "processes"));
	tracker_each(tracker, SECTION_LINK, add_keyed, member(document, "links"));
	tracker_each(tracker, SECTION_ADDRESS, add_address, member(document, "links"));
	tracker_each(tracker, SECTION_ROUTE, add_route, member(document, "links"));
	tracker_each(tracker, SECTION_COVERAGE, add_keyed, member(document, "coverage"));
	json_object_set_new(document, "neighbours", section_array(tracker, SECTION_NEIGHBOUR));
	json_object_set_new(document, "lldp", section_array(tracker, SECTION_LLDP));
	return document;
}
