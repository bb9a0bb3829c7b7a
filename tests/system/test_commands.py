#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make run` and `make lab`: they show what they should, and what they start ends with them, also
after a kill -9."""
import os
import signal

from lab import PREFIX, TREE, Estate, Process, alive, built, double, namespaces, run
from suite import Suite, check, contains, wait_until

suite = Suite()
RUNNING = "changes as they are committed"


def settled(process, text=RUNNING, seconds=120):
    wait_until(lambda: text in process.text() or not process.running(), seconds,
               lambda: f"it does not come so far:\n{process.text()}")
    check(process.running(), f"it ended:\n{process.text()}")
    return process


def make_run(host):
    """tools/run.sh in the namespace of a host, so that it has port and sockets for itself."""
    environment = dict(os.environ, RUN_DIR=host.path("run"), SCOPE="netns")
    return settled(host.spawn(f"{TREE}/tools/run.sh", env=environment))


def started(host):
    with open(host.path("run/started"), encoding="ascii") as file:
        return [int(line.split()[0]) for line in file]


def gone(pids, seconds=5):
    wait_until(lambda: not any(map(alive, pids)), seconds, f"still there: {pids}")


@suite.test
def run_shows_what_is_there(lab):
    host = lab.nodes["alone"]
    service = host.spawn(double("serve"), "tcp", f"{host.address}:7000")
    client = host.spawn(double("dial"), "tcp", f"{host.address}:7000", "hold")
    process = make_run(host)
    for word in ("7000", "serve:", "dial:", "cmactl query", os.uname().release):
        contains(process.text(), word)
    pids = started(host)
    check(len(pids) >= 3 and all(map(alive, pids)), f"started: {pids}")
    late = host.spawn(double("serve"), "tcp", f"{host.address}:7001")
    wait_until(lambda: "7001" in process.text(), 10, lambda: process.text() + run(
        built("cmactl"), "--control", host.path("run/cma.sock"), "query", "allipports").stdout +
               late.text() + host.run("ss", "-tln").stdout)
    os.kill(process.pid, signal.SIGTERM)
    process.wait(10)
    gone(pids)
    for other in (service, client, late):
        check(other.running(), "it ended what it had not started")
        other.kill()


@suite.test
def run_is_interrupted_while_it_starts(lab):
    host = lab.nodes["alone"]
    environment = dict(os.environ, RUN_DIR=host.path("run"), SCOPE="netns")
    process = settled(host.spawn(f"{TREE}/tools/run.sh", env=environment), "==> start")
    os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does
    process.wait(10)
    left = host.run("ip", "netns", "pids", host.namespace).stdout.split()
    left = [pid for pid in left if "cma" in command(pid) or "nanoprobe" in command(pid)]
    check(not left, f"left: {left}")


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


@suite.test
def run_clears_what_a_killed_one_left(lab):
    host = lab.nodes["alone"]
    process = make_run(host)
    pids = started(host)
    names = {pid: command(pid).replace("\0", " ") for pid in pids}
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    check(all(map(alive, pids)), "not left, so nothing to clear: " + str(
        [names[pid] for pid in pids if not alive(pid)]))
    process = make_run(host)
    gone(pids, 1)
    pids = started(host)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(10)
    gone(pids)
    check(not os.path.exists(host.path("run/started")), "its list of processes is left")


@suite.test
def lab_shows_its_topology(lab):
    process = Process([f"{TREE}/tools/lab.sh"], f"{lab.directory}/lab.log")
    lab.processes.append(process)
    settled(process)
    for word in ("sw1", "sw2", "lab switch 1", "web1", "nginx:", "postgres:", "psql:", "dnsmasq:"):
        contains(process.text(), word)
    mine = f"{PREFIX}{process.pid}-"
    check(len(namespaces(mine)) == 7, f"namespaces: {namespaces(PREFIX)}")
    process.popen.send_signal(signal.SIGINT)
    process.wait(20)
    check(not namespaces(mine), f"left: {namespaces(mine)}")


@suite.test
def lab_clears_what_a_killed_one_left(lab):
    process = Process([f"{TREE}/tools/lab.sh"], f"{lab.directory}/killed.log")
    lab.processes.append(process)
    settled(process)
    mine = f"{PREFIX}{process.pid}-"
    process.popen.kill()
    process.wait(5)
    check(namespaces(mine), "nothing is left that could be cleared")
    again = Process([f"{TREE}/tools/lab.sh"], f"{lab.directory}/again.log")
    lab.processes.append(again)
    settled(again)
    check(not namespaces(mine), f"not cleared: {namespaces(mine)}")
    again.stop(20)
    check(not namespaces(f"{PREFIX}{again.pid}-"), "left after SIGTERM")


with Estate() as estate:
    estate.host("alone", estate.switch("sw1"), lldp=False)
    suite.run(estate)
suite.finish()
