#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A nanoprobe is killed before its n-th call of the system, for all that touches network, disk or
its other half, from its first start, with a token, until a change was told and a command done.
Started again it is the same host, what it keeps on disk is whole, the CMA comes to know what there
is, and no command was taken twice.

Some of the steps, or all of them with CRASH_ALL=1."""
import collections
import concurrent.futures
import json
import os
import random
import re
import stat
import time

from lab import Estate, Failure, built, double
from suite import Suite, becomes, check, equal, wait_until

suite = Suite()
CALLS = ("sendto", "sendmsg", "recvfrom", "recvmsg", "epoll_wait", "write", "fsync", "fchmod",
         "renameat", "linkat", "unlinkat", "mkdir", "openat", "clone", "socket")
HOSTS = ("one", "two", "three")
SAMPLE, SECONDS = 12, 40


class Life:
    """One nanoprobe with a name, and so an identity, of its own; on a host that has others too."""

    def __init__(self, lab, host, token, name):
        self.lab, self.host, self.token, self.name = lab, host, token, name
        self.state = host.path(f"state-{name}")
        self.probes, self.service, self.order = [], None, None

    @property
    def probe(self):
        return self.probes[-1]

    def start(self, *tracer):
        options = self.host.options()
        options[options.index("--hostname") + 1] = self.name
        self.probes.append(self.host.spawn(*tracer, built("nanoprobe"), "--state-dir", self.state,
                                           *options, "--token", self.token))

    def ports(self):
        return {row["port"] for row in self.lab.cma.query("allipports")
                if row["host"] == self.name and os.path.basename(row["exe"]) == "serve"}

    def serve(self):
        self.service = self.host.spawn(double("serve"), "tcp", f"{self.host.address}:7001")
        wait_until(lambda: "ready" in self.service.text(), 10, self.service.text)

    def reaches(self, ports):
        """Waits until it has told of these; False when it ended before."""
        wait_until(lambda: not self.probe.running() or self.ports() == ports, 40,
                   lambda: f"{self.name}: {self.ports()}\n{self.probe.text()}", step=0.1)
        return self.probe.running()

    def obeys(self):
        """Does a command; False when it ended before."""
        self.order = self.host.spawn(
            built("cmactl"), "--control", self.lab.cma.control, "-o", "json", "run", "--key",
            self.lab.operator, self.name, "selftest")
        wait_until(lambda: not self.probe.running() or not self.order.running(), 40,
                   lambda: f"no end of the command\n{self.probe.text()}")
        return self.probe.running()

    def live(self, *tracer):
        """Enrols, tells all, tells a change, does a command. False when it was killed before."""
        self.start(*tracer)
        there = self.reaches({7000})
        self.serve()
        return there and self.reaches({7000, 7001}) and self.obeys()

    def check_order(self):
        """Taken once, or at most once when nobody can say."""
        if not self.order:
            return
        self.order.wait(60)
        state = json.loads(self.order.text())[0]["state"]
        taken = sum(probe.text().count("command 'selftest': taken") for probe in self.probes)
        check(taken == 1 if state == "done" else taken <= 1, f"{state}, and taken {taken} times")

    def check_files(self):
        names = set(os.listdir(self.state)) if os.path.exists(self.state) else set()
        whole = {name for name in names if "." not in name} - {"lock"}  # the others come to be it
        equal([name for name in whole if not os.path.getsize(f"{self.state}/{name}")], [],
              "files of the state that are empty")
        if "key" in names:
            info = os.stat(f"{self.state}/key")
            equal((info.st_size, stat.S_IMODE(info.st_mode)), (32, 0o600), "its key")

    def start_again(self):
        self.check_files()
        self.start()
        becomes(self.ports, {7000, 7001}, 45, f"the services that {self.name} tells")
        equal([row["host"] for row in self.lab.cma.query("allservers")].count(self.name), 1,
              f"hosts with the name {self.name}")
        self.check_files()
        self.check_order()

    def end(self):
        for process in (self.probe, self.service, self.order):
            if process:
                process.kill()


def steps(lab, host, token):
    """How often each call is made, by either process: [(call, n)]"""
    life = Life(lab, host, token, "whole")
    log = host.path("strace")
    check(life.live("strace", "-f", "-qq", "-e", "trace=" + ",".join("?" + c for c in CALLS),
                    "-o", log, "--"), "it ended by itself")
    life.end()
    made = collections.Counter()
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            call = re.match(r"(\d+) +(\w+)\(", line)
            if call:
                made[call.groups()] += 1
    most = collections.Counter()
    for (_, call), count in made.items():
        most[call] = max(most[call], count)
    return [(call, n) for call in CALLS for n in range(1, most[call] + 1)]


def kill_at(lab, host, token, step):
    """True when it came so far, and was killed."""
    call, n = step
    life = Life(lab, host, token, f"{call.replace('_', '-')}-{n}")
    try:
        inject = f"inject={call}:signal=SIGKILL:when={n}"
        if life.live("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject,
                     "--"):
            return False
        life.start_again()
        return True
    except Failure as failure:
        raise Failure(f"killed before {call} number {n}: {failure}") from None
    finally:
        life.end()


@suite.test
def killed_at_every_step(lab):
    hosts = [lab.nodes[name] for name in HOSTS]
    lab.operator = os.path.join(lab.directory, "operator.key")
    made = json.loads(lab.cma.ctl("-o", "json", "operator", "create", lab.operator).stdout)[0]
    for host in hosts:
        with open(host.path("policy.conf"), "w", encoding="ascii") as policy:
            policy.write(f"[operator anna]\nkey = {made['key']}\nallow = selftest\n")
        os.chmod(host.path("policy.conf"), 0o644)
    token = lab.cma.token("--uses", "100000")
    services = [host.spawn(double("serve"), "tcp", f"{host.address}:7000") for host in hosts]
    todo = steps(lab, hosts[0], token)
    total, limit = len(todo), None
    if not os.environ.get("CRASH_ALL"):
        seed = random.randrange(2 ** 32)
        print(f"    seed {seed}")
        todo, limit = random.Random(seed).sample(todo, SAMPLE), time.monotonic() + SECONDS
    killed = []

    def work(host):
        while todo and (limit is None or time.monotonic() < limit):
            killed.append(kill_at(lab, host, token, todo.pop()))

    with concurrent.futures.ThreadPoolExecutor(len(hosts)) as pool:
        for done in [pool.submit(work, host) for host in hosts]:
            done.result()
    print(f"    {total} steps, {len(killed)} tried, killed at {sum(killed)}")
    check(sum(killed) >= len(killed) / 2, "most of the steps were not reached")
    for service in services:
        service.kill()


with Estate() as estate:
    main_switch = estate.switch("sw1")
    for node in ("centre", *HOSTS):
        estate.host(node, main_switch, lldp=False)
    estate.cma_start(estate.nodes["centre"])
    suite.run(estate)
suite.finish()
