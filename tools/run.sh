#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh: build, then watch this host: a CMA and a nanoprobe (and an lldpd that only listens, when
# none runs) with their state in build/run. Shows what they find, then what changes, until Ctrl-C.
# Whatever this starts ends with it; what a kill -9 left is ended by the next start.
set -u
cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS # our own makes are no part of the one that called
address=${ADDRESS:-127.0.0.1:1984}
scope=${SCOPE:-host} # or netns: only the network namespace this runs in
seconds=30 # how long to wait for the first facts
dir=${RUN_DIR:-build/run} # relative: the path of a unix socket holds 107 bytes
export LC_ALL=C.UTF-8

say() { printf '\n==> %s\n' "$*"; }
fail() {
	printf '\nrun.sh: %s\n' "$*" >&2
	exit 1
}
ctl() { build/cmactl --control "$dir/cma.sock" "$@"; }

# ---- what we start is written down as "pid start-time", which no other process ever has ---------
started_at() { sed -E 's/.*\) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
ours() { [ -n "$2" ] && [ "$(started_at "$1")" = "$2" ]; }
end_all() { # end_all: SIGTERM, and after three seconds SIGKILL
	local signal pid since left _
	[ -s "$dir/started" ] || return 0
	for signal in TERM KILL; do
		while read -r pid since; do
			ours "$pid" "$since" && kill -$signal "$pid" 2>/dev/null
		done <"$dir/started"
		for _ in {1..30}; do
			left=0
			while read -r pid since; do
				ours "$pid" "$since" && left=1
			done <"$dir/started"
			[ $left = 0 ] && break 2
			sleep 0.1
		done
	done
	rm -f "$dir/started"
}
start() { # start NAME COMMAND...: in the background, log in build/run/NAME.log
	local name=$1
	shift
	"$@" >"$dir/$name.log" 2>&1 </dev/null &
	last=$!
	echo "$last $(started_at $last)" >>"$dir/started"
}
attempt() { # attempt COMMAND...: in the background, for a command may keep a Ctrl-C for itself
	"$@" >/dev/null 2>&1 9>&- &
	wait $!
}
wait_for() { # wait_for SECONDS COMMAND...: until it succeeds
	local until=$((SECONDS + $1))
	shift
	until attempt "$@"; do
		[ $SECONDS -lt $until ] && kill -0 "$last" 2>/dev/null || return 1
		sleep 0.1
	done
}

[ "$(id -u)" = 0 ] || fail "needs root: the nanoprobe watches from inside the kernel"
say "packages"
make --no-print-directory deps || fail "installing packages failed"
say "build"
make --no-print-directory "-j$(nproc)" all || fail "the build failed"

mkdir -p "$dir" && chmod 755 "$(dirname "$dir")" "$dir"
exec 9>"$dir/lock"
flock -n 9 || fail "another 'make run' of this tree is running"
end_all
trap 'end_all 9>&-' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "start"
lldp=/run/lldpd.socket
if ! attempt lldpcli -u "$lldp" show configuration; then
	lldp="$dir/lldpd.sock"
	echo "lldpd does not run: starting one that only listens"
	start lldpd lldpd -d -r -cefs -u "$lldp" 9>&- # CDP, EDP, FDP and SONMP too
	wait_for 5 lldpcli -u "$lldp" show configuration ||
		echo "lldpd does not start: no switch ports (see $dir/lldpd.log)"
fi
start cma build/cma --state-dir "$dir/cma" --listen "$address" --control "$dir/cma.sock" 9>&-
wait_for 10 ctl status || fail "the CMA does not start:"$'\n'"$(tail -n 5 "$dir/cma.log")"
start nanoprobe build/nanoprobe --state-dir "$dir/nanoprobe" --token "$(ctl token create)" \
	--lldpd-socket "$lldp" --scope "$scope" 9>&-
probe=$last

# shellcheck disable=SC2317 # called by wait_for
found() { [ "$(ctl -o csv query allipports 2>/dev/null | wc -l)" -gt 1 ]; }
wait_for $seconds found || fail "no facts after $seconds s:"$'\n'"$(tail -n 5 "$dir/nanoprobe.log")"
# shellcheck disable=SC2317 # called by wait_for
settled() { # the CMA has taken in nothing new for a moment
	local deltas='s/.*"deltas": *([0-9]+).*/\1/p' before
	before=$(ctl -o json status | sed -nE "$deltas")
	sleep 0.3
	[ "$(ctl -o json status | sed -nE "$deltas")" = "$before" ]
}
wait_for 3 settled
host=$(ctl -o json query allservers | sed -nE '/"host": *"/{s/.*"host": *"([^"]*)".*/\1/p;q}')

table() { # table TITLE QUERY...: the start of the answer, or that there is none yet
	local title=$1 rows lines
	shift
	say "$title    (cmactl query $*)"
	rows=$(ctl query "$@")
	lines=$(wc -l <<<"$rows")
	[ "$lines" -gt 1 ] || rows="none seen"
	head -n 26 <<<"$rows"
	[ "$lines" -le 26 ] || echo "... $((lines - 26)) more"
}
table "this host" allservers
table "services: what listens here" allipports
table "who uses them" hostdependencies "host=$host" direction=down
table "what this host uses" hostdependencies "host=$host" direction=up
table "switch ports (LLDP, CDP)" allswitchports
table "addresses heard of that no known host owns" unknownips
cat <<END

==> ask more, in another terminal (all queries: cmactl query list):
    alias cmactl='$(realpath build/cmactl) --control $(realpath "$dir/cma.sock")'
    cmactl status
    cmactl query changes from=-10m
    cmactl query impact node=$host
    cmactl history $host
    build/nanoprobe --once          the same without a CMA

==> changes as they are committed, until Ctrl-C
END
build/cmactl --control "$dir/cma.sock" watch 9>&- &
watch=$!
echo "$watch $(started_at $watch)" >>"$dir/started"
trap 'kill $watch; wait $watch; say "ending what was started"; exit 0' INT
wait "$probe"
fail "the nanoprobe ended:"$'\n'"$(tail -n 5 "$dir/nanoprobe.log")"
