#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make alive-long: 100 hosts behind 10 switches, each with its own lldpd and nanoprobe, of which
one after the other fails, 30 times by kill -9 of the nanoprobe and 30 times by its only cable. How
long it takes until cmactl events says so, who is accused wrongly, and whether the cause is right.
HOSTS, SWITCHES and KILLS change the numbers."""
import collections
import json
import os
import random
import subprocess
import sys
import threading
import time

from lab import Estate
from suite import Failure, wait_until

HOSTS, SWITCHES, KILLS = (int(os.environ.get(name, default)) for name, default in
                          (("HOSTS", "100"), ("SWITCHES", "10"), ("KILLS", "30")))
APART_S = 4      # between two of them
AWAY = 4         # so many are away at a time
PATIENCE_S = 40  # until one counts as never told
START_S = 240
SEED = 1


class Events:
    """What `cmactl events --follow` writes, each line with the time at which it came."""

    def __init__(self, lab):
        self.rows = []
        self.process = lab.cma.host.spawn(
            *lab.cma.command("-o", "json", "events", "--follow"), stdout=subprocess.PIPE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.popen.stdout:
            self.rows.append((time.monotonic(), json.loads(line)))

    def opened(self, since):
        """(time, node, incident) of each that began."""
        return [(at, row["node"], row["incident"]) for at, row in list(self.rows)
                if row["kind"] == "open" and at >= since]


def say(text):
    print(f"==> {text}", flush=True)


def whole(lab, names):
    """Everybody is up and heard by two, and nothing is wrong."""
    def missing():
        heard = collections.Counter(row["neighbour"] for row in lab.cma.query("ring")
                                    if row["sees"] == "heard")
        away = {row["host"] for row in lab.cma.query("down")}
        wrong = [(row["kind"], row["node"]) for row in lab.cma.query("incidents")]
        return sorted(name for name in names if heard[name] < 2 or name in away), wrong
    wait_until(lambda: missing() == ([], []), START_S, lambda: f"missing and wrong: {missing()}",
               step=1)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def fail_each(lab, events, hosts, fail, mend, right):
    """Has it happen to one after the other. right: the kinds that are no error, at first and in the
    end. False when anything is to be complained of."""
    start, begun = time.monotonic(), {}
    first = {row["id"] for row in lab.cma.query("incidents", all="yes")}
    for number, host in enumerate(hosts):
        begun[host.name] = time.monotonic()
        fail(host)
        time.sleep(APART_S)
        if number >= AWAY:
            mend(hosts[number - AWAY])
    told = {}

    def all_told():
        for at, node, _ in events.opened(start):
            if node in begun and at > begun[node]:
                told.setdefault(node, at - begun[node])
        return len(told) == len(begun)
    end = time.monotonic() + PATIENCE_S
    while not all_told() and time.monotonic() < end:
        time.sleep(0.5)
    kinds = collections.Counter(row["kind"] for row in lab.cma.query("incidents", all="yes")
                                if row["id"] not in first)
    times = list(told.values())
    say(f"told {len(times)} of {len(hosts)}: p50 {percentile(times, 0.5):.1f}, "
        f"p99 {percentile(times, 0.99):.1f}, longest {max(times):.1f} s")
    print(f"    {' '.join(f'{value:.1f}' for value in sorted(times))}", flush=True)
    for host in hosts[-AWAY:]:
        mend(host)
    whole(lab, [host.name for host in lab.hosts if host.probe])
    rows = [row for row in lab.cma.query("incidents", all="yes") if row["id"] not in first]
    wrong = [(row["kind"], row["node"]) for row in rows if row["kind"] not in right]
    false = [(row["kind"], row["node"]) for row in rows
             if not any(name in begun for name in (row["hosts"] or "").split(", "))]
    print(f"    as {dict(kinds)}; in the end {dict(collections.Counter(r['kind'] for r in rows))}")
    print(f"    others accused: {false or 'none'}; wrong causes: {wrong or 'none'}", flush=True)
    return len(times) == len(hosts) and not false and not wrong


def main():
    with Estate(own_cgroups=True) as lab:
        begun = time.monotonic()
        hub = lab.switch("hub")
        switches = [lab.switch(f"sw{number}") for number in range(SWITCHES)]
        for switch in switches:
            lab.connect(hub, switch)
        centre = lab.host("centre", hub, lldp=False)
        lab.cma_start(centre)
        hosts = [lab.host(f"h{number}", switches[number % SWITCHES]) for number in range(HOSTS)]
        say(f"{HOSTS} hosts behind {SWITCHES} switches: {time.monotonic() - begun:.0f} s")
        token = lab.cma.token()
        for host in hosts:
            host.probe_start(token)
        wait_until(lambda: len(lab.cma.query("allservers")) == HOSTS, START_S, "hosts are missing",
                   step=1)
        wait_until(lambda: len({row["host"] for row in lab.cma.query("allswitchports")
                                if row["host"]}) == HOSTS, START_S,
                   lambda: str(lab.cma.query("allswitchports")[:3]), step=1)
        whole(lab, [host.name for host in hosts])
        say(f"each is known, has a place and two neighbours: {time.monotonic() - begun:.0f} s; "
            f"load {os.getloadavg()[0]:.1f}")
        events = Events(lab)
        chosen = random.Random(SEED).sample(hosts, min(HOSTS, 2 * KILLS))
        say(f"kill -9 of the nanoprobe of 1 of {HOSTS}, {KILLS} times")
        good = fail_each(lab, events, chosen[:KILLS], lambda host: host.probe.kill(),
                         lambda host: host.probe_start(None), ("agent-gone",))
        say(f"the only cable of 1 of {HOSTS}, {KILLS} times")
        good &= fail_each(lab, events, chosen[KILLS:],
                          lambda host: host.switch.ip("link", "set", host.port, "down"),
                          lambda host: host.switch.ip("link", "set", host.port, "up"),
                          ("host", "link"))
        say(f"{time.monotonic() - begun:.0f} s; load {os.getloadavg()[0]:.1f}")
    return good


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except Failure as failure:
        sys.exit(f"alive-long: {failure}")
