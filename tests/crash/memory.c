// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* glibc's own, under the names by which what replaces them may call them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static _Atomic bool counting, persistent;
static _Atomic uint64_t count, failing;

void memory_fail(uint64_t n, bool for_good)
{
	count = 0;
	failing = n;
	persistent = for_good;
	counting = true;
}

uint64_t memory_count(void)
{
	return count;
}

void memory_stop(void)
{
	counting = false;
}

static bool fails(void)
{
	uint64_t n;

	if (!counting)
		return false;
	n = ++count;
	if (!failing || (persistent ? n < failing : n != failing))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
