/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_TITLE_H
#define AGENT_TITLE_H
/*
 * Programs that write what they are doing over their command line (setproctitle): "nginx: master
 * process ...", "postgres: main: joe db 10.0.0.1(4444) idle", "unicorn worker[3]". That is a state
 * and not how they were started; only the name at its front stays.
 */
#include <stdbool.h>

#include "base/buf.h"

/*
 * The name in a title, a part of word or of exe; size 0 when word is no title. word is the first
 * one of the command line, single when it is the only one; exe is the path of the program, or NULL.
 * A title is "NAME: ..." with the name of the program, or any single word with spaces in it that is
 * not the program's own path.
 */
struct span title_name(const char *word, bool single, const char *exe);

#endif
