// SPDX-License-Identifier: Apache-2.0
#include "discover/lldpfact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/text.h"
#include "wire/fact.h"

enum { MAC_DIGITS = 12 };

/* "00:1A:..", "00-1a-..", "001a.2b3c.4d5e": all the digits, or false. */
static bool mac_digits(const char *text, char digits[MAC_DIGITS])
{
	size_t count = 0;

	for (; *text; text++) {
		if (isxdigit((unsigned char)*text) && count < MAC_DIGITS)
			digits[count++] = (char)tolower((unsigned char)*text);
		else if (!strchr(":-.", *text))
			return false;
	}
	return count == MAC_DIGITS;
}

char *lldpfact_id(const char *type, const char *text)
{
	char digits[MAC_DIGITS], ip_text[ADDR_TEXT_SIZE];
	uint8_t ip[16];
	size_t size;

	while (isspace((unsigned char)*text))
		text++;
	if (!strcmp(type, "mac") && mac_digits(text, digits))
		return text_format("%.2s:%.2s:%.2s:%.2s:%.2s:%.2s", digits, digits + 2, digits + 4,
			digits + 6, digits + 8, digits + 10);
	if (!strcmp(type, "ip") && !addr_parse_ip(text, ip)) {
		addr_ip_text(ip, ip_text);
		return text_copy(ip_text);
	}
	size = strlen(text);
	while (size && isspace((unsigned char)text[size - 1]))
		size--;
	return text_copy_n(text, size);
}

/* Numbers of lldpd are positive when they are there. */
static void set_number(json_t *value, const char *name, long number)
{
	if (number > 0)
		json_object_set_new(value, name, json_integer(number));
}

static void set_id(json_t *value, const char *name, const char *type, const char *text)
{
	char *id autofree = lldpfact_id(type, text);
	char *type_name autofree = text_format("%s_type", name);

	json_set_text(value, name, id);
	json_set_text(value, type_name, type);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, so that another order of the same addresses is no change. */
static void set_mgmt_ips(json_t *value, const struct lldpfact *neighbour)
{
	char *texts[LLDPFACT_IPS_MAX] = { NULL };
	json_t *ips = json_array();

	for (size_t i = 0; i < neighbour->ip_count; i++)
		texts[i] = lldpfact_id("ip", neighbour->mgmt_ips[i]);
	qsort(texts, neighbour->ip_count, sizeof(*texts), compare_text);
	for (size_t i = 0; i < neighbour->ip_count; i++) {
		json_array_append_new(ips, json_bytes(SPAN_TEXT(texts[i])));
		free(texts[i]);
	}
	if (neighbour->ip_count)
		json_object_set(value, "mgmt_ips", ips);
	json_decref(ips);
}

void lldpfact_add(json_t *facts, const char *ifname, const struct lldpfact *neighbour)
{
	json_t *value = json_object();
	char *key autofree = NULL;

	json_set_text(value, "ifname", ifname);
	json_set_text(value, "protocol", neighbour->protocol);
	set_id(value, "port_id", neighbour->port_type, neighbour->port_id);
	json_set_text(value, "port_descr", neighbour->port_descr);
	set_number(value, "vlan", neighbour->vlan);
	set_number(value, "ttl", neighbour->ttl);
	set_id(value, "chassis_id", neighbour->chassis_type, neighbour->chassis_id);
	json_set_text(value, "sysname", neighbour->sysname);
	json_set_text(value, "sysdescr", neighbour->sysdescr);
	set_mgmt_ips(value, neighbour);
	key = text_format("%s %s %s %s", ifname, json_get_text(value, "protocol"),
		json_get_text(value, "chassis_id"), json_get_text(value, "port_id"));
	if (strlen(key) > FACT_KEY_MAX)
		key[text_utf8_prefix(SPAN(key, FACT_KEY_MAX))] = '\0';
	json_object_set_new(facts, key, value);
}
