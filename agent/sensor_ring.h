/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSOR_RING_H
#define AGENT_SENSOR_RING_H
/*
 * The reader of a BPF ring buffer (kernel: Documentation/bpf/ringbuf.rst): one page with the
 * consumer's position, one with the producer's, then the data, mapped twice in a row so that a
 * record that wraps is in one piece. For sensor.c alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sensor_ring {
	uint64_t *consumer;
	const uint64_t *producer;
	const uint8_t *data;
	size_t size; /* of the data */
	int watch;   /* readable after each wake-up by the kernel, until sensor_ring_woken */
};

/* -errno. End it with sensor_ring_close, also after a failure. size is that of the map. */
int sensor_ring_open(struct sensor_ring *ring, int map, size_t size)
	__attribute__((warn_unused_result));
void sensor_ring_close(struct sensor_ring *ring);

/* Forgets the wake-up, so that watch is readable at the next one only. */
void sensor_ring_woken(const struct sensor_ring *ring);
/* False also when a record is being written that cannot be read yet. */
bool sensor_ring_empty(const struct sensor_ring *ring);

/* record is borrowed until the function returns; its room goes back to the kernel then. */
typedef void sensor_record_fn(void *owner, const void *record, size_t size);
/* Reads all that is finished; returns the number of records. */
unsigned int sensor_ring_read(struct sensor_ring *ring, sensor_record_fn *record, void *owner);

#endif
