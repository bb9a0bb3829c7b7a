#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh [CHECK...]: the house rules, each check by name. Prints what failed as file:line: what,
# and "N passed, N failed" last.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

files() { # files PATTERN...: of the tree, whether committed yet or not
	git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null | while read -r file; do
		[ -f "$file" ] && printf '%s\n' "$file"
	done
}
mapfile -t code < <(files '*.c' '*.h')
mapfile -t sources < <(files '*.c' | grep -v '^bpf/')
mapfile -t headers < <(files '*.h' | grep -Ev '^(bpf|vmlinux)/')
mapfile -t shell < <(files '*.sh' .ci/run)
mapfile -t python < <(files '*.py')
mapfile -t manuals < <(files 'docs/man/*')
mapfile -t tables < <(files '*.def' Makefile '*.mk')
flags=(-std=c11 -D_GNU_SOURCE '-DVERSION="0"' '-DSYSCONFDIR="/etc"' -I. "-I$build")
read -ra nl < <(pkg-config --cflags libnl-3.0)

check_includes() { tools/check-includes.sh "${code[@]}"; }
check_size() { tools/check-size.sh "${code[@]}"; }
check_format() { clang-format --dry-run -Werror "${code[@]}" 2>&1 | grep -E 'error|warning'; test "${PIPESTATUS[0]}" = 0; }
check_shell() { shellcheck -f gcc "${shell[@]}"; }
check_python() { [ ${#python[@]} -eq 0 ] || PYTHONPYCACHEPREFIX=$work python3 -m py_compile "${python[@]}" 2>&1; }

check_state() {
	local objects=() source
	for source in "${sources[@]}"; do
		case $source in
		*/main.c | tests/*) ;;
		*) objects+=("$build/obj/${source%.c}.o") ;;
		esac
	done
	make -s BUILD="$build" "${objects[@]}" >&2 || return 1
	tools/check-state.sh "${objects[@]}" | sed -e "s|^$build/obj/||" -e 's|\.o: |.c:1: |'
	return "${PIPESTATUS[0]}"
}

check_headers() { # each header compiles alone
	local header bad=0
	for header in "${headers[@]}"; do
		gcc "${flags[@]}" "${nl[@]}" -Wall -Wextra -Werror -fsyntax-only -x c "$header" 2>&1 || bad=1
	done
	return $bad
}

check_cppcheck() {
	mkdir -p "$build/cppcheck"
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j 2 \
		--enable=warning,performance,portability --cppcheck-build-dir="$build/cppcheck" \
		--include=tools/cppcheck.h --suppressions-list=tools/cppcheck.txt --template='{file}:{line}: {id}: {message}' \
		-D_GNU_SOURCE -D__GNUC__ -DVERSION='""' -DSYSCONFDIR='""' -I. "${sources[@]}" 2>&1
}

check_manuals() { [ ${#manuals[@]} -eq 0 ] || mandoc -T lint -W warning "${manuals[@]}"; }

check_licence() {
	local file want bad=0
	for file in "${code[@]}" "${shell[@]}" "${python[@]}" "${tables[@]}"; do
		want='SPDX-License-Identifier: Apache-2.0'
		case $file in bpf/* | vmlinux/*) want='SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause' ;; esac
		head -n 3 "$file" | grep -qF "$want" || { echo "$file:1: no '$want'" && bad=1; }
	done
	return $bad
}

check_guards() { # BASE_ADDR_H for base/addr.h
	local header guard bad=0
	for header in "${headers[@]}"; do
		guard=$(tr 'a-z/.-' 'A-Z___' <<<"$header")
		grep -q "^#ifndef $guard$" "$header" || { echo "$header:1: no include guard $guard" && bad=1; }
	done
	return $bad
}

check_pure() { # what is simulated takes time and bytes as arguments
	local pure
	mapfile -t pure < <(files 'wire/*.c' 'wire/*.h' 'agent/tracker*' 'agent/uplink*' 'cma/hub*' 'cma/alive/*' | grep -v '^wire/udp')
	[ ${#pure[@]} -eq 0 ] || ! grep -nHE \
		'(^|[^.>_[:alnum:]])(instant_now|wall_now_ms|clock_gettime|gettimeofday|time|socket|sendto|recvfrom|rand|random|getenv)\(' \
		"${pure[@]}"
}

check_words() { # nothing unfinished
	! grep -nHwE 'TODO|FIXME|XXX|HACK' "${code[@]}" "${shell[@]}" "${python[@]}" "${tables[@]}" \
		--exclude=lint.sh
}

check_comments() { # lines of a comment that were run together
	! grep -nHE '^ \*[^ /[:space:]*]' "${code[@]}"
}

check_cases() { # a module of discover/modules.def without a case fails
	local module bad=0
	[ -f discover/modules.def ] || return 0
	while IFS=: read -r line module; do
		compgen -G "tests/data/discover/$module/*/*" >/dev/null ||
			compgen -G "tests/unit/test_$module*.c" >/dev/null || compgen -G "tests/unit/test_discover_$module*.c" >/dev/null ||
			{ echo "discover/modules.def:$line: $module has no case in tests/data/discover/$module" && bad=1; }
	done < <(grep -nE '^[A-Z_]+\(' discover/modules.def | sed -E 's/^([0-9]+):[A-Z_]+\(([a-z0-9_]+).*/\1:\2/')
	return $bad
}

check_readme() {
	local lines
	[ -f README.md ] || return 0
	lines=$(wc -l <README.md)
	[ "$lines" -le 100 ] || { echo "README.md:101: $lines lines, the limit is 100" && return 1; }
}

all=(cppcheck headers state includes size format shell python manuals licence guards pure words comments cases readme)
[ $# -gt 0 ] && all=("$@")
run() { # run CHECK: leaves its output and its exit code in the work directory
	"check_$1" >"$work/$1.out" 2>&1
	echo $? >"$work/$1.code"
}
for check in "${all[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
	run "$check" &
done
wait
passed=0 failed=0
for check in "${all[@]}"; do
	if [ "$(cat "$work/$check.code")" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "lint: $check"
		sed 's/^/  /' "$work/$check.out"
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
