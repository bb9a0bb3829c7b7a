// SPDX-License-Identifier: Apache-2.0
/*
 * How long a cma takes from its start until it is ready, with many known agents in its store (an
 * argument, default 1,000,000), what it sends to anybody by then, and its memory for each. The
 * store is written here, row by row as graph_enrol would. Prints "name | value | goal" lines.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "base/text.h"
#include "cma/graph/graph.h"
#include "wire/seal.h"

enum { AGENTS = 1000000, PATIENCE_MS = 120000 };

#define LISTEN_ADDRESS "127.0.0.1:19872"
#define FOREVER	       "9223372036854775807"

struct bench {
	char directory[32], state[48], control[48], notify[48];
	sqlite3 *db;
	int ready; /* socket that hears READY=1 */
	pid_t cma;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_start: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(struct bench *b, int code, const char *what)
{
	if (code == SQLITE_OK || code == SQLITE_DONE)
		return;
	fprintf(stderr, "bench_start: %s: %s\n", what, sqlite3_errmsg(b->db));
	exit(1);
}

static void run(struct bench *b, const char *sql)
{
	check(b, sqlite3_exec(b->db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepare(struct bench *b, const char *sql)
{
	sqlite3_stmt *s;

	check(b, sqlite3_prepare_v2(b->db, sql, -1, &s, NULL), sql);
	return s;
}

/* ---- the store ----------------------------------------------------------------------------- */

static void make_schema(struct bench *b)
{
	struct graph_options options = { .directory = b->state };
	struct graph *graph;
	char why[256];

	if (graph_open(&options, &graph, why, sizeof(why))) {
		fprintf(stderr, "bench_start: %s\n", why);
		exit(1);
	}
	graph_close(graph);
}

/* Keys are random: so is their order in the indexes. */
static void add_agent(sqlite3_stmt *node, sqlite3_stmt *agent, sqlite3_stmt *up, sqlite3_int64 id)
{
	char address[32];

	uint8_t key[GRAPH_KEY], psk[GRAPH_KEY];
	char name[2 * GRAPH_KEY + 1], label[32];

	seal_random(key, sizeof(key));
	seal_random(psk, sizeof(psk));
	text_hex(key, sizeof(key), name);
	snprintf(label, sizeof(label), "h%lld", (long long)id);
	sqlite3_bind_int64(node, 1, id);
	sqlite3_bind_text(node, 2, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(node, 3, label, -1, SQLITE_STATIC);
	sqlite3_bind_int64(agent, 1, id);
	sqlite3_bind_blob(agent, 2, key, sizeof(key), SQLITE_STATIC);
	sqlite3_bind_blob(agent, 3, psk, sizeof(psk), SQLITE_STATIC);
	sqlite3_bind_int64(agent, 4, id + 7);
	snprintf(address, sizeof(address), "10.%d.%d.%d:1984", (int)(id >> 16 & 255),
		(int)(id >> 8 & 255), (int)(id & 255));
	sqlite3_bind_text(agent, 5, address, -1, SQLITE_STATIC);
	sqlite3_bind_int64(agent, 6, id << 32 | 1);
	sqlite3_bind_int64(up, 1, id);
	sqlite3_step(node);
	sqlite3_reset(node);
	sqlite3_step(agent);
	sqlite3_reset(agent);
	sqlite3_step(up);
	sqlite3_reset(up);
}

/* Everybody has two neighbours, and hears them. */
static void run_ring(struct bench *b, long agents)
{
	char *sql autofree = text_format(
		"INSERT INTO ring (tenant, layer, low, high, since)"
		" SELECT 1, 0, host, host + 1, 1000 FROM agent WHERE host < %ld;"
		"INSERT INTO ring (tenant, layer, low, high, since) VALUES (1, 0, 2, %ld, 1000)",
		agents + 1, agents + 1);

	run(b, sql);
}

static void fill(struct bench *b, long agents)
{
	char *path autofree = text_format("%s/graph.db", b->state);
	sqlite3_stmt *node, *agent, *up;

	check(b, sqlite3_open(path, &b->db), path);
	run(b,
		"PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN;"
		"INSERT INTO node VALUES (1, 0, 'tenant', 'default', 'default', 1, " FOREVER ")");
	node = prepare(b, "INSERT INTO node VALUES (?, 1, 'host', ?, ?, 1000, " FOREVER ")");
	agent = prepare(b,
		"INSERT INTO agent (host, tenant, public_key, psk, incarnation, sequence, digests,"
		" address, session, beat)"
		" VALUES (?1, 1, ?2, ?3, ?4, 5, zeroblob(128), ?5, ?6, 1985)");
	up = prepare(b, "INSERT INTO edge VALUES (1, 'up', " FOREVER ", ?, 0, 1000)");
	for (long i = 0; i < agents; i++)
		add_agent(node, agent, up, 2 + i);
	sqlite3_finalize(node);
	sqlite3_finalize(agent);
	sqlite3_finalize(up);
	if (agents > 2)
		run_ring(b, agents);
	run(b, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
	sqlite3_close(b->db);
}

/* ---- the CMA ------------------------------------------------------------------------------- */

static void listen_for_ready(struct bench *b)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", b->notify);
	b->ready = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (b->ready < 0 || bind(b->ready, (struct sockaddr *)&at, sizeof(at)))
		fail(b->notify);
}

static void start(struct bench *b, const char *program)
{
	b->cma = fork();
	if (b->cma < 0)
		fail("fork");
	if (b->cma)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("NOTIFY_SOCKET", b->notify, 1);
	execl(program, program, "--state-dir", b->state, "--listen", LISTEN_ADDRESS, "--control",
		b->control, "--log-level", "warn", (char *)NULL);
	fail(program);
}

static void wait_until_ready(struct bench *b)
{
	struct pollfd wait = { .fd = b->ready, .events = POLLIN };
	char text[256];
	ssize_t size = 0;

	if (poll(&wait, 1, PATIENCE_MS) == 1)
		size = recv(b->ready, text, sizeof(text) - 1, 0);
	text[size > 0 ? size : 0] = '\0';
	if (!strstr(text, "READY=1"))
		fail("the cma does not become ready");
}

/* The rest of the line of a file that begins with name, as a number; -1. */
static long long number_in(FILE *from, const char *name)
{
	char line[512];
	long long value = -1;

	while (value < 0 && fgets(line, sizeof(line), from)) {
		const char *at = strstr(line, name);

		if (at)
			value = strtoll(at + strlen(name), NULL, 10);
	}
	return value;
}

static long long resident_kib(const struct bench *b)
{
	char *path autofree = text_format("/proc/%d/status", b->cma);
	FILE *file = fopen(path, "r");
	long long kib = file ? number_in(file, "VmRSS:") : -1;

	if (file)
		fclose(file);
	return kib;
}

/* A figure of the status. */
static long long figure(const struct bench *b, const char *cmactl, const char *name)
{
	char *quoted autofree = text_format("\"%s\":", name);
	char *command autofree =
		text_format("%s --control %s --output json status", cmactl, b->control);
	FILE *from = popen(command, "r");
	long long value = from ? number_in(from, quoted) : -1;

	if (from)
		pclose(from);
	return value;
}

static void stop(struct bench *b)
{
	char *command autofree = text_format("rm -rf '%s'", b->directory);

	kill(b->cma, SIGTERM);
	waitpid(b->cma, NULL, 0);
	close(b->ready);
	if (system(command))
		fail(command);
}

int main(int argc, char **argv)
{
	struct bench b = { .directory = "/var/tmp/bench_start.XXXXXX" };
	long agents = argc > 1 ? strtol(argv[1], NULL, 10) : AGENTS;
	/* build/tests/bench/bench_start -> build */
	char *build autofree = text_copy(argv[0]);
	char *cma autofree = NULL, *cmactl autofree = NULL;
	struct instant began = instant_now();
	double took;

	for (int i = 0; i < 3 && strrchr(build, '/'); i++)
		*strrchr(build, '/') = '\0';
	cma = text_format("%s/cma", build);
	cmactl = text_format("%s/cmactl", build);
	if (seal_init() || !mkdtemp(b.directory))
		fail("start");
	snprintf(b.state, sizeof(b.state), "%s/state", b.directory);
	snprintf(b.control, sizeof(b.control), "%s/control", b.directory);
	snprintf(b.notify, sizeof(b.notify), "%s/notify", b.directory);
	if (mkdir(b.state, 0700))
		fail(b.state);
	make_schema(&b);
	fill(&b, agents);
	fprintf(stderr, "bench_start: %ld agents in the store after %.1f s\n", agents,
		(double)instant_sub(instant_now(), began) / NS_PER_SEC);
	listen_for_ready(&b);
	began = instant_now();
	start(&b, cma);
	wait_until_ready(&b);
	took = (double)instant_sub(instant_now(), began) / NS_PER_SEC;
	printf("CMA start with %ld known agents | %.2f s | <= 60 s\n", agents, took);
	printf("datagrams sent by then | %lld | <= 0\n", figure(&b, cmactl, "datagrams_sent"));
	printf("lists of neighbours to be told | %lld | <= 0\n",
		figure(&b, cmactl, "lists_waiting"));
	printf("decisions made | %lld | <= 0\n", figure(&b, cmactl, "decisions"));
	printf("memory of the whole process for each of them, without sessions | %.0f B |\n",
		(double)resident_kib(&b) * 1024 / (double)agents);
	stop(&b);
	return 0;
}
