// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void mem_exhausted(void)
{
	static const char text[] = "out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	abort();
}

static void *checked(void *memory)
{
	if (!memory)
		mem_exhausted();
	return memory;
}

void *mem_take(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *mem_alloc(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		mem_exhausted();
	return checked(realloc(old, total ? total : 1));
}

void *mem_copy(const void *data, size_t size)
{
	void *copy = mem_alloc(size, 1);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *text_copy(const char *text)
{
	return text ? text_copy_n(text, strlen(text)) : NULL;
}

char *text_copy_n(const char *text, size_t size)
{
	char *copy = mem_alloc(size + 1, 1);

	memcpy(copy, text, size);
	return copy;
}

char *text_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return checked(length < 0 ? NULL : text);
}

void alloc_free_cleanup(void *pointer_address)
{
	free(*(void **)pointer_address);
}

void alloc_close_cleanup(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
