/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CRASH_IMAGE_H
#define TESTS_CRASH_IMAGE_H
/* The files of a store as bytes in memory, and the steps that change them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum file { FILE_DATABASE, FILE_JOURNAL, FILE_WAL, FILE_COUNT };

/* By the end of the path. */
enum file file_of_path(const char *path);

enum step_kind { STEP_WRITE, STEP_TRUNCATE, STEP_SYNC, STEP_DELETE, STEP_SYNC_DIRECTORY };

struct step {
	enum step_kind kind;
	enum file file;
	size_t offset; /* of a write; the size that truncation leaves */
	size_t size;
	uint8_t *bytes;
};

struct image {
	struct {
		bool exists;
		size_t size, capacity;
		uint8_t *bytes;
	} files[FILE_COUNT];
};

void image_make(struct image *image, enum file file);
void image_apply(struct image *image, const struct step *step);
/* All files are gone, and the memory. */
void image_clear(struct image *image);

bool image_exists(const struct image *image, enum file file);
size_t image_size(const struct image *image, enum file file);
/* How many of size bytes there are. */
size_t image_read(const struct image *image, enum file file, void *to, size_t size, size_t offset);

#endif
