// SPDX-License-Identifier: Apache-2.0
#include "agent/unheld.h"

#include <stdlib.h>

#include "base/alloc.h"
#define uthash_fatal(why) mem_exhausted()
#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	uint64_t cookie;
	struct event_row row;
	bool again; /* the kernel listed it after the snapshot too */
};

struct unheld {
	uint32_t netns;
	struct entry *entries;
};

static struct entry *find(const struct unheld *unheld, uint64_t cookie)
{
	struct entry *entry;

	HASH_FIND(hh, unheld->entries, &cookie, sizeof(cookie), entry);
	return entry;
}

static void drop(struct unheld *unheld, struct entry *entry)
{
	HASH_DELETE(hh, unheld->entries, entry);
	free(entry);
}

static void on_first(void *owner, const struct event_row *row)
{
	struct unheld *unheld = owner;
	struct entry *entry;

	if (find(unheld, row->cookie))
		return;
	entry = mem_alloc(1, sizeof(*entry));
	entry->cookie = row->cookie;
	entry->row = *row;
	HASH_ADD(hh, unheld->entries, cookie, sizeof(entry->cookie), entry);
}

static void on_again(void *owner, const struct event_row *row)
{
	struct entry *entry = find(owner, row->cookie);

	if (entry)
		entry->again = true;
}

static void unheld_free(struct unheld *unheld)
{
	struct entry *entry, *next;

	HASH_ITER (hh, unheld->entries, entry, next)
		drop(unheld, entry);
	free(unheld);
}

int unheld_begin(struct unheld **made, uint32_t netns)
{
	struct unheld *unheld = mem_alloc(1, sizeof(*unheld));
	int err;

	unheld->netns = netns;
	err = diag_services(netns, on_first, unheld);
	if (err) {
		unheld_free(unheld);
		unheld = NULL;
	}
	*made = unheld;
	return err;
}

void unheld_named(struct unheld *unheld, uint64_t cookie)
{
	struct entry *entry = unheld ? find(unheld, cookie) : NULL;

	if (entry)
		drop(unheld, entry);
}

int unheld_end(struct unheld *unheld, diag_row_fn *row, void *owner)
{
	struct entry *entry, *next;
	int err = 0;

	if (!unheld)
		return 0;
	if (unheld->entries && row) /* seldom */
		err = diag_services(unheld->netns, on_again, unheld);
	HASH_ITER (hh, unheld->entries, entry, next) {
		if (entry->again && !err)
			row(owner, &entry->row);
	}
	unheld_free(unheld);
	return err;
}
