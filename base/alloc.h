/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H
/*
 * The one allocator. Every size that comes from outside has a named maximum that is checked
 * before it gets here, so running out of memory is not an input: these say so on stderr and abort,
 * never return NULL.
 */
#include <stddef.h>
#include <stdlib.h>

/* Ends the process as all of these do. */
void mem_exhausted(void) __attribute__((noreturn));

/* Memory that is not zeroed; for libraries that are told which allocator to use. */
void *mem_take(size_t size) __attribute__((malloc, returns_nonnull));

/* Zeroed memory for count objects of size bytes; the caller frees it with free(). */
void *mem_alloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Grows or shrinks an allocation; bytes beyond the old size are not zeroed. */
void *mem_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

/* A copy of size bytes, and of a string; the caller frees. text_copy(NULL) is NULL. */
void *mem_copy(const void *data, size_t size) __attribute__((returns_nonnull));
char *text_copy(const char *text);
char *text_copy_n(const char *text, size_t size) __attribute__((returns_nonnull));

/* printf into a new string; the caller frees. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* Runs fn on the variable's address when it goes out of scope. */
#define cleanup(fn) __attribute__((cleanup(fn)))

/* char *p autofree = ...; is freed, int fd autoclose = ...; is closed, at the end of the scope. */
#define autofree  cleanup(alloc_free_cleanup)
#define autoclose cleanup(alloc_close_cleanup)
void alloc_free_cleanup(void *pointer_address);
void alloc_close_cleanup(const int *fd);

#endif
