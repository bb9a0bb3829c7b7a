#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What watching costs this kernel. Prints "name | value | goal", one figure a line; needs root.

Both sides of a ratio are measured in one run, alternating, in a network namespace of its own.
"""
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import time

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
NETNS = f"bench-kernel-{os.getpid()}"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "100000"))
STATS = "/proc/sys/kernel/bpf_stats_enabled"


def figure(name, value, goal):
    print(f"{name} | {value} | {goal}", flush=True)


def inside(*command):
    return ["ip", "netns", "exec", NETNS, *command]


def bench(name, *arguments):
    return [f"{BUILD}/tests/bench/{name}", *map(str, arguments)]


class Held:
    """A program that says "ready" and runs until its standard input is closed."""

    def __init__(self, *command):
        self.process = subprocess.Popen(inside(*command), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{command[0]} did not start")
        self.pid = self.process.pid

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def end(self):
        rest, _ = self.process.communicate(timeout=60)
        return rest


def sensor(*arguments):
    return Held(*bench("sensorhold", *arguments))


def numbers(text):
    """"edges 5 exits 0" as a dictionary."""
    return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", text)}


def connections(destinations, count=CONNECTIONS):
    """Connections a second, CPU microseconds per connection."""
    out = subprocess.run(inside(*bench("conngen", count, destinations)), check=True,
                         capture_output=True, text=True).stdout.split()
    return float(out[0]), float(out[2])


def program_stats(pid):
    """Runs and nanoseconds of the program of state changes, whose descriptor the sensor holds."""
    for name in glob.glob(f"/proc/{pid}/fdinfo/*"):
        with open(name, encoding="ascii") as file:
            info = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        if "run_time_ns" in info and "prog_tag" in info and "link_type" not in info:
            return int(info["run_cnt"]), int(info["run_time_ns"])
    raise RuntimeError("no program")


def cost_per_change(destinations):
    """Nanoseconds per state change, with those of the statistics themselves."""
    held = sensor()
    with open(STATS, "w", encoding="ascii") as file:
        file.write("1")
    try:
        connections(destinations)
    finally:
        with open(STATS, "w", encoding="ascii") as file:
            file.write("0")
    runs, total = program_stats(held.pid)
    held.end()
    return total / runs


def paired(destinations):
    """Medians of the ratio of connections a second, attached to not, and what was told.

    By the wall, and by the CPU time of the pinned generator, which other work does not disturb.
    """
    wall, cpu, told = [], [], []
    for turn in range(ROUNDS):
        result = {}
        for attached in ((True, False) if turn % 2 else (False, True)):
            held = sensor() if attached else None
            result[attached] = connections(destinations)
            if held:
                told.append(numbers(held.end()))
        wall.append(result[True][0] / result[False][0])
        cpu.append(result[False][1] / result[True][1])
    return statistics.median(wall), statistics.median(cpu), told


def missed(told, truth):
    """Edges of the load that were neither told nor declared as lost, over all rounds."""
    return sum(max(0, truth - t["edges"]) for t in told), sum(
        t["ring_full"] + t["unowned"] + t["missed"] for t in told)


def traffic():
    figure("BPF ns per TCP state change, steady edges", f"{cost_per_change(64):.0f} ns", "<= 120 ns")
    figure("BPF ns per TCP state change, every edge new", f"{cost_per_change(0):.0f} ns", "-")
    for name, destinations, goal, truth in (("steady edges", 64, 0.96, 128),
                                            ("every edge new", 0, 0.90, 2 * CONNECTIONS)):
        wall, cpu, told = paired(destinations)
        lost, declared = missed(told, truth)
        figure(f"connections/s attached / not, {name}", f"{cpu:.3f} (wall {wall:.3f})", f">= {goal}")
        figure(f"edges missed of {truth * ROUNDS}, {name}", f"{lost} ({declared} declared)", "0")


def ss_ms():
    start = time.monotonic()
    subprocess.run(inside("ss", "-tanp"), check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - start) * 1e3


def snapshots():
    for sockets, processes, goal, rounds in ((1000, 10, 9, ROUNDS), (10000, 10, 9, ROUNDS),
                                             (100000, 20, 40, 3)):
        held, load = sensor(), Held(*bench("holdsock", sockets, processes))
        ours, theirs = [], []
        for _ in range(rounds):
            rows, _, ms, _ = held.ask("snapshot").split()
            if int(rows) < sockets:
                raise RuntimeError(f"{rows} rows of {sockets} sockets")
            ours.append(float(ms))
            theirs.append(ss_ms())
        held.end()
        load.end()
        mine, other = statistics.median(ours), statistics.median(theirs)
        figure(f"snapshot of {sockets} sockets, against ss -tanp",
               f"{mine:.1f} ms, {other / mine:.0f}x faster ({other:.0f} ms)", f">= {goal}x")


def bpf_json(*arguments):
    tool = "/usr/sbin/bpftool" if os.path.exists("/usr/sbin/bpftool") else "bpftool"
    return json.loads(subprocess.run([tool, "-j", *arguments], check=True, capture_output=True,
                                     text=True).stdout)


def footprint():
    before = {p["id"] for p in bpf_json("prog", "show")}
    held = sensor()
    programs = [p for p in bpf_json("prog", "show") if p["id"] not in before]
    ids = {i for p in programs for i in p.get("map_ids", [])}
    size = sum(m["bytes_memlock"] for m in bpf_json("map", "show") if m["id"] in ids)
    code = sum(p["bytes_memlock"] for p in programs)
    with open(f"/proc/{held.pid}/smaps_rollup", encoding="ascii") as file:
        memory = dict(re.findall(r"(\w+):\s+(\d+) kB", file.read()))
    held.end()
    figure("kernel memory of the maps", f"{size / 1048576:.2f} MiB (and programs {code // 1024} KiB)",
           "<= 2 MiB")
    figure("a process with the sensor alone, PSS / private dirty",
           f"{memory['Pss']} / {memory['Private_Dirty']} kB", "<= 2048 / 1024 kB with all else")


def main():
    if os.geteuid() != 0:
        sys.exit("bench_kernel.py needs root")
    subprocess.run(["ip", "netns", "add", NETNS], check=True)
    try:
        subprocess.run(["ip", "-n", NETNS, "link", "set", "lo", "up"], check=True)
        footprint()
        traffic()
        snapshots()
    finally:
        subprocess.run(["ip", "netns", "del", NETNS], check=True)


if __name__ == "__main__":
    main()
