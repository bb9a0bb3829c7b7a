/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_REDACT_H
#define AGENT_REDACT_H
/*
 * Takes secrets out of a command line before it leaves the host. Replaced by "***":
 *	values of options, variables, headers and URL parameters whose name says that they
 *	are secret (--password x, PGPASSWORD=x, X-Api-Key: x, ?token=x), also inside "sh -c"
 *	text;
 *	the short options of tools that take a password (mysql -px, redis-cli -a x, curl -u me:x);
 *	the password in scheme://user:password@host;
 *	long words that look random and known forms of access tokens.
 * Kept: files (--password-file), paths, hex digests and ids, switches (--no-password).
 * In doubt more is taken out than needed: a lost word is harmless.
 */
#include "base/buf.h"

/* The longest result, and the longest word in it; what is cut off shows as "...". */
enum { REDACT_MAX = 512, REDACT_WORD_MAX = 256 };

/*
 * argv: words that each end with NUL, as in /proc/PID/cmdline (the last NUL may be missing; empty
 * words at the end are dropped). Writes words of the same form to to, which holds REDACT_MAX bytes;
 * returns how many bytes.
 */
size_t redact_argv(struct span argv, char *to);

#endif
