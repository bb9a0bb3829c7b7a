#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench-serf: nanoprobe and Debian's serf side by side. Needs root.

100 hosts, each a network namespace with a cable to one switch, and one more for who listens to what
each side says. Both sides run at the same time on all of them: each failure happens to both at the
same moment, and neither has a quieter machine than the other. What ours costs is measured before
the other one starts, since it watches that, too. SHORT=1 does less of everything."""
import collections
import os
import random
import re
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "system"))
from lab import Estate, run  # noqa: E402
from suite import wait_until  # noqa: E402

from sides import DEAD, Nanoprobe, Serf  # noqa: E402

SHORT = os.environ.get("SHORT", "") not in ("", "0")
HOSTS = int(os.environ.get("HOSTS", "100"))
KILLS = 6 if SHORT else 15         # of agents, and as many of hosts
APART = 4                          # seconds between two of them
AT_ONCE = 5                        # so many are gone at a time
PATIENCE = 30                      # seconds until one counts as never told
QUIET = 10 if SHORT else 30        # seconds in which traffic and CPU are measured
LOSSY = 30 if SHORT else 100       # seconds of each loss
LOSSES = (25, 40)                  # percent
STOPPED, ROUNDS = 16, 2 if SHORT else 5
STOP, GO = 16, 1                   # seconds of each round
RULES = """
table inet bench {{
    {counters}
    chain out {{
        type filter hook output priority 0
        {rules}
    }}
}}
table netdev bench {{
    chain loss {{
        type filter hook ingress device eth0 priority 0
    }}
}}
"""


def say(text):
    print(f"==> {text}", flush=True)


def introduce(hosts):
    """All know each other's MAC addresses: the kernel keeps 1,024 that were asked for, for all
    namespaces together, and serf's agents talk to all others."""
    words = [f"neigh replace {other.address} lladdr {other.mac} dev eth0" for other in hosts]
    for host in hosts:
        run("ip", "-n", host.namespace, "-batch", "-",
            input="\n".join(word for word, other in zip(words, hosts) if other != host))


def count_traffic(host, sides):
    """A counter for each side, of what leaves the host: its own packets and its answers."""
    rules = "\n".join(f"meta l4proto {{ tcp, udp }} th {end}port {{ {ports} }} counter name "
                      f"{side.name} accept" for side in sides for end in "ds"
                      for ports in [", ".join(map(str, side.ports))])
    counters = "\n".join(f"counter {side.name} {{ }}" for side in sides)
    host.run("nft", "-f", "-", input=RULES.format(counters=counters, rules=rules))


def lose(hosts, percent):
    """So much of every kind of frame, ARP included, on its way into each host."""
    rule = f"numgen random mod 100 < {percent} drop" if percent else ""
    for host in hosts:
        host.run("nft", f"flush chain netdev bench loss; "
                 f"{'add rule netdev bench loss ' + rule if rule else ''}")


def traffic(host, side):
    """Seconds, and packets and bytes (of IP) that left the host up to then."""
    text = host.run("nft", "list", "counter", "inet", "bench", side.name).stdout
    return (time.monotonic(), *(int(re.search(rf"{what} (\d+)", text)[1])
                                for what in ("packets", "bytes")))


def rates(hosts, before, after):
    """Packets and bytes per second, of the mean host."""
    return [statistics.fmean((after[host][i] - before[host][i]) /
                             (after[host][0] - before[host][0]) for host in hosts)
            for i in (1, 2)]


def cpu_ms(pids):
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as text:
                total += int(text.read().split()[0])
    return total / 1e6


def memory_kib(pids, key):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
            total += int(re.search(rf"^{key}:\s+(\d+) kB", text.read(), re.MULTILINE)[1])
    return total


def quiet(side, hosts):
    """What a side costs when nothing happens, by host or agent."""
    pids = [pid for host in hosts for pid in side.pids(host)]
    before = {host: traffic(host, side) for host in hosts}
    start, cpu = time.monotonic(), cpu_ms(pids)
    time.sleep(QUIET)
    spent = (cpu_ms(pids) - cpu) / (time.monotonic() - start) / len(hosts)
    packets, size = rates(hosts, before, {host: traffic(host, side) for host in hosts})
    return {
        "datagrams sent, per second and host": packets,
        "bytes sent (IP), per second and host": size,
        "CPU, ms per second and agent": spent,
        "RSS, MiB per agent": memory_kib(pids, "Rss") / 1024 / len(hosts),
        "PSS, MiB per agent": memory_kib(pids, "Pss") / 1024 / len(hosts),
    }


def fail_each(sides, hosts, what, back):
    """Has it happen to one host after the other, and takes it back long after both sides had time
    to tell; per side the seconds until it was told, and how often it never was."""
    begun, result = {}, {}
    for number, host in enumerate(hosts):
        begun[host.name] = time.monotonic()
        what(host)
        time.sleep(APART)
        if number >= AT_ONCE:
            back(hosts[number - AT_ONCE])

    def first(side, name):
        return min((at for at, host, _ in side.told() if host == name and at > begun[name]),
                   default=None)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not all(first(side, name) for side in sides for name in begun):
        time.sleep(1)
    for host in hosts[-AT_ONCE:]:
        back(host)
    for side in sides:
        times = [first(side, name) - start for name, start in begun.items() if first(side, name)]
        kinds = {kind for at, host, kind in side.told() if host in begun and at > begun[host]}
        result[side] = (sorted(times), len(begun) - len(times), kinds)
    return result


def percentile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def told_since(side, start):
    """How often a host was called dead, by name; shows all that was said."""
    told = [(name, kind) for at, name, kind in side.told() if at > start]
    print(f"    {side.name}: {dict(collections.Counter(kind for _, kind in told)) or 'nothing'}")
    return collections.Counter(name for name, kind in told if kind == DEAD)


def whole(sides, seconds=120):
    for side in sides:
        wait_until(lambda side=side: not side.missing(), seconds,
                   lambda side=side: f"{side.name}: missing {sorted(side.missing())}", step=1)


def detect(sides, hosts, rows):
    pick = random.Random(1).sample(hosts, 2 * KILLS)
    for name, chosen, what, after in (
            ("kill -9 of the agent", pick[:KILLS],
             lambda host: [side.kill(host) for side in sides],
             lambda host: [side.begin(host) for side in sides]),
            ("host gone (its link down)", pick[KILLS:],
             lambda host: host.ip("link", "set", "eth0", "down"),
             lambda host: host.ip("link", "set", "eth0", "up"))):
        say(f"{name}, {KILLS} times")
        found = fail_each(sides, chosen, what, after)
        for label, value in (("p50", lambda f: percentile(f[0], 0.5)),
                             ("p99", lambda f: percentile(f[0], 0.99)),
                             ("never told", lambda f: f[1])):
            rows.append((f"{name}: {'seconds, ' if label[0] == 'p' else ''}{label}",
                         {side: value(found[side]) for side in sides}))
        for side in sides:
            print(f"    {side.name}: {', '.join(f'{t:.1f}' for t in found[side][0])} s, "
                  f"as {found[side][2]}")
        whole(sides)


def false_deaths(sides, hosts, rows):
    """Nobody dies: all that is called dead is called so wrongly."""
    for percent in LOSSES:
        say(f"{percent} % loss for {LOSSY} s")
        lose(hosts, percent)
        start = time.monotonic()
        time.sleep(LOSSY)
        days = len(hosts) * (time.monotonic() - start) / 86400
        told = {side: sum(told_since(side, start).values()) for side in sides}
        lose(hosts, 0)
        rows.append((f"false deaths at {percent} % loss", told))
        rows.append((f"false deaths at {percent} % loss, per host-day",
                     {side: count / days for side, count in told.items()}))
        whole(sides)


def stopped(sides, hosts, rows):
    say(f"{STOPPED} of {HOSTS} agents stopped {STOP} s and running {GO} s, {ROUNDS} times")
    chosen = random.Random(2).sample(hosts, STOPPED)
    names = {host.name for host in chosen}
    start = time.monotonic()
    for _ in range(ROUNDS):
        for number, seconds in ((signal.SIGSTOP, STOP), (signal.SIGCONT, GO)):
            for side in sides:
                for host in chosen:
                    side.signal(host, number)
            time.sleep(seconds)
    told = {side: told_since(side, start) for side in sides}
    rows.append(("stopped agents: their hosts called dead, times",
                 {side: sum(n for name, n in told[side].items() if name in names)
                  for side in sides}))
    rows.append(("stopped agents: other hosts called dead, times",
                 {side: sum(n for name, n in told[side].items() if name not in names)
                  for side in sides}))
    whole(sides)


def table(sides, rows):
    def number(value):
        return f"{value:.2f}" if isinstance(value, float) else str(value)
    print(f"\n{'figure':52} " + " ".join(f"{side.name:>10}" for side in sides) +
          (f"{'ratio':>9}" if len(sides) == 2 else ""))
    for name, values in rows:
        line = f"{name:52} " + " ".join(f"{number(values[side]):>10}" for side in sides)
        if len(sides) == 2:
            ours, theirs = (values[side] for side in sides)
            line += f"{ours / theirs:9.2f}" if theirs else f"{'-':>9}"
        print(line)


def main():
    chosen = [{"nanoprobe": Nanoprobe, "serf": Serf}[name]
              for name in sys.argv[1:] or ("nanoprobe", "serf")]
    began = time.monotonic()
    with Estate(own_cgroups=True) as estate:
        switch = estate.switch("sw1")
        centre, *hosts = [estate.host(f"h{number}", switch, lldp=False)
                          for number in range(HOSTS + 1)]
        sides = [side(centre, hosts) for side in chosen]
        for host in hosts:
            count_traffic(host, sides)
        say(f"{HOSTS} hosts are there")
        introduce([centre, *hosts])
        costs = {}
        for side in sides:
            side.start()
            whole([side])
            say(f"{side.name} runs on all of them")
            time.sleep(QUIET)  # what the start costs is another matter
            costs[side] = quiet(side, hosts)
        rows = [(name, {side: costs[side][name] for side in sides}) for name in costs[sides[0]]]
        detect(sides, hosts, rows)
        false_deaths(sides, hosts, rows)
        stopped(sides, hosts, rows)
        table(sides, rows)
    print(f"{time.monotonic() - began:.0f} s; both sides at the same time on the same {HOSTS} "
          f"namespaces of one machine")


if __name__ == "__main__":
    main()
