// SPDX-License-Identifier: Apache-2.0
/*
 * Host fact "cpu": how many, and what the first one is, under the names of /proc/cpuinfo, which
 * differ by architecture (Documentation: the show_cpuinfo of each). What varies by itself, such as
 * "cpu MHz" and "bogomips", is left out.
 */
#include <string.h>

#include "discover/discover.h"

static const char *const constant_names[] = {
	/* x86 */
	"vendor_id",
	"model name",
	"cpu family",
	"model",
	"stepping",
	"flags",
	/* arm */
	"CPU implementer",
	"CPU architecture",
	"CPU variant",
	"CPU part",
	"CPU revision",
	"Features",
	/* powerpc */
	"cpu",
	"revision",
	"machine",
	/* riscv */
	"isa",
	"mmu",
	"uarch",
	"mvendorid",
	"marchid",
	/* s390 */
	"features",
};

struct cpus {
	json_t *cpu;
	json_int_t count;
};

static void cpuinfo_line(void *owner, char *name, char *value)
{
	struct cpus *cpus = owner;

	/* "processor : 0"; s390 has "processor 0: version = ..." */
	if (!strncmp(name, "processor", 9) && (!name[9] || name[9] == ' ')) {
		cpus->count++;
		return;
	}
	if (json_object_get(cpus->cpu, name))
		return;
	for (size_t i = 0; i < sizeof(constant_names) / sizeof(*constant_names); i++) {
		if (!strcmp(name, constant_names[i]))
			json_set_text(cpus->cpu, name, value);
	}
}

void cpu_discover(const struct discover_host *host, const struct discover_sink *sink)
{
	struct cpus cpus = { .cpu = json_object() };

	discover_lines(host->root, "proc/cpuinfo", ':', cpuinfo_line, &cpus);
	if (cpus.count)
		json_object_set_new(cpus.cpu, "count", json_integer(cpus.count));
	discover_put(sink, SECTION_HOST, "cpu", cpus.cpu);
}
