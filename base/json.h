/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_H
#define BASE_JSON_H
/* jansson, with our limits and one canonical form (sorted keys, compact). */
#include <jansson.h>

#include "base/alloc.h"
#include "base/buf.h"

/*
 * First, once in a process: jansson takes its memory as all of us do (base/alloc.h). Else a message
 * that finds no memory would look like one that is malformed.
 */
void json_init(void);

#define autojson cleanup(json_decref_cleanup)
void json_decref_cleanup(json_t **value);

/* The canonical text; the caller frees. */
char *json_text(const json_t *value);
/*
 * Parses a whole text of at most limit bytes. NULL, with what is wrong in error (may be NULL) as
 * "line:column: ..."; the caller decrefs the value.
 */
json_t *json_parse(struct span text, size_t limit, char *error, size_t error_size);
/* A JSON string of bytes that may not be UTF-8: invalid bytes, and NUL, become U+FFFD. */
json_t *json_bytes(struct span bytes);
/* Sets object[key] to a string, unless text is NULL or empty. */
void json_set_text(json_t *object, const char *key, const char *text);
/* object[key] as borrowed text, or "" when it is absent or no string. */
const char *json_get_text(const json_t *object, const char *key);

#endif
