/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_RING_H
#define BPF_RING_H
/* Records on the ring. */
#include "bpf/maps.h"

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* See door.h. The record of 8 bytes exists only to carry the wake-up, and is never seen. */
static __always_inline void ring_bell(void)
{
	__u32 state = *(volatile __u32 *)&door.state;
	void *bell;

	if (state == DOOR_AWAKE)
		return;
	if (state == DOOR_PAUSING && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < door.quarter)
		return;
	bell = bpf_ringbuf_reserve(&ring, 8, 0);
	if (!bell)
		return;
	door.state = DOOR_AWAKE;
	bpf_ringbuf_discard(bell, BPF_RB_FORCE_WAKEUP);
}

/*
 * NULL when there is no room: the caller then calls ring_full, in the one branch that it takes on
 * it (a second look at the pointer is more than older verifiers understand). Ends with ring_submit.
 */
#define ring_reserve(type) ((type *)bpf_ringbuf_reserve(&ring, sizeof(type), 0))

static __always_inline void ring_full(void)
{
	count(&door.ring_full);
}

/* The submit is a full fence, so the reader sees the record or we see that it sleeps. */
static __always_inline void ring_submit(void *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	ring_bell();
}

#endif
