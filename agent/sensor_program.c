// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "bpf/door.h"
#include "bpf/nanoprobe.skel.h"

enum { RING_SIZE = 256 * 1024, EDGES_MAX = 8192, LOG_SIZE = 1 << 20 };
/* The number of the first pid namespace (PROC_PID_INIT_INO of the kernel). */
#define FIRST_PIDNS 0xeffffffcU
#define KERNEL_BTF  "/sys/kernel/btf/vmlinux"

static const struct {
	const char *name, *hook;
} features[SENSOR_FEATURE_COUNT] = {
	[SENSOR_TCP] = { "tcp", "tp_btf/inet_sock_set_state" },
	[SENSOR_SNAPSHOT] = { "snapshot", "iter/task_file" },
	[SENSOR_UDP_SERVICE] = { "udp-service", "cgroup/bind+post_bind+sock_release" },
	[SENSOR_UDP_EDGE] = { "udp-edge", "cgroup/connect+getsockname+sendmsg+recvmsg" },
	[SENSOR_EXEC] = { "exec", "tp_btf/sched_process_exec" },
	[SENSOR_EXIT] = { "exit", "tp_btf/sched_process_exit" },
	[SENSOR_REFLECT_TC] = { "reflector", "tcx/ingress" },
	[SENSOR_REFLECT_XDP] = { "reflector", "xdp" },
};

enum { PROGRAM_SNAPSHOT, PROGRAM_REFLECT_TC, PROGRAM_REFLECT_XDP };
static const struct {
	const char *name;
	enum sensor_feature_id feature;
} programs[] = {
	[PROGRAM_SNAPSHOT] = { "snapshot", SENSOR_SNAPSHOT },
	[PROGRAM_REFLECT_TC] = { "reflect_tc", SENSOR_REFLECT_TC },
	[PROGRAM_REFLECT_XDP] = { "reflect_xdp", SENSOR_REFLECT_XDP },
	{ "tcp_state", SENSOR_TCP },
	{ "udp_bind4", SENSOR_UDP_SERVICE },
	{ "udp_bind6", SENSOR_UDP_SERVICE },
	{ "udp_bound4", SENSOR_UDP_SERVICE },
	{ "udp_bound6", SENSOR_UDP_SERVICE },
	{ "udp_released", SENSOR_UDP_SERVICE },
	{ "udp_connect4", SENSOR_UDP_EDGE },
	{ "udp_connect6", SENSOR_UDP_EDGE },
	{ "udp_asks4", SENSOR_UDP_EDGE },
	{ "udp_asks6", SENSOR_UDP_EDGE },
	{ "udp_send4", SENSOR_UDP_EDGE },
	{ "udp_send6", SENSOR_UDP_EDGE },
	{ "udp_receive4", SENSOR_UDP_EDGE },
	{ "udp_receive6", SENSOR_UDP_EDGE },
	{ "process_exec", SENSOR_EXEC },
	{ "process_exit", SENSOR_EXIT },
};
enum { PROGRAM_COUNT = sizeof(programs) / sizeof(programs[0]) };
_Static_assert(SENSOR_FD_LINKS + PROGRAM_COUNT <= SENSOR_FD_REFLECTOR, "room for every link");

void sensor_program_init(struct sensor_kit *kit)
{
	*kit = (struct sensor_kit){ 0 };
	for (int i = 0; i < SENSOR_FD_COUNT; i++)
		kit->fds[i] = -1;
	for (int i = 0; i < SENSOR_FEATURE_COUNT; i++) {
		kit->features[i].name = features[i].name;
		kit->features[i].hook = features[i].hook;
	}
}

/* The inode number of a namespace of ours, 0 when it has no file. */
static uint32_t namespace_number(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (uint32_t)status.st_ino : 0;
}

/* A skeleton ready to load, with only the programs whose bit is set in which. */
static struct nanoprobe_bpf *open_programs(const struct sensor_config *config, unsigned int which)
{
	uint32_t pidns = namespace_number("/proc/self/ns/pid");
	uint32_t ring = config->ring_size ? config->ring_size : RING_SIZE;
	struct nanoprobe_bpf *bpf = nanoprobe_bpf__open();

	if (!bpf)
		return NULL;
	if (config->own_netns_only)
		bpf->rodata->only_netns = namespace_number("/proc/self/ns/net");
	bpf->rodata->reader_pidns = pidns == FIRST_PIDNS ? 0 : pidns;
	if (getrandom((void *)&bpf->rodata->hash_seed, sizeof(bpf->rodata->hash_seed), 0) < 0)
		bpf->rodata->hash_seed = (uint64_t)getpid();
	bpf->rodata->beating_tgid = config->beating;
	bpf->data_door->door.quarter = ring / 4;
	bpf_map__set_max_entries(bpf->maps.ring, ring);
	bpf_map__set_max_entries(
		bpf->maps.edges, config->edges_max ? config->edges_max : EDGES_MAX);
	for (int i = 0; i < PROGRAM_COUNT; i++)
		bpf_program__set_autoload(
			bpf_object__find_program_by_name(bpf->obj, programs[i].name),
			which >> i & 1);
	return bpf;
}

static bool may(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability) == 1 ||
		((capability == CAP_BPF || capability == CAP_PERFMON) &&
			capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) == 1);
}

/* What a person can do about it, before what the kernel says. */
static void explain(struct sensor_feature *feature, int error, const char *kernel_says)
{
	const char *missing = NULL;

	capng_get_caps_process();
	if (!may(CAP_BPF))
		missing = "CAP_BPF";
	else if (!may(CAP_PERFMON))
		missing = "CAP_PERFMON";
	else if (!may(CAP_NET_ADMIN))
		missing = "CAP_NET_ADMIN";
	if (error == -EPERM && missing)
		snprintf(feature->why, sizeof(feature->why), "needs %s", missing);
	else if (access(KERNEL_BTF, R_OK) < 0)
		snprintf(feature->why, sizeof(feature->why), "no kernel BTF (%s): %s", KERNEL_BTF,
			strerror(errno));
	else
		snprintf(feature->why, sizeof(feature->why), "the kernel refuses it: %s%s%s",
			strerror(-error), kernel_says[0] ? ": " : "", kernel_says);
}

/* The last line that the verifier wrote before its statistics; log is cut. */
static const char *verifier_says(char *log)
{
	char *line, *next = log, *last = log;

	while ((line = strsep(&next, "\n"))) {
		if (strncmp(line, "processed ", 10) == 0)
			break;
		if (line[0])
			last = line;
	}
	return last;
}

/*
 * Loads programs together: 0, or -errno and in refused the bit of the one that the verifier wrote
 * about, at which libbpf ended; 0 when it did not come to that.
 */
static int load_together(const struct sensor_config *config, unsigned int which,
	struct sensor_kit *kit, struct nanoprobe_bpf **bpf, unsigned int *refused)
{
	char *logs autofree = mem_alloc(PROGRAM_COUNT, LOG_SIZE);
	int error;

	*refused = 0;
	*bpf = open_programs(config, which);
	if (!*bpf)
		return -errno;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		bpf_program__set_log_buf(
			bpf_object__find_program_by_name((*bpf)->obj, programs[i].name),
			logs + (size_t)i * LOG_SIZE, LOG_SIZE);
	error = nanoprobe_bpf__load(*bpf);
	for (int i = 0; i < PROGRAM_COUNT && error < 0; i++) {
		char *log = logs + (size_t)i * LOG_SIZE;

		if (!log[0])
			continue;
		*refused = 1U << i;
		explain(&kit->features[programs[i].feature], error, verifier_says(log));
	}
	return error;
}

/* Loads each program on its own; returns those that the kernel takes, and says why for others. */
static unsigned int try_each(
	const struct sensor_config *config, unsigned int wanted, struct sensor_kit *kit)
{
	unsigned int good = 0;

	for (int i = 0; i < PROGRAM_COUNT; i++) {
		char *log autofree = mem_alloc(1, LOG_SIZE);
		struct nanoprobe_bpf *bpf;
		int error;

		if (!(wanted >> i & 1))
			continue;
		bpf = open_programs(config, 1U << i);
		if (!bpf) {
			explain(&kit->features[programs[i].feature], -errno, "");
			continue;
		}
		bpf_program__set_log_buf(
			bpf_object__find_program_by_name(bpf->obj, programs[i].name), log,
			LOG_SIZE);
		error = nanoprobe_bpf__load(bpf);
		if (error < 0)
			explain(&kit->features[programs[i].feature], error, verifier_says(log));
		else
			good |= 1U << i;
		nanoprobe_bpf__destroy(bpf);
	}
	return good;
}

/* Programs of features that lack none of theirs, and whose features do not lack another. */
static unsigned int whole_features(unsigned int good, struct sensor_kit *kit)
{
	bool lacks[SENSOR_FEATURE_COUNT] = { false };
	unsigned int whole = 0;

	for (int i = 0; i < PROGRAM_COUNT; i++)
		lacks[programs[i].feature] |= !(good >> i & 1);
	if (lacks[SENSOR_UDP_SERVICE] && !lacks[SENSOR_UDP_EDGE]) {
		lacks[SENSOR_UDP_EDGE] = true;
		snprintf(kit->features[SENSOR_UDP_EDGE].why,
			sizeof(kit->features[SENSOR_UDP_EDGE].why), "needs %s",
			features[SENSOR_UDP_SERVICE].name);
	}
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (!lacks[programs[i].feature])
			whole |= 1U << i;
	return whole;
}

static unsigned int wanted_programs(const struct sensor_config *config, struct sensor_kit *kit)
{
	unsigned int off = config->off, wanted = 0;

	if (config->reflector != SENSOR_REFLECTOR_TC)
		off |= 1U << SENSOR_REFLECT_TC;
	if (config->reflector != SENSOR_REFLECTOR_XDP)
		off |= 1U << SENSOR_REFLECT_XDP;
	for (int i = 0; i < SENSOR_FEATURE_COUNT; i++)
		if (off >> i & 1)
			snprintf(kit->features[i].why, sizeof(kit->features[i].why), "off");
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (!(off >> programs[i].feature & 1))
			wanted |= 1U << i;
	return whole_features(wanted, kit);
}

/* The root of the cgroup v2 hierarchy where it is mounted; -errno. */
static int open_cgroup_mount(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096], root[1024], path[1024];
	int fd = -ENOENT;

	if (!mounts)
		return -errno;
	while (fd < 0 && fgets(line, sizeof(line), mounts)) {
		const char *type = strstr(line, " - ");

		if (type && strncmp(type, " - cgroup2 ", 11) == 0 &&
			sscanf(line, "%*s %*s %*s %1023s %1023s", root, path) == 2 &&
			strcmp(root, "/") == 0)
			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	fclose(mounts);
	return fd;
}

/*
 * The same where it is not mounted, as in the mount namespaces that ip netns exec makes: through a
 * mount that has no place in any tree and ends with its descriptor.
 */
static int open_cgroup_detached(void)
{
	int context autoclose = fsopen("cgroup2", FSOPEN_CLOEXEC);
	int mount autoclose = -1;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (mount < 0)
		return -errno;
	return openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_cgroup_root(void)
{
	int fd = open_cgroup_mount();

	return fd >= 0 ? fd : open_cgroup_detached();
}

static int attach(struct bpf_program *program, int cgroup)
{
	struct bpf_link *link;

	if (bpf_program__type(program) == BPF_PROG_TYPE_TRACING)
		link = bpf_program__attach(program);
	else if (cgroup >= 0)
		link = bpf_program__attach_cgroup(program, cgroup);
	else
		return cgroup;
	return link ? bpf_link__fd(link) : -errno;
}

static void attach_one(struct nanoprobe_bpf *bpf, int number, int cgroup, struct sensor_kit *kit)
{
	struct sensor_feature *feature = &kit->features[programs[number].feature];
	int slot = number == PROGRAM_SNAPSHOT ? SENSOR_FD_SNAPSHOT : SENSOR_FD_LINKS + number;
	int fd;

	if (feature->why[0])
		return;
	fd = attach(bpf_object__find_program_by_name(bpf->obj, programs[number].name), cgroup);
	if (fd < 0 && fd == cgroup)
		snprintf(feature->why, sizeof(feature->why), "no cgroup v2 hierarchy: %s",
			strerror(-fd));
	else if (fd < 0)
		explain(feature, fd, "");
	else
		kit->fds[slot] = fd;
	feature->attached = fd >= 0;
}

static void attach_reflector(const struct sensor_config *config, struct bpf_program *program,
	struct sensor_feature *feature, int links[REFLECT_INTERFACES_MAX])
{
	feature->attached = sensor_reflect_attach(config, bpf_program__fd(program), links,
				    feature->why, sizeof(feature->why)) > 0;
}

/* Takes back what is attached of a feature that is not whole. */
static void attach_all(const struct sensor_config *config, struct nanoprobe_bpf *bpf,
	unsigned int which, struct sensor_kit *kit)
{
	int cgroup autoclose = open_cgroup_root();

	for (int i = 0; i < PROGRAM_COUNT; i++) {
		if (!(which >> i & 1))
			continue;
		if (i == PROGRAM_REFLECT_TC || i == PROGRAM_REFLECT_XDP)
			attach_reflector(config,
				bpf_object__find_program_by_name(bpf->obj, programs[i].name),
				&kit->features[programs[i].feature],
				kit->fds + SENSOR_FD_REFLECTOR);
		else
			attach_one(bpf, i, cgroup, kit);
	}
	if (!kit->features[SENSOR_UDP_SERVICE].attached)
		kit->features[SENSOR_UDP_EDGE].attached = false;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (!kit->features[programs[i].feature].attached)
			kit->fds[SENSOR_FD_LINKS + i] = -1;
}

int sensor_program_load(
	const struct sensor_config *config, struct sensor_kit *kit, char *error, size_t error_size)
{
	unsigned int which = wanted_programs(config, kit);
	unsigned int refused;
	struct nanoprobe_bpf *bpf;
	bool tried = false;
	int result;

	libbpf_set_print(NULL);
	while ((result = load_together(config, which, kit, &bpf, &refused)) < 0) {
		if (!refused && tried)
			break;
		tried |= !refused;
		which = whole_features(
			refused ? which & ~refused : try_each(config, which, kit), kit);
		if (!which)
			return 0;
	}
	if (result < 0) {
		snprintf(error, error_size, "loading kernel programs: %s", strerror(-result));
		return result;
	}
	kit->fds[SENSOR_FD_RING] = bpf_map__fd(bpf->maps.ring);
	kit->fds[SENSOR_FD_EDGES] = bpf_map__fd(bpf->maps.edges);
	kit->fds[SENSOR_FD_DOOR] = bpf_map__fd(bpf->maps.data_door);
	kit->fds[SENSOR_FD_TCP] = bpf_program__fd(bpf->progs.tcp_state);
	attach_all(config, bpf, which, kit);
	return 0;
}
