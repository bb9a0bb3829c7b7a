/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_CGROUP_H
#define AGENT_CGROUP_H
/*
 * What a control group's path says about the process in it: its systemd unit and its container,
 * without asking systemd or a container runtime.
 *
 * unit: the innermost service (or mount, socket, swap, scope). Scopes and transient services that
 * carry a number of their maker (session-3.scope, run-u7.service, app-...-2345.scope) would give
 * the same program another name at each login, so the unit around them counts: the user's slice or
 * service manager.
 * container: "runtime:id". The id is the first 12 hex digits (what docker ps shows) or, where the
 * runtime has names, the name. Of nested containers the innermost counts. What runs on the host
 * for a container (conmon, lxc monitor, nspawn supervisor) is not in it.
 */
#include <stddef.h>
#include <stdint.h>

enum { CGROUP_UNIT_SIZE = 256, CGROUP_CONTAINER_SIZE = 96, CGROUP_PATH_SIZE = 4096 };

/* Empty strings: none. */
struct cgroup_names {
	char unit[CGROUP_UNIT_SIZE];
	char container[CGROUP_CONTAINER_SIZE];
};

/* path is relative to the root of the hierarchy and starts with '/'. */
void cgroup_parse(const char *path, struct cgroup_names *names);

/*
 * Copies the path out of the text of /proc/PID/cgroup: of the v2 hierarchy, else (v1 only) of the
 * one systemd or a runtime names its groups in. -ENOENT when there is none.
 */
int cgroup_path_of_proc(const char *text, char *to, size_t size);

#endif
