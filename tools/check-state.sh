#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-state.sh OBJECT...: no mutable variable outside functions (or static inside one), from what
# the compiler put into .data and .bss. Constant tables with pointers are in .data.rel.ro: fine.
set -eu
objdump -t "$@" | awk '
/file format/ { file = $1; sub(/:$/, "", file); next }
# "address flags section size name"
NF < 5 { next }
$(NF - 2) ~ /^[.](data|bss|tdata|tbss)/ && $(NF - 2) !~ /^[.]data[.]rel[.]ro/ && / O / {
	printf "%s: %s is mutable state outside main.c\n", file, $NF
	bad = 1
}
$(NF - 2) == "*COM*" { printf "%s: %s is mutable state outside main.c\n", file, $NF; bad = 1 }
END { exit bad }'
