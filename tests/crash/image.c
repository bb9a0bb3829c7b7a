// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum file file_of_path(const char *path)
{
	const char *end = strrchr(path, '-');

	if (end && strcmp(end, "-wal") == 0)
		return FILE_WAL;
	return end && strcmp(end, "-journal") == 0 ? FILE_JOURNAL : FILE_DATABASE;
}

void image_make(struct image *image, enum file file)
{
	image->files[file].exists = true;
}

static void set_size(struct image *image, enum file file, size_t size)
{
	size_t old = image->files[file].size;

	if (size > image->files[file].capacity) {
		image->files[file].capacity = 2 * size;
		image->files[file].bytes = mem_resize(image->files[file].bytes, 2 * size, 1);
	}
	if (size > old)
		memset(image->files[file].bytes + old, 0, size - old);
	image->files[file].size = size;
}

void image_apply(struct image *image, const struct step *step)
{
	switch (step->kind) {
	case STEP_WRITE:
		image_make(image, step->file);
		if (step->offset + step->size > image->files[step->file].size)
			set_size(image, step->file, step->offset + step->size);
		if (step->size)
			memcpy(image->files[step->file].bytes + step->offset, step->bytes,
				step->size);
		break;
	case STEP_TRUNCATE:
		set_size(image, step->file, step->offset);
		break;
	case STEP_SYNC:
	case STEP_SYNC_DIRECTORY:
		break;
	case STEP_DELETE:
		image->files[step->file].exists = false;
		set_size(image, step->file, 0);
		break;
	}
}

void image_clear(struct image *image)
{
	for (int file = 0; file < FILE_COUNT; file++)
		free(image->files[file].bytes);
	memset(image, 0, sizeof(*image));
}

bool image_exists(const struct image *image, enum file file)
{
	return image->files[file].exists;
}

size_t image_size(const struct image *image, enum file file)
{
	return image->files[file].size;
}

size_t image_read(const struct image *image, enum file file, void *to, size_t size, size_t offset)
{
	size_t there = image->files[file].size;
	size_t got = offset < there ? there - offset : 0;

	got = got < size ? got : size;
	if (got)
		memcpy(to, image->files[file].bytes + offset, got);
	return got;
}
