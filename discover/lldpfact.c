// SPDX-License-Identifier: Apache-2.0
#include "discover/lldpfact.h"

#include <ctype.h>
#include <lldpctl.h>
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

static void set_text(json_t *value, const char *name, lldpctl_atom_t *atom, lldpctl_key_t key)
{
	json_set_text(value, name, lldpctl_atom_get_str(atom, key));
}

/* Numbers of lldpd are positive when they are there. */
static void set_number(json_t *value, const char *name, lldpctl_atom_t *atom, lldpctl_key_t key)
{
	long number = lldpctl_atom_get_int(atom, key);

	if (number > 0)
		json_object_set_new(value, name, json_integer(number));
}

static void set_id(json_t *value, const char *name, lldpctl_atom_t *atom, lldpctl_key_t id_key,
	lldpctl_key_t type_key)
{
	const char *known_type = lldpctl_atom_get_str(atom, type_key);
	char *type autofree = text_copy(known_type ? known_type : "");
	const char *text = lldpctl_atom_get_str(atom, id_key);
	char *id autofree = lldpfact_id(type, text ? text : "");
	char *type_name autofree = text_format("%s_type", name);

	json_set_text(value, name, id);
	json_set_text(value, type_name, type);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, so that another order of the same addresses is no change. */
static void set_mgmt_ips(json_t *value, lldpctl_atom_t *chassis)
{
	enum { IPS_MAX = 32 };
	lldpctl_atom_t *list = lldpctl_atom_get(chassis, lldpctl_k_chassis_mgmt), *entry;
	json_t *ips = json_array();
	char *texts[IPS_MAX] = { NULL };
	size_t count = 0;

	lldpctl_atom_foreach(list, entry)
	{
		const char *ip = lldpctl_atom_get_str(entry, lldpctl_k_mgmt_ip);

		if (ip && *ip && count < IPS_MAX)
			texts[count++] = lldpfact_id("ip", ip);
	}
	lldpctl_atom_dec_ref(list);
	qsort(texts, count, sizeof(*texts), compare_text);
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(ips, json_bytes(SPAN_TEXT(texts[i])));
		free(texts[i]);
	}
	if (count)
		json_object_set(value, "mgmt_ips", ips);
	json_decref(ips);
}

static json_t *neighbour_value(const char *ifname, lldpctl_atom_t *neighbour)
{
	lldpctl_atom_t *chassis = lldpctl_atom_get(neighbour, lldpctl_k_port_chassis);
	json_t *value = json_object();

	json_set_text(value, "ifname", ifname);
	set_text(value, "protocol", neighbour, lldpctl_k_port_protocol);
	set_id(value, "port_id", neighbour, lldpctl_k_port_id, lldpctl_k_port_id_subtype);
	set_text(value, "port_descr", neighbour, lldpctl_k_port_descr);
	set_number(value, "vlan", neighbour, lldpctl_k_port_vlan_pvid);
	set_number(value, "ttl", neighbour, lldpctl_k_port_ttl);
	if (chassis) {
		set_id(value, "chassis_id", chassis, lldpctl_k_chassis_id,
			lldpctl_k_chassis_id_subtype);
		set_text(value, "sysname", chassis, lldpctl_k_chassis_name);
		set_text(value, "sysdescr", chassis, lldpctl_k_chassis_descr);
		set_mgmt_ips(value, chassis);
		lldpctl_atom_dec_ref(chassis);
	}
	return value;
}

void lldpfact_add_port(json_t *facts, const char *ifname, struct lldpctl_atom_t *port)
{
	lldpctl_atom_t *neighbours = lldpctl_atom_get(port, lldpctl_k_port_neighbors), *neighbour;

	lldpctl_atom_foreach(neighbours, neighbour)
	{
		json_t *value;
		char *key autofree = NULL;

		/* lldpd hides what its smart mode takes for an echo of another protocol. */
		if (lldpctl_atom_get_int(neighbour, lldpctl_k_port_hidden) > 0)
			continue;
		value = neighbour_value(ifname, neighbour);
		key = text_format("%s %s %s %s", ifname, json_get_text(value, "protocol"),
			json_get_text(value, "chassis_id"), json_get_text(value, "port_id"));
		if (strlen(key) > FACT_KEY_MAX)
			key[text_utf8_prefix(SPAN(key, FACT_KEY_MAX))] = '\0';
		json_object_set_new(facts, key, value);
	}
	lldpctl_atom_dec_ref(neighbours);
}
