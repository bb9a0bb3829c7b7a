// SPDX-License-Identifier: Apache-2.0
/* The reader of the kernel's ring, on memory of the same form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/sensor_ring.h"
#include "base/alloc.h"

enum { RING = 64 };

struct seen {
	unsigned int count;
	size_t size;
	uint8_t first;
};

static void see(void *owner, const void *record, size_t size)
{
	struct seen *seen = owner;

	seen->count++;
	seen->size = size;
	seen->first = *(const uint8_t *)record;
}

/* Header and bytes of one record at a place of the ring; what follows it is at the result. */
static size_t put(uint8_t *data, size_t at, uint32_t flags, uint32_t size, uint8_t first)
{
	uint32_t length = size | flags;

	memcpy(data + at, &length, sizeof(length));
	data[at + BPF_RINGBUF_HDR_SZ] = first;
	return at + ((size + BPF_RINGBUF_HDR_SZ + 7) & ~7U);
}

/* What is discarded is passed over; what is being written ends the reading until it is done. */
static void test_read(void **state)
{
	_Alignas(8) uint8_t data[2 * RING] = { 0 };
	uint64_t consumer = 0, producer = 0;
	struct sensor_ring ring = { &consumer, &producer, data, RING, -1 };
	struct seen seen = { 0 };
	size_t busy;

	(void)state;
	assert_true(sensor_ring_empty(&ring));
	busy = put(data, put(data, 0, 0, 3, 'a'), BPF_RINGBUF_DISCARD_BIT, 1, 'b');
	producer = put(data, busy, BPF_RINGBUF_BUSY_BIT, 2, 'c');
	assert_int_equal(sensor_ring_read(&ring, see, &seen), 1);
	assert_int_equal(seen.first, 'a');
	assert_int_equal(seen.size, 3);
	assert_int_equal(consumer, busy);
	assert_false(sensor_ring_empty(&ring));
	assert_int_equal(sensor_ring_read(&ring, see, &seen), 0);
	put(data, busy, 0, 2, 'c');
	assert_int_equal(sensor_ring_read(&ring, see, &seen), 1);
	assert_int_equal(seen.first, 'c');
	assert_true(sensor_ring_empty(&ring));
}

static void test_open_fails(void **state)
{
	int plain autoclose = memfd_create("ring", MFD_CLOEXEC);
	struct rlimit limit, none;
	struct sensor_ring ring;

	(void)state;
	assert_int_equal(sensor_ring_open(&ring, -1, RING), -EBADF);
	sensor_ring_close(&ring);
	/* It can be mapped, but does not wake anybody. */
	assert_int_equal(sensor_ring_open(&ring, plain, RING), -EPERM);
	sensor_ring_close(&ring);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(sensor_ring_open(&ring, plain, RING), -EMFILE);
	sensor_ring_close(&ring);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
