/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H
/*
 * A disk in memory, as a VFS of SQLite, that keeps a record of all that was done to it. The record
 * is then played again, step by step, and at each step the disk can be what a crash there leaves.
 * The shared memory of the WAL is plain memory: it never survives.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

enum disk_crash {
	DISK_KILL,  /* of the process: all that was written is there */
	DISK_TORN,  /* the same, and the first bytes or sectors of the write under way */
	DISK_POWER, /* what was not synced is there in part: writes, or sectors of them */
};

/* Registered with SQLite by the name, which must live as long. Ends with disk_free. */
struct disk *disk_new(const char *name);
void disk_free(struct disk *disk);

/* It says that it has synced, and has not. */
void disk_lie(struct disk *disk);

/* Writes, truncations, syncs and deletions so far. */
size_t disk_steps(const struct disk *disk);
/* The disk is empty as at first; what is done to it is recorded no more. */
void disk_rewind(struct disk *disk);
/* Plays the next step of the record. */
void disk_step(struct disk *disk);
/* How many were played. */
size_t disk_step_at(const struct disk *disk);
/* The disk is what a crash now leaves: in a process of its own, for there is no way back. */
void disk_crash(struct disk *disk, enum disk_crash crash, uint64_t seed);

#endif
