#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Services that stop, hosts that leave, programs that are killed: the graph becomes what the hosts
see, and nothing that was acknowledged is lost."""
import os
import random
import sqlite3
import threading
import time

from answers import plain
from lab import Estate, built, double
from suite import Suite, becomes, check, equal, wait_until

suite = Suite()


def serve(host, port):
    process = host.spawn(double("serve"), "tcp", f"{host.address}:{port}")
    wait_until(lambda: "ready" in process.text(), 5, process.text)
    return process


def listeners(lab, host, **parameters):
    """The ports of the serve programs of a host, as the CMA knows them."""
    return {row["port"] for row in lab.cma.query("allipports", **parameters)
            if row["host"] == host.name and os.path.basename(row["exe"]) == "serve"}


def told(lab, host, ports, seconds=10):
    becomes(lambda: listeners(lab, host), ports, seconds, f"the services of {host.name}")


@suite.test
def service_starts_and_stops(lab):
    host = lab.nodes["one"]
    told(lab, host, set())
    process = serve(host, 7001)
    told(lab, host, {7001})
    process.kill()
    told(lab, host, set())
    process = serve(host, 7001)
    told(lab, host, {7001})
    process.kill()
    told(lab, host, set())


@suite.test
def client_stays_after_its_service(lab):
    """A service that stops is gone; who used it is still known, with the same process name after
    the service is back."""
    one, two = lab.nodes["one"], lab.nodes["two"]

    def uses():
        rows = plain(lab.cma.query("hostdependencies", host="two", direction="up"))
        return [row for row in rows if row["process"].startswith("dial:")]

    process = serve(one, 7010)
    client = two.spawn(double("dial"), "tcp", f"{one.address}:7010", "hold")
    joined = wait_until(lambda: [row for row in uses() if row.get("peer_host") == "one"], 10,
                        lambda: f"no dependency: {uses()}")
    equal(len(joined), 1, f"dependencies: {joined}")
    process.kill()
    becomes(uses, [{key: value for key, value in joined[0].items() if key != "peer_process"}], 10,
            "the dependency without its service")
    process = serve(one, 7010)
    becomes(uses, joined, 10, "the dependency after the service came back")
    process.kill()
    client.kill()


@suite.test
def cma_killed(lab):
    """What happens while the CMA is away is there when it is back."""
    host = lab.nodes["one"]
    first = serve(host, 7020)
    told(lab, host, {7020})
    lab.cma.process.kill()
    second = serve(host, 7021)
    first.kill()
    lab.cma.start()
    told(lab, host, {7021}, 45)
    second.kill()
    told(lab, host, set())


@suite.test
def cma_killed_again_and_again(lab):
    """kill -9 in the middle of a stream of changes. What a query showed was committed, and must be
    there in the history after the restart."""
    host = lab.nodes["one"]
    seed = random.randrange(2 ** 32)
    print(f"    seed {seed}")
    chance = random.Random(seed)
    acknowledged = {}
    for round_number in range(5):
        ports = {7100 + round_number * 10 + i for i in range(5)}
        processes = [serve(host, port) for port in sorted(ports)]
        enough = chance.randrange(0, 5)
        wait_until(lambda n=enough, p=ports: len(listeners(lab, host) & p) >= n, 40,
                   lambda: lab.cma.process.text() + host.probe.text())
        rows = [row for row in lab.cma.query("allipports") if row["port"] in ports]
        acknowledged.update({row["port"]: row for row in rows})
        lab.cma.process.kill()
        lab.cma.start()
        # At once, before the nanoprobe can tell anything again.
        equal({row["port"] for row in rows} - listeners(lab, host), set(),
              "committed services that the restarted CMA does not know")
        told(lab, host, ports, 45)
        for process in processes:
            process.kill()
        told(lab, host, set(), 45)
    history = lab.cma.ctl("-o", "json", "history", "one").stdout
    for port in acknowledged:
        check(f":{port}" in history, f"port {port} is not in the history")


class Churn(threading.Thread):
    """Services that come and go until it is told to end."""

    def __init__(self, hosts, chance):
        super().__init__()
        self.hosts, self.chance, self.ended = hosts, chance, threading.Event()

    def run(self):
        running = {}
        while not self.ended.wait(0.02):
            host, port = self.chance.choice(self.hosts), self.chance.randrange(7500, 7510)
            if (host.name, port) in running:
                running.pop((host.name, port)).kill()
            else:
                running[host.name, port] = host.spawn(double("serve"), "tcp",
                                                      f"{host.address}:{port}")
        for process in running.values():
            process.kill()

    def end(self):
        self.ended.set()
        self.join()


def committed(lab):
    """Every version of every fact, how far each agent is, and the epoch."""
    with sqlite3.connect(f"file:{lab.cma.state}/graph.db", uri=True, timeout=10) as store:
        facts = set(store.execute("SELECT host, section, key, value, since FROM fact"))
        agents = dict(store.execute("SELECT host || ' ' || incarnation, sequence FROM agent"))
        epoch, = store.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        sound, = store.execute("PRAGMA integrity_check").fetchone()
    store.close()
    equal(sound, "ok", "the store")
    return facts, agents, epoch


@suite.test
def cma_killed_under_churn(lab):
    """kill -9 at any moment: what was committed is there. 100 times, or as often as there is time
    for; 1,000 times with CRASH_ALL=1."""
    seed = random.randrange(2 ** 32)
    print(f"    seed {seed}")
    chance = random.Random(seed)
    churn = Churn([lab.nodes[name] for name in ("one", "two", "three")], random.Random(seed + 1))
    limit, most = (3600, 1000) if os.environ.get("CRASH_ALL") else (30, 100)
    end, kills, told_of = time.monotonic() + limit, 0, 0
    churn.start()
    try:
        while kills < most and time.monotonic() < end:
            time.sleep(chance.random())  # the moment of the crash
            before = committed(lab)
            time.sleep(chance.random() / 50)
            lab.cma.process.kill()
            after = committed(lab)
            equal(before[0] - after[0], set(), f"facts lost by kill {kills}")
            for agent, sequence in before[1].items():
                check(after[1].get(agent, sequence) >= sequence, f"{agent} was further")
            check(after[2] >= before[2], "the epoch was higher")
            kills, told_of = kills + 1, len(after[0])
            lab.cma.start()
            check(committed(lab)[2] > after[2], "the epoch of the one before is used again")
    finally:
        churn.end()
    print(f"    killed {kills} times, {told_of} versions of facts, none lost")
    for name in ("one", "two", "three"):
        told(lab, lab.nodes[name], set(), 60)


@suite.test
def nanoprobe_killed(lab):
    """It comes back with its identity, and what changed meanwhile is told."""
    host = lab.nodes["two"]
    first = serve(host, 7200)
    told(lab, host, {7200})
    host.probe.kill()
    first.kill()
    second = serve(host, 7201)
    host.probe_start("")
    told(lab, host, {7201}, 20)
    equal(len([row for row in lab.cma.query("allservers") if row["host"] == "two"]), 1,
          "hosts named two")
    second.kill()
    told(lab, host, set())


@suite.test
def nanoprobe_killed_without_change(lab):
    """Both sides agree: nothing in the graph is new."""
    host = lab.nodes["two"]
    service = serve(host, 7210)
    told(lab, host, {7210})

    def about_two():
        return [row for query in ("allipports", "allswitchports", "allips")
                for row in lab.cma.query(query) if row["host"] == "two"]
    before = about_two()
    for _ in range(3):
        host.probe.kill()
        host.probe_start("")
        marker = serve(host, 7211)
        told(lab, host, {7210, 7211}, 20)
        marker.kill()
        told(lab, host, {7210}, 20)
    equal(about_two(), before, "the graph, with its times")
    service.kill()
    told(lab, host, set())


@suite.test
def half_of_a_nanoprobe_killed(lab):
    """Either of the two processes dies: the other ends, so that a supervisor starts both."""
    host = lab.nodes["two"]
    for half in (0, 1):
        pids = host.run("pgrep", "-x", "nanoprobe", "--ns", host.probe.pid, "--nslist", "net")
        pids = sorted(map(int, pids.stdout.split()))
        check(len(pids) == 2, f"processes of the nanoprobe: {pids}")
        os.kill(pids[half], 9)
        wait_until(lambda: not host.probe.running(), 5, "the other half runs on")
        later = serve(lab.nodes["one"], 7230 + half)
        told(lab, lab.nodes["one"], {7230 + half})  # the CMA has what came before this
        status = [row["status"] for row in lab.cma.query("allservers") if row["host"] == "two"]
        equal(status, ["up"], "status of a host whose nanoprobe crashed")
        later.kill()
        told(lab, lab.nodes["one"], set())
        host.probe.kill()
        host.probe_start("")
        marker = serve(host, 7220 + half)
        told(lab, host, {7220 + half}, 20)
        marker.kill()
        told(lab, host, set())


@suite.test
def both_killed(lab):
    host = lab.nodes["one"]
    first = serve(host, 7300)
    told(lab, host, {7300})
    host.probe.kill()
    lab.cma.process.kill()
    first.kill()
    second = serve(host, 7301)
    lab.cma.start()
    host.probe_start("")
    told(lab, host, {7301}, 45)
    second.kill()
    told(lab, host, set())


@suite.test
def host_leaves(lab):
    """SIGTERM says goodbye: the host has left, what it was is still known."""
    host = lab.nodes["three"]
    service = serve(host, 7400)
    told(lab, host, {7400})
    host.probe.stop()

    def status():
        return {row["host"]: row["status"] for row in lab.cma.query("allservers")}
    wait_until(lambda: status()["three"] == "left", 10, lambda: status())
    equal(status()["one"], "up", "status of another host")
    host.probe_start("")
    wait_until(lambda: status()["three"] == "up", 20, lambda: status())
    service.kill()
    told(lab, host, set())


with Estate() as estate:
    main_switch = estate.switch("sw1")
    estate.host("centre", main_switch)
    for name in ("one", "two", "three"):
        estate.host(name, main_switch)
    check(os.path.exists(built("cma")), "build first")
    estate.cma_start(estate.nodes["centre"])
    estate.probes_start()
    for name in ("one", "two", "three"):
        wait_until(lambda n=name: estate.cma.query("hostswitchports", host=n), 15,
                   "no switch ports")
    suite.run(estate)
suite.finish()
