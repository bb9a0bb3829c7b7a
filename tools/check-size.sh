#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-size.sh FILE...: the budgets of a file, a function, a line. Prints "file:line: what".
set -eu
failed=0
awk '
function over(limit, what) { if (lines > limit) { printf "%s:%d: %d lines, %s has at most %d\n", file, limit + 1, lines, what, limit; bad = 1 } }
function end() { if (file ~ /[.]h$/) over(120, "a header"); else if (file ~ /[.]c$/) over(500, "a source file") }
FNR == 1 { if (file) end(); file = FILENAME }
{ lines = FNR }
END { end(); exit bad }' "$@" || failed=1
for file; do
	expand -t 8 "$file" | awk -v file="$file" '
	length > 100 { printf "%s:%d: %d columns, the limit is 100\n", file, FNR, length; bad = 1 }
	END { exit bad }' || failed=1
done
# Functions: none over 80 lines, nine of ten within 40.
sources=$(printf '%s\n' "$@" | grep '\.[ch]$' || true)
# shellcheck disable=SC2086 # a list of file names
[ -z "$sources" ] || ctags -x --languages=C --langmap=C:.c.h --kinds-C=f --fields=+e \
	--_xformat='%F %n %e %N' $sources | awk '
	{ size = $3 - $2 + 1; all++; if (size <= 40) short++ }
	size > 80 { printf "%s:%d: %s has %d lines, the limit is 80\n", $1, $2, $4, size; bad = 1 }
	size > 40 && size <= 80 { long = long sprintf("%s:%d: %s has %d lines\n", $1, $2, $4, size) }
	END {
		if (all && short < all * 0.9) {
			printf "%s%d of %d functions have at most 40 lines: fewer than 90 %%\n", long, short, all
			bad = 1
		}
		exit bad
	}' || failed=1
exit $failed
