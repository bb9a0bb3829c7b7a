#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check.sh: every test, in stages; STAGES="unit sim" runs only those. As root, for what is watched
# is the kernel. Each stage ends with its counts, the whole with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
all="deps build lint unit asan clang model sim alive crash fuzz system"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
jobs=-j$(nproc)

# One command per stage; its last "N passed, N failed" is its count, else it counts as one.
stage_deps() { make --no-print-directory deps-test; }
stage_build() { make --no-print-directory "$jobs" tests; }
stage_lint() { tools/lint.sh; }
stage_unit() { make --no-print-directory "$jobs" unit; }
stage_asan() { make --no-print-directory "$jobs" BUILD=build/asan SANITIZE=1 unit; }
stage_clang() { make --no-print-directory "$jobs" BUILD=build/clang CC=clang all; }
stage_model() { make --no-print-directory model; }
stage_sim() { make --no-print-directory "$jobs" sim; }
stage_alive() { make --no-print-directory "$jobs" sim-alive; }
stage_crash() { make --no-print-directory "$jobs" crash; }
stage_fuzz() { make --no-print-directory "$jobs" fuzz-replay; }
stage_system() { make --no-print-directory "$jobs" system; }

for stage in ${STAGES:=$all}; do
	case " $all " in
	*" $stage "*) ;;
	*) echo "check.sh: unknown stage '$stage'; there are: $all" >&2 && exit 2 ;;
	esac
done
passed=0 failed=0 report=""
begin=$SECONDS
for stage in $STAGES; do
	echo "==> $stage"
	start=$SECONDS
	"stage_$stage" 2>&1 </dev/null | tee "$log"
	code=${PIPESTATUS[0]}
	read -r good bad < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$log" | tail -n 1)
	[ -n "${good:-}" ] || { good=$((code == 0)) bad=$((code != 0)); }
	[ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	passed=$((passed + good)) failed=$((failed + bad))
	report+=$(printf '%-8s %5d passed %4d failed %5d s' "$stage" "$good" "$bad" $((SECONDS - start)))$'\n'
	# Nothing can be tested that does not build.
	case $stage in deps | build) [ "$code" -eq 0 ] || break ;; esac
done
printf '==> summary, %d s\n%s' $((SECONDS - begin)) "$report"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
