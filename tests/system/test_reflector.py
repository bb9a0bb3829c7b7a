#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts that say nothing of closed ports, and whose nanoprobe is stopped: the one whose kernel
answers for it is known to live, the other one might as well be dead."""
import os
import signal

from lab import Estate
from suite import Suite, check, contains, equal, wait_until

suite = Suite()
PATIENCE = 60


def pids(host):
    sense = host.probe.pid
    with open(f"/proc/{sense}/task/{sense}/children", encoding="ascii") as file:
        return [sense, *map(int, file.read().split())]


def signal_probe(host, number):
    for pid in pids(host):
        os.kill(pid, number)


def incidents(lab):
    return {(row["node"], row["kind"]) for row in lab.cma.query("incidents")}


def all_hear(lab):
    seen = lab.cma.query("ring")
    return (len({row["host"] for row in seen}) == len(lab.hosts)
            and all(row["sees"] == "heard" for row in seen))


@suite.test
def coverage_says_where_it_is(lab):
    rows = [row for row in lab.cma.query("history", host="told") if row["key"] == "reflector"]
    check(rows, "no fact")
    contains(str(rows[-1]), "on eth0")


@suite.test
def a_stopped_nanoprobe_is_told_from_a_dead_host(lab):
    told, untold = lab.nodes["told"], lab.nodes["untold"]
    for host in (told, untold):
        signal_probe(host, signal.SIGSTOP)
    wait_until(lambda: incidents(lab) == {("told", "agent-hung"), ("untold", "host")}, PATIENCE,
               lambda: f"incidents: {incidents(lab)}")
    for host in (told, untold):
        signal_probe(host, signal.SIGCONT)
    wait_until(lambda: not incidents(lab), PATIENCE, lambda: f"incidents: {incidents(lab)}")


@suite.test
def no_queueing_discipline_is_made(lab):
    qdiscs = {name: lab.nodes[name].run("tc", "qdisc", "show", "dev", "eth0").stdout
              for name in ("told", "untold")}
    equal(qdiscs["told"], qdiscs["untold"], "with and without a reflector")


with Estate() as estate:
    switch = estate.switch("sw1")
    hosts = [estate.host(name, switch) for name in ("centre", "told", "untold", "one", "two")]
    estate.cma_start(hosts[0])
    for wall in hosts[1:3]:
        wall.run("nft", "add table inet wall; add chain inet wall out { type filter hook output "
                 "priority 0; }; add rule inet wall out icmp type destination-unreachable drop; "
                 "add rule inet wall out icmpv6 type destination-unreachable drop")
    token = estate.cma.token()
    for chosen in hosts:
        chosen.probe_start(token, *(("--reflector", "tc") if chosen.name == "told" else ()))
    wait_until(lambda: all_hear(estate), PATIENCE, lambda: f"{estate.cma.query('ring')}")
    suite.run(estate)
suite.finish()
