/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BPF_DOOR_H
#define BPF_DOOR_H
/*
 * One page that the kernel programs and the reader of the ring both have mapped: whether the
 * reader wants to be woken, what could not be told, and which echo requests are answered.
 *
 * Waking the reader costs 2.5 us, forty times a record, so it is done only when it is asleep:
 *
 *	reader: ring is empty	state = DOOR_ASLEEP; fence; is it still empty? then sleep
 *	kernel: after a record	fence; state is DOOR_ASLEEP: state = DOOR_AWAKE, wake it
 *	reader: has drained	state = DOOR_PAUSING, comes back by itself after 5 ms
 *	kernel: after a record	state is DOOR_PAUSING, a quarter is full: state = DOOR_AWAKE,
 *				wake it
 */
#include "bpf/event.h"

enum door_state { DOOR_AWAKE, DOOR_PAUSING, DOOR_ASLEEP };

struct door {
	__u32 state;
	__u32 quarter; /* of the ring's size, in bytes */
	__u64 ring_full;
	__u64 edges_full;
	__u64 unowned;
	__u64 echo_tag;	 /* as in the packet; 0: none is answered */
	__u16 echo_port; /* they come to it */
};

#endif
