// SPDX-License-Identifier: Apache-2.0
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What watches a program from within it (sanitizers, coverage) makes calls that the program does
 * not: there the filter only reports.
 */
#ifdef SANDBOX_REPORTS
#define REFUSE SCMP_ACT_LOG
#else
#define REFUSE SCMP_ACT_KILL_PROCESS
#endif

/* Never code: what is written here cannot be run here. */
#define NO_CODE(place)                        \
	{                                     \
		{                             \
			(place), PROT_EXEC, 0 \
		}                             \
	}

static const struct sandbox_rule always[] = {
	/* memory */
	{ .call = "brk" },
	{ .call = "mmap", .tests = NO_CODE(2) },
	{ .call = "mprotect", .tests = NO_CODE(2) },
	{ .call = "mremap" },
	{ .call = "munmap" },
	{ .call = "madvise" },
	{ .call = "futex" },
	{ .call = "getrandom" },
	/* what is open */
	{ .call = "read" },
	{ .call = "readv" },
	{ .call = "write" },
	{ .call = "writev" },
	{ .call = "close" },
	{ .call = "fstat" },
	{ "newfstatat", { { 3, AT_EMPTY_PATH, AT_EMPTY_PATH } } }, /* fstat(3) of newer libraries */
	{ .call = "fcntl" },
	{ .call = "lseek" },
	{ .call = "recvfrom" },
	{ .call = "recvmsg" },
	{ .call = "recvmmsg" },
	{ .call = "sendto" },
	{ .call = "sendmsg" },
	{ .call = "sendmmsg" },
	{ .call = "getsockname" },
	{ .call = "getpeername" },
	{ .call = "getsockopt" },
	{ .call = "shutdown" },
	/* time and waiting */
	{ .call = "clock_gettime" },
	{ .call = "clock_nanosleep" },
	{ .call = "nanosleep" },
	{ .call = "gettimeofday" },
	{ .call = "time" },
	{ .call = "epoll_create1" },
	{ .call = "epoll_ctl" },
	{ .call = "epoll_wait" },
	{ .call = "epoll_pwait" },
	{ .call = "poll" },
	{ .call = "ppoll" },
	{ .call = "eventfd2" },
	{ .call = "timerfd_create" },
	{ .call = "timerfd_settime" },
	{ .call = "restart_syscall" },
	/* itself, and its end */
	{ .call = "getpid" },
	{ .call = "getppid" },
	{ .call = "gettid" },
	{ .call = "getuid" },
	{ .call = "geteuid" },
	{ .call = "rt_sigaction" },
	{ .call = "rt_sigprocmask" },
	{ .call = "rt_sigreturn" },
	{ .call = "sigaltstack" },
	{ .call = "exit" },
	{ .call = "exit_group" },
};

/* What a daemon with threads and a database never does; clone is for threads only, see below. */
static const char *const beyond[] = { "execve", "execveat", "fork", "vfork", "ptrace",
	"process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"pidfd_open", "mount", "umount2", "umount", "move_mount", "open_tree", "fsopen", "fsconfig",
	"fsmount", "fspick", "mount_setattr", "pivot_root", "chroot", "setns", "unshare", "bpf",
	"perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"swapon", "swapoff", "add_key", "keyctl", "request_key", "iopl", "ioperm", "modify_ldt",
	"personality", "acct", "quotactl", "syslog", "settimeofday", "clock_settime", "adjtimex",
	"clock_adjtime", "sethostname", "setdomainname", "mknod", "mknodat", "setuid", "setgid",
	"setresuid", "setresgid", "setreuid", "setregid", "setgroups", "setfsuid", "setfsgid",
	"capset", "name_to_handle_at", "open_by_handle_at", "fanotify_init", "vhangup" };

static int add_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule)
{
	struct scmp_arg_cmp tests[SANDBOX_TESTS];
	int call = seccomp_syscall_resolve_name(rule->call);
	unsigned int count = 0;

	if (call == __NR_SCMP_ERROR)
		return 0; /* newer than the library: the filter treats it as any other */
	for (int i = 0; i < SANDBOX_TESTS && rule->tests[i].mask; i++)
		tests[count++] = (struct scmp_arg_cmp){ rule->tests[i].argument, SCMP_CMP_MASKED_EQ,
			rule->tests[i].mask, rule->tests[i].value };
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, count, tests);
}

static int add_rules(scmp_filter_ctx filter, const struct sandbox_rule *rules, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = add_rule(filter, &rules[i]);
	return err;
}

/* abort(3), which sends its signal to itself. */
static int add_abort(scmp_filter_ctx filter)
{
	const struct sandbox_rule rule = { "tgkill", { { 0, UINT32_MAX, (uint32_t)getpid() } } };

	return add_rule(filter, &rule);
}

/* The default action, when a filter can be made at all. */
static int begin(scmp_filter_ctx *filter, uint32_t action)
{
	*filter = seccomp_init(action);
	if (!*filter)
		return -ENOMEM;
	seccomp_attr_set(*filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	seccomp_attr_set(*filter, SCMP_FLTATR_ACT_BADARCH, REFUSE);
	return seccomp_attr_set(*filter, SCMP_FLTATR_CTL_TSYNC, 1) ? -ENOSYS : 0;
}

static int end(scmp_filter_ctx filter, int err)
{
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err == -EINVAL ? -ENOSYS : err;
}

int sandbox_allow(const struct sandbox_rule *rules, size_t count)
{
	scmp_filter_ctx filter;
	int err = begin(&filter, REFUSE);

	if (!err)
		err = add_rules(filter, always, sizeof(always) / sizeof(*always));
	if (!err)
		err = add_abort(filter);
	if (!err)
		err = add_rules(filter, rules, count);
	return end(filter, err);
}

/* A new thread, but no new process. The flags of clone3 cannot be seen: libc then takes clone. */
static int forbid_fork(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp process = { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0 };
	int err = seccomp_rule_add_array(filter, REFUSE, SCMP_SYS(clone), 1, &process);

	return err ? err : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int sandbox_forbid(void)
{
	scmp_filter_ctx filter;
	int err = begin(&filter, SCMP_ACT_ALLOW);

	if (!err)
		err = forbid_fork(filter);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond) && !err; i++) {
		int call = seccomp_syscall_resolve_name(beyond[i]);

		if (call != __NR_SCMP_ERROR)
			err = seccomp_rule_add(filter, REFUSE, call, 0);
	}
	return end(filter, err);
}
