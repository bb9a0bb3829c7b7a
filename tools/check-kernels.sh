#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check-kernels.sh: boots Debian's cloud kernels of several releases under emulation and tries the
# nanoprobe in each (tests/kernels/matrix.py); builds the kernel programs with clang 19 too. The
# packages come from where apt of this machine gets its own, through a configuration of their own,
# and stay unpacked in build/kernels: remove that folder to fetch newer ones.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
kernels=$(realpath -m "$build/kernels")
keys=/usr/share/keyrings/debian-archive-keyring.gpg

for tool in qemu-system-x86_64 cpio apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || {
		echo "check-kernels: needs $tool (packages qemu-system-x86, cpio)" >&2
		exit 1
	}
done
[ "$(uname -m)" = x86_64 ] || {
	echo "check-kernels: not available: only for x86_64" >&2
	exit 1
}

site() { # site PATTERN: where this machine gets Debian from
	apt-get indextargets --format "\$(SITE)" 'Created-By: Packages' 'Origin: Debian' |
		grep -E -- "$1" | sort -u | head -n 1
}
main=$(site 'debian/?$')
security=$(site 'debian-security/?$')

apt_for() { # apt_for SUITE COMMAND...: apt that knows only this suite, and nothing installed
	local home=$kernels/$1/apt suite=$1
	shift
	if [ ! -e "$home/apt.conf" ]; then
		mkdir -p "$home/lists/partial" "$home/archives/partial"
		: >"$home/status"
		# An index may be older than its own limit on a mirror; it is signed all the same.
		echo "deb [check-valid-until=no signed-by=$keys] $main $suite main" >"$home/sources"
		[ "$suite" != bullseye ] || [ -z "$security" ] ||
			echo "deb [check-valid-until=no signed-by=$keys] $security $suite-security main" >>"$home/sources"
		cat >"$home/apt.conf" <<-END
			Dir::State "$home";
			Dir::State::lists "$home/lists";
			Dir::State::status "$home/status";
			Dir::Cache "$home";
			Dir::Cache::archives "$home/archives";
			Dir::Etc::sourcelist "$home/sources";
			Dir::Etc::sourceparts "/dev/null";
			Acquire::Languages "none";
			APT::Sandbox::User "root";
		END
		APT_CONFIG=$home/apt.conf timeout 300 apt-get -qq update >&2 || true
	fi
	(cd "$home/archives" && APT_CONFIG=$home/apt.conf timeout 300 "$@")
}

unpack() { # unpack SUITE FOLDER: what apt_for downloaded
	local package
	mkdir -p "$2"
	for package in "$kernels/$1"/apt/archives/*.deb; do
		dpkg-deb -x "$package" "$2" || return 1
	done
	rm -rf "$kernels/$1/apt"
}

fetch_kernel() { # fetch_kernel SUITE: unpacked in build/kernels/SUITE/root
	local suite=$1 image
	[ ! -e "$kernels/$suite/root" ] || return 0
	image=$(apt_for "$suite" apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$image" ] || return 1
	apt_for "$suite" apt-get -qq download "$image" >&2 || return 1
	# Newer ones are in parts.
	if apt_for "$suite" apt-cache show "${image/-image-/-binary-}" >/dev/null 2>&1; then
		apt_for "$suite" apt-get -qq download "${image/-image-/-binary-}" \
			"${image/-image-/-modules-}" >&2 || return 1
	fi
	unpack "$suite" "$kernels/$suite/new" && mv "$kernels/$suite/new" "$kernels/$suite/root"
}

fetch_busybox() {
	[ ! -e "$kernels/busybox/root" ] || return 0
	(mkdir -p "$kernels/busybox/apt/archives" && cd "$kernels/busybox/apt/archives" &&
		timeout 300 apt-get -qq download busybox-static >&2) || return 1
	unpack busybox "$kernels/busybox/root"
}

fetch_clang() { # with its own C library, so that it runs on any release
	[ ! -e "$kernels/trixie/clang" ] || return 0
	apt_for trixie apt-get -qq -y --no-install-recommends --download-only install clang-19 >&2 || return 1
	unpack trixie "$kernels/trixie/clang"
}

build_by_clang() { # the object at build/kernels/clang19/nanoprobe.linked.o
	local root=$kernels/trixie/clang libraries target=$kernels/clang19
	libraries=$root/usr/lib/x86_64-linux-gnu
	mkdir -p "$target" || return 1
	printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$libraries/ld-linux-x86-64.so.2" \
		"$libraries:$root/usr/lib/llvm-19/lib" "$root/usr/lib/llvm-19/bin/clang" >"$target/clang"
	chmod +x "$target/clang"
	# The multiarch headers by name: a compiler in a folder does not know where they are.
	make -s BUILD="$target/build" CLANG="$target/clang -resource-dir $root/usr/lib/llvm-19/lib/clang/19 -idirafter /usr/include/$(gcc -print-multiarch) -idirafter /usr/include" \
		"$target/build/obj/bpf/nanoprobe.linked.o" >&2 &&
		cp "$target/build/obj/bpf/nanoprobe.linked.o" "$target/"
}

make -s BUILD="$build" "$build"/nanoprobe "$build"/tests/kernels/load "$build"/tests/system/serve \
	"$build"/tests/system/dial || exit 1
fetch_busybox || {
	echo "check-kernels: busybox-static is not available" >&2
	exit 1
}
given=("clang=$build/obj/bpf/nanoprobe.linked.o")
if fetch_clang && build_by_clang; then
	given+=("clang19=$kernels/clang19/nanoprobe.linked.o")
	[ "$(id -u)" != 0 ] || {
		programs=$("$build/tests/kernels/load" "$kernels/clang19/nanoprobe.linked.o") || bad=1
		echo "clang 19: $(grep -c . <<<"$programs") programs built, $(grep -c ' ok$' <<<"$programs") loaded on $(uname -r)"
		grep -v ' ok$' <<<"$programs"
	}
else
	echo "clang 19: not available"
fi
for suite in bullseye bookworm trixie sid; do
	if fetch_kernel "$suite"; then
		given+=("$suite=$kernels/$suite/root")
	else
		echo "kernel of $suite: not available"
	fi
done
python3 tests/kernels/matrix.py "$build" "$kernels/busybox/root/bin/busybox" "${given[@]}" || bad=1
exit "${bad:-0}"
