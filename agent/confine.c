// SPDX-License-Identifier: Apache-2.0
#include "agent/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/sandbox.h"

#define ALL	    UINT32_MAX
#define SOCKET_TYPE 0xf /* without SOCK_CLOEXEC and SOCK_NONBLOCK */

enum { NET_DESCRIPTORS = 64 };

/*
 * Datagrams to the CMA, and what rtnetlink and its ioctls ask the kernel. The socket of lldpd comes
 * connected, from sense; a TCP socket cannot be made, so bind and connect reach datagrams only.
 */
static const struct sandbox_rule net_calls[] = {
	{ "socket", { { 0, ALL, AF_INET }, { 1, SOCKET_TYPE, SOCK_DGRAM } } },
	{ "socket", { { 0, ALL, AF_INET6 }, { 1, SOCKET_TYPE, SOCK_DGRAM } } },
	{ "socket", { { 0, ALL, AF_NETLINK }, { 2, ALL, NETLINK_ROUTE } } }, { .call = "bind" },
	{ .call = "connect" }, { .call = "setsockopt" }, { "ioctl", { { 1, ALL, SIOCETHTOOL } } },
	{ "ioctl", { { 1, ALL, SIOCGIFNAME } } },
	{ "ioctl", { { 1, ALL, TCGETS } } }, /* stdio: is the output of --dry-run a terminal? */
};

/* Reading /proc and files, the state directory, the tables of the kernel programs, lldpd. */
static const struct sandbox_rule sense_calls[] = {
	{ .call = "openat" },
	{ .call = "open" },
	{ .call = "newfstatat" },
	{ .call = "statx" },
	{ .call = "fstatfs" },
	{ .call = "statfs" },
	{ .call = "faccessat" },
	{ .call = "faccessat2" },
	{ .call = "access" },
	{ .call = "getdents64" },
	{ .call = "readlink" },
	{ .call = "readlinkat" },
	{ "open_by_handle_at", { { 2, ALL, O_PATH | O_CLOEXEC } } }, /* a control group by its id */
	{ .call = "pread64" },
	{ .call = "fchmod" },
	{ .call = "fsync" },
	{ .call = "fdatasync" },
	{ .call = "flock" },
	{ .call = "rename" },
	{ .call = "renameat" },
	{ .call = "renameat2" },
	{ .call = "unlinkat" },
	{ .call = "uname" },
	{ .call = "sysinfo" },
	{ .call = "sched_getaffinity" },
	{ .call = "wait4" },
	{ .call = "waitid" },
	{ "socket", { { 0, ALL, AF_UNIX }, { 1, SOCKET_TYPE, SOCK_STREAM } } },
	{ "socket", { { 0, ALL, AF_NETLINK }, { 2, ALL, NETLINK_SOCK_DIAG } } },
	{ .call = "bind" },
	{ .call = "connect" },
	{ .call = "setsockopt" },
	{ "bpf", { { 0, ALL, BPF_MAP_LOOKUP_ELEM } } },
	{ "bpf", { { 0, ALL, BPF_MAP_DELETE_ELEM } } },
	{ "bpf", { { 0, ALL, BPF_MAP_GET_NEXT_KEY } } },
	{ "bpf", { { 0, ALL, BPF_MAP_LOOKUP_AND_DELETE_ELEM } } },
	{ "bpf", { { 0, ALL, BPF_MAP_LOOKUP_BATCH } } },
	{ "bpf", { { 0, ALL, BPF_MAP_LOOKUP_AND_DELETE_BATCH } } },
	{ "bpf", { { 0, ALL, BPF_MAP_DELETE_BATCH } } },
	{ "bpf", { { 0, ALL, BPF_OBJ_GET_INFO_BY_FD } } },
	{ "bpf", { { 0, ALL, BPF_ITER_CREATE } } },
};

static int filter(const struct sandbox_rule *rules, size_t count, const struct log *log)
{
	int err = sandbox_allow(rules, count);

	if (err == -ENOSYS) {
		log_warn(log,
			"this kernel has no filter for system calls (seccomp): going on "
			"without");
		return 0;
	}
	if (err)
		log_error(log, "filter for system calls: %s", strerror(-err));
	return err;
}

int confine_net_begin(const struct privilege_user *user, const struct log *log)
{
	int err = privilege_empty_root();

	if (err)
		log_warn(
			log, "no empty root directory for the network process: %s", strerror(-err));
	err = privilege_drop(user);
	if (!err)
		err = privilege_limit(NET_DESCRIPTORS);
	if (err)
		log_error(log, "cannot give up privileges: %s", strerror(-err));
	return err;
}

int confine_net(const struct log *log)
{
	return filter(net_calls, sizeof(net_calls) / sizeof(*net_calls), log);
}

int confine_sense(const char *lldpd_socket, const struct log *log)
{
	int err;

	/* Even root needs it, without the capability to overlook the modes of files. */
	privilege_group_of(lldpd_socket, "_lldpd");
	err = privilege_keep_sight();
	if (err) {
		log_error(log, "cannot give up capabilities: %s", strerror(-err));
		return err;
	}
	return filter(sense_calls, sizeof(sense_calls) / sizeof(*sense_calls), log);
}

int confine_once(const struct log *log)
{
	int err = privilege_keep_none();

	if (err) {
		log_error(log, "cannot give up capabilities: %s", strerror(-err));
		return err;
	}
	return filter(net_calls, sizeof(net_calls) / sizeof(*net_calls), log);
}
