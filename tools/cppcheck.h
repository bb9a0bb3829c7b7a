/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_CPPCHECK_H
#define TOOLS_CPPCHECK_H
/*
 * What cppcheck must know of macros from system headers, which it does not read: those that would
 * not parse, or that give variables their values.
 */
#define LIST_HEAD(name, type)          \
	struct name {                  \
		struct type *lh_first; \
	}
#define SLIST_HEAD(name, type)          \
	struct name {                   \
		struct type *slh_first; \
	}
#define STAILQ_HEAD(name, type)                       \
	struct name {                                 \
		struct type *stqh_first, **stqh_last; \
	}
#define TAILQ_HEAD(name, type)                      \
	struct name {                               \
		struct type *tqh_first, **tqh_last; \
	}
#define LIST_FOREACH(at, head, link) for ((at) = (head)->lh_first; (at); (at) = (at)->link.le_next)
#define SLIST_FOREACH(at, head, link) \
	for ((at) = (head)->slh_first; (at); (at) = (at)->link.sle_next)
#define STAILQ_FOREACH(at, head, link) \
	for ((at) = (head)->stqh_first; (at); (at) = (at)->link.stqe_next)
#define TAILQ_FOREACH(at, head, link) \
	for ((at) = (head)->tqh_first; (at); (at) = (at)->link.tqe_next)

#define HASH_ITER(hh, head, at, next) for ((at) = (head); (at); (at) = (next) = (at)->hh.next)

#define HASH_FIND(hh, head, key, size, out) (out) = hash_find(head, key, size)
#define HASH_FIND_STR(head, key, out)	    (out) = hash_find(head, key, 0)
#define HASH_FIND_INT(head, key, out)	    (out) = hash_find(head, key, 4)

#define lldpctl_atom_foreach(list, at) for ((at) = next(list, 0); (at); (at) = next(list, at))

#define nl_cache_foreach(cache, at) for ((at) = next(cache, 0); (at); (at) = next(cache, at))

#endif
