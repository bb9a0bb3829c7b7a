#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that an operator signs: a host does what its own policy allows, once, and the CMA knows
what came of it."""
import json
import os
import signal

from lab import Estate
from suite import Failure, Suite, check, contains, equal, wait_until

suite = Suite()


class Operator:
    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.file = os.path.join(lab.directory, f"{name}.key")
        made = json.loads(lab.cma.ctl("-o", "json", "operator", "create", self.file).stdout)[0]
        self.key, self.fingerprint = made["key"], made["fingerprint"]

    def section(self, allow, tenant=None):
        return (f"[operator {self.name}]\nkey = {self.key}\nallow = {allow}\n" +
                (f"tenant = {tenant}\n" if tenant else ""))

    def run(self, host, *words, **options):
        """What became of a command, as a dict with its exit code."""
        done = self.lab.cma.ctl("-o", "json", "run", "--key", self.file, host.name, *words,
                                ok=False, timeout=60, **options)
        if not done.stdout.strip():
            raise Failure(f"cmactl run {words}: exit {done.returncode} {done.stderr}")
        return {**json.loads(done.stdout)[0], "exit": done.returncode}


def policy(host, text, mode=0o644):
    """The host's policy; None removes it. It counts from the next command on."""
    path = host.path("policy.conf")
    if os.path.exists(path):
        os.unlink(path)
    if text is not None:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)


def refused(outcome, why):
    equal(outcome["state"], "refused", f"state of {outcome}")
    equal(outcome["exit"], 1, "exit code")
    contains(outcome["result"], why, "the result")


@suite.test
def key_is_private(lab):
    anna = lab.operators["anna"]
    equal(os.stat(anna.file).st_mode & 0o777, 0o600, "mode of the key")
    again = lab.cma.ctl("operator", "create", anna.file, ok=False)
    equal(again.returncode, 1, "exit code of a second key in its place")
    contains(again.stderr, "exists")
    os.chmod(anna.file, 0o644)
    done = lab.cma.ctl("run", "--key", anna.file, "one", "resync", ok=False)
    os.chmod(anna.file, 0o600)
    contains(done.stderr, "readable by you alone")


@suite.test
def nothing_by_default(lab):
    one, anna = lab.nodes["one"], lab.operators["anna"]
    policy(one, None)
    for command in (["resync"], ["rediscover", "listen"], ["selftest"]):
        refused(anna.run(one, *command), "it has no policy")


@suite.test
def what_is_allowed(lab):
    one, anna = lab.nodes["one"], lab.operators["anna"]
    policy(one, anna.section("resync, rediscover, selftest"))
    outcome = anna.run(one, "resync")
    equal((outcome["state"], outcome["exit"], outcome["host"], outcome["operator"]),
          ("done", 0, "one", anna.fingerprint), "resync")
    for section in ("host", "link", "address", "neighbour", "route", "lldp", "process", "listen",
                    "client", "inbound"):
        equal(anna.run(one, "rediscover", section)["state"], "done", f"rediscover {section}")
    outcome = anna.run(one, "rediscover", "nonsense")
    equal((outcome["state"], outcome["exit"]), ("failed", 1), "rediscover nonsense")
    report = json.loads(anna.run(one, "selftest")["result"])
    check(report["version"] and report["coverage"]["net"]["state"] == "complete", str(report))
    check(report["uplink"]["lost"] == 0 and report["uplink"]["durable"] > 0, str(report))
    equal(anna.run(one, "dance")["state"], "refused", "a command that is not allowed")
    policy(one, anna.section("dance"))
    equal(anna.run(one, "dance")["state"], "failed", "a command that nobody knows")
    # Still in order, with the same processes.
    check(one.probe.running(), one.probe.text())


@suite.test
def policy_counts(lab):
    one, anna, ben = lab.nodes["one"], lab.operators["anna"], lab.operators["ben"]
    policy(one, anna.section("rediscover:listen") + ben.section("resync", "blue"))
    equal(anna.run(one, "rediscover", "listen")["state"], "done", "the one argument")
    refused(anna.run(one, "rediscover", "host"), "does not allow operator 'anna'")
    refused(anna.run(one, "resync"), "does not allow operator 'anna'")
    refused(ben.run(one, "resync"), "another tenant")
    policy(one, anna.section("resync"))
    refused(ben.run(one, "resync"), f"knows no operator {ben.fingerprint}")
    policy(one, anna.section("resync"), mode=0o666)
    refused(anna.run(one, "resync"), "it has no policy")
    contains(one.probe.text(), "others than its owner can write it", "the log")
    policy(one, anna.section("resync") + "nonsense\n")
    refused(anna.run(one, "resync"), "it has no policy")
    policy(one, anna.section("resync"))
    equal(anna.run(one, "resync")["state"], "done", "after all that")


@suite.test
def list_tells_all(lab):
    one, two = lab.nodes["one"], lab.nodes["two"]
    anna = lab.operators["anna"]
    policy(two, None)
    refused(anna.run(two, "resync"), "it has no policy")
    rows = json.loads(lab.cma.ctl("-o", "json", "commands").stdout)
    check({row["host"] for row in rows} == {one.name, two.name}, str(rows))
    rows = json.loads(lab.cma.ctl("-o", "json", "commands", "two").stdout)
    equal([(row["host"], row["command"], row["state"]) for row in rows],
          [("two", "resync", "refused")], "the commands of two")
    for words in (["commands"], ["commands", "two"], ["run", "--key", anna.file, "two", "resync"]):
        done = lab.cma.ctl("--tenant", "blue", *words, ok=False)
        check(done.returncode, f"{words} of another tenant: {done.stdout}")


@suite.test
def expires(lab):
    """A host that does not answer: what was sent may have been done, and a late one is not."""
    two, anna = lab.nodes["two"], lab.operators["anna"]
    policy(two, anna.section("resync"))
    pids = two.run("pgrep", "-x", "nanoprobe", "--ns", two.probe.pid, "--nslist", "net")
    pids = [int(pid) for pid in pids.stdout.split()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    outcome = anna.run(two, "resync", "--ttl", "2s")
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    equal((outcome["state"], outcome["exit"]), ("unknown", 1), str(outcome))

    def state():
        return [row["state"] for row in json.loads(
            lab.cma.ctl("-o", "json", "commands", "two").stdout) if row["id"] == outcome["id"]]
    # It wakes up, finds the command in its socket, and sees by its own clock that it is late.
    wait_until(lambda: state() == ["expired"], 20, lambda: f"{state()} {two.probe.text()}")


@suite.test
def idle_host_after_cma_restart(lab):
    """The CMA was restarted, the host has nothing to tell: a command reaches it all the same."""
    one, anna = lab.nodes["one"], lab.operators["anna"]
    policy(one, anna.section("selftest"))
    before = json.loads(anna.run(one, "selftest")["result"])["uplink"]
    lab.cma.process.kill()
    lab.cma.start()
    outcome = anna.run(one, "selftest", "--ttl", "20s")
    equal((outcome["state"], outcome["exit"]), ("done", 0), str(outcome) + one.probe.text())
    after = json.loads(outcome["result"])["uplink"]
    check(after["sessions"] > before["sessions"], f"{before} {after}")


@suite.test
def waits_through_cma_restart(lab):
    """Given to a CMA that dies at once: the next one carries it."""
    two, anna = lab.nodes["two"], lab.operators["anna"]
    policy(two, anna.section("resync"))
    pids = two.run("pgrep", "-x", "nanoprobe", "--ns", two.probe.pid, "--nslist", "net")
    pids = [int(pid) for pid in pids.stdout.split()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    outcome = anna.run(two, "resync", "--ttl", "60s", "--wait", "0s")
    equal((outcome["state"], outcome["exit"]), ("waiting", 1), str(outcome))
    lab.cma.process.kill()
    lab.cma.start()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)

    def state():
        return [row["state"] for row in json.loads(
            lab.cma.ctl("-o", "json", "commands", "two").stdout) if row["id"] == outcome["id"]]
    wait_until(lambda: state() == ["done"], 40, lambda: f"{state()} {two.probe.text()}")
    equal(two.probe.text().count("command 'resync': taken"), 1, "how often it was done")


@suite.test
def restarted_nanoprobe_knows_nothing(lab):
    """What was meant for a run that is over is not done by the next; nobody can tell."""
    two, anna = lab.nodes["two"], lab.operators["anna"]
    policy(two, anna.section("resync"))
    two.probe.kill()
    outcome = anna.run(two, "resync", "--ttl", "120s", "--wait", "0s")
    equal(outcome["state"], "waiting", str(outcome))
    two.probe_start("")

    def row():
        return [row for row in json.loads(
            lab.cma.ctl("-o", "json", "commands", "two").stdout) if row["id"] == outcome["id"]][0]
    wait_until(lambda: row()["state"] == "unknown", 40, lambda: f"{row()} {two.probe.text()}")
    contains(row()["result"], "started anew", "the result")
    check("taken" not in two.probe.text(), two.probe.text())
    equal(anna.run(two, "resync")["state"], "done", "one for the new run")


with Estate() as estate:
    main_switch = estate.switch("sw1")
    estate.host("centre", main_switch, lldp=False)
    for host_name in ("one", "two"):
        estate.host(host_name, main_switch)
    estate.cma_start(estate.nodes["centre"])
    estate.probes_start([estate.nodes["one"], estate.nodes["two"]])
    estate.operators = {name: Operator(estate, name) for name in ("anna", "ben")}
    suite.run(estate)
suite.finish()
