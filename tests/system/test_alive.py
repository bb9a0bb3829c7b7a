#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who is alive: hosts that die, nanoprobes that stop, hang or leave, a cable of two that is pulled.
Each has its own word and one incident, which is over when it is over; also when the CMA is killed
meanwhile."""
import os
import signal
import time

from lab import Estate
from suite import Suite, becomes, check, equal, wait_until

suite = Suite()
PATIENCE = 60  # a death takes some 9 s on a quiet machine
HOSTS = ("a1", "a2", "b1", "b2")


def statuses(lab):
    return {row["host"]: row["status"] for row in lab.cma.query("allservers")}


def incidents(lab):
    return [(row["kind"], row["node"], row["hosts"]) for row in lab.cma.query("incidents")]


def all_up(lab, seconds=PATIENCE):
    becomes(lambda: statuses(lab), {name: "up" for name in HOSTS}, seconds, "everybody is up")
    becomes(lambda: incidents(lab), [], seconds, "nothing is wrong")


def ring(lab):
    return [(row["host"], row["neighbour"], row["sees"]) for row in lab.cma.query("ring")]


def watched(lab):
    """Everybody has two neighbours, both of whom are heard."""
    all_up(lab)
    wait_until(lambda: len(ring(lab)) == 2 * len(HOSTS) and
               {sees for *_, sees in ring(lab)} == {"heard"} and
               lab.cma.status()["lists_waiting"] == 0, PATIENCE,
               lambda: f"the ring: {ring(lab)}, {lab.cma.status()}")


def expect(lab, host, status, kind, what):
    """The host has this status, and there is one incident, of this kind; nobody else is touched."""
    begun = time.monotonic()
    wanted = dict({name: "up" for name in HOSTS}, **{host.name: status})
    becomes(lambda: (statuses(lab), incidents(lab)),
            (wanted, [(kind, host.name, host.name)] if kind else []), PATIENCE, what)
    print(f"    {what}: told within {time.monotonic() - begun:.1f} s")


def signal_probe(host, number):
    os.killpg(host.probe.pid, number)


def restart_cma(lab):
    """kill -9, and another one on what it left."""
    lab.cma.process.kill()
    lab.cma.start()


@suite.test
def rings_are_made(lab):
    watched(lab)
    switches = {"a": "a", "b": "b"}
    for host, name in switches.items():
        for number in (1, 2):
            inside = [neighbour for one, neighbour, _ in ring(lab)
                      if one == f"{host}{number}" and neighbour.startswith(name)]
            equal(len(inside), 1, f"neighbours of {host}{number} behind its switch: {ring(lab)}")


def die_and_come_back(lab, restart):
    watched(lab)
    host = lab.nodes["a1"]
    host.switch.ip("link", "set", host.port, "down")
    if restart:
        restart_cma(lab)
    expect(lab, host, "down", "host", "a host without its only cable")
    equal([(row["host"], row["cause"]) for row in lab.cma.query("down")], [("a1", "host")],
          "cmactl query down")
    if restart:
        restart_cma(lab)
        expect(lab, host, "down", "host", "the same after the CMA was restarted")
    host.switch.ip("link", "set", host.port, "up")
    all_up(lab)


@suite.test
def host_dies(lab):
    die_and_come_back(lab, restart=False)


@suite.test
def host_dies_as_the_cma_does(lab):
    die_and_come_back(lab, restart=True)


def hang_and_go_on(lab, restart):
    watched(lab)
    host = lab.nodes["b2"]
    signal_probe(host, signal.SIGSTOP)
    if restart:
        restart_cma(lab)
    expect(lab, host, "hung", "agent-hung", "a nanoprobe that is stopped")
    signal_probe(host, signal.SIGCONT)
    all_up(lab)


@suite.test
def nanoprobe_hangs(lab):
    hang_and_go_on(lab, restart=False)


@suite.test
def nanoprobe_hangs_as_the_cma_dies(lab):
    hang_and_go_on(lab, restart=True)


def be_killed_and_start(lab, restart):
    watched(lab)
    host = lab.nodes["b1"]
    host.probe.kill()
    if restart:
        restart_cma(lab)
    expect(lab, host, "gone", "agent-gone", "a nanoprobe that was killed")
    host.probe_start(None)
    all_up(lab)


@suite.test
def nanoprobe_is_killed(lab):
    be_killed_and_start(lab, restart=False)


@suite.test
def nanoprobe_is_killed_as_the_cma_is(lab):
    be_killed_and_start(lab, restart=True)


@suite.test
def nanoprobe_leaves(lab):
    watched(lab)
    host = lab.nodes["a2"]
    host.probe.stop()
    expect(lab, host, "left", None, "a nanoprobe that was told to end")
    equal([row["host"] for row in lab.cma.query("shutdown")], ["a2"], "cmactl query shutdown")
    restart_cma(lab)
    expect(lab, host, "left", None, "the same after the CMA was restarted")
    host.probe_start(None)
    all_up(lab)


@suite.test
def cable_of_two_is_pulled(lab):
    watched(lab)
    host, other = lab.nodes["a1"], lab.nodes["swb"]
    port = host.plug_more(other, "eth1")
    wait_until(lambda: len(lab.cma.query("hostswitchports", host="a1")) == 2, PATIENCE,
               lambda: f"two cables: {lab.cma.query('hostswitchports', host='a1')}")
    other.ip("link", "set", port, "down")
    becomes(lambda: incidents(lab), [("link", f"swb:{port}", "a1")], PATIENCE,
            "a cable that was pulled")
    equal(statuses(lab), {name: "up" for name in HOSTS}, "everybody is up")
    other.ip("link", "set", port, "up")
    all_up(lab)


@suite.test
def cma_sleeps(lab):
    """It was stopped, and what came meanwhile waits in its sockets: nobody is accused."""
    watched(lab)
    before = lab.cma.query("incidents", all="yes")
    os.killpg(lab.cma.process.pid, signal.SIGSTOP)
    time.sleep(20)  # is what is tested: longer than any death takes
    os.killpg(lab.cma.process.pid, signal.SIGCONT)
    all_up(lab)
    equal(lab.cma.query("incidents", all="yes"), before, "incidents")
    check(not lab.cma.query("down"), "somebody is down")


@suite.test
def heartbeats_are_switched_off(lab):
    """Nobody can say any more that a host fails: it is up until it says goodbye."""
    watched(lab)
    host = lab.nodes["b1"]
    host.probe.kill()
    expect(lab, host, "gone", "agent-gone", "a nanoprobe that was killed")
    lab.cma.process.kill()
    lab.cma.start("--ring-degree", "off")
    all_up(lab)
    equal(ring(lab), [], "who watches whom")
    host.probe_start(None)
    restart_cma(lab)
    watched(lab)


with Estate() as estate:
    hub, left, right = estate.switch("hub"), estate.switch("swa"), estate.switch("swb")
    estate.connect(hub, left)
    estate.connect(hub, right)
    for name in HOSTS:
        estate.host(name, left if name.startswith("a") else right)
    estate.cma_start(estate.host("centre", hub, lldp=False))
    estate.probes_start([estate.nodes[name] for name in HOSTS])
    suite.run(estate)
suite.finish()
