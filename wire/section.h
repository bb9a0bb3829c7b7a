/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SECTION_H
#define WIRE_SECTION_H
/*
 * A fact is (section, key) -> JSON object. The numbers are on the wire and in the store: never
 * change one, and a bit mask of all sections fits 16 bits.
 */
#include <stdint.h>

enum section {
	SECTION_HOST,
	SECTION_LINK,
	SECTION_ADDRESS,
	SECTION_NEIGHBOUR,
	SECTION_ROUTE,
	SECTION_LLDP,
	SECTION_PROCESS,
	SECTION_LISTEN,
	SECTION_CLIENT,
	SECTION_INBOUND,
	SECTION_PACKAGE,
	SECTION_FILE,
	SECTION_CONFIG,
	SECTION_CHECK,
	SECTION_SCRIPT,
	SECTION_COVERAGE,
	SECTION_COUNT
};

/* "host", "link", ...; section must be below SECTION_COUNT. */
const char *section_name(enum section section);

#endif
