/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_ALERT_LETTER_H
#define CMA_ALERT_LETTER_H
/* Alerts as sinks are sent them: docs/alerts.md names the members. */
#include <jansson.h>

/*
 * Of a row of cma/alert/next.sql: the members of the object are its columns from the one named
 * "what" on. The caller decrefs.
 */
json_t *letter_of_row(const json_t *columns, const json_t *row);
/* The one of a single alert, or a summary of several; of COURIER_TEXT_MAX bytes at most. */
char *letter_text(const json_t *alerts, int64_t now_ms);

#endif
