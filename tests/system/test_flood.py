#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods of a real cma on loopback: nobody who is there loses anything, newcomers get in."""
import os
import subprocess

from suite import Suite, check, contains

suite = Suite()


@suite.test
def a_flood_harms_nobody(_):
    build = os.environ.get("BUILD", "build")
    done = subprocess.run([f"{build}/tests/bench/bench_flood", "3"], stdout=subprocess.PIPE,
                          text=True, timeout=150, check=False)
    check(done.returncode == 0, f"somebody lost something:\n{done.stdout}")
    check(done.stdout.count("peers that lost a session or a change | 0 |") == 3, done.stdout)
    contains(done.stdout, "joined meanwhile | 100.0 %")


suite.run(None)
suite.finish()
