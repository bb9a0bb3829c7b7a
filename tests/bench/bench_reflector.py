#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the reflector costs traffic that is not for it. Prints "name | value | goal", one figure a
line; needs root. Bulk TCP over a cable between two network namespaces, with it and without,
alternating, in one run; and the time of its program, which sees each packet."""
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from lab import Estate, built  # noqa: E402
from suite import wait_until  # noqa: E402

from bench_kernel import STATS, bpf_json, figure  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
NOTHING = str((1 << 6) - 1)  # no feature of the sensor but the reflector
RECEIVE = """
import socket
s = socket.create_server(("10.77.0.1", 7000))
while True:
    c, _ = s.accept()
    buffer = bytearray(1 << 20)
    while c.recv_into(buffer): pass
"""
SEND = f"""
import socket, time
s = socket.create_connection(("10.77.0.1", 7000))
start, sent, block = time.monotonic(), 0, bytes(1 << 20)
while time.monotonic() - start < {SECONDS}: sent += s.send(block)
print(sent / (time.monotonic() - start))
"""


class Reflector:
    def __init__(self, host, how):
        self.popen = subprocess.Popen(
            ["ip", "netns", "exec", host.namespace, built("tests/bench/sensorhold"), NOTHING, how],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.popen.stdout.readline() != "ready\n":
            raise RuntimeError("the reflector is not attached")

    def end(self):
        self.popen.communicate(timeout=30)


def speed(sender):
    return float(sender.run("python3", "-c", SEND).stdout)


def program(how):
    return [p for p in bpf_json("prog", "show") if p.get("name") == f"reflect_{how}"][-1]


def ns_per_packet(receiver, sender, how):
    """Of a packet, with what the statistics themselves take."""
    with open(STATS, "w", encoding="ascii") as file:
        file.write("1")
    try:
        held = Reflector(receiver, how)
        speed(sender)
        found = program(how)
        held.end()
    finally:
        with open(STATS, "w", encoding="ascii") as file:
            file.write("0")
    return found["run_time_ns"] / found["run_cnt"], found["run_cnt"]


def ratio(receiver, sender, how):
    ratios = []
    for turn in range(ROUNDS):
        result = {}
        for attached in ((True, False) if turn % 2 else (False, True)):
            held = Reflector(receiver, how) if attached else None
            result[attached] = speed(sender)
            if held:
                held.end()
        ratios.append(result[True] / result[False])
    return statistics.median(ratios), result[False]


def main():
    with Estate() as estate:
        receiver, sender = (estate.host(name) for name in ("receiver", "sender"))
        switch = estate.switch("sw1")
        for host in (receiver, sender):
            host.plug(switch)
        receiver.spawn("python3", "-c", RECEIVE)
        wait_until(lambda: receiver.run("ss", "-Htln", "sport = :7000").stdout, 10, "no receiver")
        for how, goal in (("tc", ">= 0.95"), ("xdp", "-")):
            part, whole = ratio(receiver, sender, how)
            ns, count = ns_per_packet(receiver, sender, how)
            figure(f"bulk TCP with the reflector ({how}) / without",
                   f"{part:.3f} ({whole / 1e9:.2f} GB/s without)", goal)
            figure(f"BPF ns per packet, {how}", f"{ns:.0f} ns ({count} packets)", "-")


main()
