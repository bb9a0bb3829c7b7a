#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh: how many lines of each parser of foreign bytes the unit tests and the corpora of the
# fuzz targets reach. Prints one line for each, names the lines that were missed, and ends with
# "N passed, N failed": a parser with a missed line has failed.
set -u
cd "$(dirname "$0")/.." || exit 1
out=build/coverage
# What reads bytes that came from a network, another process or a file that others write. What only
# moves such bytes (sockets, SQLite) is not in it.
parsers="base/addr base/buf base/json base/text
	wire/certificate wire/cookie wire/digest wire/fact wire/message wire/pack wire/packet
	wire/receiver wire/replay wire/session wire/sign wire/token wire/warrant
	discover/cpu discover/lldpfact discover/memory discover/netfact discover/netroute discover/os
	agent/cgroup agent/judge agent/policy agent/procfs agent/redact agent/request agent/secret
	agent/sensor_ring agent/title
	cma/dispatch cma/graph/derive cma/graph/order cma/graph/query_value"
# Of a line that is nothing but mem_exhausted() or abort(), which end the program when memory or a
# library fails, there is no test here.
not_counted='^ *(#####|=====): *[0-9]+:[[:space:]]*(mem_exhausted|abort)\(\);'
mapfile -t tests < <(basename -s .c tests/unit/test_*.c | sed "s|^|$out/tests/unit/|" &&
	basename -s .c tests/fuzz/fuzz_*.c | sed "s|^|$out/tests/fuzz/|")

find $out -name '*.gcda' -delete 2>/dev/null
make -s -j"$(nproc)" BUILD=$out COVERAGE=1 "${tests[@]}" >$out.log 2>&1 ||
	{ tail -n 20 $out.log && exit 1; }
BUILD=$out tools/run-tests.sh cover "${tests[@]}" >>$out.log 2>&1 ||
	{ grep -B 20 'FAILED' $out.log | tail -n 40 && exit 1; }

# The source with counts, for one parser; headers that it includes left out.
annotated() {
	gcov -t -o "$out/obj/$(dirname "$1")" "$out/obj/$1.gcda" 2>/dev/null |
		awk -v source="Source:$1.c" '/:    0:Source:/ { mine = index($0, source) } mine' |
		grep -vE "$not_counted"
}

passed=0 failed=0
for parser in $parsers; do
	text=$(annotated "$parser")
	lines=$(grep -cE '^ *([0-9]+\*?|#####|=====):' <<<"$text")
	missed=$(grep -cE '^ *(#####|=====):' <<<"$text")
	printf '  %-24s %4d lines, %3d missed\n' "$parser" "$lines" "$missed"
	grep -E '^ *(#####|=====):' <<<"$text" | sed 's/^ *[#=]*: */    | /'
	if [ "$lines" -gt 0 ] && [ "$missed" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
