// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/query.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/suggest.h"
#include "base/text.h"
#include "cma/graph/embedded.h"
#include "cma/graph/query_file.h"
#include "cma/graph/query_value.h"
#include "cma/graph/walk.h"
#include "wire/keys.h"

enum {
	CACHE_KIB = 64 << 10,
	STEPS_BETWEEN_LOOKS = 20000, /* of SQLite's machine, at the clock: some 0.2 ms */
};

struct queries {
	sqlite3 *db;
	struct query *items; /* sorted by name */
	size_t count;
	sqlite3_stmt *tenant;
	struct query_scope scope;
	struct instant deadline;       /* of the one that runs, */
	const struct query_sink *sink; /* and its sink */
};

/* ---- opening ---- */

static void rfc3339(sqlite3_context *context, int count, sqlite3_value **values)
{
	char text[TEXT_TIME_SIZE];

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL)
		return;
	text_time(sqlite3_value_int64(values[0]), text);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* Of a public key. */
static void fingerprint(sqlite3_context *context, int count, sqlite3_value **values)
{
	char text[KEYS_FINGERPRINT_SIZE];

	(void)count;
	if (sqlite3_value_bytes(values[0]) != SEAL_KEY)
		return;
	keys_fingerprint(sqlite3_value_blob(values[0]), text);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static bool is_cancelled(const struct queries *q)
{
	return q->sink->cancelled && q->sink->cancelled(q->sink->context);
}

/* Non-zero ends the statement that runs. */
static int look_up(void *context)
{
	const struct queries *q = context;

	return instant_before(q->deadline, instant_now()) || is_cancelled(q);
}

/* A table in which a column of that name is one. */
static bool is_secret(const char *table)
{
	return table &&
		(!strcmp(table, "agent") || !strcmp(table, "token") || !strcmp(table, "secret"));
}

/* A query is for people: no file but this one, and no key leaves it. */
static int authorize(void *context, int action, const char *first, const char *second,
	const char *database, const char *trigger)
{
	(void)context;
	(void)database;
	(void)trigger;
	if (action == SQLITE_ATTACH || action == SQLITE_DETACH || action == SQLITE_PRAGMA)
		return SQLITE_DENY;
	if (action == SQLITE_READ && second &&
		(!strcmp(second, "psk") || !strcmp(second, "secret")))
		return is_secret(first) ? SQLITE_DENY : SQLITE_OK;
	return SQLITE_OK;
}

static int connect_database(struct queries *q, const char *directory, char *error, size_t size)
{
	char *path autofree = text_format("%s/graph.db", directory);
	char cache[96];
	int code = sqlite3_open_v2(path, &q->db,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	snprintf(cache, sizeof(cache), "PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -%d",
		CACHE_KIB);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(q->db, 1000);
		sqlite3_progress_handler(q->db, 0, NULL, NULL);
		code = sqlite3_exec(q->db, cache, NULL, NULL, NULL);
	}
	if (code == SQLITE_OK)
		code = sqlite3_create_function_v2(q->db, "rfc3339", 1,
			SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, rfc3339, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_create_function_v2(q->db, "fingerprint", 1,
			SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, fingerprint, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = walk_register(q->db);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v3(q->db,
			"SELECT id FROM node WHERE owner = 0 AND kind = 'tenant' AND key = ?", -1,
			SQLITE_PREPARE_PERSISTENT, &q->tenant, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_set_authorizer(q->db, authorize, NULL);
	q->scope.db = q->db;
	if (code == SQLITE_OK)
		return 0;
	snprintf(error, size, "%s: %s", path, q->db ? sqlite3_errmsg(q->db) : "out of memory");
	return -EIO;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct query *)a)->name, ((const struct query *)b)->name);
}

static struct query *query_find(const struct queries *q, const char *name)
{
	for (size_t i = 0; i < q->count; i++)
		if (!strcmp(q->items[i].name, name))
			return &q->items[i];
	return NULL;
}

static void query_free(struct query *query)
{
	sqlite3_finalize(query->statement);
	query_file_free(query);
}

/* Takes it over; an older one of its name makes way. */
static void query_put(struct queries *q, const struct query *query)
{
	struct query *place = query_find(q, query->name);

	if (place) {
		query_free(place);
	} else {
		q->items = mem_resize(q->items, q->count + 1, sizeof(*q->items));
		place = &q->items[q->count++];
	}
	*place = *query;
}

static char *query_name(const char *file)
{
	return text_copy_n(file, strlen(file) - strlen(".sql"));
}

/* file: "NAME.sql". */
static int query_add(
	struct queries *q, const char *file, const char *text, char *error, size_t size)
{
	char *name autofree = query_name(file);
	char why[128];
	struct query query;

	if (query_file_parse(name, text, &query, why, sizeof(why)) < 0) {
		snprintf(error, size, "%s: %s", file, why);
		return -EINVAL;
	}
	query_put(q, &query);
	return 0;
}

/* In the place of a query, what is wrong with the operator's file. */
static void query_add_broken(struct queries *q, char *name, const char *directory, const char *why)
{
	struct query query = {
		.name = name,
		.summary = text_format("cannot be asked: %s/%s", directory, why),
		.broken = text_format("%s/%s", directory, why),
	};

	query_put(q, &query);
}

static int prepare(struct queries *q, struct query *query, char *error, size_t size)
{
	const char *rest;
	int code;

	if (query->statement)
		return 0;
	code = sqlite3_prepare_v3(q->db, query->sql, -1, SQLITE_PREPARE_PERSISTENT,
		(sqlite3_stmt **)&query->statement, &rest);
	if (code != SQLITE_OK || !query->statement || rest[strspn(rest, "; \t\n")]) {
		snprintf(error, size, "%s.sql: %s", query->name,
			code != SQLITE_OK ? sqlite3_errmsg(q->db) : "more than one statement");
		return -EINVAL;
	}
	return 0;
}

static bool is_sql(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && name[0] != '.' && !strcmp(name + length - 4, ".sql");
}

static void load_one(struct queries *q, int dir, const char *path, const char *file)
{
	char *text autofree = file_read(dir, file, QUERY_FILE_MAX, NULL);
	char why[256];
	int failed;

	if (!text)
		snprintf(why, sizeof(why), "%s: %s", file, strerror(errno));
	failed = text ? query_add(q, file, text, why, sizeof(why)) : -EIO;
	if (!failed) {
		char *name autofree = query_name(file);

		failed = prepare(q, query_find(q, name), why, sizeof(why));
	}
	if (failed)
		query_add_broken(q, query_name(file), path, why);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int load_directory(struct queries *q, const char *path, char *error, size_t size)
{
	DIR *dir cleanup(close_dir) = opendir(path);
	const struct dirent *entry;
	int failed;

	if (!dir) {
		failed = errno == ENOENT ? 0 : -errno;
		if (failed)
			snprintf(error, size, "%s: %s", path, strerror(-failed));
		return failed;
	}
	while ((entry = readdir(dir)))
		if (is_sql(entry->d_name))
			load_one(q, dirfd(dir), path, entry->d_name);
	return 0;
}

static int load_all(struct queries *q, const char *set, const char *extra, char *error, size_t size)
{
	size_t length = strlen(set);
	int failed = 0;

	for (const struct embedded_sql *file = embedded_sql; file->path && !failed; file++)
		if (!strncmp(file->path, set, length) && file->path[length] == '/')
			failed = query_add(q, file->path + length + 1, file->text, error, size);
	if (!failed && extra)
		failed = load_directory(q, extra, error, size);
	if (!failed)
		qsort(q->items, q->count, sizeof(*q->items), compare);
	for (size_t i = 0; i < q->count && !failed; i++)
		failed = q->items[i].broken ? 0 : prepare(q, &q->items[i], error, size);
	return failed;
}

int queries_open(const char *directory, const char *extra_directory, struct queries **queries,
	char *error, size_t error_size)
{
	return queries_open_set("queries", directory, extra_directory, queries, error, error_size);
}

int queries_open_set(const char *set, const char *directory, const char *extra_directory,
	struct queries **queries, char *error, size_t error_size)
{
	struct queries *q = mem_alloc(1, sizeof(*q));
	int failed = connect_database(q, directory, error, error_size);

	if (!failed)
		failed = load_all(q, set, extra_directory, error, error_size);
	if (failed) {
		queries_close(q);
		q = NULL;
	}
	*queries = q;
	return failed;
}

void queries_close(struct queries *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		query_free(&q->items[i]);
	free(q->items);
	sqlite3_finalize(q->tenant);
	query_scope_close(&q->scope);
	sqlite3_close(q->db);
	free(q);
}

const struct query *queries_at(const struct queries *q, size_t i)
{
	return i < q->count ? &q->items[i] : NULL;
}

/* ---- running ---- */

static const struct query_param as_of_param = { .name = (char *)"as_of", .type = QUERY_TIME };

/* "unknown parameter 'depht' of hostdependencies; did you mean 'depth'?" */
static int refuse_word(
	struct suggest *known, const char *what, const char *of, char *error, size_t size)
{
	snprintf(error, size, "unknown %s '%.80s'%s%s%s%s%s", what, known->word, *of ? " of " : "",
		of, known->best ? "; did you mean '" : "", known->best ? known->best : "",
		known->best ? "'?" : "");
	return -EINVAL;
}

static bool has_param(const struct query *query, const char *name)
{
	bool found = !strcmp(name, as_of_param.name);

	for (size_t i = 0; i < query->param_count && !found; i++)
		found = !strcmp(name, query->params[i].name);
	return found;
}

static int check_names(const struct query *query, const json_t *params, char *error, size_t size)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)params, name, value) {
		struct suggest known = { .word = name };

		if (has_param(query, name))
			continue;
		suggest_offer(&known, as_of_param.name);
		for (size_t i = 0; i < query->param_count; i++)
			suggest_offer(&known, query->params[i].name);
		return refuse_word(&known, "parameter", query->name, error, size);
	}
	return 0;
}

/* The text of a given value; NULL when it is none of string, number, boolean. The caller frees. */
static char *value_text(const json_t *value)
{
	if (json_is_string(value))
		return text_copy(json_string_value(value));
	return json_is_number(value) || json_is_boolean(value) ? json_text(value) : NULL;
}

static int bind_param(struct query_scope *scope, const struct query *query,
	const struct query_param *param, const json_t *params, char *error, size_t size)
{
	const json_t *given = json_object_get(params, param->name);
	char *text autofree = given ? value_text(given) : text_copy(param->initial);

	if (text)
		return query_value_bind(scope, query->statement, param, text, error, size);
	snprintf(error, size,
		given ? "%s: parameter '%s' must be a word or a number"
		      : "%s needs the parameter '%s'",
		query->name, param->name);
	return -EINVAL;
}

/* Its statement stays where it is until the query has ended: so all reads are of one state. */
static int find_tenant(
	struct queries *q, const char *name, int64_t *tenant, char *error, size_t size)
{
	int code;

	*tenant = -1;
	sqlite3_bind_text(q->tenant, 1, name, -1, SQLITE_STATIC);
	code = sqlite3_step(q->tenant);
	if (code == SQLITE_ROW)
		*tenant = sqlite3_column_int64(q->tenant, 0);
	if (code == SQLITE_ROW || (code == SQLITE_DONE && !strcmp(name, "default")))
		return 0;
	snprintf(error, size, code == SQLITE_DONE ? "unknown tenant '%.80s'" : "%.80s: %s", name,
		sqlite3_errmsg(q->db));
	return code == SQLITE_DONE ? -EINVAL : -EIO;
}

static int bind_all(struct queries *q, const struct query *query, const json_t *params,
	const char *tenant, int64_t now_ms, char *error, size_t size)
{
	sqlite3_stmt *s = query->statement;
	int failed = find_tenant(q, tenant, &q->scope.tenant, error, size);

	if (failed)
		return failed;
	sqlite3_bind_int64(s, sqlite3_bind_parameter_index(s, ":tenant"), q->scope.tenant);
	sqlite3_bind_int64(s, sqlite3_bind_parameter_index(s, ":now"), now_ms);
	q->scope.now_ms = now_ms;
	/* What is true now has not gone yet, however the clock was moved. */
	sqlite3_bind_int64(s, sqlite3_bind_parameter_index(s, ":as_of"), INT64_MAX - 1);
	for (size_t i = 0; i < query->param_count && !failed; i++)
		failed = bind_param(&q->scope, query, &query->params[i], params, error, size);
	if (!failed && json_object_get(params, as_of_param.name))
		failed = bind_param(&q->scope, query, &as_of_param, params, error, size);
	return failed;
}

static int why_ended(const struct queries *q, int code, char *error, size_t size)
{
	if (code != SQLITE_INTERRUPT) {
		snprintf(error, size, "%s", sqlite3_errmsg(q->db));
		return -EIO;
	}
	snprintf(error, size, "took too long");
	return is_cancelled(q) ? -ECANCELED : -ETIME;
}

static int run(
	struct queries *q, sqlite3_stmt *s, const struct query_sink *sink, char *error, size_t size)
{
	json_t *columns autojson = query_value_columns(s);
	int failed = sink->columns ? sink->columns(sink->context, columns) : 0;
	int code;

	while (!failed && (code = sqlite3_step(s)) != SQLITE_DONE) {
		json_t *row autojson = NULL;

		if (code != SQLITE_ROW) {
			failed = why_ended(q, code, error, size);
			break;
		}
		row = query_value_row(s);
		failed = sink->row(sink->context, row);
	}
	return failed;
}

int query_run(struct queries *q, const char *name, const json_t *params, const char *tenant,
	int64_t now_ms, const struct query_sink *sink, char *error, size_t error_size)
{
	struct suggest known = { .word = name };
	struct query *query = query_find(q, name);
	int failed;

	if (!query) {
		for (size_t i = 0; i < q->count; i++)
			suggest_offer(&known, q->items[i].name);
		return refuse_word(&known, "query", "", error, error_size);
	}
	if (query->broken) {
		snprintf(error, error_size, "%s", query->broken);
		return -EINVAL;
	}
	failed = check_names(query, params, error, error_size);
	if (!failed)
		failed = bind_all(q, query, params, tenant, now_ms, error, error_size);
	if (!failed) {
		q->sink = sink;
		q->deadline = instant_add(instant_now(), QUERY_TIME_MS * NS_PER_MS);
		sqlite3_progress_handler(q->db, STEPS_BETWEEN_LOOKS, look_up, q);
		failed = run(q, query->statement, sink, error, error_size);
		sqlite3_progress_handler(q->db, 0, NULL, NULL);
	}
	sqlite3_reset(query->statement);
	sqlite3_clear_bindings(query->statement);
	sqlite3_reset(q->tenant);
	return failed;
}

int query_node(struct queries *q, const char *tenant, const char *text, int64_t *id,
	int64_t *tenant_id, char *error, size_t error_size)
{
	int failed = find_tenant(q, tenant, &q->scope.tenant, error, error_size);

	*tenant_id = q->scope.tenant;
	if (!failed)
		failed = query_value_node(&q->scope, "node", false, text, id, error, error_size);
	sqlite3_reset(q->tenant);
	return failed;
}
