// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/query_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/json.h"
#include "base/text.h"
#include "cma/graph/derive.h"
#include "wire/fact.h"

/* ---- looking nodes up by what people call them ---- */

enum { KEY_SHOWN = 12 }; /* characters of a key that are enough to tell two apart */

/*
 * The only row's id with 1, 0 when there is none, the number of rows when there are more (and the
 * id of the first); -EIO. keys (may be NULL) lists their beginnings.
 */
static int find(const struct query_scope *scope, const char *sql, int64_t owner, const char *text,
	int64_t *id, char *keys, size_t size)
{
	sqlite3_stmt *s = NULL;
	int found = 0;

	if (sqlite3_prepare_v2(scope->db, sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_bind_int64(s, 1, owner);
	sqlite3_bind_text(s, 2, text, -1, SQLITE_STATIC);
	while (sqlite3_step(s) == SQLITE_ROW) {
		size_t used = keys ? strlen(keys) : 0;

		if (!found++)
			*id = sqlite3_column_int64(s, 0);
		if (keys && found <= 4)
			snprintf(keys + used, size - used, "%s%.*s", used ? ", " : "", KEY_SHOWN,
				sqlite3_column_text(s, 1));
	}
	return sqlite3_finalize(s) == SQLITE_OK ? found : -EIO;
}

/* By label, whole key, or the first KEY_SHOWN or more characters of the key. */
static int find_host(
	const struct query_scope *scope, const char *text, int64_t *id, char *keys, size_t size)
{
	int found = find(scope,
		"SELECT id, key FROM node WHERE owner = ? AND kind = 'host' AND label = ?"
		" ORDER BY key",
		scope->tenant, text, id, keys, size);

	if (!found && strlen(text) >= KEY_SHOWN)
		found = find(scope,
			"SELECT id, key FROM node WHERE owner = ?1 AND kind = 'host'"
			" AND key >= ?2 AND key < ?2 || 'g' ORDER BY key",
			scope->tenant, text, id, keys, size);
	return found;
}

static int find_switch(const struct query_scope *scope, const char *text, int64_t *id)
{
	char *key autofree = derive_mac(text);
	int found = find(scope,
		"SELECT id, key FROM node WHERE owner = ? AND kind = 'switch' AND label = ?",
		scope->tenant, text, id, NULL, 0);

	if (!found)
		found = find(scope,
			"SELECT id, key FROM node WHERE owner = ? AND kind = 'switch' AND key = ?",
			scope->tenant, key, id, NULL, 0);
	return found;
}

/* "switch:port"; both may hold colons. */
static int find_switchport(const struct query_scope *scope, const char *text, int64_t *id)
{
	int found = 0;

	for (const char *colon = strchr(text, ':'); colon && !found;
		colon = strchr(colon + 1, ':')) {
		char *device autofree = text_copy_n(text, (size_t)(colon - text));
		char *port autofree = derive_mac(colon + 1);

		if (find_switch(scope, device, id) == 1)
			found = find(scope,
				"SELECT id, key FROM node WHERE owner = ? AND kind = 'switchport'"
				" AND key = ?",
				*id, port, id, NULL, 0);
	}
	return found;
}

/* "tcp 10.0.0.1:80" at its address. */
static int find_endpoint(const struct query_scope *scope, const char *text, int64_t *id)
{
	const char *space = strchr(text, ' ');
	char ip[ADDR_TEXT_SIZE];
	struct addr addr;
	int found;

	if (!space || addr_parse(space + 1, &addr) < 0)
		return 0;
	addr_ip_text(addr.ip, ip);
	found = find(scope, "SELECT id, key FROM node WHERE owner = ? AND kind = 'ip' AND key = ?",
		scope->tenant, ip, id, NULL, 0);
	if (found == 1) {
		char *key autofree =
			text_format("%.*s %u", (int)(space - text), text, (unsigned)addr.port);

		found = find(scope,
			"SELECT id, key FROM node WHERE owner = ? AND kind = 'endpoint' AND key = ?",
			*id, key, id, NULL, 0);
	}
	return found;
}

/* "host/what the host calls it": a process, a network card, an endpoint on loopback, ... */
static int find_owned(const struct query_scope *scope, const char *text, int64_t *id)
{
	const char *slash = strchr(text, '/');
	char *host autofree = slash ? text_copy_n(text, (size_t)(slash - text)) : NULL;

	if (!slash || find_host(scope, host, id, NULL, 0) != 1)
		return 0;
	return find(scope,
		"SELECT id, key FROM node WHERE owner = ? AND key = ? AND kind IN ('process', 'nic',"
		" 'endpoint', 'unit', 'container') LIMIT 1",
		*id, slash + 1, id, NULL, 0);
}

static int find_address(const struct query_scope *scope, const char *text, int64_t *id)
{
	char *key autofree = derive_mac(text);

	return find(scope,
		"SELECT id, key FROM node WHERE owner = ? AND key = ?"
		" AND kind IN ('ip', 'mac', 'subnet') LIMIT 1",
		scope->tenant, key, id, NULL, 0);
}

static int find_node(
	const struct query_scope *scope, const char *text, int64_t *id, char *keys, size_t size)
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

static int bind_node(const struct query_scope *scope, sqlite3_stmt *s, int at,
	const struct query_param *param, const char *text, char *error, size_t error_size)
{
	char keys[5 * (KEY_SHOWN + 2)] = "";
	int64_t id = 0;
	int found = 1;

	if (*text || !param->initial)
		found = param->type == QUERY_HOST ? find_host(scope, text, &id, keys, sizeof(keys))
						  : find_node(scope, text, &id, keys, sizeof(keys));
	if (found == 1) {
		sqlite3_bind_int64(s, at, id);
		return 0;
	}
	if (found > 1)
		snprintf(error, error_size, "%s '%.80s' is %d of them; say which by its key: %s",
			param->name, text, found, keys);
	else
		snprintf(error, error_size, "unknown %s '%.80s'", param->name, text);
	return -EINVAL;
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
static const char *bind_value(const struct query_scope *scope, sqlite3_stmt *s, int at,
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

int query_value_bind(const struct query_scope *scope, sqlite3_stmt *statement,
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
	const unsigned char *text = sqlite3_column_text(s, i);
	struct span bytes = SPAN(text, (size_t)sqlite3_column_bytes(s, i));
	json_t *value = NULL;

	if (is_fact(sqlite3_column_name(s, i)) && bytes.size && *text == '{')
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
