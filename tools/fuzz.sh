#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [seconds] [target]: looks for bytes that break a fuzz target (tests/fuzz/fuzz_*.c) for
# so many seconds each (60), starting from its corpus. What it learns stays in build/fuzz/corpus;
# an input that breaks one is written to build/fuzz/ and belongs, once mended, in tests/fuzz/corpus.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
only=${2:-}
out=build/fuzz
export CFLAGS=-fsanitize=fuzzer-no-link
failed=0 ran=0
mapfile -t targets < <(basename -s .c tests/fuzz/fuzz_*.c)
for target in "${targets[@]}"; do
	name=${target#fuzz_}
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	make -s SANITIZE=1 BUILD=$out "$out/fuzzer_$name"
	mkdir -p "$out/corpus/$name"
	echo "== $name, $seconds s"
	ran=$((ran + 1))
	"$out/fuzzer_$name" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -verbosity=0 -artifact_prefix="$out/$name-" \
		"$out/corpus/$name" "tests/fuzz/corpus/$name" || failed=$((failed + 1))
done
[ $ran -gt 0 ] || { echo "fuzz.sh: no target '$only'" >&2; exit 2; }
echo "$((ran - failed)) passed, $failed failed"
[ $failed -eq 0 ]
