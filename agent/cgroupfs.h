/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_CGROUPFS_H
#define AGENT_CGROUPFS_H
/* Which control group the kernel means by a number. */
#include <stddef.h>
#include <stdint.h>

/* Opens the root of the v2 hierarchy, also of a hybrid one; the caller closes. -errno. */
int cgroupfs_open_root(void);
/*
 * The path of the group that bpf_get_current_cgroup_id() calls id. Needs CAP_DAC_READ_SEARCH.
 * -ESTALE when the group is gone, other -errno when the kernel has no handles for groups.
 */
int cgroupfs_path_of_id(int root, uint64_t id, char *to, size_t size);

#endif
