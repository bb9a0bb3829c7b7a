#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lab.sh: build, then a small estate in network namespaces with a true topology, until Ctrl-C.
# Whatever this starts ends with it; what a kill -9 left is cleared by the next start.
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS # our own makes are no part of the one that called
[ "$(id -u)" = 0 ] || { echo "lab.sh: needs root: it makes network namespaces" >&2 && exit 1; }
echo "==> packages"
make --no-print-directory deps-test
echo "==> build"
make --no-print-directory "-j$(nproc)" all
PYTHONDONTWRITEBYTECODE=1 exec python3 tests/system/demo.py
