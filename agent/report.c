// SPDX-License-Identifier: Apache-2.0
#include "agent/report.h"

#include <string.h>

#include "agent/document.h"
#include "agent/table.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Begins a paragraph unless the table has no rows; ends the table. */
static void finish(struct table *table, const char *title, FILE *to)
{
	if (table->count > table->columns)
		fprintf(to, "\n%s\n", title);
	table_print(table, to);
	table_free(table);
}

static void print_host(const json_t *host, FILE *to)
{
	const json_t *cpu = json_object_get(host, "cpu"), *memory = json_object_get(host, "memory");
	long long kilobytes = json_integer_value(json_object_get(memory, "MemTotal"));

	fprintf(to, "%s: %s, kernel %s, %lld x %s, %lld MiB\n", json_get_text(host, "nodename"),
		json_get_text(host, "Description"), json_get_text(host, "kernel-release"),
		json_integer_value(json_object_get(cpu, "count")),
		*json_get_text(cpu, "model name") ? json_get_text(cpu, "model name")
						  : json_get_text(host, "machine"),
		kilobytes / 1024);
}

/* Where a process belongs: its container, else its unit. */
static const char *home_of(const json_t *process)
{
	const char *container = json_get_text(process, "container");

	return *container ? container : json_get_text(process, "unit");
}

enum { ENDPOINT_COLUMNS = 6 };

/* The rows of one process: kind is "listenaddrs" or "clientaddrs". */
static void add_endpoints(
	struct table *table, const char *name, const json_t *process, const char *kind)
{
	json_t *endpoints = json_object_get(process, kind), *endpoint;
	const char *key;

	json_object_foreach (endpoints, key, endpoint) {
		const char *state = json_get_text(endpoint, "state");
		const char *row[ENDPOINT_COLUMNS] = { json_get_text(endpoint, "proto"), key, name,
			json_get_text(process, "user"), home_of(process),
			*state ? state : json_get_text(endpoint, "netns") };

		table_add(table, row);
	}
}

static void print_endpoints(const json_t *document, const char *kind, const char *title,
	const char *const headings[ENDPOINT_COLUMNS], FILE *to)
{
	json_t *processes = json_object_get(document, "processes"), *process;
	struct table table;
	const char *name;

	table_init(&table, headings, ENDPOINT_COLUMNS);
	json_object_foreach (processes, name, process)
		add_endpoints(&table, name, process, kind);
	add_endpoints(&table, "?", json_object_get(document, "unattributed"), kind);
	finish(&table, title, to);
}

static void print_links(const json_t *document, FILE *to)
{
	static const char *const headings[] = { "LINK", "STATE", "MAC", "ADDRESSES" };
	json_t *links = json_object_get(document, "links"), *link;
	struct table table;
	const char *ifname;

	table_init(&table, headings, COUNT(headings));
	json_object_foreach (links, ifname, link) {
		json_t *address, *addresses = json_object_get(link, "addresses");
		char *list autofree = text_copy("");
		const char *row[] = { ifname, json_get_text(link, "operstate"),
			json_get_text(link, "mac"), NULL };
		size_t i;

		json_array_foreach (addresses, i, address) {
			char *longer = text_format(
				"%s%s%s", list, i ? " " : "", json_string_value(address));

			free(list);
			list = longer;
		}
		row[3] = list;
		table_add(&table, row);
	}
	finish(&table, "LINKS", to);
}

static void print_switches(const json_t *document, FILE *to)
{
	static const char *const headings[] = { "LINK", "SWITCH", "PORT", "DESCRIPTION",
		"PROTOCOL" };
	json_t *neighbours = json_object_get(document, "lldp"), *neighbour;
	struct table table;
	size_t i;

	table_init(&table, headings, COUNT(headings));
	json_array_foreach (neighbours, i, neighbour) {
		const char *name = json_get_text(neighbour, "sysname");
		const char *row[] = { json_get_text(neighbour, "ifname"),
			*name ? name : json_get_text(neighbour, "chassis_id"),
			json_get_text(neighbour, "port_id"), json_get_text(neighbour, "port_descr"),
			json_get_text(neighbour, "protocol") };

		table_add(&table, row);
	}
	finish(&table, "SWITCH PORTS", to);
}

/* What cannot be seen, and why. */
static void print_coverage(const json_t *document, FILE *to)
{
	static const char *const headings[] = { "FEATURE", "STATE", "WHY" };
	json_t *features = json_object_get(document, "coverage"), *coverage;
	struct table table;
	const char *feature;

	table_init(&table, headings, COUNT(headings));
	json_object_foreach (features, feature, coverage) {
		const char *row[] = { feature, json_get_text(coverage, "state"),
			json_get_text(coverage, "why") };

		if (strcmp(row[1], "complete"))
			table_add(&table, row);
	}
	finish(&table, "NOT SEEN COMPLETELY", to);
}

void report_print(const struct tracker *tracker, FILE *to)
{
	static const char *const listening[ENDPOINT_COLUMNS] = { "PROTO", "ADDRESS", "PROCESS",
		"USER", "UNIT", "NETNS" };
	static const char *const connected[ENDPOINT_COLUMNS] = { "PROTO", "TO", "PROCESS", "USER",
		"UNIT", "STATE" };
	json_t *document autojson = document_of(tracker);

	print_host(json_object_get(document, "host"), to);
	print_endpoints(document, "listenaddrs", "LISTENING", listening, to);
	print_endpoints(document, "clientaddrs", "CONNECTED", connected, to);
	print_links(document, to);
	print_switches(document, to);
	print_coverage(document, to);
}
