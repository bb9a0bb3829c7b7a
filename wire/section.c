// SPDX-License-Identifier: Apache-2.0
#include "wire/section.h"

static const char *const names[SECTION_COUNT] = {
	[SECTION_HOST] = "host",
	[SECTION_LINK] = "link",
	[SECTION_ADDRESS] = "address",
	[SECTION_NEIGHBOUR] = "neighbour",
	[SECTION_ROUTE] = "route",
	[SECTION_LLDP] = "lldp",
	[SECTION_PROCESS] = "process",
	[SECTION_LISTEN] = "listen",
	[SECTION_CLIENT] = "client",
	[SECTION_INBOUND] = "inbound",
	[SECTION_PACKAGE] = "package",
	[SECTION_FILE] = "file",
	[SECTION_CONFIG] = "config",
	[SECTION_CHECK] = "check",
	[SECTION_SCRIPT] = "script",
	[SECTION_COVERAGE] = "coverage",
};

const char *section_name(enum section section)
{
	return names[section];
}
