// SPDX-License-Identifier: Apache-2.0
#include "cma/graph/derive.h"

#include <ctype.h>
#include <string.h>

#include "base/addr.h"

struct rule {
	struct derived *out;
	const char *key;
	const json_t *value;
	const struct derive_locals *locals;
};

static const char *text_of(const struct rule *r, const char *member)
{
	return json_get_text(r->value, member);
}

static int port_of(const struct rule *r)
{
	return (int)json_integer_value(json_object_get(r->value, "port"));
}

static size_t hash_of(int owner, const char *kind, const char *key)
{
	uint64_t hash = 0xcbf29ce484222325 ^ (uint64_t)(unsigned)owner; /* FNV-1a */

	for (; *kind; kind++)
		hash = (hash ^ (uint8_t)*kind) * 0x100000001b3;
	for (; *key; key++)
		hash = (hash ^ (uint8_t)*key) * 0x100000001b3;
	return (size_t)(hash ^ hash >> 32);
}

/* Where the node is, or the free place where it belongs. */
static uint32_t *slot_of(const struct derived *d, int owner, const char *kind, const char *key)
{
	size_t at = hash_of(owner, kind, key);

	for (;; at++) {
		uint32_t *slot = &d->node_slots[at & (d->node_slot_count - 1)];
		const struct derive_node *n = &d->nodes[*slot ? *slot - 1 : 0];

		if (!*slot || (n->owner == owner && !strcmp(n->kind, kind) && !strcmp(n->key, key)))
			return slot;
	}
}

/* Room for one more node. */
static void grow_nodes(struct derived *d)
{
	if (2 * d->node_count < d->node_slot_count)
		return;
	d->node_slot_count = d->node_slot_count ? 2 * d->node_slot_count : 8;
	d->nodes = mem_resize(d->nodes, d->node_slot_count / 2, sizeof(*d->nodes));
	free(d->node_slots);
	d->node_slots = mem_alloc(d->node_slot_count, sizeof(*d->node_slots));
	for (size_t i = 0; i < d->node_count; i++) {
		const struct derive_node *n = &d->nodes[i];

		*slot_of(d, n->owner, n->kind, n->key) = (uint32_t)i + 1;
	}
}

/* Takes key. label NULL or empty: nothing better than the key is known. */
static int add_node(struct derived *d, int owner, const char *kind, char *key, const char *label)
{
	uint32_t *slot;

	grow_nodes(d);
	slot = slot_of(d, owner, kind, key);
	if (*slot) {
		free(key);
		return (int)*slot - 1;
	}
	d->nodes[d->node_count] = (struct derive_node){ .kind = kind,
		.owner = owner,
		.key = key,
		.label = label && *label ? text_copy(label) : NULL };
	*slot = (uint32_t)++d->node_count;
	return (int)*slot - 1;
}

static void add_edge(struct derived *d, int src, const char *kind, int dst)
{
	if (!(d->edge_count & (d->edge_count - 1)))
		d->edges = mem_resize(
			d->edges, d->edge_count ? 2 * d->edge_count : 1, sizeof(*d->edges));
	d->edges[d->edge_count++] = (struct derive_edge){ src, kind, dst };
}

void derive_locals_add(struct derive_locals *locals, const char *netns, const char *ip)
{
	locals->items = mem_resize(locals->items, locals->count + 1, sizeof(*locals->items));
	locals->items[locals->count++] = (struct derive_local){ text_copy(netns), text_copy(ip) };
}

void derive_locals_free(struct derive_locals *locals)
{
	for (size_t i = 0; i < locals->count; i++) {
		free(locals->items[i].netns);
		free(locals->items[i].ip);
	}
	free(locals->items);
	*locals = (struct derive_locals){ 0 };
}

char *derive_mac(const char *text)
{
	char digits[13] = "";
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		if (isxdigit((unsigned char)*c) && n < 12)
			digits[n++] = (char)tolower((unsigned char)*c);
		else if (!strchr(":.-", *c) || n == 0)
			return text_copy(text);
	}
	if (n != 12)
		return text_copy(text);
	return text_format("%.2s:%.2s:%.2s:%.2s:%.2s:%.2s", digits, digits + 2, digits + 4,
		digits + 6, digits + 8, digits + 10);
}

/* ---- addresses ---- */

static bool is_multicast(const uint8_t ip[16])
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

	if (addr_is_v4(ip))
		return (ip[12] & 0xf0) == 0xe0 || !memcmp(ip + 12, broadcast, 4);
	return ip[0] == 0xff;
}

/* One meaning in the whole tenant. */
static bool is_shared(const uint8_t ip[16])
{
	return !addr_is_any(ip) && !addr_is_loopback(ip) && !addr_is_link_local(ip) &&
		!is_multicast(ip);
}

/* The loopback address that every host has: always stands behind a wildcard. */
static bool is_plain_loopback(const char *ip)
{
	return !strcmp(ip, "127.0.0.1") || !strcmp(ip, "::1");
}

/* An address as its node, a prefix such as 10.0.0.0/24 as its subnet's; -1: it has none. */
static int add_ip(struct derived *d, const char *text)
{
	char canonical[ADDR_TEXT_SIZE];
	uint8_t ip[16];

	if (strchr(text, '/'))
		return add_node(d, DERIVE_TENANT, "subnet", text_copy(text), NULL);
	if (addr_parse_ip(text, ip) < 0 || !is_shared(ip))
		return -1;
	addr_ip_text(ip, canonical);
	return add_node(d, DERIVE_TENANT, "ip", text_copy(canonical), NULL);
}

static int add_endpoint(
	struct derived *d, const char *proto, const char *ip, int port, const char *netns)
{
	const bool v6 = strchr(ip, ':');
	char *label autofree =
		text_format("%s %s%s%s:%d", proto, v6 ? "[" : "", ip, v6 ? "]" : "", port);
	int owner = add_ip(d, ip);

	if (owner >= 0)
		return add_node(d, owner, "endpoint", text_format("%s %d", proto, port), label);
	return add_node(d, DERIVE_HOST, "endpoint",
		text_format("%s%s%s", label, *netns ? " " : "", netns), NULL);
}

static int add_process(struct derived *d, const char *name)
{
	return add_node(d, DERIVE_HOST, "process", text_copy(name), NULL);
}

static int add_nic(const struct rule *r)
{
	return add_node(r->out, DERIVE_HOST, "nic", text_copy(text_of(r, "ifname")), NULL);
}

/* ---- a rule for each section that says something ---- */

static void derive_host(struct rule *r)
{
	const char *name = text_of(r, "nodename");

	if (*name)
		r->out->host_label = text_copy(name);
}

static void derive_link(struct rule *r)
{
	char *mac autofree = derive_mac(text_of(r, "mac"));
	int nic = add_nic(r);

	add_edge(r->out, DERIVE_HOST, "nic", nic);
	if (*mac && strcmp(mac, "00:00:00:00:00:00"))
		add_edge(r->out, nic, "mac",
			add_node(r->out, DERIVE_TENANT, "mac", text_copy(mac), NULL));
}

/* The subnet of a shared address; -1 when it has none worth a node. */
static int add_subnet(const struct rule *r, const uint8_t ip[16])
{
	const json_t *prefix = json_object_get(r->value, "prefix");
	int bits = (int)json_integer_value(prefix);
	char text[ADDR_TEXT_SIZE];
	uint8_t net[16] = { 0 };
	int kept = bits + (addr_is_v4(ip) ? 96 : 0);

	if (!json_is_integer(prefix) || bits <= 0 || kept > 128)
		return -1;
	memcpy(net, ip, (size_t)kept / 8);
	if (kept % 8)
		net[kept / 8] = ip[kept / 8] & (uint8_t)(0xff00 >> (kept % 8));
	addr_ip_text(net, text);
	return add_node(r->out, DERIVE_TENANT, "subnet", text_format("%s/%d", text, bits), NULL);
}

static void derive_address(struct rule *r)
{
	char text[ADDR_TEXT_SIZE];
	uint8_t ip[16];
	int nic, node, subnet;

	if (addr_parse_ip(text_of(r, "addr"), ip) < 0 || addr_is_any(ip))
		return;
	addr_ip_text(ip, text);
	nic = add_nic(r);
	add_edge(r->out, DERIVE_HOST, "nic", nic);
	if (!addr_is_link_local(ip) && !is_plain_loopback(text))
		derive_locals_add(&r->out->locals, "", text);
	if (addr_is_loopback(ip) || is_multicast(ip))
		return;
	node = add_node(r->out, DERIVE_TENANT, "ip", text_copy(text), NULL);
	add_edge(r->out, nic, "address", node);
	subnet = is_shared(ip) ? add_subnet(r, ip) : -1;
	if (subnet >= 0)
		add_edge(r->out, node, "subnet", subnet);
}

static void derive_neighbour(struct rule *r)
{
	char *mac autofree = derive_mac(text_of(r, "mac"));
	char text[ADDR_TEXT_SIZE];
	uint8_t ip[16];
	int node;

	if (addr_parse_ip(text_of(r, "ip"), ip) < 0 || addr_is_any(ip) || addr_is_loopback(ip) ||
		is_multicast(ip))
		return;
	addr_ip_text(ip, text);
	node = add_node(r->out, DERIVE_TENANT, "ip", text_copy(text), NULL);
	add_edge(r->out, add_nic(r), "sees", node);
	if (*mac)
		add_edge(r->out, node, "neighbour",
			add_node(r->out, DERIVE_TENANT, "mac", text_copy(mac), NULL));
}

static void derive_lldp(struct rule *r)
{
	char *chassis autofree = derive_mac(text_of(r, "chassis_id"));
	const char *port_id = text_of(r, "port_id");
	int device, port;

	if (!*chassis || !*port_id)
		return;
	device = add_node(
		r->out, DERIVE_TENANT, "switch", text_copy(chassis), text_of(r, "sysname"));
	port = add_node(r->out, device, "switchport", derive_mac(port_id), port_id);
	add_edge(r->out, add_nic(r), "wired", port);
}

static void derive_process(struct rule *r)
{
	int process = add_process(r->out, r->key);

	add_edge(r->out, DERIVE_HOST, "runs", process);
	if (*text_of(r, "unit"))
		add_edge(r->out, process, "unit",
			add_node(r->out, DERIVE_HOST, "unit", text_copy(text_of(r, "unit")), NULL));
	if (*text_of(r, "container"))
		add_edge(r->out, process, "container",
			add_node(r->out, DERIVE_HOST, "container",
				text_copy(text_of(r, "container")), NULL));
}

static bool is_wildcard(const char *addr)
{
	uint8_t ip[16];

	return addr_parse_ip(addr, ip) == 0 && addr_is_any(ip);
}

bool derive_is_wildcard(enum section section, const json_t *value)
{
	return section == SECTION_LISTEN && is_wildcard(json_get_text(value, "addr"));
}

/* The processes of the "process" member, or the first of them, serve the endpoint. */
static void serve(struct rule *r, int endpoint, size_t most)
{
	const json_t *names = json_object_get(r->value, "process");
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		if (i < most && json_string_length(name))
			add_edge(r->out, add_process(r->out, json_string_value(name)), "serves",
				endpoint);
	}
}

/* A listener on every address of one family in its network namespace. */
static void serve_family(struct rule *r, const char *loopback)
{
	const char *netns = text_of(r, "netns"), *proto = text_of(r, "proto");
	bool v6 = strchr(loopback, ':');

	serve(r, add_endpoint(r->out, proto, loopback, port_of(r), netns), DERIVE_HOLDERS_MAX);
	for (size_t i = 0; i < r->locals->count; i++) {
		const struct derive_local *local = &r->locals->items[i];

		if (!strcmp(local->netns, netns) && (strchr(local->ip, ':') != NULL) == v6)
			serve(r, add_endpoint(r->out, proto, local->ip, port_of(r), netns),
				DERIVE_HOLDERS_MAX);
	}
}

static void derive_listen(struct rule *r)
{
	const char *addr = text_of(r, "addr"), *netns = text_of(r, "netns");

	if (!strcmp(text_of(r, "proto"), "unix")) {
		serve(r,
			add_node(r->out, DERIVE_HOST, "endpoint",
				text_format("unix %s%s%s", addr, *netns ? " " : "", netns), NULL),
			SIZE_MAX);
	} else if (is_wildcard(addr)) {
		if (!strchr(addr, ':') || json_is_true(json_object_get(r->value, "dual")))
			serve_family(r, "127.0.0.1");
		if (strchr(addr, ':'))
			serve_family(r, "::1");
	} else if (*addr) {
		serve(r, add_endpoint(r->out, text_of(r, "proto"), addr, port_of(r), netns),
			SIZE_MAX);
	}
}

static void derive_client(struct rule *r)
{
	const char *process = text_of(r, "process"), *addr = text_of(r, "addr");
	const char *proto = text_of(r, "proto"), *netns = text_of(r, "netns");
	int endpoint;

	if (!*process || !*addr)
		return;
	if (!strcmp(proto, "unix"))
		endpoint = add_node(r->out, DERIVE_HOST, "endpoint",
			text_format("unix %s%s%s", addr, *netns ? " " : "", netns), NULL);
	else
		endpoint = add_endpoint(r->out, proto, addr, port_of(r), netns);
	add_edge(r->out, add_process(r->out, process), "uses", endpoint);
}

/* Who came, and to which address of ours: that may be one that no address fact tells. */
static void derive_inbound(struct rule *r)
{
	const char *addr = text_of(r, "addr"), *netns = text_of(r, "netns");
	char text[ADDR_TEXT_SIZE];
	uint8_t ip[16];
	int peer = add_ip(r->out, text_of(r, "peer"));

	if (addr_parse_ip(addr, ip) < 0)
		return;
	addr_ip_text(ip, text);
	if (!addr_is_any(ip) && !addr_is_link_local(ip) && !is_multicast(ip) &&
		!is_plain_loopback(text))
		derive_locals_add(&r->out->locals, netns, text);
	if (peer >= 0)
		add_edge(r->out, peer, "calls",
			add_endpoint(r->out, text_of(r, "proto"), text, port_of(r), netns));
}

typedef void rule_fn(struct rule *r);

static rule_fn *const rules[SECTION_COUNT] = {
	[SECTION_HOST] = derive_host,
	[SECTION_LINK] = derive_link,
	[SECTION_ADDRESS] = derive_address,
	[SECTION_NEIGHBOUR] = derive_neighbour,
	[SECTION_LLDP] = derive_lldp,
	[SECTION_PROCESS] = derive_process,
	[SECTION_LISTEN] = derive_listen,
	[SECTION_CLIENT] = derive_client,
	[SECTION_INBOUND] = derive_inbound,
};

static bool is_of_nic(enum section section)
{
	return section == SECTION_LINK || section == SECTION_ADDRESS ||
		section == SECTION_NEIGHBOUR || section == SECTION_LLDP;
}

struct derived derive(enum section section, const char *key, const json_t *value,
	const struct derive_locals *locals)
{
	struct derived d = { 0 };
	struct rule rule = { .out = &d, .key = key, .value = value, .locals = locals };

	if (value && rules[section] && !(is_of_nic(section) && !*text_of(&rule, "ifname")))
		rules[section](&rule);
	return d;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_node(const struct derive_node *a, const struct derive_node *b)
{
	return a->owner == b->owner && !strcmp(a->kind, b->kind) && !strcmp(a->key, b->key) &&
		same_text(a->label, b->label);
}

bool derived_equal(const struct derived *a, const struct derived *b)
{
	bool same = a->node_count == b->node_count && a->edge_count == b->edge_count;

	for (size_t i = 0; same && i < a->node_count; i++)
		same = same_node(&a->nodes[i], &b->nodes[i]);
	for (size_t i = 0; same && i < a->edge_count; i++)
		same = a->edges[i].src == b->edges[i].src && a->edges[i].dst == b->edges[i].dst &&
			!strcmp(a->edges[i].kind, b->edges[i].kind);
	return same;
}

void derived_free(struct derived *d)
{
	for (size_t i = 0; i < d->node_count; i++) {
		free(d->nodes[i].key);
		free(d->nodes[i].label);
	}
	free(d->nodes);
	free(d->node_slots);
	free(d->edges);
	free(d->host_label);
	derive_locals_free(&d->locals);
	*d = (struct derived){ 0 };
}
