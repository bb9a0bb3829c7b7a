#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run-tests.sh KIND PROGRAM...: runs each, shows the output of those that fail, and adds up what
# they counted. cmocka programs are counted by test; others print "N passed, N failed" last, or
# count as one. Ends with "N passed, N failed"; exit 1 when anything failed or nothing ran.
set -u
kind=$1
shift
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
count() { # count WORD: the number of tests cmocka says it PASSED or FAILED
	awk -v word="$1" '$2 == word && $0 ~ /test\(s\)/ { sum += $4 } END { print sum + 0 }' "$log"
}
for program; do
	start=$(date +%s%N)
	"$program" >"$log" 2>&1
	code=$?
	last=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$log" | tail -n 1)
	if grep -q '^\[==========\]' "$log"; then
		good=$(count PASSED) bad=$(count FAILED)
	elif [ -n "$last" ]; then
		good=${last% *} bad=${last#* }
	else
		good=$((code == 0)) bad=$((code != 0))
	fi
	[ $code -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	passed=$((passed + good)) failed=$((failed + bad))
	printf '  %-7s %-44s %4d passed %3d failed %6d ms\n' "$kind" "${program#"${BUILD:-build}"/}" \
		"$good" "$bad" $((($(date +%s%N) - start) / 1000000))
	[ "$bad" -eq 0 ] || sed 's/^/    | /' "$log"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
