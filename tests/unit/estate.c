// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/estate.h"

#include <sqlite3.h>
#include <stdlib.h>

void estate_open(struct estate *e)
{
	int failed;

	e->options.directory = e->directory;
	failed = graph_open(&e->options, &e->graph, e->error, sizeof(e->error));

	if (!failed)
		failed = queries_open(e->directory, NULL, &e->queries, e->error, sizeof(e->error));
	if (failed)
		fail_msg("%s", e->error);
}

void estate_new(struct estate *e)
{
	*e = (struct estate){ .directory = "/tmp/estate.XXXXXX", .now = ESTATE_START };
	assert_int_equal(seal_init(), 0);
	assert_non_null(mkdtemp(e->directory));
	estate_open(e);
}

void estate_close(struct estate *e)
{
	queries_close(e->queries);
	graph_close(e->graph);
	e->queries = NULL;
	e->graph = NULL;
}

void estate_remove(struct estate *e)
{
	char *command autofree = text_format("rm -rf %s", e->directory);

	estate_close(e);
	assert_int_equal(system(command), 0);
}

int64_t estate_enrol(struct estate *e, const char *tenant, uint8_t key)
{
	struct graph_token token = { .expires_ms = INT64_MAX };
	uint8_t public_key[GRAPH_KEY], psk[GRAPH_KEY] = { 0 };
	int64_t agent = 0;

	memset(public_key, key, sizeof(public_key));
	token.id[0] = key;
	snprintf(token.tenant, sizeof(token.tenant), "%s", tenant);
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(graph_token_create(e->graph, &token), 0);
	assert_int_equal(graph_enrol(e->graph, token.id, public_key, psk, &agent), 0);
	assert_int_equal(graph_commit(e->graph), 0);
	return agent;
}

int estate_apply(
	struct estate *e, int64_t agent, uint64_t incarnation, uint64_t sequence, struct span bytes)
{
	struct graph_message message = {
		.incarnation = incarnation, .sequence = sequence, .bytes = bytes
	};

	return graph_apply(e->graph, agent, &message, &e->result);
}

void estate_send(struct estate *e, int64_t agent, const struct message *message)
{
	struct writer w cleanup(writer_free) = writer_growing(MESSAGE_SIZE_MAX);

	message_encode(&w, message);
	assert_false(w.failed);
	assert_int_equal(graph_begin(e->graph, e->now), 0);
	assert_int_equal(estate_apply(e, agent, 1, ++e->sequence, writer_span(&w)), 0);
	assert_int_equal(graph_commit(e->graph), 0);
}

void estate_pack(struct writer *w, enum section section, const char *key, const char *json)
{
	char *value autofree = text_copy(json ? json : "");
	struct fact fact = { .section = section, .key = SPAN_TEXT(key) };

	for (char *c = value; *c; c++) /* tests write JSON with ' */
		if (*c == '\'')
			*c = '"';
	fact.value = SPAN_TEXT(value);
	fact_put(w, &fact);
}

void estate_tell(
	struct estate *e, int64_t agent, enum section section, const char *key, const char *json)
{
	struct writer w cleanup(writer_free) = writer_growing(FACT_VALUE_MAX * 2);
	struct message message = { .kind = MESSAGE_CHANGES };

	estate_pack(&w, section, key, json);
	message.changes.facts = writer_span(&w);
	estate_send(e, agent, &message);
	assert_int_equal(e->result.verdict, GRAPH_APPLIED);
}

struct rows {
	json_t *names;
	json_t *rows;
};

static int on_columns(void *context, const json_t *names)
{
	((struct rows *)context)->names = json_deep_copy(names);
	return 0;
}

static int on_row(void *context, const json_t *values)
{
	struct rows *to = context;
	json_t *row = json_object();
	json_t *value;
	size_t i;

	json_array_foreach ((json_t *)values, i, value)
		json_object_set(row, json_string_value(json_array_get(to->names, i)), value);
	json_array_append_new(to->rows, row);
	return 0;
}

int estate_try(
	struct estate *e, const char *tenant, const char *name, const char *params, json_t **rows)
{
	struct rows got = { .rows = json_array() };
	struct query_sink sink = { .columns = on_columns, .row = on_row, .context = &got };
	char *text autofree = text_copy(params ? params : "{}");
	json_t *object autojson = NULL;
	int failed;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	object = json_parse(SPAN_TEXT(text), 4096, e->error, sizeof(e->error));
	if (!object)
		fail_msg("%s: %s", text, e->error);
	failed = query_run(
		e->queries, name, object, tenant, e->now, &sink, e->error, sizeof(e->error));
	json_decref(got.names);
	*rows = got.rows;
	return failed;
}

char *estate_ask(struct estate *e, const char *name, const char *params)
{
	json_t *rows autojson = NULL;
	int failed = estate_try(e, "default", name, params, &rows);
	char *text = json_text(rows);

	if (failed)
		fail_msg("%s: %s", name, e->error);
	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	return text;
}

int64_t estate_host(struct estate *e, uint8_t number, const char *name, const char *port)
{
	int64_t agent = estate_enrol(e, "default", number);
	char *os autofree = text_format("{'Description':'Debian 12','kernel-release':'6.1',"
					"'nodename':'%s'}",
		name);
	char *link autofree = text_format("{'ifname':'eth0','mac':'02:00:00:00:00:%02x'}", number);
	char *address autofree =
		text_format("{'addr':'10.0.0.%u','ifname':'eth0','prefix':24}", number);
	char *key autofree = text_format("eth0 10.0.0.%u/24", number);

	estate_tell(e, agent, SECTION_HOST, "os", os);
	estate_tell(e, agent, SECTION_LINK, "eth0", link);
	estate_tell(e, agent, SECTION_ADDRESS, key, address);
	if (port) {
		char *lldp autofree = text_format(
			"{'chassis_id':'02:FF:00:00:00:01','ifname':'eth0','port_descr':'to %s',"
			"'port_id':'%s','protocol':'LLDP','sysdescr':'a bridge','sysname':'sw1'}",
			name, port);
		char *lldp_key autofree = text_format("eth0 LLDP 02:FF:00:00:00:01 %s", port);

		estate_tell(e, agent, SECTION_LLDP, lldp_key, lldp);
	}
	return agent;
}

void estate_service(struct estate *e, int64_t agent, const char *name, int port)
{
	char *process autofree = text_format(
		"{'cmdline':['%s'],'exe':'/usr/bin/%s','unit':'%s.service','user':'www'}", name,
		name, name);
	char *process_key autofree = text_format("%s:1", name);
	char *listen autofree = text_format(
		"{'addr':'0.0.0.0','port':%d,'process':['%s:1'],'proto':'tcp'}", port, name);
	char *listen_key autofree = text_format("tcp 0.0.0.0:%d", port);

	estate_tell(e, agent, SECTION_PROCESS, process_key, process);
	estate_tell(e, agent, SECTION_LISTEN, listen_key, listen);
}

void estate_client(
	struct estate *e, int64_t agent, const char *name, const char *ip, int port, bool here)
{
	char *key autofree = text_format("%s:1 tcp %s:%d", name, ip, port);
	char *value autofree =
		text_format("{'addr':'%s','port':%d,'process':'%s:1','proto':'tcp','state':'ok'}",
			ip, port, name);

	estate_tell(e, agent, SECTION_CLIENT, key, here ? value : NULL);
}

int64_t estate_sql(struct estate *e, const char *sql)
{
	char *path autofree = text_format("%s/graph.db", e->directory);
	sqlite3_stmt *s;
	int64_t value;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}
