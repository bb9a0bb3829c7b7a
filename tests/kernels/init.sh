#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# init [here]: the first process of a machine that matrix.py boots, under busybox, or of the
# namespaces that it makes here. It lets the nanoprobe watch what it does with sockets, and writes
# all that it got to the second serial port (here: as its output), in parts that begin with
# "== NAME". A part "end" says that nothing was cut off.
PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
mount -t tmpfs none /run
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
if [ "${1:-}" != here ]; then
	stty -F /dev/ttyS1 raw -echo
	exec >/dev/ttyS1 2>&1
fi
cd /tmp || exit 1
mkfifo stream

part() { printf '== %s\n' "$*"; }
seconds() { read -r up _ </proc/uptime && echo "${up%.*}"; }

# until_seen SECONDS PATTERN...: each pattern is in what the nanoprobe printed, or time is up
until_seen() {
	end=$(($(seconds) + $1))
	shift
	for pattern; do
		until grep -q -- "$pattern" facts; do
			left=$((end - $(seconds)))
			# shellcheck disable=SC3045 # busybox has it
			[ $left -gt 0 ] && read -r -t $left line <&3 || return 1
			printf '%s\n' "$line" >>facts
		done
	done
}

ready() { # ready COMMAND...: starts it and waits until it says so
	: >ready
	"$@" >ready 2>&1 &
	running="$running $!"
	end=$(($(seconds) + 20))
	until grep -q ready ready || [ "$(seconds)" -ge $end ]; do usleep 20000; done
}

held() { # a client that connects and stays
	"$@" hold &
	running="$running $!"
}

# One look: what was there before the nanoprobe, what comes after, a client that is gone at once,
# and what a single look finds.
look() {
	running=
	ready serve tcp 127.0.0.1:1001 keep
	ready serve udp 127.0.0.1:1002
	held older tcp 127.0.0.1:1001
	: >facts
	nanoprobe --dry-run --json >stream 2>errors &
	nanoprobe=$!
	exec 3<stream
	until_seen 60 '"lldp"' 'tcp 127.0.0.1:1001"' '"inbound","key":"tcp 127.0.0.1:1001'
	ready serve tcp 127.0.0.1:2001 keep
	ready serve udp 127.0.0.1:2002
	held later tcp 127.0.0.1:2001
	held sender udp 127.0.0.1:2002
	brief tcp 127.0.0.1:2001
	until_seen 30 '"listen","key":"tcp 127.0.0.1:2001"' '"listen","key":"udp 127.0.0.1:2002"' \
		'"client","key":"later' '"client","key":"sender' '"inbound","key":"tcp 127.0.0.1:2001'
	until_seen 6 '"client","key":"brief'
	kill $nanoprobe
	cat <&3 >>facts
	exec 3<&-
	wait $nanoprobe
	part "$1.watch"
	cat facts
	part "$1.errors"
	cat errors
	part "$1.once"
	nanoprobe --once --json 2>&1
	part "$1.once-result"
	echo $?
	# shellcheck disable=SC2086 # a list of numbers
	kill $running
	wait
}

part kernel
uname -r
part objects
how=
for object in /programs/*.o; do
	echo "object ${object##*/}"
	# shellcheck disable=SC2086 # nothing or one word
	load "$object" $how
	how=together
done
if [ -e /modules/tcp_diag.ko ]; then
	mount -t tmpfs none /sys/kernel/btf
	part bare.nodiag
	nanoprobe --once --json 2>errors
	umount /sys/kernel/btf
	for module in inet_diag tcp_diag udp_diag unix_diag; do
		insmod /modules/$module.ko
	done
fi
look btf
if mount -t tmpfs none /sys/kernel/btf; then
	look bare
	umount /sys/kernel/btf
fi
part end
[ "${1:-}" != here ] || exit 0
sleep 1
poweroff -f
