// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/disk.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/crash/image.h"
#include "tests/sim/random.h"

enum { SHM_REGIONS_MAX = 64, SECTOR = 512 };

struct disk {
	sqlite3_vfs vfs;
	struct image cache;   /* what the system shows to a process */
	struct image platter; /* what a loss of power cannot take */
	struct step *steps;
	size_t count, at;
	size_t synced[FILE_COUNT]; /* the steps of the file before that are on the platter */
	bool recording, lies;
	struct random random;
	int64_t now_ms;
};

struct handle {
	sqlite3_file base;
	struct disk *disk;
	enum file file;
	bool directory_due; /* the next sync is one of the directory, too: so does Unix's VFS */
	void *shm[SHM_REGIONS_MAX];
};

/* ---- the record ---- */

static void apply_pending(struct disk *disk, enum file file, size_t until)
{
	for (size_t i = disk->synced[file]; i < until; i++)
		if (disk->steps[i].file == file)
			image_apply(&disk->platter, &disk->steps[i]);
	disk->synced[file] = until;
}

/* Files that were deleted stay so. */
static void sync_directory(struct disk *disk)
{
	for (int file = 0; file < FILE_COUNT; file++) {
		size_t until = disk->at;

		while (until > disk->synced[file] &&
			(disk->steps[until - 1].file != (enum file)file ||
				disk->steps[until - 1].kind != STEP_DELETE))
			until--;
		apply_pending(disk, (enum file)file, until);
	}
}

static void play(struct disk *disk, const struct step *step)
{
	image_apply(&disk->cache, step);
	disk->at++;
	if (step->kind == STEP_SYNC && !disk->lies)
		apply_pending(disk, step->file, disk->at);
	if (step->kind == STEP_SYNC_DIRECTORY && !disk->lies)
		sync_directory(disk);
}

/* Takes the bytes of the step. */
static void record(struct disk *disk, struct step step)
{
	if (!disk->recording) {
		image_apply(&disk->cache, &step);
		free(step.bytes);
		return;
	}
	if (!(disk->count & (disk->count + 1)))
		disk->steps = mem_resize(disk->steps, 2 * (disk->count + 1), sizeof(*disk->steps));
	disk->steps[disk->count++] = step;
	play(disk, &step);
}

size_t disk_steps(const struct disk *disk)
{
	return disk->count;
}

size_t disk_step_at(const struct disk *disk)
{
	return disk->at;
}

void disk_lie(struct disk *disk)
{
	disk->lies = true;
}

void disk_rewind(struct disk *disk)
{
	disk->recording = false;
	disk->at = 0;
	image_clear(&disk->cache);
	image_clear(&disk->platter);
	memset(disk->synced, 0, sizeof(disk->synced));
}

void disk_step(struct disk *disk)
{
	play(disk, &disk->steps[disk->at]);
}

/* ---- crashes ---- */

/* The first bytes of a write. */
static void apply_torn(struct image *image, const struct step *step, size_t size)
{
	struct step torn = *step;

	torn.size = size < step->size ? size : step->size;
	image_apply(image, &torn);
}

/* Some of its sectors, each or not. */
static void apply_scattered(struct image *image, const struct step *step, struct random *random)
{
	for (size_t from = 0; from < step->size; from += SECTOR) {
		struct step part = *step;

		part.offset += from;
		part.bytes += from;
		part.size = step->size - from < SECTOR ? step->size - from : SECTOR;
		if (random_percent(random, 50))
			image_apply(image, &part);
	}
}

/* Of the steps that were not synced, each is there with the same chance, in part or whole. */
static void lose_power(struct disk *disk, enum file file, struct random *random)
{
	static const unsigned chances[] = { 0, 10, 50, 90, 100 };
	unsigned chance = chances[random_below(random, sizeof(chances) / sizeof(chances[0]))];

	for (size_t i = disk->synced[file]; i < disk->at; i++) {
		const struct step *step = &disk->steps[i];

		if (step->file != file)
			continue;
		if (random_percent(random, chance))
			image_apply(&disk->platter, step);
		else if (step->kind == STEP_DELETE)
			break; /* what comes next is another file of that name */
		else if (step->kind == STEP_WRITE && random_percent(random, 50))
			apply_scattered(&disk->platter, step, random);
	}
}

void disk_crash(struct disk *disk, enum disk_crash crash, uint64_t seed)
{
	const struct step *next = disk->at < disk->count ? &disk->steps[disk->at] : NULL;
	struct random random = { .state = seed };
	struct image old;

	disk->random = random;
	if (crash == DISK_POWER) {
		for (int file = 0; file < FILE_COUNT; file++)
			lose_power(disk, (enum file)file, &random);
		old = disk->cache;
		disk->cache = disk->platter;
		disk->platter = old;
	} else if (crash == DISK_TORN && next && next->kind == STEP_WRITE) {
		size_t unit = random_percent(&random, 50) ? SECTOR : 1;

		apply_torn(&disk->cache, next, unit * random_below(&random, next->size / unit + 1));
	}
}

/* ---- the methods of a file ---- */

static int file_close(sqlite3_file *base)
{
	struct handle *handle = (struct handle *)base;

	for (size_t i = 0; i < SHM_REGIONS_MAX; i++)
		free(handle->shm[i]);
	return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *to, int size, sqlite3_int64 offset)
{
	const struct handle *handle = (struct handle *)base;
	size_t got =
		image_read(&handle->disk->cache, handle->file, to, (size_t)size, (size_t)offset);

	memset((uint8_t *)to + got, 0, (size_t)size - got);
	return got < (size_t)size ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *bytes, int size, sqlite3_int64 offset)
{
	const struct handle *handle = (struct handle *)base;

	record(handle->disk,
		(struct step){ STEP_WRITE, handle->file, (size_t)offset, (size_t)size,
			mem_copy(bytes, (size_t)size) });
	return SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	const struct handle *handle = (struct handle *)base;

	record(handle->disk, (struct step){ STEP_TRUNCATE, handle->file, (size_t)size, 0, NULL });
	return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
	struct handle *handle = (struct handle *)base;

	(void)flags;
	record(handle->disk, (struct step){ STEP_SYNC, handle->file, 0, 0, NULL });
	if (handle->directory_due)
		record(handle->disk,
			(struct step){ STEP_SYNC_DIRECTORY, handle->file, 0, 0, NULL });
	handle->directory_due = false;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size)
{
	const struct handle *handle = (struct handle *)base;

	*size = (sqlite3_int64)image_size(&handle->disk->cache, handle->file);
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
	(void)base;
	(void)level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *base, int *reserved)
{
	(void)base;
	*reserved = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int what, void *argument)
{
	(void)base;
	(void)what;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base)
{
	(void)base;
	return 4096; /* as the VFS of Unix says */
}

static int file_traits(sqlite3_file *base)
{
	(void)base;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* likewise */
}

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **to)
{
	struct handle *handle = (struct handle *)base;

	if (region >= SHM_REGIONS_MAX)
		return SQLITE_IOERR_SHMMAP;
	if (!handle->shm[region] && extend)
		handle->shm[region] = mem_alloc(1, (size_t)size);
	*to = handle->shm[region];
	return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
	(void)base;
	(void)offset;
	(void)count;
	(void)flags;
	return SQLITE_OK; /* there is one connection */
}

static void shm_barrier(sqlite3_file *base)
{
	(void)base;
}

static int shm_unmap(sqlite3_file *base, int remove)
{
	struct handle *handle = (struct handle *)base;

	for (size_t i = 0; remove && i < SHM_REGIONS_MAX; i++) {
		free(handle->shm[i]);
		handle->shm[i] = NULL;
	}
	return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* ---- the methods of the VFS ---- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *given)
{
	struct handle *handle = (struct handle *)base;

	memset(handle, 0, sizeof(*handle));
	if (!path)
		return SQLITE_CANTOPEN; /* a temporary file: those are kept in memory */
	handle->disk = vfs->pAppData;
	handle->file = file_of_path(path);
	handle->base.pMethods = &file_methods;
	handle->directory_due = handle->file != FILE_DATABASE && (flags & SQLITE_OPEN_CREATE);
	image_make(&handle->disk->cache, handle->file);
	if (given)
		*given = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int synced)
{
	struct disk *disk = vfs->pAppData;
	enum file file = file_of_path(path);

	if (!image_exists(&disk->cache, file))
		return SQLITE_IOERR_DELETE_NOENT;
	record(disk, (struct step){ STEP_DELETE, file, 0, 0, NULL });
	if (synced)
		record(disk, (struct step){ STEP_SYNC_DIRECTORY, file, 0, 0, NULL });
	return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *is)
{
	const struct disk *disk = vfs->pAppData;

	(void)flags;
	*is = image_exists(&disk->cache, file_of_path(path));
	return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *path, int size, char *to)
{
	(void)vfs;
	sqlite3_snprintf(size, to, "%s", path);
	return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *to)
{
	struct disk *disk = vfs->pAppData;

	random_fill(&disk->random, to, (size_t)size);
	return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	struct disk *disk = vfs->pAppData;

	disk->now_ms += microseconds / 1000;
	return microseconds;
}

static int vfs_now(sqlite3_vfs *vfs, sqlite3_int64 *now_ms)
{
	struct disk *disk = vfs->pAppData;

	*now_ms = disk->now_ms++;
	return SQLITE_OK;
}

struct disk *disk_new(const char *name)
{
	struct disk *disk = mem_alloc(1, sizeof(*disk));

	disk->recording = true;
	disk->now_ms = 210866760000000; /* 1970 in milliseconds of the Julian day */
	disk->vfs = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct handle),
		.mxPathname = 512,
		.zName = name,
		.pAppData = disk,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTimeInt64 = vfs_now,
	};
	sqlite3_vfs_register(&disk->vfs, 1); /* by default: chance comes from the default one */
	return disk;
}

void disk_free(struct disk *disk)
{
	sqlite3_vfs_unregister(&disk->vfs);
	for (size_t i = 0; i < disk->count; i++)
		free(disk->steps[i].bytes);
	free(disk->steps);
	image_clear(&disk->cache);
	image_clear(&disk->platter);
	free(disk);
}
