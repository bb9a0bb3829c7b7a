// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor_table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

/* The kernel fills a buffer of 8 pages before it lets us read. */
enum { READ_SIZE = 64 * 1024, WALK_BATCH = 1024 };

/* Memory for one pass, that goes back to the system after it. */
static void *pass_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Calls row for each whole row in data; returns the bytes used. */
static size_t take_rows(const char *data, size_t size, sensor_row_fn *row, void *owner)
{
	size_t used = 0;

	while (size - used >= sizeof(struct event_row)) {
		struct event_row head;

		memcpy(&head, data + used, sizeof(head));
		if (size - used < sizeof(head) + head.path_size)
			break;
		row(owner, &head, data + used + sizeof(head));
		used += sizeof(head) + head.path_size;
	}
	return used;
}

static int read_rows(int iterator, char *buffer, sensor_row_fn *row, void *owner)
{
	size_t held = 0, used;

	for (;;) {
		ssize_t size = read(iterator, buffer + held, READ_SIZE - held);

		if (size < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (size <= 0)
			return size < 0 ? -errno : 0;
		held += (size_t)size;
		used = take_rows(buffer, held, row, owner);
		held -= used;
		memmove(buffer, buffer + used, held);
	}
}

int sensor_table_snapshot(int link, sensor_row_fn *row, void *owner)
{
	int iterator autoclose = bpf_iter_create(link);
	char *buffer;
	int result;

	if (iterator < 0)
		return -errno;
	buffer = pass_memory(READ_SIZE);
	if (!buffer)
		return -errno;
	result = read_rows(iterator, buffer, row, owner);
	munmap(buffer, READ_SIZE);
	return result;
}

struct batch {
	struct edge_key keys[WALK_BATCH];
	struct edge_value values[WALK_BATCH];
};

static int walk(int map, struct batch *batch, bool evict, sensor_edge_fn *edge, void *owner)
{
	uint32_t at, *from = NULL;
	int result;

	do {
		uint32_t count = WALK_BATCH;

		result = evict ? bpf_map_lookup_and_delete_batch(
					 map, from, &at, batch->keys, batch->values, &count, NULL)
			       : bpf_map_lookup_batch(
					 map, from, &at, batch->keys, batch->values, &count, NULL);
		if (result < 0 && result != -ENOENT)
			return result;
		for (uint32_t i = 0; i < count; i++)
			edge(owner, &batch->keys[i], &batch->values[i]);
		from = &at;
	} while (result == 0);
	return 0;
}

int sensor_table_edges(int map, bool evict, sensor_edge_fn *edge, void *owner)
{
	struct batch *batch = pass_memory(sizeof(*batch));
	int result;

	if (!batch)
		return -errno;
	result = walk(map, batch, evict, edge, owner);
	munmap(batch, sizeof(*batch));
	return result;
}
