#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh [WORD...]: runs every tests/bench/bench_* (only those whose name holds a WORD), collects
# the "name | value | goal" lines that they print, and shows one table with what was reached. A goal
# is "<= 120 ns" or ">= 9x"; without one a line is for information. As root, on a quiet machine.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
[ "$(id -u)" = 0 ] || { echo "bench.sh: needs root" >&2 && exit 1; }
results=$(mktemp)
trap 'rm -f "$results"' EXIT
export PYTHONDONTWRITEBYTECODE=1
failed=0

programs=()
for source in tests/bench/bench_*.py tests/bench/bench_*.c; do
	[ -f "$source" ] || continue
	name=$(basename "$source")
	for word in "${@:-}"; do
		case $name in *"$word"*) programs+=("$source") && break ;; esac
	done
done
for source in "${programs[@]}"; do
	echo "==> $source"
	case $source in
	*.py) BUILD=$build python3 "$source" ;;
	*.c) "$build/${source%.c}" ;;
	esac 2>&1 | tee -a "$results"
	[ "${PIPESTATUS[0]}" = 0 ] || { echo "$source: failed" && failed=1; }
done

echo
grep -E '^[^|]+\|[^|]+\|[^|]*$' "$results" | awk -F'|' '
function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
function number(text) { gsub(/,/, "", text); return match(text, /-?[0-9]+([.][0-9]+)?/) ? substr(text, RSTART, RLENGTH) + 0 : "" }
BEGIN {
	printf "%-64s %20s %14s  %s\n", "figure", "value", "goal", ""
}
{
	name = trim($1); value = trim($2); goal = trim($3); verdict = ""
	if (goal ~ /^[<>]=?[ ]*[0-9]/ && number(value) != "") {
		reached = 0
		if (goal ~ /^<=/) reached = number(value) <= number(goal)
		else if (goal ~ /^>=/) reached = number(value) >= number(goal)
		else if (goal ~ /^</) reached = number(value) < number(goal)
		else reached = number(value) > number(goal)
		verdict = reached ? "ok" : "MISS"
		if (reached) good++
		else bad++
	}
	printf "%-64s %20s %14s  %s\n", name, value, goal, verdict
}
END { printf "%d goals reached, %d missed\n", good, bad }'
exit $failed
