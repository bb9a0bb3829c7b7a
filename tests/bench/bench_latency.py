#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long from listen(2) on a host to the commit in the CMA, and what it costs on the wire.

The commit is seen through `cmactl watch`, which is told after it reached the disk; so the figure
holds one pipe and one wake-up of this script too."""
import os
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from lab import PORT, Estate, built, double  # pylint: disable=wrong-import-position
from suite import Failure, wait_until  # pylint: disable=wrong-import-position

LISTENERS = 300
FIRST_PORT = 20000
# Opens a listener whenever it is told a port, and tells when listen(2) returned.
OPENER = """
import socket, sys, time
kept = []
for line in sys.stdin:
    s = socket.socket()
    s.bind(("0.0.0.0", int(line)))
    s.listen()
    print(time.monotonic_ns(), flush=True)
    kept.append(s)
"""
COUNTERS = f"""
table inet bench {{
 counter up {{}}
 counter down {{}}
 chain output {{ type filter hook output priority 0; udp dport {PORT} counter name up; }}
 chain input {{ type filter hook input priority 0; udp sport {PORT} counter name down; }}
}}
"""


class Watch:
    """Lines of cmactl watch, with the time each came."""

    def __init__(self, cma):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [built("cmactl"), "--control", cma.control, "-o", "json", "watch"],
            stdout=subprocess.PIPE, bufsize=0)
        self.text = b""

    def until(self, word, seconds=5):
        """The time at which a line with the word came."""
        deadline = time.monotonic() + seconds
        while word not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failure(f"no {word} within {seconds} s")
            self.text += os.read(self.process.stdout.fileno(), 65536)
        came = time.monotonic_ns()
        self.text = self.text[self.text.rindex(word) + len(word):]
        return came


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def latency(lab, host):
    watch = Watch(lab.cma)
    opener = subprocess.Popen(  # pylint: disable=consider-using-with
        ["ip", "netns", "exec", host.namespace, "python3", "-c", OPENER], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    times = []
    for number in range(LISTENERS + 1):
        port = FIRST_PORT + number
        opener.stdin.write(f"{port}\n")
        opener.stdin.flush()
        began = int(opener.stdout.readline())
        times.append((watch.until(str(port).encode()) - began) / 1e6)
    opener.kill()
    watch.process.kill()
    return times[1:]  # the first one also told of the process


def counted(host):
    text = host.run("nft", "list", "counters", "table", "inet", "bench").stdout
    found = dict(re.findall(r"counter (\w+) \{\s+packets \d+ bytes (\d+)", text))
    return int(found["up"]), int(found["down"])


def wire_bytes(lab, host):
    """IP bytes of a program that starts and listens: its process and its listener, and the ack."""
    host.run("nft", "-f", "-", input=COUNTERS)
    up, down = counted(host)
    process = host.spawn(double("serve"), "tcp", f"{host.address}:7500")
    wait_until(lambda: any(row["port"] == 7500 for row in lab.cma.query("allipports")), 5,
               "the service is not told")
    wait_until(lambda: counted(host)[1] > down, 5, "no ack")
    after = counted(host)
    process.kill()
    return after[0] - up, after[1] - down


def main():
    with Estate() as lab:
        switch = lab.switch("sw1")
        centre, host = lab.host("centre", switch, lldp=False), lab.host("host", switch, lldp=False)
        lab.cma_start(centre)
        lab.probes_start([host])
        up, down = wire_bytes(lab, host)
        times = latency(lab, host)
    print(f"new listener -> committed in the CMA, p50 of {len(times)} | "
          f"{percentile(times, 0.5):.1f} ms | <= 20 ms")
    print(f"new listener -> committed in the CMA, p99 of {len(times)} | "
          f"{percentile(times, 0.99):.1f} ms | <= 100 ms")
    print(f"IP bytes on the wire for a new service, with its process and acks | {up + down} B "
          "| <= 400 B")
    print(f"IP bytes of these that the nanoprobe sends | {up} B |")


if __name__ == "__main__":
    main()
