#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a nanoprobe costs a host where little happens. Prints "name | value | goal", one figure a
line; needs root.

The host is a network namespace with a switch, an lldpd, some services and a CMA that it tells. All
resident processes of the nanoprobe count.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from lab import Estate, built  # noqa: E402
from suite import wait_until  # noqa: E402

SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
LISTENERS = 20


def figure(name, value, goal):
    print(f"{name} | {value} | {goal}", flush=True)


def probes_of(group):
    """The processes of a process group that are nanoprobes."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                if comm.read().strip() == "nanoprobe" and os.getpgid(int(pid)) == group:
                    found.append(int(pid))
        except OSError:
            continue
    return found


def memory_kib(pid, key, file="smaps_rollup"):
    with open(f"/proc/{pid}/{file}", encoding="ascii") as text:
        return int(re.search(rf"^{key}:\s+(\d+) kB", text.read(), re.MULTILINE)[1])


def cpu_ns(pid):
    """Time on a CPU, to the nanosecond (a clock tick is 10 ms)."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as text:
            total += int(text.read().split()[0])
    return total


def main():
    with Estate() as estate:
        host = estate.host("one", estate.switch("sw1"))
        for number in range(LISTENERS):
            host.spawn(built("tests/system/serve"), "tcp", f"{host.address}:{7000 + number}")
        estate.cma_start(host)
        estate.probes_start()
        wait_until(lambda: len(estate.cma.query("allipports")) >= LISTENERS, 20, "not all told")
        wait_until(lambda: estate.cma.query("allswitchports"), 20, "no switch port")
        pids = probes_of(host.probe.pid)
        before = sum(map(cpu_ns, pids))
        start = time.monotonic()
        time.sleep(SECONDS)  # what is measured is that nothing happens
        spent = (sum(map(cpu_ns, pids)) - before) / (time.monotonic() - start)
        figure("resident processes of the nanoprobe", len(pids), "2")
        figure("nanoprobe PSS, all processes (KiB)",
               sum(memory_kib(pid, "Pss") for pid in pids), "<= 2048")
        figure("nanoprobe private dirty, all processes (KiB)",
               sum(memory_kib(pid, "Private_Dirty") for pid in pids), "<= 1024")
        figure("nanoprobe peak RSS of one process (KiB)",
               max(memory_kib(pid, "VmHWM", "status") for pid in pids), "-")
        figure("nanoprobe idle CPU (ms/s)", f"{spent / 1e6:.3f}", "<= 0.2")


main()
