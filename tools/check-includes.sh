#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-includes.sh FILE...: the arrows between folders, and which file owns which library.
# Prints "file:line: what" for each include that is not allowed; exit 1 when there was one.
set -eu
awk '
function layer(path) { return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "" }
function bad(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; failed = 1 }
# own(HEADERS, FILES, OWNER): headers that match are for files that match only.
function own(headers, files, owner) { header[++owned] = headers; home[owned] = files; name[owned] = owner }
BEGIN {
	sees["base"] = "^base/"
	sees["wire"] = "^(base|wire)/"
	sees["discover"] = "^(base|discover)/|^wire/(fact|section)[.]h$"
	sees["agent"] = "^(base|wire|discover|agent)/|^bpf/((event|door)[.]h|nanoprobe[.]skel[.]h)$"
	sees["cma"] = "^(base|wire|cma)/"
	sees["cli"] = "^(base|wire|cli)/"
	sees["bpf"] = "^(bpf|vmlinux)/"
	sees["vmlinux"] = "^vmlinux/"
	own("^sqlite3", "^cma/graph/", "cma/graph/")
	own("^sodium", "^wire/(seal|keys|noise|sign)[.]c$", "wire/{seal,keys,noise,sign}.c")
	own("^zlib[.]h", "^wire/pack[.]c$", "wire/pack.c")
	own("^bpf/(libbpf|bpf|btf)[.]h", "^agent/sensor[a-z_]*[.]c$", "agent/sensor*.c")
	own("^lldpctl[.]h", "^discover/lldp[a-z_]*[.]c$", "discover/lldp*.c")
	own("^netlink/", "^discover/net[a-z_]*[.]c$", "discover/net*.c")
	own("^ini[.]h", "^(base/config|agent/policy)[.]c$", "base/config.c, agent/policy.c")
	own("^jansson[.]h", "^(base|discover|agent|cma|cli)/", "those who make JSON")
	own("^(lib)?smartcols", "^cli/", "cli/")
	own("^cap-ng[.]h", "^(base/privilege|agent/sensor_program)[.]c$", "base/privilege.c, agent/sensor_program.c")
	own("^curl/", "^cma/alert/sinks/webhook[.]c$", "cma/alert/sinks/webhook.c")
	own("^seccomp[.]h", "^base/sandbox[.]c$", "base/sandbox.c")
	own("^ev[.]h", "^(agent|cma)/", "the daemons")
}
FNR == 1 { own_header = 0; here = layer(FILENAME) }
!/^#[ \t]*include[ \t]*[<"]/ { next }
here == "tests" { next }
{
	local = /"/
	split($0, part, local ? "\"" : "[<>]")
	target = part[2]
	if (local && target !~ /\//)
		bad("include \"" target "\": write it from the root of the tree")
	else if (local && target !~ sees[here])
		bad(here "/ must not include " target)
	if (local) next
	for (i = 1; i <= owned; i++)
		if (target ~ header[i] && FILENAME !~ home[i] && here != "bpf")
			bad("<" target "> belongs to " name[i])
}
END { exit failed }
' "$@"
