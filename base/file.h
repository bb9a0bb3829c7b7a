/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H
/* Whole small files, relative to a directory descriptor (AT_FDCWD for none). */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads at most limit bytes and adds a NUL that *size does not count (size may be NULL). NULL with
 * errno set; EFBIG when the file is larger. The caller frees. Works on /proc, where sizes are 0.
 */
char *file_read(int dir, const char *path, size_t limit, size_t *size);
/* Writes to path through a temporary file, fsync and rename: old content or new, never a part. */
int file_replace(int dir, const char *path, const void *data, size_t size, mode_t mode);
/* mkdir -p for one directory with the given mode; 0 when it is there. -errno. */
int file_make_dir(const char *path, mode_t mode);
/*
 * Takes the lock that makes this process the only one on a state directory; the descriptor holds
 * it and is returned. -EWOULDBLOCK when another process has it, else -errno.
 */
int file_lock(int dir, const char *path);

#endif
