// SPDX-License-Identifier: Apache-2.0
#include "agent/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { ID_SHORT = 12, ID_FULL = 64 };

/* Group names that are a prefix and a container id, with or without ".scope". */
static const struct {
	const char *prefix;
	const char *runtime;
} by_prefix[] = {
	{ "docker-", "docker" },
	{ "cri-containerd-", "containerd" },
	{ "containerd-", "containerd" },
	{ "nerdctl-", "containerd" },
	{ "crio-", "cri-o" },
	{ "libpod-payload-", "podman" },
	{ "libpod-", "podman" },
};

/* Groups below which a name that is nothing but an id is a container. */
static const struct {
	const char *parent;
	const char *runtime;
} by_parent[] = {
	{ "docker", "docker" },
	{ "libpod_parent", "podman" },
	{ "ecs", "ecs" },
	{ "kubepods", "kubernetes" },
	{ "kubepods.slice", "kubernetes" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool starts_with(struct span text, const char *prefix)
{
	size_t length = strlen(prefix);

	return text.size >= length && !memcmp(text.data, prefix, length);
}

static bool ends_with(struct span text, const char *suffix)
{
	size_t length = strlen(suffix);

	return text.size > length && !memcmp(text.data + text.size - length, suffix, length);
}

static struct span without_prefix(struct span text, size_t length)
{
	return SPAN(text.data + length, text.size - length);
}

static struct span without_suffix(struct span text, const char *suffix)
{
	if (ends_with(text, suffix))
		text.size -= strlen(suffix);
	return text;
}

static bool is_id(struct span text)
{
	if (text.size != ID_SHORT && text.size != ID_FULL)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!isxdigit(text.data[i]) || isupper(text.data[i]))
			return false;
	}
	return true;
}

static bool has_digit(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (isdigit(text.data[i]))
			return true;
	}
	return false;
}

static void set_container(struct cgroup_names *names, const char *runtime, struct span id)
{
	if (is_id(id))
		id.size = ID_SHORT;
	snprintf(names->container, sizeof(names->container), "%s:%.*s", runtime, (int)id.size,
		(const char *)id.data);
}

static void set_unit(struct cgroup_names *names, struct span unit)
{
	if (unit.size >= sizeof(names->unit))
		unit.size = sizeof(names->unit) - 1;
	memcpy(names->unit, unit.data, unit.size);
	names->unit[unit.size] = '\0';
}

/* Undoes the escapes of systemd ("\x2d" is '-') into to. */
static struct span unescape(struct span name, uint8_t *to, size_t size)
{
	struct writer out = writer_over(to, size);

	while (name.size && !out.failed) {
		char hex[3] = "";
		uint8_t byte = name.data[0];
		size_t used = 1;

		if (name.size >= 4 && starts_with(name, "\\x")) {
			memcpy(hex, name.data + 2, 2);
			if (!text_parse_hex(hex, &byte, 1))
				used = 4;
		}
		put_u8(&out, byte);
		name = without_prefix(name, used);
	}
	return SPAN(out.data, out.size);
}

/* docker-ID.scope, libpod-payload-ID, kubepods-...slice:cri-containerd:ID */
static bool parse_prefixed(struct span name, struct cgroup_names *names)
{
	const uint8_t *colon = memrchr(name.data, ':', name.size);

	name = without_suffix(name, ".scope");
	if (colon) {
		struct span id = without_prefix(name, (size_t)(colon + 1 - name.data));
		bool containerd = memmem(name.data, name.size, ":cri-containerd:", 16);

		if (!is_id(id))
			return false;
		set_container(names, containerd ? "containerd" : "kubernetes", id);
		return true;
	}
	for (size_t i = 0; i < COUNT(by_prefix); i++) {
		struct span id;

		if (!starts_with(name, by_prefix[i].prefix))
			continue;
		id = without_prefix(name, strlen(by_prefix[i].prefix));
		if (is_id(id)) {
			set_container(names, by_prefix[i].runtime, id);
			return true;
		}
	}
	return false;
}

/* A bare id: below a group that runtimes use, or of full length anywhere. */
static bool parse_bare(struct span name, struct span above, struct cgroup_names *names)
{
	const char *runtime = name.size == ID_FULL ? "container" : NULL;

	if (!is_id(name))
		return false;
	for (size_t i = 0; i < COUNT(by_parent); i++) {
		size_t length = strlen(by_parent[i].parent);
		const uint8_t *at = memmem(above.data, above.size, by_parent[i].parent, length);

		if (at && (at == above.data || at[-1] == '/') &&
			(at + length == above.data + above.size || at[length] == '/'))
			runtime = by_parent[i].runtime;
	}
	if (runtime)
		set_container(names, runtime, name);
	return runtime != NULL;
}

/* lxc.payload.NAME, lxc.payload/NAME, lxc/NAME */
static bool parse_lxc(struct span name, struct span parent, struct cgroup_names *names)
{
	static const char payload[] = "lxc.payload.";

	if (starts_with(name, payload) && name.size > strlen(payload))
		name = without_prefix(name, strlen(payload));
	else if (!span_equal(parent, SPAN_TEXT("lxc")) &&
		!span_equal(parent, SPAN_TEXT("lxc.payload")))
		return false;
	set_container(names, "lxc", name);
	return true;
}

/* systemd-nspawn@NAME.service and machine-NAME.scope (which libvirt uses too, for machines). */
static bool parse_nspawn(struct span name, struct span below, struct cgroup_names *names)
{
	static const char service[] = "systemd-nspawn@", scope[] = "machine-";
	uint8_t plain[CGROUP_CONTAINER_SIZE];
	struct span machine;

	if (starts_with(name, service) && ends_with(name, ".service"))
		machine = without_prefix(without_suffix(name, ".service"), strlen(service));
	else if (starts_with(name, scope) && ends_with(name, ".scope"))
		machine = without_prefix(without_suffix(name, ".scope"), strlen(scope));
	else
		return false;
	if (starts_with(machine, "qemu\\x2d") || starts_with(below, "supervisor"))
		return false;
	machine = unescape(machine, plain, sizeof(plain));
	if (starts_with(machine, "lxc-")) /* libvirt's containers */
		set_container(names, "lxc", machine);
	else
		set_container(names, "nspawn", machine);
	names->unit[0] = '\0'; /* the unit inside is what counts */
	return true;
}

/* Named after a number that changes at each start: see the header. */
static bool is_numbered(struct span name)
{
	static const char *const run[] = { "run-u", "run-r", "run-p" };

	if (ends_with(name, ".scope"))
		return has_digit(name);
	for (size_t i = 0; i < COUNT(run); i++) {
		if (starts_with(name, run[i]) && isxdigit(name.data[strlen(run[i])]) &&
			has_digit(name))
			return true;
	}
	return false;
}

static void parse_unit(struct span name, struct cgroup_names *names)
{
	static const char *const kinds[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

	if (starts_with(name, "_")) /* the escape for names the kernel uses itself */
		name = without_prefix(name, 1);
	if (starts_with(name, "user-") && ends_with(name, ".slice") && has_digit(name)) {
		set_unit(names, name);
		return;
	}
	if (span_equal(name, SPAN_TEXT("init.scope")) && names->unit[0])
		return; /* the manager itself: user@1000.service/init.scope */
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (ends_with(name, kinds[i]) && !is_numbered(name))
			set_unit(names, name);
	}
}

void cgroup_parse(const char *path, struct cgroup_names *names)
{
	struct span parent = SPAN("", 0);

	memset(names, 0, sizeof(*names));
	for (const char *at = path; *at;) {
		struct span above = SPAN(path, (size_t)(at - path)), name, below;

		at += strspn(at, "/");
		above.size = (size_t)(at - path);
		name = SPAN(at, strcspn(at, "/"));
		at += name.size;
		below = SPAN_TEXT(at + strspn(at, "/"));
		if (!name.size)
			break;
		if (!parse_prefixed(name, names) && !parse_bare(name, above, names) &&
			!parse_lxc(name, parent, names) && !parse_nspawn(name, below, names))
			parse_unit(name, names);
		parent = name;
	}
}

/* How much a line "hierarchy:controllers:/path" says; 0: nothing. */
static int rank_line(struct span controllers, struct span path)
{
	if (!controllers.size) /* v2; in a hybrid hierarchy it may be unused */
		return path.size > 1 ? 4 : 1;
	if (span_equal(controllers, SPAN_TEXT("name=systemd")))
		return 3;
	return path.size > 1 ? 2 : 0;
}

int cgroup_path_of_proc(const char *text, char *to, size_t size)
{
	struct span best = { NULL, 0 };
	int best_rank = 0;

	for (const char *line = text, *end; *line; line = end + (*end == '\n')) {
		const char *controllers = strchr(line, ':');
		const char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		int rank;

		end = line + strcspn(line, "\n");
		if (!path || path >= end)
			continue;
		controllers++;
		rank = rank_line(SPAN(controllers, (size_t)(path - controllers)),
			SPAN(path + 1, (size_t)(end - path - 1)));
		if (rank > best_rank) {
			best = SPAN(path + 1, (size_t)(end - path - 1));
			best_rank = rank;
		}
	}
	if (!best_rank)
		return -ENOENT;
	if (best.size >= size)
		return -ENAMETOOLONG;
	memcpy(to, best.data, best.size);
	to[best.size] = '\0';
	return 0;
}
