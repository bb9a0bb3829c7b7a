#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may join: token limits, approval by a person, revocation, cloned keys, a restored CMA."""
import json
import os
import shutil
import time

from lab import PORT, Estate, built
from suite import Suite, becomes, check, contains, equal, wait_until

suite = Suite()


def rows(lab, *words):
    return json.loads(lab.cma.ctl("-o", "json", *words).stdout)


def states(lab):
    """By host; of several that had one name, each with a key of its own, the one heard last."""
    heard = sorted(rows(lab, "agents"), key=lambda row: row["session"] or "")
    return {row["host"]: row["state"] for row in heard}


def is_up(lab, host):
    becomes(lambda: states(lab).get(host.name), "up", 30, f"the state of {host.name}")


def fresh(host):
    """A host that never joined."""
    if host.probe and host.probe.running():
        host.probe.stop()
    shutil.rmtree(host.state, ignore_errors=True)


def join(lab, host, *more):
    fresh(host)
    host.probe_start(lab.cma.token(), *more)
    is_up(lab, host)


def asks(lab, host):
    """A nanoprobe that was given only the CMA's key; its fingerprint once it waits."""
    key = rows(lab, "key", "status")[0]["key"]
    host.probe_start(None, "--cma", f"{lab.cma.host.address}:{PORT}", "--cma-key", key)
    return wait_until(lambda: rows(lab, "pending"), 20, host.probe.text)[0]["fingerprint"]


@suite.test
def a_token_lets_so_many_in(lab):
    one, two = lab.nodes["one"], lab.nodes["two"]
    token = lab.cma.token("--uses", "1")
    identity = rows(lab, "tokens")[-1]["id"]
    one.probe_start(token)
    is_up(lab, one)
    two.probe_start(token)
    wait_until(lambda: "used up" in two.probe.text(), 20, two.probe.text)
    row = [row for row in rows(lab, "tokens") if row["id"] == identity][0]
    equal((row["uses_left"], row["state"]), (0, "used up"), "the token")
    check(token.split(":")[-1] not in lab.cma.ctl("tokens").stdout, "the secret is shown")
    fresh(two)


@suite.test
def a_revoked_token_lets_nobody_in(lab):
    two = lab.nodes["two"]
    token = lab.cma.token()
    identity = rows(lab, "tokens")[-1]["id"]
    lab.cma.ctl("token", "revoke", identity)
    two.probe_start(token)
    wait_until(lambda: "has expired" in two.probe.text(), 20, two.probe.text)
    equal([row["state"] for row in rows(lab, "tokens") if row["id"] == identity], ["revoked"],
          "the token")
    wrong = lab.cma.ctl("token", "revoke", identity[:-1] + "x", ok=False)
    equal(wrong.returncode, 2, "exit code")
    contains(wrong.stderr, identity, "the suggestion")
    fresh(two)


@suite.test
def a_person_approves(lab):
    two = lab.nodes["two"]
    fingerprint = asks(lab, two)
    contains(two.probe.text(), f"cmactl approve {fingerprint}", "the log")
    check("two" not in states(lab), "it is in before it was approved")
    wrong = lab.cma.ctl("approve", fingerprint[:-1] + "x", ok=False)
    equal(wrong.returncode, 2, "exit code")
    contains(wrong.stderr, fingerprint, "the suggestion")
    lab.cma.ctl("approve", fingerprint)
    begun = time.monotonic()
    is_up(lab, two)
    check(time.monotonic() - begun < 15, f"it took {time.monotonic() - begun:.1f} s")
    equal(rows(lab, "pending"), [], "who waits")
    # What it keeps lets it in without the option.
    two.probe.stop()
    becomes(lambda: states(lab)["two"], "left", 10, "after it stopped")
    two.probe_start(None)
    is_up(lab, two)


@suite.test
def secrets_are_private(lab):
    for path in ("one/state/key", "one/state/enrolment", "two/state/enrolment",
                 "cma/cma-state/cma.key", "cma/cma-state/graph.db"):
        mode = os.stat(os.path.join(lab.directory, path)).st_mode & 0o777
        equal(mode, 0o600, path)


@suite.test
def revoked_within_a_second(lab):
    one = lab.nodes["one"]
    begun = time.monotonic()
    lab.cma.ctl("revoke", "one")
    equal(states(lab)["one"], "revoked", "its state")
    check(time.monotonic() - begun < 1, f"it took {time.monotonic() - begun:.2f} s")
    one.ip("addr", "add", "192.0.2.77/32", "dev", "lo")  # something to tell
    wait_until(lambda: "was revoked" in one.probe.text(), 30, one.probe.text)
    check("192.0.2.77" not in str(lab.cma.query("allips")), "it told something after that")
    check([row for row in lab.cma.query("allips") if row["host"] == "one"], "its data is gone")
    lab.cma.process.stop()
    lab.cma.start()
    equal(states(lab)["one"], "revoked", "its state after a restart")
    lab.cma.ctl("approve", [row for row in rows(lab, "agents") if row["host"] == "one"][0]
                ["fingerprint"])
    is_up(lab, one)
    wait_until(lambda: "192.0.2.77" in str(lab.cma.query("allips")), 30, one.probe.text)
    wrong = lab.cma.ctl("revoke", "onee", ok=False)
    equal(wrong.returncode, 2, "exit code")
    contains(wrong.stderr, "'one'", "the suggestion")


@suite.test
def tenants_do_not_see_each_other(lab):
    three = lab.nodes["three"]
    three.probe_start(lab.cma.token("--tenant", "red"))
    becomes(lambda: [row["host"] for row in rows(lab, "agents", "--tenant", "red")], ["three"], 20,
            "the agents of red")
    check("three" not in states(lab), "another tenant sees it")
    equal({row["tenant"] for row in rows(lab, "tokens", "--tenant", "red")}, {"red"}, "tokens")
    equal(lab.cma.ctl("revoke", "three", ok=False).returncode, 2, "exit code")
    equal(rows(lab, "agents", "--tenant", "red")[0]["state"], "up", "its state")
    fresh(three)


@suite.test
def a_cloned_key_is_an_incident(lab):
    one, three = lab.nodes["one"], lab.nodes["three"]
    join(lab, one)
    shutil.copytree(one.state, three.state)
    three.probe_start(None)

    def speak(*hosts):
        for host in hosts:
            host.ip("addr", "add", "192.0.2.88/32", "dev", "lo")
            host.ip("addr", "del", "192.0.2.88/32", "dev", "lo")

    def incident():
        speak(one, three)
        return [row for row in rows(lab, "incidents") if row["kind"] == "duplicate-key"]
    found = wait_until(incident, 60, lambda: one.probe.text() + three.probe.text(), step=0.5)
    for host in (one, three):
        contains(found[0]["text"], f"{host.address}:", "the incident")
    fresh(three)
    # The agent is called what the last of the two said, until the one that is left speaks.
    wait_until(lambda: speak(one) or "three" not in states(lab), 60,
               lambda: f"{states(lab)} {one.probe.text()}", step=0.5)
    lab.cma.ctl("incident", "clear", str(found[0]["id"]))
    equal(rows(lab, "incidents"), [], "what is open")


def start_on_machine(host, machine_id, *more):
    """Its nanoprobe, which sees that machine id; `ip netns exec` gives it mounts of its own."""
    with open(host.path("machine-id"), "w", encoding="ascii") as file:
        file.write(machine_id + "\n")
    host.probe = host.spawn(
        "sh", "-c", "mount --bind \"$0\" /etc/machine-id && exec \"$@\"",
        host.path("machine-id"), built("nanoprobe"), "--state-dir", host.state, *host.options(),
        *more, name="nanoprobe")


@suite.test
def a_copied_image_does_not_start(lab):
    host, first, second = lab.nodes["three"], "0123456789abcdef" * 2, "fedcba9876543210" * 2
    start_on_machine(host, first, "--token", lab.cma.token())
    is_up(lab, host)
    host.probe.stop()
    start_on_machine(host, second)
    equal(host.probe.wait(10), 1, "exit code on another machine")
    contains(host.probe.text(), "--accept-machine-id", "what it says")
    start_on_machine(host, second, "--accept-machine-id")
    is_up(lab, host)
    equal([row["host"] for row in rows(lab, "agents")].count("three"), 1, "hosts called three")
    fresh(host)


@suite.test
def a_restored_cma_is_an_incident(lab):
    one, cma = lab.nodes["one"], lab.cma
    join(lab, one)
    cma.process.stop()
    shutil.copytree(cma.state, cma.state + ".backup")
    cma.start()
    one.ip("addr", "add", "192.0.2.99/32", "dev", "lo")
    wait_until(lambda: "192.0.2.99" in str(cma.query("allips")), 30, one.probe.text)
    cma.process.stop()
    shutil.rmtree(cma.state)
    os.rename(cma.state + ".backup", cma.state)
    cma.start()
    check("192.0.2.99" not in str(cma.query("allips")), "the backup holds too much")
    one.ip("addr", "add", "192.0.2.100/32", "dev", "lo")
    wait_until(lambda: {"192.0.2.99", "192.0.2.100"} <= {row["ip"] for row in cma.query("allips")},
               60, one.probe.text)
    found = wait_until(lambda: rows(lab, "incidents", "all=yes", "kind=store-restored"), 10,
                       one.probe.text)
    equal((found[0]["node"], found[0]["concerned"]), ("default", 1), "the incident")
    becomes(lambda: rows(lab, "incidents", "kind=store-restored"), [], 20, "what is open")


if __name__ == "__main__":
    with Estate() as lab:
        switch = lab.switch("sw1")
        for name in ("cma", "one", "two", "three"):
            lab.host(name, switch, lldp=False)
        lab.cma_start(lab.nodes["cma"])
        suite.run(lab)
    suite.finish()
