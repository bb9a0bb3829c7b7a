// SPDX-License-Identifier: Apache-2.0
#include "agent/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cgroup.h"
#include "agent/cgroupfs.h"
#include "agent/procfs.h"
#include "agent/redact.h"
#include "agent/sensor.h"
#include "agent/title.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

/* proc(5) counts start times in ticks of USER_HZ, which is 100 on everything we run on. */
enum { TICK_NS = 10000000, CGROUP_FILE_MAX = 16384 };

int process_view_open(struct process_view *view)
{
	view->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (view->proc < 0)
		return -errno;
	view->etc = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	view->cgroup = cgroupfs_open_root();
	return 0;
}

void process_view_close(struct process_view *view)
{
	int fds[] = { view->proc, view->etc, view->cgroup };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	*view = (struct process_view){ -1, -1, -1 };
}

void process_free(struct process *process)
{
	free(process->exe);
	free(process->cmdline);
	free(process->cwd);
	free(process->user);
	free(process->group);
	free(process->unit);
	free(process->container);
	*process = (struct process){ .exe = NULL };
}

static char *copy_if_any(const char *text)
{
	return *text ? text_copy(text) : NULL;
}

static void set_cgroup(struct process *process, const char *path)
{
	struct cgroup_names names;

	cgroup_parse(path, &names);
	process->unit = copy_if_any(names.unit);
	process->container = copy_if_any(names.container);
}

static void set_accounts(const struct process_view *view, struct process *process)
{
	if (process->container)
		return;
	process->user = procfs_account(view->etc, "passwd", process->uid);
	process->group = procfs_account(view->etc, "group", process->gid);
}

static int open_process(const struct process_view *view, uint32_t tgid)
{
	char name[16];
	int dir;

	snprintf(name, sizeof(name), "%u", tgid);
	dir = openat(view->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 ? dir : errno == ENOENT ? -ESRCH : -errno;
}

int process_start(const struct process_view *view, uint32_t tgid, uint64_t *start)
{
	int dir autoclose = open_process(view, tgid), err;
	struct procfs_stat stat;

	if (dir < 0)
		return dir;
	err = procfs_stat(dir, &stat);
	if (!err)
		*start = stat.start * TICK_NS;
	return err;
}

/* Whatever can be read; a process that is ending has no exe any more. */
static int read_all(int dir, bool kernel, struct process *process)
{
	char *cgroup autofree = file_read(dir, "cgroup", CGROUP_FILE_MAX, NULL);
	char path[CGROUP_PATH_SIZE];

	process->exe = procfs_link(dir, "exe");
	if (!process->exe && !kernel && errno == ENOENT)
		return -ESRCH;
	process->cwd = procfs_cwd(dir);
	process->cmdline = procfs_cmdline(dir, process->exe, &process->cmdline_size);
	if (!process->cmdline)
		return -ESRCH;
	process->netns = procfs_netns(dir);
	if (cgroup && !cgroup_path_of_proc(cgroup, path, sizeof(path)))
		set_cgroup(process, path);
	return procfs_ids(dir, &process->uid, &process->gid);
}

int process_read(
	const struct process_view *view, uint32_t tgid, uint64_t start, struct process *process)
{
	int dir autoclose = open_process(view, tgid);
	struct procfs_stat before, after;

	*process = (struct process){ .exe = NULL };
	if (dir < 0)
		return dir;
	if (procfs_stat(dir, &before) || (start && before.start != start / TICK_NS))
		return -ESRCH;
	if (read_all(dir, before.kernel, process) || procfs_stat(dir, &after) ||
		after.start != before.start) {
		process_free(process);
		return -ESRCH;
	}
	set_accounts(view, process);
	return 0;
}

/* argv[0] of what was captured, or the name of the thread. */
static void set_captured_name(const struct event_workload *event, struct process *process)
{
	struct span argv = SPAN(event->argv, event->argv_size);
	char words[REDACT_MAX];
	struct span title;

	while (argv.size && !argv.data[argv.size - 1])
		argv.size--;
	process->cmdline_size =
		(uint32_t)redact_argv(SPAN(argv.data, strnlen(event->argv, argv.size)), words);
	if (!process->cmdline_size)
		process->cmdline_size = (uint32_t)snprintf(words, sizeof(words), "[%.*s]",
						EVENT_COMM_SIZE, event->comm) +
			1;
	process->cmdline = mem_copy(words, process->cmdline_size);
	title = title_name(words, argv.size && !memchr(argv.data, 0, argv.size), process->exe);
	if (!title.size)
		return;
	free(process->cmdline);
	process->cmdline = text_copy_n((const char *)title.data, title.size);
	process->cmdline_size = (uint32_t)title.size + 1;
}

void process_captured(const struct process_view *view, const struct event_workload *event,
	struct process *process)
{
	char path[CGROUP_PATH_SIZE];

	*process = (struct process){
		.uid = event->uid, .gid = event->gid, .netns = event->netns, .transient = true
	};
	sensor_exe_path(event, path, sizeof(path));
	process->exe = copy_if_any(path);
	set_captured_name(event, process);
	if (view->cgroup >= 0 &&
		!cgroupfs_path_of_id(view->cgroup, event->cgroup, path, sizeof(path)))
		set_cgroup(process, path);
	set_accounts(view, process);
}

json_t *process_json(const struct process *process, const char *netns)
{
	json_t *value = json_object(), *words = json_array();

	for (uint32_t at = 0; at < process->cmdline_size;) {
		struct span word = SPAN_TEXT(process->cmdline + at);

		json_array_append_new(words, json_bytes(word));
		at += (uint32_t)word.size + 1;
	}
	json_object_set_new(value, "cmdline", words);
	json_set_text(value, "exe", process->exe);
	json_set_text(value, "cwd", process->cwd);
	json_object_set_new(value, "uid", json_integer(process->uid));
	json_object_set_new(value, "gid", json_integer(process->gid));
	json_set_text(value, "user", process->user);
	json_set_text(value, "group", process->group);
	json_set_text(value, "unit", process->unit);
	json_set_text(value, "container", process->container);
	json_set_text(value, "netns", netns);
	if (process->transient)
		json_object_set_new(value, "transient", json_true());
	if (process->folded)
		json_object_set_new(value, "folded", json_true());
	return value;
}
