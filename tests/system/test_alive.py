#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who is alive: hosts that die, switches and uplinks that fail, a cable of two that is pulled,
nanoprobes that stop, hang or leave. Each has its own word and one incident, which is over when it
is over. Every fault is tried quietly and, in a second estate at the same time, with the CMA killed
as it happens and once more when it was told."""
import os
import re
import signal
import subprocess
import sys
import time

from lab import Estate
from suite import Failure, Suite, becomes, check, equal, wait_until

suite = Suite()
RESTART = os.environ.get("ALIVE_RESTART", "") not in ("", "0")
PATIENCE = 60  # for all to be well again: hosts try to tell what they saw every 30 s at most
BUSY_S = 20    # what a machine that others use as well may take beyond what is promised
DEATH_S = 7    # promised, for what takes several witnesses
RETRY_S = 30   # an agent whose CMA is away tries so often to tell it something
HOSTS = ("a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "b5", "b6")
BEHIND_A = HOSTS[:4]


def statuses(lab):
    return {row["host"]: row["status"] for row in lab.cma.query("allservers")}


def incidents(lab, **parameters):
    return [(row["kind"], row["node"], row["hosts"])
            for row in lab.cma.query("incidents", **parameters)]


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


def signal_probe(host, number):
    os.killpg(host.probe.pid, number)


def restart_cma(lab):
    """kill -9, and another one on what it left."""
    lab.cma.process.kill()
    lab.cma.start()


def all_answers(lab):
    """What cmactl says of who is alive, whole."""
    return {
        "allservers": statuses(lab),
        "incidents": incidents(lab),
        "down": [(row["host"], row["status"], row["cause"], row["node"])
                 for row in lab.cma.query("down")],
        "crashed": [(row["host"], row["cause"]) for row in lab.cma.query("crashed")],
        "shutdown": [row["host"] for row in lab.cma.query("shutdown")],
    }


def expected_answers(status, hosts, cause, node):
    """These hosts have that status, for that cause; nobody else is touched."""
    away = status not in ("up", "left")
    return {
        "allservers": {name: status if name in hosts else "up" for name in HOSTS},
        "incidents": [(cause, node, ", ".join(hosts))] if cause else [],
        "down": [(name, status, cause, node) for name in hosts if away],
        "crashed": [(name, cause) for name in hosts if status == "down"],
        "shutdown": [name for name in hosts if status == "left"],
    }


def try_fault(lab, what, fail, mend, wanted, *, really=None, promised=DEATH_S,
              events=("open", "clear")):
    """Has it happen and takes it back. wanted is told meanwhile; really is what the incident turns
    out to have been."""
    watched(lab)
    expected = expected_answers(*wanted)
    last = max((row["id"] for row in lab.cma.query("events")), default=0)
    before = [row["id"] for row in lab.cma.query("incidents", all="yes")]
    begun = time.monotonic()
    fail()
    try:
        if RESTART:
            restart_cma(lab)
            promised += RETRY_S
        becomes(lambda: all_answers(lab), expected, promised + BUSY_S, what)
        print(f"    {what}: told within {time.monotonic() - begun:.1f} s", flush=True)
        if RESTART:
            restart_cma(lab)
            becomes(lambda: all_answers(lab), expected, BUSY_S, f"{what}, after another restart")
    finally:
        begun = time.monotonic()
        mend()
    all_up(lab)
    print(f"    over within {time.monotonic() - begun:.1f} s", flush=True)
    _, hosts, cause, node = wanted
    ended = [(row["kind"], row["node"], row["hosts"])
             for row in lab.cma.query("incidents", all="yes") if row["id"] not in before]
    told = [row["kind"] for row in lab.cma.query("events", after=last) if row["kind"] != "update"]
    # A goodbye that a killed CMA had heard is said again, in a session of its own.
    while RESTART and events == ("shutdown", "up") and told[2:4] == list(events):
        del told[2:4]
    # While agents come back to a CMA that was killed, one at a time, what fails with many may be
    # told as the death of one, which then becomes part of it.
    first = [incident for incident in ended
             if RESTART and len(hosts) > 1 and incident in [("host", name, name) for name in hosts]]
    rest = [incident for incident in ended if incident not in first]
    unknown = [(cause, node, ", ".join(hosts))]
    # What it was comes out by what its hosts heard of each other; some of it the former CMA knew.
    vague = RESTART and len(hosts) > 1 and rest == unknown
    if not vague:
        equal(rest, [(*(really or (cause, node)), ", ".join(hosts))] if cause else [],
              f"{what}: what it was")
    if first or vague:
        print(f"    told before: {first}; in the end {rest}")
        equal((told[0], told[-1]), (events[0], events[-1]), f"{what}: events")
    else:
        equal(told, list(events), f"{what}: events")


@suite.test
def rings_are_made(lab):
    watched(lab)
    equal(sorted(f"{host} {neighbour}" for host, neighbour, _ in ring(lab)),
          sorted(f"{neighbour} {host}" for host, neighbour, _ in ring(lab)), "both ends watch")
    pairs = {frozenset((host, neighbour)) for host, neighbour, _ in ring(lab)}
    equal(len(pairs), len(HOSTS), "edges")
    check(any(len({host[0] for host in pair}) == 2 for pair in pairs), f"nobody looks out: {pairs}")


@suite.test
def host_dies(lab):
    """Its only cable is pulled; that it lived comes out later."""
    host = lab.nodes["a1"]
    try_fault(lab, "a host without its only cable",
              lambda: host.switch.ip("link", "set", host.port, "down"),
              lambda: host.switch.ip("link", "set", host.port, "up"),
              ("down", ["a1"], "host", "a1"), really=("link", f"swa:{host.port}"),
              events=("open", "reclassified", "clear"))


@suite.test
def cable_of_two_is_pulled(lab):
    switch, port = lab.nodes["hub"], lab.second_port
    wait_until(lambda: len(lab.cma.query("hostswitchports", host="b6")) == 2, PATIENCE,
               lambda: f"two cables: {lab.cma.query('hostswitchports', host='b6')}")
    try_fault(lab, "one of two cables that was pulled",
              lambda: switch.ip("link", "set", port, "down"),
              lambda: switch.ip("link", "set", port, "up"),
              ("up", ["b6"], "link", f"hub:{port}"))


@suite.test
def switch_fails(lab):
    """It forwards nothing any more: those behind it do not hear each other either."""
    switch = lab.nodes["swa"]
    try_fault(lab, "a switch that is down",
              lambda: switch.ip("link", "set", "br0", "down"),
              lambda: switch.ip("link", "set", "br0", "up"),
              ("unreachable", BEHIND_A, "switch", "swa"))


@suite.test
def uplink_is_cut(lab):
    """What its hosts saw meanwhile, and tell when they are back, is what makes the difference."""
    hub = lab.nodes["hub"]
    try_fault(lab, "an uplink that is cut",
              lambda: hub.ip("link", "set", "p1", "down"),
              lambda: hub.ip("link", "set", "p1", "up"),
              ("unreachable", BEHIND_A, "switch", "swa"), really=("partition", "swa"),
              promised=RETRY_S,  # until the last is asked, whom nobody outside of it watches
              events=("open", "reclassified", "clear"))


@suite.test
def nanoprobe_hangs(lab):
    host = lab.nodes["b2"]
    try_fault(lab, "a nanoprobe that is stopped",
              lambda: signal_probe(host, signal.SIGSTOP),
              lambda: signal_probe(host, signal.SIGCONT),
              ("hung", ["b2"], "agent-hung", "b2"))


@suite.test
def nanoprobe_is_killed(lab):
    host = lab.nodes["b1"]
    try_fault(lab, "a nanoprobe that was killed", host.probe.kill, lambda: host.probe_start(None),
              ("gone", ["b1"], "agent-gone", "b1"))


@suite.test
def nanoprobe_leaves(lab):
    host = lab.nodes["a2"]
    try_fault(lab, "a nanoprobe that was told to end", host.probe.stop,
              lambda: host.probe_start(None), ("left", ["a2"], None, None),
              events=("shutdown", "up"))


@suite.test
def goodbye_to_another_cma(lab):
    """One that was started again, and has no session with who leaves."""
    if not RESTART:
        return
    watched(lab)
    restart_cma(lab)
    host = lab.nodes["b3"]
    host.probe.stop()
    becomes(lambda: all_answers(lab), expected_answers("left", ["b3"], None, None), BUSY_S,
            "a nanoprobe that was told to end")
    host.probe_start(None)
    all_up(lab)


@suite.test
def cma_sleeps(lab):
    """It was stopped, and what came meanwhile waits in its sockets: nobody is accused."""
    if RESTART:
        return
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
    if not RESTART:
        return
    watched(lab)
    host = lab.nodes["b1"]
    host.probe.kill()
    becomes(lambda: all_answers(lab), expected_answers("gone", ["b1"], "agent-gone", "b1"),
            DEATH_S + BUSY_S, "a nanoprobe that was killed")
    lab.cma.process.kill()
    lab.cma.start("--ring-degree", "off")
    all_up(lab)
    equal(ring(lab), [], "who watches whom")
    host.probe_start(None)
    equal(lab.cma.process.stop(), 0, "exit code without heartbeats")
    lab.cma.start()
    watched(lab)


def of_both():
    """The other estate starts when this one is there, so that neither clears the other away."""
    words = [sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                          env=dict(os.environ, ALIVE_RESTART="1")) as other:
        suite.run(estate)
        text, _ = other.communicate()
    print(f"with the CMA restarted meanwhile:\n{text}", end="")
    last = re.search(r"(\d+) passed, (\d+) failed\s*\Z", text)
    if not last:
        raise Failure("the other estate did not come to an end")
    suite.passed += int(last[1])
    suite.failed += int(last[2])


with Estate() as estate:
    hub, left, right = estate.switch("hub"), estate.switch("swa"), estate.switch("swb")
    estate.connect(hub, left)
    estate.connect(hub, right)
    for name in HOSTS:
        estate.host(name, left if name.startswith("a") else right)
    estate.second_port = estate.nodes["b6"].plug_more(hub, "eth1")
    estate.cma_start(estate.host("centre", hub, lldp=False))
    estate.probes_start([estate.nodes[name] for name in HOSTS])
    if RESTART:
        suite.run(estate)
    else:
        of_both()
suite.finish()
