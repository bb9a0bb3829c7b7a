/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISCOVER_DISCOVER_H
#define DISCOVER_DISCOVER_H
/*
 * What is true of this host, as facts. A module is one .c file and one line in modules.def. A file
 * module reads files below a root directory once and is done; an event module (netlink.h, lldp.h)
 * lives in an event loop and tells changes as they come.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "wire/fact.h"

/* Where a module's facts go. What is passed is borrowed for the call. */
struct discover_sink {
	void *owner;
	/* One change: PUT, or DELETE when the value is empty. */
	void (*fact)(void *owner, const struct fact *fact);
	/*
	 * A complete list of a section begins, or has ended: a fact that was not put in between is
	 * gone. Only event modules call this.
	 */
	void (*list)(void *owner, enum section section, bool begins);
};

/* What a file module may look at. */
struct discover_host {
	int root;		   /* directory descriptor of / or of a test's fake root */
	const struct utsname *uts; /* as of uname(2) */
	const char *hostname;	   /* replaces uts->nodename unless NULL */
};

struct discover_module {
	const char *name;
	uint16_t sections; /* bit mask of those it puts facts into */
	/* A missing or broken file leaves fields or facts out. NULL for an event module. */
	void (*run)(const struct discover_host *host, const struct discover_sink *sink);
};

/* The modules in modules.def; ends with an entry whose name is NULL. */
extern const struct discover_module discover_modules[];

/* Runs every file module. */
void discover_run(const struct discover_host *host, const struct discover_sink *sink);

/* The run function of each file module: x_discover() in x.c. */
#define EVENT_MODULE(module, mask)
#define FILE_MODULE(module, mask) \
	void module##_discover(const struct discover_host *host, const struct discover_sink *sink);
#include "discover/modules.def"
#undef FILE_MODULE
#undef EVENT_MODULE

/* For modules. Puts a fact and releases value; an empty object is not put. */
void discover_put(
	const struct discover_sink *sink, enum section section, const char *key, json_t *value);
void discover_delete(const struct discover_sink *sink, enum section section, const char *key);

/*
 * For modules: calls line for each "name<separator>value" line of a small file, both trimmed of
 * blanks. A file that cannot be read has no lines.
 */
void discover_lines(int root, const char *path, char separator,
	void (*line)(void *owner, char *name, char *value), void *owner);

#endif
