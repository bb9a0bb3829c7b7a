// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map_at(int map, size_t size, int protection, size_t offset)
{
	void *memory = mmap(NULL, size, protection, MAP_SHARED, map, (off_t)offset);

	return memory == MAP_FAILED ? NULL : memory;
}

/*
 * The map itself is readable as long as it holds data, which would wake us for each record; an
 * edge-triggered epoll in between is readable only after the kernel rang.
 */
static int watch_edges(int map)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int watch = epoll_create1(EPOLL_CLOEXEC), error;

	if (watch < 0)
		return -errno;
	if (epoll_ctl(watch, EPOLL_CTL_ADD, map, &event) < 0) {
		error = -errno;
		close(watch);
		return error;
	}
	return watch;
}

int sensor_ring_open(struct sensor_ring *ring, int map, size_t size)
{
	const uint8_t *shared;

	*ring = (struct sensor_ring){ .size = size, .watch = -1 };
	ring->consumer = map_at(map, page(), PROT_READ | PROT_WRITE, 0);
	shared = map_at(map, page() + 2 * size, PROT_READ, page());
	if (shared) {
		ring->producer = (const uint64_t *)shared;
		ring->data = shared + page();
	}
	if (!ring->consumer || !ring->data)
		return -errno;
	ring->watch = watch_edges(map);
	return ring->watch < 0 ? ring->watch : 0;
}

void sensor_ring_close(struct sensor_ring *ring)
{
	if (ring->consumer)
		munmap(ring->consumer, page());
	if (ring->data)
		munmap((void *)ring->producer, page() + 2 * ring->size);
	if (ring->watch >= 0)
		close(ring->watch);
	*ring = (struct sensor_ring){ .watch = -1 };
}

void sensor_ring_woken(const struct sensor_ring *ring)
{
	struct epoll_event event;

	(void)!epoll_wait(ring->watch, &event, 1, 0);
}

bool sensor_ring_empty(const struct sensor_ring *ring)
{
	return *ring->consumer == __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}

unsigned int sensor_ring_read(struct sensor_ring *ring, sensor_record_fn *record, void *owner)
{
	uint64_t at = *ring->consumer;
	unsigned int count = 0;

	while (at < __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)) {
		const uint8_t *header = ring->data + (at & (ring->size - 1));
		uint32_t length = __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);
		uint32_t size = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (length & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
			record(owner, header + BPF_RINGBUF_HDR_SZ, size);
			count++;
		}
		at += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;
		__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
	}
	return count;
}
