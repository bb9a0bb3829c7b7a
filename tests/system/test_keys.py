#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The CMA's key is replaced under an offline root key; and what a host says that comes back
unchanged."""
import json
import os
import re

from lab import Cma, Estate, PORT, built, double, run
from suite import Suite, check, contains, wait_until

suite = Suite()


class Root:
    """The machine of the root key: it has no network and needs no CMA."""

    def __init__(self, lab, name):
        self.path = os.path.join(lab.directory, name)
        self.public = self.ctl("create")

    def ctl(self, what, *words):
        return run(built("cmactl"), "root", what, self.path, *words).stdout.strip()

    def sign(self, key, serial):
        return self.ctl("sign", key, str(serial))


def enrolment(host):
    with open(os.path.join(host.state, "enrolment"), encoding="ascii") as file:
        return json.load(file)


def serial_is(host, serial):
    wait_until(lambda: enrolment(host).get("serial") == serial, 20,
               lambda: f"{host.name} keeps {enrolment(host)}:\n{host.probe.text()}")


def says_something(lab, host, port):
    """A service that starts is a reason to speak; it is told when the CMA shows it."""
    process = host.spawn(double("serve"), "tcp", f"{host.address}:{port}")
    wait_until(lambda: any(row["host"] == host.name and row["port"] == port
                           for row in lab.cma.query("allipports")), 40,
               lambda: f"{host.name} is not heard:\n{host.probe.text()}")
    return process


def cma_start(lab, root):
    lab.cma.start("--root-key", root.public)


def cma_restart(lab, root):
    lab.cma.process.stop()
    cma_start(lab, root)


@suite.test
def certificates_that_are_refused(lab):
    root, other = lab.root, Root(lab, "other-root")
    first = lab.cma.ctl("-o", "json", "key", "status").stdout
    key = lab.cma.ctl("key", "next").stdout.strip()
    check(lab.cma.ctl("key", "next").stdout.strip() == key, "key next makes another one each time")
    for certificate, why in ((other.sign(key, 1), "root key did not sign"),
                             (root.sign(other.public, 1), "not for the key"),
                             ("rubbish", "certificate is what")):
        done = lab.cma.ctl("key", "rotate", certificate, ok=False)
        check(done.returncode, f"{certificate} was taken")
        contains(done.stderr, why)
    now = lab.cma.ctl("-o", "json", "key", "status").stdout
    check(json.loads(now)[0]["key"] == json.loads(first)[0]["key"], f"{first} became {now}")


@suite.test
def change_of_keys(lab):
    """Who is there is told, who was away is told when it comes back; then the old key ends."""
    one, two, late = (lab.nodes[name] for name in ("one", "two", "late"))
    lab.probes_start([one, two])
    old_token = lab.cma.token()
    pinned = enrolment(one)["cma_key"]
    two.probe.kill()
    key = lab.cma.ctl("key", "next").stdout.strip()
    lab.cma.ctl("key", "rotate", lab.root.sign(key, 1))
    says_something(lab, one, 7001)
    serial_is(one, 1)
    check(enrolment(one)["cma_key"] == key and enrolment(one)["pinned"] == pinned, enrolment(one))
    cma_restart(lab, lab.root)
    two.probe_start(None)
    says_something(lab, two, 7002)
    serial_is(two, 1)
    late.probe_start(old_token)  # made before, used while both keys count
    says_something(lab, late, 7003)
    serial_is(late, 1)
    lab.cma.ctl("key", "retire")
    again = lab.cma.ctl("key", "retire", ok=False)
    check(again.returncode and "no old key" in again.stderr, again)


@suite.test
def after_the_end_of_the_old_key(lab):
    hosts = [lab.nodes[name] for name in ("one", "two", "late")]
    for host in hosts:
        host.probe.kill()
    cma_restart(lab, lab.root)
    for number, host in enumerate(hosts):
        host.probe_start(None)
        says_something(lab, host, 7010 + number)
    files = set(os.listdir(lab.cma.state))
    check("key.next" not in files, files)
    for name in ("cma.key", "reset.key", "certificate"):
        mode = os.stat(os.path.join(lab.cma.state, name)).st_mode & 0o777
        check(mode == 0o600, f"{name} has mode {mode:o}")
    fresh = lab.nodes["fresh"]
    fresh.probe_start(lab.cma.token())
    says_something(lab, fresh, 7020)


def counted(host):
    """UDP payload that the host has sent to the CMA: (datagrams, bytes)."""
    text = host.run("nft", "list", "table", "inet", "count").stdout
    found = re.search(r"packets (\d+) bytes (\d+)", text)
    return int(found.group(1)), int(found.group(2)) - 28 * int(found.group(1))


@suite.test
def unchanged_host_comes_back(lab):
    """It is killed, so that nobody says goodbye, and says at most 300 bytes when it is back, not
    counting what answers a list of neighbours (HELD alone: 55 bytes)."""
    host = lab.nodes["one"]
    host.run("nft", "add table inet count; add chain inet count out "
             "{ type filter hook output priority 0; }; "
             f"add rule inet count out udp dport {PORT} udp length != {55 + 8} counter")
    for attempt in range(3):  # the first may find what the tests before have left changed
        host.probe.kill()
        before = counted(host)
        host.probe_start(None, "--log-level", "debug")
        wait_until(lambda: "the CMA has all up to" in host.probe.text(), 30, host.probe.text)
        after = counted(host)
        packets, size = after[0] - before[0], after[1] - before[1]
        print(f"    restart {attempt + 1}: {packets} datagrams, {size} bytes of UDP payload")
    check(size <= 300, f"{size} bytes in {packets} datagrams:\n{host.probe.text()}")


def main():
    with Estate() as lab:
        switch = lab.switch("sw1")
        for name in ("cma", "one", "two", "late", "fresh"):
            lab.host(name, switch, lldp=False)
        lab.root = Root(lab, "root")
        lab.cma = Cma(lab.nodes["cma"])
        cma_start(lab, lab.root)
        suite.run(lab)
    suite.finish()


if __name__ == "__main__":
    main()
