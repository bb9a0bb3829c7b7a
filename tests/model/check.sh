#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check.sh: has spin go through every state of np1.pml, within several bounds; and sees that the
# claims fail when a rule is left out. Prints one line for each, and "N passed, N failed".
set -u
cd "$(dirname "$0")" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# NAME WANTED (holds or fails) BOUND=VALUE...: a line and the exit status of the expectation.
run() {
	local name=$1 wanted=$2 defines=()
	shift 2
	for bound; do defines+=("-D$bound"); done
	mkdir "$work/$name" && (
		cd "$work/$name" || exit 1
		spin -a "${defines[@]}" "$OLDPWD/np1.pml" >log 2>&1 &&
			cc -O2 -w -DSAFETY -DBFS -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c >>log 2>&1 &&
			timeout 600 ./pan -E >>log 2>&1
		states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
		seconds=$(sed -n 's/^pan: elapsed time \([0-9.]*\).*/\1/p' log)
		if ! grep -q 'errors:' log || grep -q 'not completed' log; then
			result=incomplete
		elif grep -q 'errors: 0' log; then
			result=holds
		else
			result=fails
		fi
		# A search that stops at an error is not complete, and need not be.
		grep -q 'assertion violated' log && result=fails
		printf 'model   %-10s %-6s %12s states %6s s  %s\n' "$name" "$result" "${states:-0}" \
			"${seconds:-0}" "$*"
		[ "$result" = "$wanted" ] || { tail -n 20 log && exit 1; }
	)
}

one="AGENTS=1 CHANGES=2 CALLS=2"
older="AGENTS=1 CHANGES=1 CALLS=3 AGENT_DEATHS=1 CMA_DEATHS=0 BACKUPS=0"
cases=(
	"deaths holds $one AGENT_DEATHS=1 CMA_DEATHS=1 BACKUPS=0"
	"backup holds $one AGENT_DEATHS=0 CMA_DEATHS=1 BACKUPS=1"
	"two holds AGENTS=2 CHANGES=1 CALLS=1 AGENT_DEATHS=0 CMA_DEATHS=1 BACKUPS=1"
	"calls holds $older"
	"no_older fails $older BREAK_OLDER"
	"no_ack fails $one AGENT_DEATHS=0 CMA_DEATHS=1 BACKUPS=0 BREAK_ACK"
)
for case in "${cases[@]}"; do
	[ "$(jobs -rp | wc -l)" -lt "$(nproc)" ] || wait -n
	# shellcheck disable=SC2086 # a list of words
	{ run $case && echo "$case" >>"$work/passed"; } &
done
wait
passed=$(wc -l 2>/dev/null <"$work/passed" || echo 0)
echo "$passed passed, $((${#cases[@]} - passed)) failed"
[ "$passed" -eq ${#cases[@]} ]
