# SPDX-License-Identifier: Apache-2.0
"""The two sides of the comparison: how their agents are started and ended on the hosts of one
estate, and when each of them says that a host is gone. Both run at the same time on the same hosts
and see the same failures at the same moments."""
import json
import os
import signal
import subprocess
import threading
import time

from lab import Cma, built

DEAD = "dead"


class Heard:
    """The lines that a process writes, each with the time at which it came."""

    def __init__(self, process):
        self.lines, self.process = [], process
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.popen.stdout:
            self.lines.append((time.monotonic(), line.decode(errors="replace").strip()))


class Side:
    """told() gives (time, name of a host, DEAD or what else it is taken for)."""

    def __init__(self, centre, hosts):
        self.centre, self.hosts, self.agents, self.heard = centre, hosts, {}, None

    def signal(self, host, number):
        for pid in self.pids(host):
            os.kill(pid, number)

    def kill(self, host):
        self.signal(host, signal.SIGKILL)
        self.agents[host].popen.wait()


class Serf(Side):
    """An agent on each host, with the profile for local networks, which is the default; and one
    at the centre, which all others join and whose log says what the cluster believes."""
    name, ports = "serf", (7946,)

    def spawn(self, host, **options):
        return host.spawn("serf", "agent", f"-node={host.name}", f"-bind={host.address}:7946",
                          f"-retry-join={self.centre.address}", "-retry-interval=1s",
                          name="serf", **options)

    def start(self):
        self.heard = Heard(self.spawn(self.centre, stdout=subprocess.PIPE))
        for host in self.hosts:
            self.begin(host)

    def begin(self, host):
        self.agents[host] = self.spawn(host)

    def pids(self, host):
        return [self.agents[host].pid]

    def missing(self):
        done = self.centre.run("serf", "members", "-status=alive", "-format=json", ok=False)
        there = json.loads(done.stdout)["members"] if done.returncode == 0 else []
        return {host.name for host in self.hosts} - {member["name"] for member in there}

    def told(self):
        for at, line in list(self.heard.lines):
            if "EventMemberFailed: " in line:
                yield at, line.partition("EventMemberFailed: ")[2].split()[0], DEAD


class Nanoprobe(Side):
    """A nanoprobe on each host, and the CMA at the centre, whose events say what it believes."""
    name, ports = "nanoprobe", (1984, 1985)

    def __init__(self, centre, hosts):
        super().__init__(centre, hosts)
        self.cma, self.token = Cma(centre), None

    def start(self):
        self.cma.start()
        self.token = self.cma.token()
        self.heard = Heard(self.centre.spawn(
            built("cmactl"), "--control", self.cma.control, "-o", "json", "events", "--follow",
            stdout=subprocess.PIPE))
        for host in self.hosts:
            self.agents[host] = host.probe_start(self.token)

    def begin(self, host):
        self.agents[host] = host.probe_start(None)

    def pids(self, host):
        """The one without privileges first: it must not see the other one end."""
        first = self.agents[host].pid
        with open(f"/proc/{first}/task/{first}/children", encoding="ascii") as children:
            return [int(pid) for pid in children.read().split()] + [first]

    def missing(self):
        heard = {row["neighbour"] for row in self.cma.query("ring") if row["sees"] == "heard"}
        away = {row["host"] for row in self.cma.query("down")}
        return {host.name for host in self.hosts} - heard | away

    def told(self):
        kinds = {row["id"]: row["kind"] for row in self.cma.query("incidents", all="yes")}
        for at, line in list(self.heard.lines):
            event = json.loads(line)
            if event["kind"] == "open":
                kind = kinds.get(event["incident"])
                yield at, event["node"], DEAD if kind == "host" else kind
