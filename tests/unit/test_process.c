// SPDX-License-Identifier: Apache-2.0
/* Processes of a made-up /proc, and the one we are. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/naming.h"
#include "agent/process.h"
#include "base/alloc.h"
#include "base/json.h"

struct fixture {
	char root[64];
	int dir;
	struct process_view view;
};

static void write_file(const struct fixture *f, const char *path, const char *data, size_t size)
{
	int fd = openat(f->dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static void write_text(const struct fixture *f, const char *path, const char *text)
{
	write_file(f, path, text, strlen(text));
}

static void write_link(const struct fixture *f, const char *path, const char *target)
{
	unlinkat(f->dir, path, 0);
	assert_int_equal(symlinkat(target, f->dir, path), 0);
}

static void write_stat(const struct fixture *f, char state, unsigned int flags, unsigned int start)
{
	char *text autofree =
		text_format("100 (ng) x (y) %c 1 100 100 0 -1 %u 0 0 0 0 0 0 0 0 20 0 "
			    "1 0 %u 1000 0\n",
			state, flags, start);

	write_text(f, "proc/100/stat", text);
}

/* nginx, started 12.34 s after boot. */
static void write_process(const struct fixture *f)
{
	static const char cmdline[] = "nginx\0-g\0daemon off;\0--password=hunter2";

	write_stat(f, 'S', 0x400000, 1234);
	write_text(
		f, "proc/100/status", "Name:\tnginx\nUid:\t0\t33\t33\t33\nGid:\t0\t34\t33\t33\n");
	write_text(f, "proc/100/cgroup", "0::/system.slice/nginx.service\n");
	write_text(f, "proc/100/comm", "nginx\n");
	write_file(f, "proc/100/cmdline", cmdline, sizeof(cmdline));
	write_link(f, "proc/100/exe", "/usr/sbin/nginx (deleted)");
	write_link(f, "proc/100/cwd", "/srv");
	write_link(f, "proc/100/ns/net", "net:[4026531840]");
}

static int set_up(void **state)
{
	static const char *const dirs[] = { "proc", "proc/100", "proc/100/ns", "etc", "netns" };
	struct fixture *f = mem_alloc(1, sizeof(*f));

	strcpy(f->root, "/tmp/test-process-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	f->dir = open(f->root, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		assert_int_equal(mkdirat(f->dir, dirs[i], 0755), 0);
	write_text(f, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:/x\n");
	write_text(f, "etc/group", "root:x:0:\nnetworks::34:a,b\nlast:x:35:");
	f->view = (struct process_view){ .proc = openat(f->dir, "proc", O_RDONLY | O_DIRECTORY),
		.etc = openat(f->dir, "etc", O_RDONLY | O_DIRECTORY),
		.cgroup = -1 };
	write_process(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char *command autofree = text_format("rm -rf %s", f->root);

	process_view_close(&f->view);
	close(f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

#define START 12345000000ULL /* ns: within the tick of 12.34 s */

static void test_everything_is_read(void **state)
{
	const struct fixture *f = *state;
	struct process process;
	json_t *value autojson = NULL;
	char *text autofree = NULL;

	assert_int_equal(process_read(&f->view, 100, START, &process), 0);
	assert_int_equal(process.netns, 4026531840u);
	value = process_json(&process, "");
	text = json_text(value);
	assert_string_equal(text,
		"{\"cmdline\":[\"nginx\",\"-g\",\"daemon off;\",\"--password=***\"],"
		"\"cwd\":\"/srv\",\"exe\":\"/usr/sbin/nginx\",\"gid\":34,\"group\":\"networks\","
		"\"uid\":33,\"unit\":\"nginx.service\",\"user\":\"www-data\"}");
	process_free(&process);
}

/* A program can still run when it was removed; a directory that was has no name. */
static void test_removed_directory(void **state)
{
	const struct fixture *f = *state;
	struct process process;

	assert_int_equal(unlinkat(f->dir, "proc/100/cwd", 0), 0);
	write_link(f, "proc/100/cwd", "/tmp/gone (deleted)");
	assert_int_equal(process_read(&f->view, 100, START, &process), 0);
	assert_null(process.cwd);
	process_free(&process);
}

static void test_account_of_the_last_line(void **state)
{
	const struct fixture *f = *state;
	struct process process;

	write_text(f, "proc/100/status", "Name:\tx\nUid:\t1\t99\t1\t1\nGid:\t1\t35\t1\t1\n");
	assert_int_equal(process_read(&f->view, 100, START, &process), 0);
	assert_null(process.user);
	assert_string_equal(process.group, "last");
	process_free(&process);
}

static void test_container_has_its_own_accounts(void **state)
{
	const struct fixture *f = *state;
	struct process process;

	write_text(f, "proc/100/cgroup", "0::/lxc.payload.web/system.slice/nginx.service\n");
	assert_int_equal(process_read(&f->view, 100, START, &process), 0);
	assert_string_equal(process.container, "lxc:web");
	assert_null(process.user);
	process_free(&process);
}

static void test_reused_tgid_is_another_process(void **state)
{
	const struct fixture *f = *state;
	struct process process;

	assert_int_equal(process_read(&f->view, 100, START + 10000000, &process), -ESRCH);
	assert_int_equal(process_read(&f->view, 101, START, &process), -ESRCH);
	assert_int_equal(process_read(&f->view, 100, 0, &process), 0);
	process_free(&process);
}

static void test_ending_process_is_gone(void **state)
{
	const struct fixture *f = *state;
	struct process process;
	uint64_t start;

	assert_int_equal(process_start(&f->view, 100, &start), 0);
	assert_int_equal(start, 12340000000ULL);
	unlinkat(f->dir, "proc/100/exe", 0); /* its memory is gone already */
	assert_int_equal(process_read(&f->view, 100, START, &process), -ESRCH);
	write_process(f);
	write_stat(f, 'Z', 0, 1234);
	assert_int_equal(process_read(&f->view, 100, START, &process), -ESRCH);
	assert_int_equal(process_start(&f->view, 100, &start), -ESRCH);
}

static void test_kernel_thread_has_its_name(void **state)
{
	const struct fixture *f = *state;
	struct process process;
	char name[NAMING_PROCESS_SIZE];

	unlinkat(f->dir, "proc/100/exe", 0);
	write_text(f, "proc/100/cmdline", "");
	write_text(f, "proc/100/comm", "nfsd\n");
	write_stat(f, 'S', 0x200040, 1234);
	assert_int_equal(process_read(&f->view, 100, START, &process), 0);
	assert_string_equal(process.cmdline, "[nfsd]");
	naming_process(&process, "", name);
	assert_memory_equal(name, "[nfsd]:", 7);
	process_free(&process);
}

static void check_cmdline(const struct fixture *f, const char *raw, size_t size, const char *exe,
	const char *expected)
{
	struct process process;

	write_file(f, "proc/100/cmdline", raw, size);
	write_link(f, "proc/100/exe", exe);
	assert_int_equal(process_read(&f->view, 100, START, &process), 0);
	assert_string_equal(process.cmdline, expected);
	if (process.cmdline_size > strlen(expected) + 1)
		assert_string_equal(process.cmdline + strlen(expected) + 1, "10");
	process_free(&process);
}
#define CHECK(raw, exe, expected) check_cmdline(f, raw, sizeof(raw), exe, expected)

static void test_of_a_title_the_name_stays(void **state)
{
	const struct fixture *f = *state;

	CHECK("sshd: /usr/sbin/sshd -D [listener] 3 of 10-100 startups\0\0\0", "/usr/sbin/sshd",
		"sshd");
	CHECK("nginx: master process nginx -c /etc/nginx.conf", "/usr/sbin/nginx", "nginx");
	CHECK("nginx: worker process\0old\0words", "/usr/sbin/nginx", "nginx");
	CHECK("postgres: main: joe db 10.0.0.1(4444) idle", "/usr/lib/postgresql/bin/postgres",
		"postgres");
	CHECK("lldpd: connected to sw1.", "/usr/sbin/lldpd", "lldpd");
	CHECK("/usr/bin/redis-server 127.0.0.1:6379", "/usr/bin/redis-check-rdb",
		"/usr/bin/redis-server");
	CHECK("php-fpm: pool www", "/usr/sbin/php-fpm8.2", "php-fpm");
	CHECK("unicorn worker[3]", "/usr/bin/ruby3.1", "unicorn");
	CHECK("17 of 20 done", "/usr/bin/worker", "worker");
}

static void test_command_line_is_no_title(void **state)
{
	const struct fixture *f = *state;

	CHECK("sleep:\0"
	      "10",
		"/usr/bin/sleep", "sleep:");
	CHECK("php-fpm: no\0"
	      "10",
		"/usr/bin/php", "php-fpm: no");
	CHECK("/opt/My App/app", "/opt/My App/app", "/opt/My App/app");
	CHECK("./My App", "/opt/My App", "./My App");
	CHECK("My App", "/opt/My App", "My App");
	CHECK("(sd-pam)", "/usr/lib/systemd/systemd", "(sd-pam)");
}

/* The hash is part of what other hosts and later versions know: it must not change. */
static void test_name_is_stable(void **state)
{
	struct process process = { .exe = (char *)"/usr/sbin/nginx",
		.cmdline = (char *)"nginx\0-g",
		.cmdline_size = 9,
		.uid = 33,
		.gid = 34,
		.unit = (char *)"nginx.service" };
	char name[NAMING_PROCESS_SIZE], other[NAMING_PROCESS_SIZE];

	(void)state;
	naming_process(&process, "", name);
	assert_string_equal(name, "nginx:1dd0000b");
	process.cwd = (char *)"/srv";
	naming_process(&process, "4026532000", other);
	assert_string_equal(name, other);
	naming_process(&process, "blue", other);
	assert_string_not_equal(name, other);
	process.container = (char *)"docker:1";
	naming_process(&process, "", other);
	assert_string_not_equal(name, other);
}

static void test_name_is_one_word(void **state)
{
	struct process process = { .exe = (char *)"/opt/My App\n/run me" };
	char name[NAMING_PROCESS_SIZE], path[300] = "/";

	(void)state;
	naming_process(&process, "", name);
	assert_memory_equal(name, "run_me:", 7);
	memset(path + 1, 'x', 250);
	process.exe = path;
	naming_process(&process, "", name);
	assert_int_equal(strlen(name), NAMING_PROCESS_SIZE - 1);
	process = (struct process){ .exe = NULL };
	naming_process(&process, "", name);
	assert_memory_equal(name, "unknown:", 8);
}

static void test_netns_has_its_name(void **state)
{
	const struct fixture *f = *state;
	int names = openat(f->dir, "netns", O_RDONLY | O_DIRECTORY);
	char name[NAMING_NETNS_SIZE];
	struct stat info;

	write_text(f, "netns/blue", "");
	assert_int_equal(fstatat(names, "blue", &info, 0), 0);
	naming_netns(names, (uint32_t)info.st_ino, name);
	assert_string_equal(name, "blue");
	naming_netns(names, 7, name);
	assert_string_equal(name, "7");
	naming_netns(-1, 8, name);
	assert_string_equal(name, "8");
	close(names);
}

static void test_captured_process(void **state)
{
	const struct fixture *f = *state;
	struct event_workload event = {
		.tgid = 100, .uid = 33, .gid = 34, .netns = 5, .comm = "curl"
	};
	struct process process;
	json_t *value autojson = NULL;
	char *text autofree = NULL;

	memcpy(event.path, "curl\0bin\0usr", 13);
	event.path_size = 13;
	memcpy(event.argv, "curl\0http://x/", 15);
	event.argv_size = 15;
	process_captured(&f->view, &event, &process);
	value = process_json(&process, "blue");
	text = json_text(value);
	assert_string_equal(text,
		"{\"cmdline\":[\"curl\"],\"exe\":\"/usr/bin/curl\",\"gid\":34,"
		"\"group\":\"networks\",\"netns\":\"blue\",\"transient\":true,\"uid\":33,"
		"\"user\":\"www-data\"}");
	process_free(&process);
	memcpy(event.argv, "curl: asks for the 3rd time\0\0", 29);
	event.argv_size = 29;
	process_captured(&f->view, &event, &process);
	assert_string_equal(process.cmdline, "curl");
	process_free(&process);
	event.argv_size = event.path_size = 0;
	process_captured(&f->view, &event, &process);
	assert_string_equal(process.cmdline, "[curl]");
	assert_null(process.exe);
	process_free(&process);
}

static void test_ourselves(void **state)
{
	struct process_view view;
	struct process process;
	uint64_t start = 0;
	char exe[4096];
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	(void)state;
	assert_true(length > 0);
	exe[length] = '\0';
	assert_int_equal(process_view_open(&view), 0);
	assert_int_equal(process_start(&view, (uint32_t)getpid(), &start), 0);
	assert_int_equal(process_read(&view, (uint32_t)getpid(), start, &process), 0);
	assert_string_equal(process.exe, exe);
	assert_int_equal(process.uid, geteuid());
	assert_true(process.netns != 0);
	process_free(&process);
	process_view_close(&view);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_everything_is_read),
		TEST(test_removed_directory),
		TEST(test_account_of_the_last_line),
		TEST(test_container_has_its_own_accounts),
		TEST(test_reused_tgid_is_another_process),
		TEST(test_ending_process_is_gone),
		TEST(test_kernel_thread_has_its_name),
		TEST(test_of_a_title_the_name_stays),
		TEST(test_command_line_is_no_title),
		TEST(test_name_is_stable),
		TEST(test_name_is_one_word),
		TEST(test_netns_has_its_name),
		TEST(test_captured_process),
		TEST(test_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
