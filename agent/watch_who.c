// SPDX-License-Identifier: Apache-2.0
#include "agent/watch_who.h"

#include <string.h>

#include "agent/watch_state.h"
#include "base/json.h"

struct netns *netns_get(struct watch *watch, uint32_t inode)
{
	struct netns *netns;

	HASH_FIND(hh, watch->netns, &inode, sizeof(inode), netns);
	if (!netns) {
		netns = mem_alloc(1, sizeof(*netns));
		netns->inode = inode;
		if (inode && inode != watch->config.own_netns)
			watch->source.netns(watch->source.user, inode, netns->name);
		HASH_ADD(hh, watch->netns, inode, sizeof(inode), netns);
	}
	return netns_hold(netns);
}

struct netns *netns_hold(struct netns *netns)
{
	netns->refs++;
	return netns;
}

void netns_put(struct watch *watch, struct netns *netns)
{
	struct netns *listed;

	if (--netns->refs)
		return;
	HASH_FIND(hh, watch->netns, &netns->inode, sizeof(netns->inode), listed);
	if (listed == netns)
		HASH_DELETE(hh, watch->netns, netns);
	free(netns);
}

void netns_refresh(struct watch *watch)
{
	struct netns *netns, *next;
	char name[NAMING_NETNS_SIZE];

	HASH_ITER (hh, watch->netns, netns, next) {
		if (!netns->name[0])
			continue;
		watch->source.netns(watch->source.user, netns->inode, name);
		if (strcmp(name, netns->name)) /* lives on for those who refer to it */
			HASH_DELETE(hh, watch->netns, netns);
	}
}

static bool is_manager(const struct process *process)
{
	const char *base = process->exe ? strrchr(process->exe, '/') : NULL;

	return base && (!strcmp(base, "/systemd") || !strcmp(base, "/init"));
}

static struct kin *kin_get(struct watch *watch, uint64_t id)
{
	struct kin *kin;

	HASH_FIND(hh, watch->kin, &id, sizeof(id), kin);
	if (!kin) {
		kin = mem_alloc(1, sizeof(*kin));
		kin->id = id;
		HASH_ADD(hh, watch->kin, id, sizeof(id), kin);
	}
	kin->refs++;
	return kin;
}

static void kin_put(struct watch *watch, struct kin *kin)
{
	if (--kin->refs)
		return;
	HASH_DELETE(hh, watch->kin, kin);
	free(kin);
}

static struct program *program_find(
	const struct watch *watch, const struct process *process, const char *netns, char *name)
{
	naming_process(process, netns, name);
	return (struct program *)thing_find(watch, SECTION_PROCESS, name);
}

static void set_value(struct program *program, const struct process *process, const char *netns)
{
	json_t *value autojson = process_json(process, netns);

	free(program->value);
	program->value = json_text(value);
	program->transient = process->transient;
	program->folded = process->folded;
}

/* There are so many of its kin already that one more is told only as one of them. */
static void fold(struct watch *watch, struct process *process)
{
	watch->losses.processes++;
	process->folded = true;
	process->cmdline_size = (uint32_t)strlen(process->cmdline) + 1;
}

/* More than was known of one that ended soon; or that there are many of it. */
static bool says_more(const struct process *process, const struct program *program)
{
	return (program->transient && !process->transient) || (process->folded && !program->folded);
}

static struct program *get(
	struct watch *watch, struct process *process, const struct netns *netns, bool client)
{
	struct kin *kin = kin_get(watch, naming_kin(process, netns->name));
	char name[NAMING_PROCESS_SIZE];
	struct program *program = program_find(watch, process, netns->name, name);

	if (!program && client && kin->clients >= watch->config.names_max) {
		fold(watch, process);
		program = program_find(watch, process, netns->name, name);
	}
	if (program) {
		kin_put(watch, kin);
		if (!program->uses || says_more(process, program)) {
			set_value(program, process, netns->name);
			thing_touch(watch, &program->thing);
		}
		return program_hold(program);
	}
	program = thing_new(watch, SECTION_PROCESS, name, sizeof(*program));
	set_value(program, process, netns->name);
	program->kin = kin;
	program->counted = client;
	kin->clients += client;
	program->manager = is_manager(process);
	program->exe = naming_hash(
		NAMING_HASH_START, process->exe, process->exe ? strlen(process->exe) : 0);
	return program_hold(program);
}

static struct program *get_and_free(struct watch *watch, struct process *process, bool client)
{
	struct netns *netns = netns_get(watch, process->netns);
	struct program *program = get(watch, process, netns, client);

	netns_put(watch, netns);
	process_free(process);
	return program;
}

struct program *program_get(struct watch *watch, struct process *process)
{
	return get_and_free(watch, process, false);
}

struct program *program_get_client(struct watch *watch, struct process *process)
{
	return get_and_free(watch, process, true);
}

struct program *program_get_young(struct watch *watch, struct process *process, bool *assumed)
{
	struct program *program = get_and_free(watch, process, false), *after;

	after = rename_find(watch, thing_key(&program->thing));
	*assumed = after;
	if (!after)
		return program;
	program_hold(after);
	program_put(watch, program);
	return after;
}

struct program *program_hold(struct program *program)
{
	program->refs++;
	return program;
}

void program_put(struct watch *watch, struct program *program)
{
	if (!program || --program->refs)
		return;
	free(program->value);
	program->value = NULL;
	program->kin->clients -= program->counted;
	kin_put(watch, program->kin);
	thing_drop(watch, &program->thing);
}

void program_use(struct watch *watch, struct program *program)
{
	program_hold(program);
	if (!program->uses++)
		thing_touch_first(watch, &program->thing);
}

void program_unuse(struct watch *watch, struct program *program)
{
	if (!--program->uses)
		thing_touch(watch, &program->thing);
	program_put(watch, program);
}

static int by_name(const void *a, const void *b)
{
	const struct program *const *left = a, *const *right = b;

	return strcmp((*left)->thing.id, (*right)->thing.id);
}

struct owners *owners_new(struct watch *watch, struct program **programs, uint32_t count)
{
	struct owners *owners = mem_alloc(1, sizeof(*owners) + count * sizeof(owners->programs[0]));

	if (count)
		qsort(programs, count, sizeof(programs[0]), by_name);
	for (uint32_t i = 0; i < count; i++) {
		if (i && programs[i] == programs[i - 1])
			continue;
		owners->programs[owners->count++] = programs[i];
		program_use(watch, programs[i]);
	}
	return owners_hold(owners);
}

struct owners *owners_hold(struct owners *owners)
{
	owners->refs++;
	return owners;
}

void owners_put(struct watch *watch, struct owners *owners)
{
	if (!owners || --owners->refs)
		return;
	for (uint32_t i = 0; i < owners->count; i++)
		program_unuse(watch, owners->programs[i]);
	free(owners);
}

bool owners_equal(const struct owners *a, const struct owners *b)
{
	return a->count == b->count &&
		!memcmp(a->programs, b->programs, a->count * sizeof(a->programs[0]));
}

void owners_to_json(const struct owners *owners, json_t *value)
{
	enum { NAMES_MAX = 256 }; /* so that a fact stays small whatever a host does */
	json_t *names;

	if (!owners || !owners->count)
		return;
	names = json_array();
	for (uint32_t i = 0; i < owners->count && i < NAMES_MAX; i++)
		json_array_append_new(names, json_string(thing_key(&owners->programs[i]->thing)));
	json_object_set_new(value, "process", names);
}
