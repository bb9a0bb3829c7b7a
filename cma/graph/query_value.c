// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/query_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/json.h"
#include "base/text.h"
#include "cma/graph/db.h"
#include "cma/graph/derive.h"
#include "wire/fact.h"

/* ---- looking nodes up by what people call them ---- */

enum { KEY_SHOWN = 12 }; /* characters of a key that are enough to tell two apart */

/* ?1 is the owner, ?2 the text, ?3 a kind. */
static const char *const finders[QUERY_FINDERS] = {
	[FIND_HOST] = "SELECT id, key FROM node INDEXED BY node_host"
		      " WHERE owner = ?1 AND kind = 'host' AND label = ?2 ORDER BY key",
	[FIND_HOST_KEY] = "SELECT id, key FROM node INDEXED BY node_key"
			  " WHERE owner = ?1 AND kind = 'host' AND key >= ?2 AND key < ?2 || 'g'"
			  " ORDER BY key",
	[FIND_SWITCH] = "SELECT id, key FROM node INDEXED BY node_switch"
			" WHERE owner = ?1 AND kind = 'switch' AND label = ?2 ORDER BY key",
	[FIND_KEY] = "SELECT id, key FROM node INDEXED BY node_key"
		     " WHERE owner = ?1 AND kind = ?3 AND key = ?2",
};

/* The kinds of what people name by a host, and of addresses. */
static const char *const owned_kinds[] = { "process", "nic", "endpoint", "unit", "container" };
static const char *const address_kinds[] = { "ip", "mac", "subnet" };

/*
 * 1 with the id, 0 when there is none, the number when there are more (and the id of the first);
 * -EIO. keys (may be NULL) lists their beginnings.
 */
static int find_some(struct query_scope *scope, enum query_finder which, int64_t owner,
	const char *text, const char *kind, int64_t *id, char *keys, size_t size)
{
	sqlite3_stmt **s = &scope->finders[which];
	int found = 0;

	if (!*s &&
		sqlite3_prepare_v3(scope->db, finders[which], -1, SQLITE_PREPARE_PERSISTENT, s,
			NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_bind_int64(*s, 1, owner);
	sqlite3_bind_text(*s, 2, text, -1, SQLITE_STATIC);
	sqlite3_bind_text(*s, 3, kind, -1, SQLITE_STATIC);
	while (sqlite3_step(*s) == SQLITE_ROW) {
		size_t used = keys ? strlen(keys) : 0;

		if (!found++)
			*id = sqlite3_column_int64(*s, 0);
		if (keys && found <= 4)
			snprintf(keys + used, size - used, "%s%.*s", used ? ", " : "", KEY_SHOWN,
				db_string(*s, 1));
	}
	return sqlite3_reset(*s) == SQLITE_OK ? found : -EIO;
}

static int find_key(
	struct query_scope *scope, int64_t owner, const char *kind, const char *key, int64_t *id)
{
	return find_some(scope, FIND_KEY, owner, key, kind, id, NULL, 0);
}

/*
 * By whole key, by the first KEY_SHOWN or more characters of it, or by name. A host says itself how
 * it is called, but cannot choose its key: who names a host by that gets no other.
 */
static int find_host(
	struct query_scope *scope, const char *text, int64_t *id, char *keys, size_t size)
{
	int found = 0;

	if (strlen(text) >= KEY_SHOWN)
		found = find_some(scope, FIND_HOST_KEY, scope->tenant, text, "", id, keys, size);
	if (!found)
		found = find_some(scope, FIND_HOST, scope->tenant, text, "", id, keys, size);
	return found;
}

static int find_switch(struct query_scope *scope, const char *text, int64_t *id)
{
	char *key autofree = derive_mac(text);
	int found = find_some(scope, FIND_SWITCH, scope->tenant, text, "", id, NULL, 0);

	return found ? found : find_key(scope, scope->tenant, "switch", key, id);
}

/* "switch:port"; both may hold colons. */
static int find_switchport(struct query_scope *scope, const char *text, int64_t *id)
{
	int found = 0;

	for (const char *colon = strchr(text, ':'); colon && !found;
		colon = strchr(colon + 1, ':')) {
		char *device autofree = text_copy_n(text, (size_t)(colon - text));
		char *port autofree = derive_mac(colon + 1);

		if (find_switch(scope, device, id) == 1)
			found = find_key(scope, *id, "switchport", port, id);
	}
	return found;
}

/* "tcp 10.0.0.1:80" at its address. */
static int find_endpoint(struct query_scope *scope, const char *text, int64_t *id)
{
	const char *space = strchr(text, ' ');
	char ip[ADDR_TEXT_SIZE];
	struct addr addr;
	int found;

	if (!space || addr_parse(space + 1, &addr) < 0)
		return 0;
	addr_ip_text(addr.ip, ip);
	found = find_key(scope, scope->tenant, "ip", ip, id);
	if (found == 1) {
		char *key autofree =
			text_format("%.*s %u", (int)(space - text), text, (unsigned)addr.port);

		found = find_key(scope, *id, "endpoint", key, id);
	}
	return found;
}

/* "host/what the host calls it": a process, a network card, an endpoint on loopback, ... */
static int find_owned(struct query_scope *scope, const char *text, int64_t *id)
{
	const char *slash = strchr(text, '/');
	char *host autofree = slash ? text_copy_n(text, (size_t)(slash - text)) : NULL;
	int found = 0;
	int64_t owner;

	if (!slash || find_host(scope, host, &owner, NULL, 0) != 1)
		return 0;
	for (size_t i = 0; i < sizeof(owned_kinds) / sizeof(*owned_kinds) && !found; i++)
		found = find_key(scope, owner, owned_kinds[i], slash + 1, id);
	return found;
}

static int find_address(struct query_scope *scope, const char *text, int64_t *id)
{
	char *key autofree = derive_mac(text);
	int found = 0;

	for (size_t i = 0; i < sizeof(address_kinds) / sizeof(*address_kinds) && !found; i++)
		found = find_key(scope, scope->tenant, address_kinds[i], key, id);
	return found;
}

static int find_node(
	struct query_scope *scope, const char *text, int64_t *id, char *keys, size_t size)
{
	int found = find_host(scope, text, id, keys, size);

	if (!found)
		found = find_switch(scope, text, id);
	if (!found)
		found = find_switchport(scope, text, id);
	if (!found)
		found = find_endpoint(scope, text, id);
	if (!found)
		found = find_owned(scope, text, id);
	return found ? found : find_address(scope, text, id);
}

int query_value_node(struct query_scope *scope, const char *what, bool host, const char *text,
	int64_t *id, char *error, size_t error_size)
{
	char keys[5 * (KEY_SHOWN + 2)] = "";
	int found = host ? find_host(scope, text, id, keys, sizeof(keys))
			 : find_node(scope, text, id, keys, sizeof(keys));

	if (found == 1)
		return 0;
	if (found < 0) {
		snprintf(error, error_size, "cannot look for %s '%.80s': %s", what, text,
			sqlite3_errmsg(scope->db));
		return found;
	}
	if (found > 1)
		snprintf(error, error_size, "%s '%.80s' is %d of them; say which by its key: %s",
			what, text, found, keys);
	else
		snprintf(error, error_size, "unknown %s '%.80s'", what, text);
	return -EINVAL;
}

static int bind_node(struct query_scope *scope, sqlite3_stmt *s, int at,
	const struct query_param *param, const char *text, char *error, size_t error_size)
{
	int64_t id = 0;
	int failed = 0;

	if (*text || !param->initial)
		failed = query_value_node(scope, param->name, param->type == QUERY_HOST, text, &id,
			error, error_size);
	if (!failed)
		sqlite3_bind_int64(s, at, id);
	return failed;
}

/* ---- values ---- */

static bool is_choice(const char *choices, const char *text)
{
	size_t length = strlen(text);

	for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
		if (!strncmp(c, text, length) && (c[length] == '|' || !c[length]))
			return true;
	return false;
}

/* NULL, or what the value should have been. */
static const char *bind_value(struct query_scope *scope, sqlite3_stmt *s, int at,
	const struct query_param *param, const char *text)
{
	char ip_text[ADDR_TEXT_SIZE];
	char *mac autofree = NULL;
	uint8_t ip[16];
	int64_t number;

	switch (param->type) {
	case QUERY_INT:
		if (text_parse_number(text, INT64_MIN, INT64_MAX, &number) < 0)
			return "a number";
		sqlite3_bind_int64(s, at, number);
		return NULL;
	case QUERY_BOOL:
		if (!is_choice("true|false|yes|no|1|0", text))
			return "true or false";
		sqlite3_bind_int(s, at, strchr("ty1", *text) != NULL);
		return NULL;
	case QUERY_TIME:
		if (text_parse_time(text, scope->now_ms, &number) < 0)
			return "a time (2026-11-22T19:20:00Z, 2026-11-22, -2h, now)";
		sqlite3_bind_int64(s, at, number);
		return NULL;
	case QUERY_IP:
		if (addr_parse_ip(text, ip) < 0)
			return "an IP address";
		addr_ip_text(ip, ip_text);
		sqlite3_bind_text(s, at, ip_text, -1, SQLITE_TRANSIENT);
		return NULL;
	case QUERY_MAC:
		mac = derive_mac(text);
		if (strlen(mac) != 17 || strspn(mac, "0123456789abcdef:") != 17)
			return "a MAC address";
		sqlite3_bind_text(s, at, mac, -1, SQLITE_TRANSIENT);
		return NULL;
	case QUERY_ENUM:
		if (!is_choice(param->choices, text))
			return param->choices;
		break;
	case QUERY_TEXT:
	case QUERY_HOST:
	case QUERY_NODE:
		break;
	}
	sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
	return NULL;
}

int query_value_bind(struct query_scope *scope, sqlite3_stmt *statement,
	const struct query_param *param, const char *text, char *error, size_t error_size)
{
	char *name autofree = text_format(":%s", param->name);
	int at = sqlite3_bind_parameter_index(statement, name);
	const char *expected;

	if (param->type == QUERY_HOST || param->type == QUERY_NODE)
		return bind_node(scope, statement, at, param, text, error, error_size);
	expected = bind_value(scope, statement, at, param, text);
	if (!expected)
		return 0;
	snprintf(error, error_size, "%s '%.80s' is not %s%s", param->name, text,
		param->type == QUERY_ENUM ? "one of " : "", expected);
	return -EINVAL;
}

/* ---- rows ---- */

json_t *query_value_columns(sqlite3_stmt *statement)
{
	json_t *names = json_array();

	for (int i = 0; i < sqlite3_column_count(statement); i++)
		json_array_append_new(names, json_string(sqlite3_column_name(statement, i)));
	return names;
}

/* The columns that hold the value of a fact, which is an object. */
static bool is_fact(const char *column)
{
	return !strcmp(column, "value") || !strcmp(column, "before") || !strcmp(column, "after");
}

static json_t *column_text(sqlite3_stmt *s, int i)
{
	struct span bytes = db_text(s, i);
	json_t *value = NULL;

	if (bytes.size && *bytes.data == '{' && is_fact(sqlite3_column_name(s, i)))
		value = json_parse(bytes, FACT_VALUE_MAX, NULL, 0);
	if (!value)
		value = json_stringn((const char *)bytes.data, bytes.size);
	return value ? value : json_bytes(bytes);
}

json_t *query_value_row(sqlite3_stmt *statement)
{
	json_t *row = json_array();

	for (int i = 0; i < sqlite3_column_count(statement); i++) {
		json_t *value;

		switch (sqlite3_column_type(statement, i)) {
		case SQLITE_INTEGER:
			value = json_integer(sqlite3_column_int64(statement, i));
			break;
		case SQLITE_FLOAT:
			value = json_real(sqlite3_column_double(statement, i));
			break;
		case SQLITE_TEXT:
			value = column_text(statement, i);
			break;
		default:
			value = json_null();
		}
		json_array_append_new(row, value);
	}
	return row;
}

void query_scope_close(struct query_scope *scope)
{
	for (int i = 0; i < QUERY_FINDERS; i++)
		sqlite3_finalize(scope->finders[i]);
}
